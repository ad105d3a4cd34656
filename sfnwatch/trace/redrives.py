"""The times that an execution was taken up again where it had ended.

A redrive has the same execution go on: its events are appended to the same history,
with ExecutionRedriven between the old end and what is run again. That is documented;
no recording shows one, so what follows on what in it is inferred.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from msgspec import Struct

from sfnwatch.trace.history import HistoryEvent

REDRIVEN = "ExecutionRedriven"
_TEENS = range(11, 14)
_SUFFIXES = {1: "st", 2: "nd", 3: "rd"}
_LATER = {
    "ExecutionSucceeded": "succeeded",
    "ExecutionFailed": "failed",
    "ExecutionTimedOut": "timed out",
    "ExecutionAborted": "was aborted",
}


class Redrive(Struct, frozen=True):
    """One time that it was taken up again."""

    event: HistoryEvent
    ended: HistoryEvent | None
    """The end before it; None where that event is missing."""
    number: int
    """Which time it is, from 1."""

    @property
    def at(self) -> datetime:
        return self.event.timestamp

    @property
    def seconds(self) -> float | None:
        """How long the execution had been over."""
        if self.ended is None:
            return None
        return (self.at - self.ended.timestamp).total_seconds()

    @property
    def ended_words(self) -> str:
        """Say how it had ended: `failed`, `was aborted`."""
        return _LATER.get(self.ended.type, "ended") if self.ended else "ended"


def find_redrives(
    events: Iterable[HistoryEvent], endings: Collection[str]
) -> tuple[Redrive, ...]:
    """Find each redrive among events in order, with the end that it followed.

    AWS counts them; where the count is missing, they are counted as they come.
    """
    found: list[Redrive] = []
    ended: HistoryEvent | None = None
    for event in events:
        if event.type in endings:
            ended = event
        elif event.type == REDRIVEN:
            number = counted(event) or (found[-1].number if found else 0) + 1
            found.append(Redrive(event, ended, number))
            ended = None
    return tuple(found)


def counted(event: HistoryEvent) -> int | None:
    """Give AWS's count of redrives up to an event, of an execution or a Map Run."""
    count = event.details.get("redriveCount")
    if not isinstance(count, int) or isinstance(count, bool):
        return None
    return count if count > 0 else None


def ordinal(number: int) -> str:
    """Write `1st`, `2nd`, `12th`."""
    teen = number % 100 in _TEENS
    suffix = "th" if teen else _SUFFIXES.get(number % 10, "th")
    return f"{number}{suffix}"
