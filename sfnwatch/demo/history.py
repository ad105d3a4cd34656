"""The events of one execution, in GetExecutionHistory's own form."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sfnwatch.demo.times import epoch_seconds

# The two families whose details don't carry the event's own name.
_DETAILS = {
    "StateEntered": "stateEnteredEventDetails",
    "StateExited": "stateExitedEventDetails",
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
        # Some types have no details at all: ParallelStateStarted, MapStateSucceeded.
        return {
            "timestamp": epoch_seconds(self.at),
            "type": self.kind,
            "id": self.event_id,
            "previousEventId": self.previous,
        } | ({_details_key(self.kind): details} if self.details else {})


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """An event that has no id yet: what else happens before it is not known."""

    at: datetime
    kind: str
    details: dict[str, Any]
    previous: "Draft | None"


class History:
    """Takes the events of branches one branch after the other."""

    def __init__(self) -> None:
        self._drafts: list[Draft] = []

    def add(
        self,
        at: datetime,
        kind: str,
        details: dict[str, Any],
        *,
        previous: Draft | None = None,
    ) -> Draft:
        """Take an event; without a previous one it points at 0."""
        draft = Draft(at, kind, details, previous)
        self._drafts.append(draft)
        return draft

    def numbered(self) -> tuple[HistoryEvent, ...]:
        """Return the events of all branches in the order of time, which is that of ids.

        The sort is stable, so that nothing comes before what it follows.
        """
        drafts = sorted(self._drafts, key=lambda draft: draft.at)
        ids: dict[Draft | None, int] = {each: n for n, each in enumerate(drafts, 1)}
        return tuple(
            HistoryEvent(
                each.at, ids[each], each.kind, ids.get(each.previous, 0), each.details
            )
            for each in drafts
        )


def _details_key(kind: str) -> str:
    for family, key in _DETAILS.items():
        if kind.endswith(family):
            return key
    return f"{kind[:1].lower()}{kind[1:]}EventDetails"


def with_input(text: str) -> dict[str, Any]:
    """Return the two members of every event that has an input."""
    return {"input": text, "inputDetails": {"truncated": False}}


def with_output(text: str) -> dict[str, Any]:
    """Return the two members of every event that has an output."""
    return {"output": text, "outputDetails": {"truncated": False}}
