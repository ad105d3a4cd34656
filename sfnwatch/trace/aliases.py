"""Aliases for showing a screen to strangers: `account-1`, `machine-1`, `task-2`.

Names are learnt from the trace and keep their alias for good, so that what is equal
stays equal. States keep their names, being what is explained, and so do services,
regions and actions.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from sfnwatch.trace.alias_mask import Mask, is_alias
from sfnwatch.trace.alias_names import (
    Named,
    names_in_arns,
    names_in_record,
    names_in_text,
)
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.events import Received
from sfnwatch.trace.map_runs import ListedChild
from sfnwatch.trace.payload import text_of
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Timeline, Trace

_RANDOM = re.compile(r"[0-9a-f]{8}[0-9a-f-]{24,28}")
_SHORT = 8
"""Characters that a random id is shown with."""


@dataclass(frozen=True, slots=True)
class Aliases:
    """What is masked, and by what; `learned` gives a new one that knows more."""

    names: Mapping[str, str] = field(default_factory=dict)
    """Originals, cleaned, to their aliases."""
    _counts: Mapping[str, int] = field(default_factory=dict, repr=False)
    """A kind to the last number given."""
    _mask: Mask = field(default_factory=lambda: Mask({}), repr=False, compare=False)
    _trace: Trace = field(default_factory=Trace, repr=False, compare=False)
    """What was learnt from: only what is new in the next one is looked at."""

    def learned(self, trace: Trace) -> "Aliases":
        """Learn the names in a trace; names known before keep their alias."""
        book = _Book(dict(self.names), dict(self._counts), set(self.names.values()))
        for kind, name in _names_in(self._trace, trace):
            book.enter(kind, clean(name))
        grown = len(book.names) > len(self.names)
        mask = Mask(book.names) if grown else self._mask
        return Aliases(book.names, book.counts, mask, trace)

    def mask(self, text: str) -> str:
        """Replace every known name in a text, and what looks private by itself."""
        return self._mask(text)


class _Book(Struct):
    """The names of one `learned`, copied once for the whole trace."""

    names: dict[str, str]
    counts: dict[str, int]
    aliases: set[str]

    def enter(self, kind: str, name: str) -> None:
        """Give a name its kind's next number; a random id is known by its head too."""
        if name in self.names or name in self.aliases or is_alias(name):
            return
        number = self.counts.get(kind, 0) + 1
        while f"{kind}-{number}" in self.names:
            number += 1
        alias = f"{kind}-{number}"
        self.counts[kind] = number
        self.names[name] = alias
        self.aliases.add(alias)
        if _RANDOM.fullmatch(name):
            self.names.setdefault(name[:_SHORT], alias)


# -- where names are -------------------------------------------------------------


def _names_in(before: Trace, trace: Trace) -> Iterator[Named]:
    """Yield the names in what is new; what an execution is comes first."""
    for arn, timeline in trace.histories.items():
        old = before.histories.get(arn, Timeline(arn))
        if timeline is not old:
            yield from _names_in_timeline(old, timeline)
    for arn, child in trace.listed.items() if trace.listed is not before.listed else ():
        if arn not in before.listed:
            yield from _names_in_child(child)
    for call in trace.ordered_calls if trace.calls is not before.calls else ():
        if before.calls.get(call.event_id) is not call:
            yield from _names_in_call(call)
    for lane, health in trace.healths.items():
        if before.healths.get(lane) is not health:
            yield from names_in_record(health.data)


def _names_in_timeline(old: Timeline, timeline: Timeline) -> Iterator[Named]:
    for arn in (
        timeline.execution_arn,
        timeline.state_machine_arn,
        timeline.role_arn,
    ):
        yield from names_in_arns(clean(arn or ""))
    yield from _names_in_answer(old.described, timeline.described)
    yield from _names_in_answer(old.defined, timeline.defined)
    for event in timeline.ordered:
        if old.events.get(event.id) is not event:
            yield from names_in_record(event.record or event.details)


def _names_in_child(child: ListedChild) -> Iterator[Named]:
    """Yield what is listed of an execution, whether its history is here or not."""
    for key in ("executionArn", "stateMachineArn", "mapRunArn"):
        yield from names_in_arns(clean(text_of(child.raw.get(key)) or ""))


def _names_in_answer(old: Received | None, new: Received | None) -> Iterator[Named]:
    if new is not None and new is not old:
        yield from names_in_record(new.data)


def _names_in_call(call: ApiCall) -> Iterator[Named]:
    yield from names_in_text(clean(call.role_arn or ""))
    yield from names_in_record(call.raw)
