"""The executions that the picker has listed so far, and what it says of them."""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from msgspec import Struct, field

from sfnwatch.analysis.lists import some
from sfnwatch.clock import Clock
from sfnwatch.errors import SfnwatchError
from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.execution_list import (
    RUNNING,
    LeftOut,
    ListedBy,
    ListedExecution,
    Listing,
)
from sfnwatch.model.texts import clean
from sfnwatch.recording.library import ListedRecording
from sfnwatch.tui.execution_rows import LIMIT, has_words, row_spans
from sfnwatch.tui.looks import Looks
from sfnwatch.tui.ranked_words import RankedWords, ranked
from sfnwatch.tui.source_words import refusal_spans
from sfnwatch.tui.spans import Span, Spans
from sfnwatch.view.parts import Part, Role, counted, status_glyph

ListExecutions = Callable[[], AsyncGenerator[Listing, None]]
"""Begins to list executions; raises SfnwatchError if they can't be listed."""
ReadRecordings = Callable[[], AsyncGenerator[Sequence[ListedRecording], None]]
"""Begins to read the recordings, some at a time."""
_LONG = 600
Choice = ListedExecution | ListedRecording


class ExecutionList(Struct):
    """All executions listed so far, and how far the list has come."""

    executions: dict[str, ListedExecution] = field(default_factory=dict)
    left_out: dict[str, LeftOut] = field(default_factory=dict)
    last: Listing = field(default_factory=Listing)
    asking: bool = False
    refused: SfnwatchError | None = None
    fresh: dict[str, ListedExecution] = field(default_factory=dict)
    """The executions that this listing has brought, and not only one before it."""

    def begin(self) -> None:
        """Begin to list again; known executions stay until all have been listed."""
        self.fresh = {}
        self.asking = True
        self.refused = None
        self.last = Listing(by=self.last.by)
        self.left_out = {}

    def take(self, listing: Listing) -> None:
        """Take in one step of the list."""
        self.fresh.update((each.arn, each) for each in listing.executions)
        self.executions |= self.fresh
        self.left_out.update((each.machine, each) for each in listing.left_out)
        self.last = listing
        self.asking = not listing.spent

    def found(self, words: str, looks: Looks) -> list[ListedExecution]:
        """Return the hits: running, failed, the rest; of a Map Run, failures first."""
        found = [each for each in self.executions.values() if has(each, words, looks)]
        if self.last.by is ListedBy.MAP_RUN:
            return sorted(found, key=lambda each: each.failed_first)
        return sorted(found, key=lambda each: each.to_choose_from)

    @property
    def progress(self) -> RankedWords:
        """How far the list has come, in words."""
        last = self.last
        known = counted(last.known, str(last.by))
        known = known.replace(" ", "+ ", 1) if last.more else known
        if last.spent:
            words = f"  asked {last.asked:,} of {known}: + asks more"
            return ranked(0, words, "role--warn")
        if self.asking:
            far = f", {last.asked:,} of {known}" if last.known else ""
            return ranked(0, f"  asking{far} …", "role--busy")
        of = f"  {counted(len(self.executions), 'execution')} of {known}"
        return ranked(0, of if last.known else "", "role--dim")

    def silence(self, words: str, source: "PickerSource") -> Iterator[Spans]:
        """Yield why there is nothing to choose from, and what to do."""
        if self.executions:
            yield [Span(f"No execution has “{clean(words, LIMIT)}”.")]
            yield [Span("escape shows all of them.", "role--dim")]
        elif self.refused is None and (self.asking or self.last.spent):
            yield [Span("Asking for executions …", "role--busy")]
        else:
            if self.refused is None:
                yield from ([Span(each)] for each in self._none(source))
            yield [Span("Without AWS: sfnwatch demo watches a simulated account.")]
            yield [Span("r retry · q quit", "role--dim")]

    def _none(self, source: "PickerSource") -> Iterator[str]:
        """Yield what AWS listed nothing of, and what else could be asked for."""
        only = f" that are {source.only}," if source.only else ""
        of = counted(self.last.known, str(self.last.by))
        yield f"No executions{only} of {of} in {clean(source.region, LIMIT)}."
        if self.last.by is ListedBy.MAP_RUN:
            return
        yield "AWS lists those of the last 90 days, no Express ones."
        yield "Choose another --region, --profile, --status or --since."
        yield "sfnwatch MACHINE --next waits for one to start."

    def troubles(self) -> Iterator[Spans]:
        """Yield what the list leaves out, or why there is no list."""
        if self.refused is not None:
            yield refusal_spans(self.refused)
        every = self.left_out.values()
        express = [clean(each.machine, LIMIT) for each in every if each.express]
        others = [each for each in every if not each.express]
        for first in others[:1]:
            more = f" And {len(others) - 1} more." if len(others) > 1 else ""
            name = clean(first.machine, LIMIT)
            reason = clean(first.reason, _LONG)
            left_out = Span(f"▲ Left out: {name}. ", "role--warn")
            yield [left_out, Span(f"{reason}{more}")]
        if express:
            words = f"Left out: {some(express)}. AWS lists no Express executions."
            yield [Span(words, "role--dim")]


def has(choice: Choice, words: str, looks: Looks) -> bool:
    """True for a choice with all the words; a masked name is not found."""
    if isinstance(choice, ListedExecution):
        shown = choice.machine, choice.name, choice.status
        return has_words(shown, words, looks.mask)
    if looks.masked and not choice.watched:
        return False  # nothing but the file's name is known of it
    names = [name for arn, _ in choice.watched for name in _names(arn)]
    return has_words((choice.status, *(names or [choice.name])), words, looks.mask)


def _names(arn: str) -> tuple[str, str]:
    parsed = maybe_execution_arn(arn)
    return (parsed.state_machine_name, parsed.name) if parsed else ("", arn)


def recording_row(
    recording: ListedRecording, width: int, looks: Looks, *, marked: bool
) -> list[Span]:
    """Return a row: the first execution and a count, or a bad file and its trouble."""
    watched = recording.watched
    status = recording.status
    began = recording.began
    seconds = recording.seconds
    end = began + timedelta(seconds=seconds) if seconds is not None else None
    machine, name = _names(watched[0][0]) if watched else ("", recording.name)
    note = Part(f"and {len(watched) - 1} more" if watched[1:] else "", Role.DIM)
    # The recording ended while it ran: by now it may long be over.
    glyph = Part(status_glyph(status).text, Role.DIM) if status in RUNNING else None
    if recording.trouble:
        glyph = Part("▲", Role.WARN)
        status = "bad file"
        machine, name = recording.name, ""  # the room is for what is wrong with it
        note = Part(recording.trouble, Role.WARN)
    told = ListedExecution("", machine, name, status, began, end)
    return row_spans(
        told, end or began, width, looks, note=note, glyph=glyph, marked=marked
    )


class PickerSource(NamedTuple):
    """What there is to choose from, and how to get it."""

    list_executions: ListExecutions
    clock: Clock
    region: str = ""
    recordings: ReadRecordings | None = None
    only: str = ""
    """Which executions are asked for, in words; empty for all."""
