"""How much of the account's quotas our own requests take.

The quotas are for an account and Region, and are shared with the console and every
other tool. Where they differ by Region, the smaller one stands here.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from sfnwatch.trace.requests import Request

if TYPE_CHECKING:
    from sfnwatch.trace.timeline import Trace

MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)

Operation = tuple[str, str]
"""A service's IAM prefix, and the operation's name."""


class Quota(Struct, frozen=True):
    """A token bucket that everybody on the account draws on."""

    refill: float
    """Requests a second that can be kept up."""
    burst: int | None = None
    """Requests that a full bucket holds; None where AWS does not say."""
    raisable: bool = True
    """Whether AWS raises it when asked to."""


QUOTAS: Mapping[Operation, Quota] = {
    ("cloudtrail", "LookupEvents"): Quota(2, raisable=False),
    ("states", "DescribeExecution"): Quota(10, 250),
    ("states", "DescribeStateMachineForExecution"): Quota(1, 200),
    ("states", "GetExecutionHistory"): Quota(20, 400),
    ("states", "ListExecutions"): Quota(2, 100),
    ("states", "ListMapRuns"): Quota(1, 100),
    ("states", "DescribeMapRun"): Quota(1, 200),
    ("states", "DescribeStateMachine"): Quota(20, 200),
}


class Spent(Struct, frozen=True):
    """All that was sent of one operation."""

    service: str
    operation: str
    sent: int
    failed: int
    """Answered with an error, or not at all; throttled ones are counted apart."""
    throttled: int
    last_at: datetime
    peak: int
    """The most within any one second, in the busiest Region."""


class Budget(Struct, frozen=True):
    """One operation: what we take of it, and what there is."""

    spent: Spent
    rate: float
    """Requests a second over the last minute, in the busiest Region."""
    quota: Quota | None
    """None where it is not known."""

    @property
    def share(self) -> float | None:
        """Our part of what can be kept up: 1.0 is all of it."""
        return self.rate / self.quota.refill if self.quota else None


def budget(trace: "Trace", now: datetime) -> tuple[Budget, ...]:
    """Say of each operation sent so far how much of its quota we take."""
    recent = _recent(trace.ordered_requests, now)
    return tuple(
        Budget(
            spent,
            recent[spent.service, spent.operation] / MINUTE.total_seconds(),
            QUOTAS.get((spent.service, spent.operation)),
        )
        for spent in trace.spent
    )


def _recent(requests: tuple[Request, ...], now: datetime) -> Counter[Operation]:
    """Count the last minute's requests of each operation's busiest Region."""
    by_region: Counter[tuple[Operation, str | None]] = Counter()
    for request in reversed(requests):
        if request.sent_at <= now - MINUTE:
            break
        if request.sent_at <= now:
            by_region[(request.service, request.operation), request.region] += 1
    busiest: Counter[Operation] = Counter()
    for (operation, _), count in by_region.items():
        busiest[operation] = max(busiest[operation], count)
    return busiest


def spend(requests: Iterable[Request]) -> tuple[Spent, ...]:
    """Sum up requests, given in the order of their times, by their operations."""
    groups: defaultdict[Operation, list[Request]] = defaultdict(list)
    for request in requests:
        groups[request.service, request.operation].append(request)
    return tuple(_spent(operation, groups[operation]) for operation in sorted(groups))


def _spent(operation: Operation, requests: list[Request]) -> Spent:
    throttled = sum(request.throttled for request in requests)
    times: defaultdict[str | None, list[datetime]] = defaultdict(list)
    for request in requests:
        times[request.region].append(request.sent_at)
    return Spent(
        *operation,
        sent=len(requests),
        failed=sum(not request.ok for request in requests) - throttled,
        throttled=throttled,
        last_at=requests[-1].sent_at,
        peak=max(map(_peak, times.values())),
    )


def _peak(times: list[datetime]) -> int:
    """Give the most moments within less than one second of each other."""
    most = first = 0
    for place, at in enumerate(times):
        while at - times[first] >= _SECOND:
            first += 1
        most = max(most, place - first + 1)
    return most
