"""The executions that the picker has listed so far, and what it says of them."""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct, field

from sfnwatch.analysis.lists import some
from sfnwatch.clock import Clock
from sfnwatch.errors import SfnwatchError
from sfnwatch.model.execution_list import LeftOut, ListedBy, ListedExecution, Listing
from sfnwatch.model.texts import clean
from sfnwatch.recording.library import ListedRecording
from sfnwatch.tui.execution_rows import LISTED_NAME_CHARACTERS
from sfnwatch.tui.looks import Looks
from sfnwatch.tui.picker_choices import choice_has
from sfnwatch.tui.ranked_words import RankedWords, ranked_words
from sfnwatch.tui.source_words import refusal_spans
from sfnwatch.tui.spans import Span, Spans
from sfnwatch.view.parts import counted

ListExecutions = Callable[[], AsyncGenerator[Listing, None]]
"""Begins to list executions; raises SfnwatchError if they can't be listed."""
ReadRecordings = Callable[[], AsyncGenerator[Sequence[ListedRecording], None]]
"""Begins to read the recordings, some at a time."""
_REASON_LENGTH = 600
"""Most characters of why something is left out."""


class PickerSource(NamedTuple):
    """What there is to choose from, and how to get it."""

    list_executions: ListExecutions
    clock: Clock
    region: str = ""
    recordings: ReadRecordings | None = None
    only: str = ""
    """Which executions are asked for, in words; empty for all."""


class ExecutionList(Struct):
    """All executions listed so far, and how far the list has come."""

    executions: dict[str, ListedExecution] = field(default_factory=dict)
    """By ARN."""
    left_out: dict[str, LeftOut] = field(default_factory=dict)
    """By the state machine's name."""
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
        for execution in listing.executions:
            self.fresh[execution.arn] = execution
        self.executions |= self.fresh
        for left_out in listing.left_out:
            self.left_out[left_out.machine] = left_out
        self.last = listing
        self.asking = not listing.spent

    def hits(self, words: str, looks: Looks) -> list[ListedExecution]:
        """Return the hits: running, failed, the rest; of a Map Run, failures first."""
        hits = [
            execution
            for execution in self.executions.values()
            if choice_has(execution, words, looks)
        ]
        if self.last.by is ListedBy.MAP_RUN:
            return sorted(hits, key=lambda execution: execution.failed_first)
        return sorted(hits, key=lambda execution: execution.to_choose_from)

    @property
    def progress(self) -> RankedWords:
        """How far the list has come, in words."""
        last = self.last
        known = counted(last.known, str(last.by))
        if last.more:
            known = known.replace(" ", "+ ", 1)
        if last.spent:
            words = f"  asked {last.asked:,} of {known}: + asks more"
            return ranked_words(0, words, "role--warn")
        if self.asking:
            progress = f", {last.asked:,} of {known}" if last.known else ""
            return ranked_words(0, f"  asking{progress} …", "role--busy")
        words = f"  {counted(len(self.executions), 'execution')} of {known}"
        return ranked_words(0, words if last.known else "", "role--dim")

    def emptiness(self, words: str, source: PickerSource) -> Iterator[Spans]:
        """Yield why there is nothing to choose from, and what to do."""
        if self.executions:
            yield [Span(f"No execution has “{clean(words, LISTED_NAME_CHARACTERS)}”.")]
            yield [Span("escape shows all of them.", "role--dim")]
        elif self.refused is None and (self.asking or self.last.spent):
            yield [Span("Asking for executions …", "role--busy")]
        else:
            if self.refused is None:
                for sentence in self._none_listed(source):
                    yield [Span(sentence)]
            yield [Span("Without AWS: sfnwatch demo watches a simulated account.")]
            yield [Span("r retry · q quit", "role--dim")]

    def _none_listed(self, source: PickerSource) -> Iterator[str]:
        """Yield what AWS listed nothing of, and what else could be asked for."""
        only = f" that are {source.only}," if source.only else ""
        region = clean(source.region, LISTED_NAME_CHARACTERS)
        known = counted(self.last.known, str(self.last.by))
        yield f"No executions{only} of {known} in {region}."
        if self.last.by is ListedBy.MAP_RUN:
            return
        yield "AWS lists those of the last 90 days, no Express ones."
        yield "Choose another --region, --profile, --status or --since."
        yield "sfnwatch MACHINE --next waits for one to start."

    def troubles(self) -> Iterator[Spans]:
        """Yield what the list leaves out, or why there is no list."""
        if self.refused is not None:
            yield refusal_spans(self.refused)
        express: list[str] = []
        others: list[LeftOut] = []
        for left_out in self.left_out.values():
            if left_out.express:
                express.append(clean(left_out.machine, LISTED_NAME_CHARACTERS))
            else:
                others.append(left_out)
        if others:
            name = clean(others[0].machine, LISTED_NAME_CHARACTERS)
            reason = clean(others[0].reason, _REASON_LENGTH)
            more = f" And {len(others) - 1} more." if len(others) > 1 else ""
            yield [Span(f"▲ Left out: {name}. ", "role--warn"), Span(f"{reason}{more}")]
        if express:
            words = f"Left out: {some(express)}. AWS lists no Express executions."
            yield [Span(words, "role--dim")]
