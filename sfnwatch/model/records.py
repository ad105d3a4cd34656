"""What a source may say.

Sources, recordings, imported files and tests all speak in `Received` records:
AWS's own record as JSON, unaltered, with the moment it reached us. The model
decodes them itself, so that a later version can read more out of an old recording,
and so that live and replay take the same path.

What sfnwatch itself sent to AWS, and how much of the account's quotas that takes.

Each record is one HTTP request, botocore's own retries and those for credentials
included. The data is `{"operation", "service", "region", "sent_at", "seconds",
"outcome", "status", "request_id", "items", "note"}` and never more: no parameter,
header or body of a request or an answer.

The quotas are for an account and Region, and are shared with the console and every
other tool. Where they differ by Region, the smaller one stands here.
"""

from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from hashlib import blake2b
from sys import intern
from typing import Any, TypeVar

from msgspec import Struct, field
from msgspec.structs import fields

from sfnwatch.model.values import (
    canonical,
    decode_object,
    encode_json,
    float_of,
    iso,
    maybe_time,
    read_fields,
    stamp,
    text_of,
)

# -- records ---------------------------------------------------------------------------

Record = Mapping[str, Any]
"""A JSON object as AWS sent it; times are ISO 8601 strings or epoch numbers."""


class DecodeError(ValueError):
    """A record that lacks what its kind must have; the text says what and where."""


class RecordKind(StrEnum):
    """What a record is, and so which shape its data has."""

    HISTORY = "history"
    """One HistoryEvent of GetExecutionHistory."""
    DESCRIBE = "describe"
    """The answer of DescribeExecution."""
    DEFINITION = "definition"
    """The answer of DescribeStateMachineForExecution (or DescribeStateMachine)."""
    LOOKUP = "lookup"
    """One Event of LookupEvents, its record a JSON string in CloudTrailEvent."""
    TRAIL = "trail"
    """One CloudTrail record: from a trail's files, or an EventBridge event's detail."""
    ATHENA = "athena"
    """One row of a result of Athena's, DuckDB's or Lake's: columns in lower case."""
    EXPRESS = "express"
    """One event of an execution's log in CloudWatch Logs."""
    TASK_STATE = "task-state"
    """One EventBridge event `ECS Task State Change`."""
    MAP_RUN = "map-run"
    """The answer of DescribeMapRun."""
    CHILDREN = "children"
    """A page of ListExecutions for a Map Run."""
    MACHINE_EXECUTIONS = "machine-executions"
    """What ListExecutions told of a state machine: see `children.py`."""
    UNREAD = "unread"
    """A record that a live source could not decode: kept, for a later version."""
    HEALTH = "health"
    """What a source says of itself: see `SourceHealth`."""
    REQUEST = "request"
    """One request that this tool sent to AWS itself: see `Request`."""


CALL_KINDS = frozenset({RecordKind.LOOKUP, RecordKind.TRAIL, RecordKind.ATHENA})
"""The kinds of record that are API calls."""
EVENT_KINDS = frozenset({RecordKind.HISTORY, RecordKind.EXPRESS})
"""The kinds of record that are events of an execution."""


D = TypeVar("D")


class Received(Struct, frozen=True, dict=True):
    """One record, as a source handed it over."""

    at: datetime | None
    """When it reached us, aware UTC; None for files that don't say."""
    kind: str
    """A `RecordKind` value; others pass through unread."""
    execution_arn: str | None
    """The execution it belongs to, where the source knows; calls don't."""
    data: bytes
    """AWS's record, as JSON."""

    @cached_property
    def record(self) -> Record:
        """The record; empty for what is no JSON object.

        It is decoded once, and kept as long as this is; a copy begins without.
        """
        try:
            return decode_object(self.data)
        except ValueError:
            return {}

    def once(self, decode: "Callable[[Received], D]") -> D:
        """Decode it with a function, but once, however many ask for it.

        A file is checked, and a page searched for what concerns the executions, before
        the trace takes its records in: each time a call took 30 µs.
        """
        known = self.__dict__
        if decode.__name__ not in known:
            known[decode.__name__] = decode(self)
        found: D = known[decode.__name__]
        return found


Batch = Sequence[Received]
"""What a source hands over at once: one page, or one step of a replay."""


def receive(
    at: datetime | None, kind: str, execution_arn: str | None, record: Any
) -> Received:
    """Make a record of a JSON value; raises ValueError for what JSON can't hold."""
    return Received(at, kind, execution_arn, encode_json(record))


# -- how a source is doing ---------------------------------------------------------


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
    """`history`, `definition`, `lookup`, `children` for what executions started, or
    `others` for what else ran on their state machines."""
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


# -- our own requests ------------------------------------------------------------------

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
    sent_at: datetime
    service: str = ""
    """The IAM prefix: `states`, `cloudtrail`."""
    seconds: float = 0.0
    """How long the answer took."""
    outcome: str = "unknown"
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

    def order(self) -> tuple[datetime, float, int, int, str]:
        """Sort requests; of a moment by numbers first, which are never redacted."""
        numbers = self.seconds, self.status or 0, self.items or 0
        return (self.sent_at, *numbers, self.key)


def decode_request(received: Received) -> Request:
    """Read a request record; raises DecodeError for one of nothing, or of no time."""
    data = received.record
    operation = text_of(data.get("operation"))
    sent_at = maybe_time(data.get("sent_at")) or received.at
    if operation is None or sent_at is None:
        raise DecodeError("a request record without an operation, or without a time")
    # A watch sends ten thousand of them, most in the same few words.
    words = ("operation", "service", "outcome", "region", "note")
    told = {word: text_of(data.get(word)) for word in words}
    same = {word: intern(text) for word, text in told.items() if text is not None}
    return read_fields(
        Request,
        {**data, **same},
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
"""Requests a second that can be kept up, by all on the account together."""


class Budget(Struct, frozen=True):
    """What we take of one operation, and what there is."""

    sent: int = 0
    failed: int = 0
    """Answered with an error, or not at all; throttled ones are counted apart."""
    throttled: int = 0
    rate: float = 0.0
    """Requests a second over the last minute, in the busiest Region."""
    quota: float | None = None
    """Requests a second that all on the account can keep up; None if not known."""

    @property
    def share(self) -> float | None:
        """Our part of what can be kept up: 1.0 is all of it."""
        return self.rate / self.quota if self.quota else None


def budget(requests: Iterable[Request], now: datetime) -> Mapping[Operation, Budget]:
    """Say of each operation sent so far how much of its quota we take.

    `requests` are in the order of their times.
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
