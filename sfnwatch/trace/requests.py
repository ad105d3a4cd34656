"""What sfnwatch itself sent to AWS: the call log's records.

Each is one HTTP request, botocore's own retries and those for credentials included.
The data is `{"operation", "service", "region", "sent_at", "seconds", "outcome",
"status", "request_id", "items", "note"}` and never more: no parameter, header or
body of a request or an answer.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from heapq import nsmallest
from typing import Any

from msgspec import Struct

from sfnwatch.trace.events import Received
from sfnwatch.trace.history import DecodeError
from sfnwatch.trace.payload import canonical, text_of
from sfnwatch.trace.times import maybe_time

OK = "ok"
"""The outcome of a request that was answered with what was asked for."""
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
"""Outcomes that say too much was asked, by us or by others on the same account."""
KEPT = 50_000
"""Requests kept at most, the newest: a watch of two days, at its ordinary pace."""


class Request(Struct, frozen=True):
    """One request of ours, and what came of it."""

    key: str
    """What tells it from every other; the same for the same record."""
    operation: str
    service: str
    """The IAM prefix: `states`, `cloudtrail`."""
    sent_at: datetime
    seconds: float
    """How long the answer took."""
    outcome: str
    """`ok`, or the code of the error that AWS or the network answered with."""
    region: str | None = None
    status: int | None = None
    """Of HTTP; None without an answer."""
    request_id: str | None = None
    items: int | None = None
    """How many events or records the answer held, where it holds any."""
    note: str = ""
    """What it was for."""
    execution_arn: str | None = None

    @property
    def ok(self) -> bool:
        return self.outcome == OK

    @property
    def throttled(self) -> bool:
        return self.outcome in THROTTLED

    def order(self) -> tuple[datetime, str]:
        return (self.sent_at, self.key)


def decode_request(received: Received) -> Request:
    """Read a request record; raises DecodeError for one of nothing, or of no time."""
    data = received.data
    operation = text_of(data.get("operation"))
    sent_at = maybe_time(data.get("sent_at")) or received.at
    if operation is None or sent_at is None:
        msg = "a request record without an operation, or without a time"
        raise DecodeError(msg)
    return Request(
        key=_key(received),
        operation=operation,
        service=text_of(data.get("service")) or "",
        sent_at=sent_at,
        seconds=_seconds(data.get("seconds")),
        outcome=text_of(data.get("outcome")) or "unknown",
        region=text_of(data.get("region")),
        status=_count(data.get("status")),
        request_id=text_of(data.get("request_id")),
        items=_count(data.get("items")),
        note=text_of(data.get("note")) or "",
        execution_arn=received.execution_arn,
    )


def _key(received: Received) -> str:
    text = canonical([received.execution_arn, received.data])
    return blake2b(text.encode(errors="surrogatepass"), digest_size=12).hexdigest()


def _seconds(value: Any) -> float:
    if not isinstance(value, int | float):
        return 0.0
    try:
        seconds = float(value)
    except OverflowError:
        return 0.0
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def newest(requests: Mapping[str, Request]) -> Mapping[str, Request]:
    """Leave out the oldest of too many: the same ones, in whatever order they came."""
    excess = len(requests) - KEPT
    if excess <= 0:
        return requests
    old = {r.key for r in nsmallest(excess, requests.values(), key=Request.order)}
    return {key: request for key, request in requests.items() if key not in old}
