"""How each lane's source is doing, and how a lane does that several sources fill."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sfnwatch.trace.events import HealthState, Received, SourceHealth
from sfnwatch.trace.payload import text_of
from sfnwatch.trace.times import maybe_time

_WORST_FIRST = (
    HealthState.EXPIRED,
    HealthState.DENIED,
    HealthState.THROTTLED,
    HealthState.RETRYING,
    HealthState.CONNECTING,
    HealthState.LIVE,
    HealthState.DRAINING,
    HealthState.WAITING,
    HealthState.REFUSED,
    HealthState.ENDED,
)
"""Of several: trouble that needs somebody first, and last what is over and done."""


def health_key(received: Received) -> str:
    """Tell sources of one lane apart: each execution has a history of its own."""
    source = text_of(received.data.get("source"))
    lane = str(received.data.get("lane"))
    lane = f"{lane}/{source}" if source else lane
    return f"{lane} {received.execution_arn}" if received.execution_arn else lane


def read_health(data: Mapping[str, Any]) -> SourceHealth:
    """Read a health record; a state of a later version is taken as `live`."""
    state = data.get("state")
    retry_in, lag, requests = (data.get(k) for k in ("retry_in", "lag", "requests"))
    return SourceHealth(
        lane=str(data.get("lane")),
        state=HealthState(state) if state in list(HealthState) else HealthState.LIVE,
        message=text_of(data.get("message")) or "",
        retry_in=float(retry_in) if isinstance(retry_in, int | float) else None,
        complete_to=maybe_time(data.get("complete_to")),
        lag=float(lag) if isinstance(lag, int | float) else None,
        until=maybe_time(data.get("until")),
        requests=requests if isinstance(requests, int) else 0,
        source=text_of(data.get("source")) or "",
    )


def by_lane(healths: Iterable[SourceHealth]) -> Mapping[str, SourceHealth]:
    """Give each lane one health: the worst of its sources', and what holds for all."""
    lanes: dict[str, list[SourceHealth]] = {}
    for health in healths:
        lanes.setdefault(health.lane, []).append(health)
    return {
        lane: found[0] if len(found) == 1 else _merged(lane, found)
        for lane, found in lanes.items()
    }


def _merged(lane: str, found: list[SourceHealth]) -> SourceHealth:
    worst = min(found, key=lambda health: _WORST_FIRST.index(health.state))
    return SourceHealth(
        lane=lane,
        state=worst.state,
        message=worst.message,
        retry_in=worst.retry_in,
        complete_to=_complete_to(found),
        lag=max((h.lag for h in found if h.lag is not None), default=None),
        until=max((h.until for h in found if h.until), default=None),
        requests=sum(health.requests for health in found),
    )


def _complete_to(found: list[SourceHealth]) -> datetime | None:
    """Say how far a lane is complete.

    Of those that do the same, each for an execution, to where all are; where the same
    records come in several ways, to where the furthest is.
    """
    ways: dict[str, list[datetime | None]] = {}
    for health in found:
        ways.setdefault(health.source, []).append(health.complete_to)
    reached = (min(at for at in times if at) for times in ways.values() if all(times))
    return max(reached, default=None)
