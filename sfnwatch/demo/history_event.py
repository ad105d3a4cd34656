"""An event of an execution's history."""

from datetime import datetime

import msgspec

from sfnwatch.demo.formats import (
    Json,
    epoch_seconds,
)

# The two families whose details don't carry the event's own name.
_FAMILIES = ("StateEntered", "StateExited")


class DemoEvent(msgspec.Struct, eq=False):
    at: datetime
    kind: str
    details: Json
    follows: "DemoEvent | None" = None
    event_id: int = 0

    @property
    def previous(self) -> int:
        """Return the id of the event that it follows."""
        return self.follows.event_id if self.follows else 0

    def wire(self) -> Json:
        """Return what GetExecutionHistory sends."""
        family = next((f for f in _FAMILIES if self.kind.endswith(f)), self.kind)
        # Some types have no details at all: ParallelStateStarted, MapStateSucceeded.
        key = f"{family[:1].lower()}{family[1:]}EventDetails"
        return {
            "timestamp": epoch_seconds(self.at),
            "type": self.kind,
            "id": self.event_id,
            "previousEventId": self.previous,
        } | ({key: self.details} if self.details else {})
