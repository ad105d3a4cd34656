"""The health of a source, as it reports it itself."""

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
    """The state of a source, the worst first.

    The order is from trouble that needs the user to sources that have ended. A lane
    with several sources is in the state that comes first.
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
    """The execution has ended and all its records are here; a redrive may come."""
    REFUSED = "refused"
    """AWS refuses for good: asking again is of no use."""
    UNSUPPORTED = "unsupported"
    """The endpoint is not AWS, and does not have this operation."""
    UNRECORDED = "unrecorded"
    """The endpoint is not AWS, and has recorded no call at all."""
    ENDED = "ended"

    @property
    def rank(self) -> int:
        return list(HealthState).index(self)


WITHOUT_CALLS = frozenset({HealthState.UNSUPPORTED, HealthState.UNRECORDED})
"""The states of CloudTrail where the endpoint is not AWS and has no calls to show."""


class SourceHealth(Struct, frozen=True):
    """One report of a source's health; it is recorded like any other record.

    Its record is the JSON object `{"lane", "state", "message", "retry_in",
    "complete_to", "lag", "until", "requests", "source", "endpoint"}`, without nulls.
    """

    lane: str
    """`history`, `definition`, `lookup`, `children` for executions started by the
    watched ones, `others` for other executions of their state machines, `recording` or
    `otlp`."""
    state: HealthState
    message: str = ""
    """What was tried, what AWS answered, and what to do; empty while all is well."""
    retry_in: float | None = None
    """Seconds until the next try."""
    coverage: datetime | None = field(default=None, name="complete_to")
    """All calls up to this time are believed to have been delivered."""
    lag: float | None = None
    """Seconds by which the lane is behind."""
    until: datetime | None = None
    """When the drain ends."""
    requests: int = 0
    """Requests this source has made so far."""
    source: str = ""
    """The source's name where several fill one lane: `queue`, `archive`. Empty for
    LookupEvents and for the history."""
    endpoint: str = ""
    """The host and port that answered, if they are not AWS's; empty for AWS."""
    seen_at: datetime | None = None
    """When the report was received, if it was."""

    @property
    def since(self) -> datetime | None:
        return self.seen_at

    @property
    def order(self) -> tuple[float, ...]:
        """A sort key: the time, then the requests made, then the other fields.

        A sped-up clock may give several reports the same time.
        """
        at, *others = map(stamp, (self.seen_at, self.coverage, self.until))
        numbers = (self.retry_in, self.lag)
        known = (-1.0 if each is None else each for each in numbers)
        return (at, self.requests, self.state.rank, *others, *known)

    def as_record(self) -> dict[str, Any]:
        """Return the JSON object that is recorded."""
        record: dict[str, Any] = {}
        for info in fields(self):
            value = getattr(self, info.name)
            if info.name == "seen_at" or value is None or value == "":
                continue
            is_time = isinstance(value, datetime)
            record[info.encode_name] = iso(value) if is_time else value
        return record


def decode_health(received: Received) -> SourceHealth:
    """Return the health of a record; a state of a later version is read as `live`."""
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
    """Return one health for a lane: the worst state, and merged figures."""
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
        endpoint=max(health.endpoint for health in healths),
    )


def _merged_coverage(healths: Iterable[SourceHealth]) -> datetime | None:
    """Return the time up to which a lane is complete; None where it is not known.

    Healths of one source, each for another execution, are complete up to the earliest
    of their times. Different sources bring the same records, so the latest of their
    times counts.
    """
    by_source: dict[str, list[datetime | None]] = {}
    for health in healths:
        by_source.setdefault(health.source, []).append(health.coverage)
    reached = (min(at for at in ats if at) for ats in by_source.values() if all(ats))
    return max(reached, default=None)
