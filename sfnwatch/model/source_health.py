"""How a source is doing, as it says itself."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct, field
from msgspec.structs import fields

from sfnwatch.model.records import Received
from sfnwatch.model.times import iso, stamp
from sfnwatch.model.values import read_fields


class HealthState(StrEnum):
    """How a source is doing, in one word.

    First stands trouble that needs somebody, and last what has ended: of several
    sources, a lane is in the state that stands first.
    """

    EXPIRED = "expired"
    DENIED = "denied"
    THROTTLED = "throttled"
    RETRYING = "retrying"
    CONNECTING = "connecting"
    LIVE = "live"
    DRAINING = "draining"
    """The execution has ended; late records are still awaited."""
    WAITING = "waiting"
    """The execution has ended, and all is in; a redrive may yet come."""
    REFUSED = "refused"
    """Gone for good: AWS will not answer this, however often it is asked."""
    ENDED = "ended"

    @property
    def rank(self) -> int:
        return list(HealthState).index(self)


class SourceHealth(Struct, frozen=True):
    """How one source is doing; trouble is an event like any other.

    As a record it is the JSON object `{"lane", "state", "message", "retry_in",
    "complete_to", "lag", "until", "requests", "source"}`, nulls left out.
    """

    lane: str
    """`history`, `definition`, `lookup`, `children` for what executions started,
    `others` for what else ran on their state machines, `recording`, or `otlp`."""
    state: HealthState
    message: str = ""
    """What was tried, what AWS said, what to do; empty while all is well."""
    retry_in: float | None = None
    """Seconds until the next try."""
    coverage: datetime | None = field(default=None, name="complete_to")
    """All calls up to here are believed to have been delivered."""
    lag: float | None = None
    """Seconds by which the lane is behind."""
    until: datetime | None = None
    """When the drain ends."""
    requests: int = 0
    """Requests this source has made so far."""
    source: str = ""
    """Which it is of several that fill the lane: `queue`, `archive`; LookupEvents, and
    the history, go without."""
    seen_at: datetime | None = None
    """When that was said, where it was received."""

    @property
    def since(self) -> datetime | None:
        return self.seen_at

    @property
    def order(self) -> tuple[float, ...]:
        """Sort reports; of a moment, as of a sped-up clock's, by the requests made."""
        at, *others = map(stamp, (self.seen_at, self.coverage, self.until))
        numbers = (self.retry_in, self.lag)
        known = (-1.0 if each is None else each for each in numbers)
        return (at, self.requests, self.state.rank, *others, *known)

    def as_record(self) -> dict[str, Any]:
        """Give it as the JSON object that is recorded."""
        told = {each.encode_name: getattr(self, each.name) for each in fields(self)}
        del told["seen_at"]
        return {
            key: iso(value) if isinstance(value, datetime) else value
            for key, value in told.items()
            if value is not None and value != ""
        }


def decode_health(received: Received) -> SourceHealth:
    """Read a health record; a state of a later version is taken as `live`."""
    record = received.record
    state = record.get("state")
    known = state in list(HealthState)
    return read_fields(
        SourceHealth,
        record,
        lane=str(record.get("lane")),
        state=HealthState(str(state)) if known else HealthState.LIVE,
        seen_at=received.at,
    )


def merge_healths(lane: str, healths: Sequence[SourceHealth]) -> SourceHealth:
    """Give a lane one health: the worst of its sources', and what holds for all."""
    if len(healths) == 1:
        return healths[0]
    worst = min(healths, key=lambda health: health.state.rank)
    return SourceHealth(
        lane=lane,
        state=worst.state,
        message=worst.message,
        retry_in=worst.retry_in,
        coverage=_merged_coverage(healths),
        lag=max((h.lag for h in healths if h.lag is not None), default=None),
        until=max((h.until for h in healths if h.until), default=None),
        requests=sum(health.requests for health in healths),
    )


def _merged_coverage(healths: Iterable[SourceHealth]) -> datetime | None:
    """Say up to when a lane is complete.

    Of sources that do the same, each for an execution, up to where all are; where the
    same records come in several ways, up to where the furthest is.
    """
    by_source: dict[str, list[datetime | None]] = {}
    for health in healths:
        by_source.setdefault(health.source, []).append(health.coverage)
    reached = (min(at for at in ats if at) for ats in by_source.values() if all(ats))
    return max(reached, default=None)
