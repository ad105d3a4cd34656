"""The requests that sfnwatch itself sent to AWS, and their share of the quotas.

Each record is one HTTP request; botocore's own retries and the requests for credentials
are included. The data is `{"operation", "service", "region", "sent_at", "seconds",
"outcome", "status", "request_id", "items", "note"}` and never more: no parameter,
header or body of a request or an answer.

A quota is for one account and Region, and is shared with the console and all other
tools. Where a quota differs by Region, the smaller one is listed here.
"""

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from sys import intern

from msgspec import Struct

from sfnwatch.model.records import DecodeError, Received, Record
from sfnwatch.model.times import maybe_time
from sfnwatch.model.values import canonical, float_of, read_fields, text_of

OK = "ok"
"""The outcome of a request that AWS answered without an error."""
THROTTLED = frozenset(
    {
        "KmsThrottlingException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Outcomes that mean too many requests, by us or by others on the same account."""
KEPT = 50_000
"""Requests kept at most, the newest: a watch at its ordinary pace takes two days."""


class Request(Struct, frozen=True):
    """One request that sfnwatch sent, and its outcome."""

    key: str
    """Made from the whole record: equal records have the same key, others do not."""
    operation: str
    sent_at: datetime
    service: str = ""
    """The service's IAM prefix: `states`, `cloudtrail`."""
    seconds: float = 0.0
    """Seconds until the answer came."""
    outcome: str = "unknown"
    """`ok`, or the code of the error that AWS or the network answered with."""
    region: str | None = None
    status: int | None = None
    """The HTTP status; None without an answer."""
    request_id: str | None = None
    items: int | None = None
    """The number of events or records in the answer; None for answers without any."""
    note: str = ""
    """The purpose of the request."""
    execution_arn: str | None = None

    @property
    def ok(self) -> bool:
        return self.outcome == OK

    @property
    def throttled(self) -> bool:
        return self.outcome in THROTTLED

    def order(self) -> tuple[datetime, float, int, int, str]:
        """Return a sort key: the time, then numbers, which are never redacted."""
        numbers = self.seconds, self.status or 0, self.items or 0
        return (self.sent_at, *numbers, self.key)


def decode_request(received: Received) -> Request:
    """Return the request of a record.

    Raises DecodeError for a record without an operation or a time.
    """
    data = received.record
    operation = text_of(data.get("operation"))
    sent_at = maybe_time(data.get("sent_at")) or received.at
    if operation is None or sent_at is None:
        raise DecodeError("a request record without an operation, or without a time")
    # A watch sends ten thousand requests, and most have the same few words.
    shared_texts: dict[str, str] = {}
    for name in ("operation", "service", "outcome", "region", "note"):
        text = text_of(data.get(name))
        if text is not None:
            shared_texts[name] = intern(text)
    return read_fields(
        Request,
        {**data, **shared_texts},
        key=_key(received.execution_arn, data),
        sent_at=sent_at,
        seconds=max(0.0, float_of(data.get("seconds")) or 0.0),
        execution_arn=received.execution_arn,
    )


def _key(execution_arn: str | None, data: Record) -> str:
    text = canonical([execution_arn, data])
    return blake2b(text.encode(errors="surrogatepass"), digest_size=12).hexdigest()


MINUTE = timedelta(minutes=1)

Operation = tuple[str, str]
"""A service's IAM prefix, and the operation's name."""

QUOTAS: Mapping[Operation, float] = {
    ("cloudtrail", "LookupEvents"): 2,
    ("states", "DescribeExecution"): 10,
    ("states", "DescribeStateMachineForExecution"): 1,
    ("states", "GetExecutionHistory"): 20,
    ("states", "ListExecutions"): 2,
    ("states", "ListMapRuns"): 1,
    ("states", "DescribeMapRun"): 1,
    ("states", "DescribeStateMachine"): 20,
}
"""Requests a second that all callers on the account together can keep up."""


class Budget(Struct, frozen=True):
    """Our requests of one operation, and the operation's quota."""

    sent: int = 0
    failed: int = 0
    """Requests answered with an error, or not at all, without the throttled ones."""
    throttled: int = 0
    rate: float = 0.0
    """Requests a second over the last minute, in the busiest Region."""
    quota: float | None = None
    """Requests a second that all callers together can keep up; None if not known."""

    @property
    def share(self) -> float | None:
        """Our part of the quota, where 1.0 is all of it; None without a quota."""
        return self.rate / self.quota if self.quota else None


def budget(requests: Iterable[Request], now: datetime) -> Mapping[Operation, Budget]:
    """Return how much of its quota we use, for each operation sent so far.

    `requests` must be in the order of their times.
    """
    groups: defaultdict[Operation, list[Request]] = defaultdict(list)
    for request in requests:
        groups[request.service, request.operation].append(request)
    return {each: _budget(each, groups[each], now) for each in sorted(groups)}


def _budget(operation: Operation, requests: list[Request], now: datetime) -> Budget:
    throttled = sum(request.throttled for request in requests)
    by_region: defaultdict[str | None, list[datetime]] = defaultdict(list)
    for request in requests:
        by_region[request.region].append(request.sent_at)
    times = by_region.values()
    recent = max(bisect(each, now) - bisect(each, now - MINUTE) for each in times)
    return Budget(
        sent=len(requests),
        failed=sum(not request.ok for request in requests) - throttled,
        throttled=throttled,
        rate=recent / MINUTE.total_seconds(),
        quota=QUOTAS.get(operation),
    )
