"""The events of one execution, in GetExecutionHistory's own form."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sfnwatch.demo.times import epoch_seconds

# The two families whose details don't carry the event's own name.
_DETAILS = {
    "TaskStateEntered": "stateEnteredEventDetails",
    "TaskStateExited": "stateExitedEventDetails",
}
_DATA = ("input", "inputDetails", "output", "outputDetails")


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    at: datetime
    event_id: int
    kind: str
    previous: int
    details: dict[str, Any]

    def wire(self, *, data: bool = True) -> dict[str, Any]:
        """Return what AWS sends; without inputs and outputs on request."""
        details = self.details
        if not data:
            details = {key: details[key] for key in details if key not in _DATA}
        return {
            "timestamp": epoch_seconds(self.at),
            "type": self.kind,
            "id": self.event_id,
            "previousEventId": self.previous,
            _details_key(self.kind): details,
        }


class History:
    """Grows by one event at a time, each after the one before unless said."""

    def __init__(self) -> None:
        self.events: list[HistoryEvent] = []

    def add(
        self,
        at: datetime,
        kind: str,
        details: dict[str, Any],
        *,
        previous: int | None = None,
    ) -> None:
        """Append an event."""
        last = len(self.events)
        previous = last if previous is None else previous
        self.events.append(HistoryEvent(at, last + 1, kind, previous, details))


def _details_key(kind: str) -> str:
    return _DETAILS.get(kind) or f"{kind[:1].lower()}{kind[1:]}EventDetails"


def with_input(text: str) -> dict[str, Any]:
    """Return the two members of every event that has an input."""
    return {"input": text, "inputDetails": {"truncated": False}}


def with_output(text: str) -> dict[str, Any]:
    """Return the two members of every event that has an output."""
    return {"output": text, "outputDetails": {"truncated": False}}
