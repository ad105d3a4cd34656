"""The rows that records are decoded to: events, API calls, states of ECS tasks.

The 62 types of events and their detail keys are in botocore's stepfunctions model. A
type AWS adds later decodes just the same and becomes a row without special meaning.

AWS keeps no history of an Express execution but its log in CloudWatch Logs. That says
the same in other words: keys in snake case, ids and times as strings, and the details,
whose own keys are the history's, under one key for every type. The log of a Standard
execution is written alike. A payload is left out where the state machine's logging
says so, and then so are the ids in it.

A CloudTrail record reaches us in three forms: inside an Event of LookupEvents (as a
JSON string), bare in a trail's files, and as a row of an Athena table. Which columns a
row has is up to its query, so everything but time and name is optional.

What ECS tells of a task's life are EventBridge events `ECS Task State Change`. They
come within seconds, where CloudTrail takes minutes, and are the very events by which
Step Functions knows that a `.sync` task has stopped. ECS delivers each at least once
and in no order: `detail.version` rises with every change, so task and version tell what
is the same event again, and which is the later one.
"""

import hashlib
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from sys import intern
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from sfnwatch.model.integrations import last_segment, role_name, unversioned
from sfnwatch.model.records import DecodeError, Received, Record, RecordKind
from sfnwatch.model.values import (
    canonical,
    int_of,
    list_of,
    mapping_of,
    maybe_time,
    microseconds,
    parse_json,
    parse_time,
    read_fields,
    required_text,
    strings_in,
    text_of,
)

# -- the two clocks --------------------------------------------------------------------

_OF_SAYING = {"seen_at", "requests", "number"}
_REST_OF_SECOND = timedelta(milliseconds=999)


class Clock(StrEnum):
    """By which of the two clocks a trace is read."""

    ARRIVAL = "arrival"
    """Each record at the moment it reached us."""
    EVENT = "event"
    """Each record at the moment it tells of."""


def dated(clock: Clock, seen_at: datetime | None, at: datetime) -> datetime:
    """Give a record's moment by a clock; files do not say when they were received."""
    return seen_at or at if clock is Clock.ARRIVAL else at


def end_of_second(at: datetime) -> datetime:
    """Give the end of a call's second, by when it had surely happened.

    At its beginning it had perhaps not: there it would stand before what caused it.
    """
    return at + _REST_OF_SECOND


# -- answers to one question -----------------------------------------------------------


class Answered(Protocol):
    """A row that answers one question, as of one moment."""

    @property
    def seen_at(self) -> datetime | None: ...
    @property
    def since(self) -> datetime | None:
        """When it holds from, by event time; None: always."""

    @property
    def order(self) -> Any:
        """Sorts answers to one question, the newest last.

        By times, counts and AWS's own words, and never by names: a trace must show the
        same under other names.
        """


A = TypeVar("A", bound=Answered)


def keep_answer(answers: list[A], new: A) -> bool:
    """Put an answer in its place; False if it was there, or says nothing new."""
    place = bisect_left(answers, new.order, key=lambda each: each.order)
    if place < len(answers) and answers[place].order == new.order:
        # AWS never contradicts itself within a moment; a file may.
        old = answers[place]
        answers[place] = min(old, new, key=lambda each: repr(said(each)))
        return said(answers[place]) != said(old)
    answers.insert(place, new)
    for middle in (place + 1, place, place - 1):
        near = answers[max(0, middle - 1) : middle + 2]
        if middle > 0 and len(near) == 3 and _all_equal(near):  # noqa: PLR2004
            del answers[middle]
            return middle != place
    return True


def _all_equal(near: Sequence[Answered]) -> bool:
    first, second, third = map(said, near)
    return first == second == third


def said(answer: Any) -> list[Any]:
    """Give all that an answer says, without when and by which record it was said."""
    names = (name for name in answer.__struct_fields__ if name not in _OF_SAYING)
    return [getattr(answer, name) for name in names]


def newest_answer(answers: Sequence[A], at: datetime | None, clock: Clock) -> A | None:
    """Give the answer that stood at a moment; None is the moment after all others."""
    if at is None:
        return answers[-1] if answers else None
    for answer in reversed(answers):
        by_arrival = answer.seen_at if clock is Clock.ARRIVAL else None
        since = by_arrival or answer.since
        if since is None or since <= at:
            return answer
    return None


# -- an event --------------------------------------------------------------------------

REDRIVEN = "ExecutionRedriven"
MOST_EVENTS = 25_000
"""No history has more: at that an execution fails."""
TERMINAL = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
}
"""The events that end an execution, and the status that each gives it."""

_TIME_IN_LOG = "event_timestamp"
LOG_KEYS = frozenset({"id", "type", _TIME_IN_LOG, "execution_arn"})
"""What an event of an execution's log always has."""
_COUNTS = frozenset(
    {"heartbeatInSeconds", "index", "length", "redriveCount", "timeoutInSeconds"}
)
_ID_TYPES = frozenset({int, str})
_COUNT = re.compile(r"[0-9]{1,9}")
_PAYLOADS = frozenset({"input", "output", "parameters"})
_DETAILS = "EventDetails"

Details = Mapping[str, Any]
"""The one `…EventDetails` object of an event; empty where AWS sends none."""


class HistoryEvent(Struct, gc=False):
    """What happened to one execution, in AWS's words.

    Its details stay in the record: `Trace.details` gives them.
    """

    id: int
    type: str
    previous_event_id: int
    """0 for the first state, for ExecutionAborted and for EvaluationFailed."""
    at: datetime
    """Millisecond resolution."""
    seen_at: datetime | None = None
    number: int = -1
    """Of its record in the store."""
    visit_id: int = 0
    """The visit it belongs to, 0 for none; an iteration's own events are its Map's."""
    attempt_id: int = 0
    """The `scheduled_id` of the attempt it belongs to, 0 for none."""
    iteration: int | None = None
    """Which iteration of its Map it tells of, where it tells of one as a whole."""
    iteration_end: str | None = None
    """How that iteration ended, in the words of a visit's status, if it ended."""
    execution_arn: str = ""

    @property
    def key(self) -> str:
        """Its key for lines and as evidence."""
        return f"{self.execution_arn}#{self.id}"


def decode_event(received: Received) -> tuple[HistoryEvent, Details]:
    """Decode one event, of a history or a log; raises DecodeError for what is none.

    Times may be ISO strings or epoch numbers, ids numbers or strings.
    """
    record = received.record
    is_logged = _TIME_IN_LOG in record
    previous = "previous_event_id" if is_logged else "previousEventId"
    try:
        event = HistoryEvent(
            id=_whole(record["id"], least=1),
            type=intern(required_text(record, "type")),
            previous_event_id=_whole(record.get(previous) or 0),
            at=parse_time(record[_TIME_IN_LOG if is_logged else "timestamp"]),
            seen_at=received.at,
        )
    except KeyError as error:
        raise DecodeError(f"an event without {error}") from error
    except (ValueError, TypeError) as error:
        raise DecodeError(f"not a history event: {error}") from error
    return event, details_of(record)


def _whole(value: Any, least: int = 0) -> int:
    """Read an event's id; AWS counts from 1, so that 0 is none."""
    if type(value) not in _ID_TYPES or int(value) < least:
        raise ValueError(f"not an event id: {value!r:.60}")
    return int(value)


def details_of(record: Record) -> Details:
    """Find the details in the record of an event; a log's as a history has them."""
    if _TIME_IN_LOG in record:
        logged = mapping_of(record.get("details"))
        return {name: _detail(name, value) for name, value in logged.items()}
    for key, value in record.items():
        if key.endswith(_DETAILS) and (details := mapping_of(value)):
            return details
    return {}


def _detail(name: str, value: Any) -> Any:
    """Write a detail as a history has it.

    Recorded logs have payloads as JSON texts. Of counts none is recorded; ids and
    times being strings, they may be too.
    """
    is_text = isinstance(value, str)
    if name in _COUNTS and is_text and _COUNT.fullmatch(value):
        return int(value)
    return canonical(value) if name in _PAYLOADS and not is_text else value


# -- API calls -------------------------------------------------------------------------

# China's and GovCloud's spelling is not settled by any recording: accept all.
_STATES = re.compile(r"\Astates\.[a-z0-9.-]*amazonaws\.com(\.[a-z]{2})?\Z")
_OWN_SESSION = re.compile(r"[A-Za-z]{32}|[xX*]+")
"""The names of Step Functions' sessions [observed], or what blanks them."""
_OWN_AGENT = re.compile(r"\bsfnwatch/\d")
_TOKEN = re.compile(r"[A-Za-z0-9:/_.+=@-]+")
_ENVELOPE = {
    "eventID": "EventId",
    "eventTime": "EventTime",
    "eventName": "EventName",
    "eventSource": "EventSource",
    "readOnly": "ReadOnly",
}
"""What an Event of LookupEvents tells beside the record, by the record's keys."""
_NEEDED = ("eventTime", "eventSource", "eventName")
_COLUMNS = (
    *_NEEDED,
    *("eventID", "errorCode", "errorMessage", "readOnly", "requestID", "awsRegion"),
    *("recipientAccountId", "sourceIPAddress", "userAgent"),
    *("requestParameters", "responseElements"),
)
"""The keys of a record that a row may have as columns, in lower case."""
_WHOLE = {*map(str.lower, _COLUMNS), "arn", "issuerarn", "accountid", "invokedby"}
"""The columns of a row that tells all that a record would, null or not."""

CALL_KEY = "call#"
"""What the keys of calls begin with, and those of nothing else."""
_LONGEST_ID = 2048
"""ARNs are shorter: what is longer is a payload."""
CallName = tuple[str, str]
"""A call's event source and its name without a version."""
Spot = tuple[CallName, str | None]
"""A call's name, and the name of the role it was made with."""
_NO_NAME: CallName = ("", "")
"""In place of the name of a call by others: no attempt makes such calls."""
_RETRYABLE = re.compile(
    r"throttl|toomanyrequests|requestlimit|rateexceeded|slowdown|internal|unavailable"
    r"|serverexception|timeout|capacity|servicefault"
)


class ApiCall(Struct, gc=False):
    """A call, as CloudTrail recorded it."""

    event_id: str
    event_time: datetime
    """Whole seconds: never order it against a history event within one second."""
    event_source: str
    event_name: str
    error_code: str | None = None
    error_message: str | None = None
    read_only: bool | None = None
    request_id: str | None = None
    role_arn: str | None = None
    """The role behind the session, with its path where the record has it."""
    invoked_by: str | None = None
    """`states.amazonaws.com` where Step Functions made it on someone's behalf."""
    region: str | None = None
    account_id: str | None = None
    seen_at: datetime | None = None
    whole: bool = True
    """False for a row of an Athena table which has only some of the columns."""
    has_request: bool = False
    """True if the record has requestParameters; that of a denied call has none."""
    has_answer: bool = False
    """True if the record has responseElements."""
    kind: str = RecordKind.TRAIL
    """The kind of record it was decoded from, and so the form of that."""
    own: bool = False
    """True for a call that sfnwatch itself made."""
    by_person: bool = False
    """True for a row whose session has a name that Step Functions gives none."""
    number: int = -1
    """Of its record in the store."""
    moment: int = 0
    """Its time in microseconds since 1970."""

    @property
    def key(self) -> str:
        """Its key for lines and as evidence."""
        return f"{CALL_KEY}{self.event_id}"

    @property
    def role(self) -> str | None:
        """The role's name, which is all that can be compared."""
        return role_name(self.role_arn)

    @property
    def name(self) -> CallName:
        return self.event_source, unversioned(self.event_name)

    @property
    def spot(self) -> Spot:
        """Its name, and that of the role: attempts that may have made it have both."""
        return (_NO_NAME if self.by_others else self.name), self.role

    @property
    def is_retryable(self) -> bool:
        """True if the SDK tries such a call again by itself [inferred]."""
        code = self.error_code
        return code is not None and _RETRYABLE.search(code.lower()) is not None

    @property
    def by_step_functions(self) -> bool:
        return self.invoked_by is not None

    @property
    def by_others(self) -> bool:
        """True for a call by people or agents, who describe the same tasks."""
        return self.invoked_by is None and (self.whole or self.by_person)


by_time: Callable[[ApiCall], tuple[int, str]] = attrgetter("moment", "event_id")
"""Sorts calls by their times, in microseconds, and then by their ids."""


def decode_call(received: Received) -> tuple[ApiCall, Record]:
    """Decode a call, and give the CloudTrail record itself.

    Raises DecodeError for a record that is none.
    """
    kind, record = received.kind, received.record
    try:
        inner = cloudtrail_record(kind, record)
        call = _from_record(inner)
    except KeyError as error:
        raise DecodeError(f"a CloudTrail record without {error}") from error
    except (ValueError, TypeError) as error:
        raise DecodeError(f"not a CloudTrail record: {error}") from error
    call.kind, call.seen_at = kind, received.at
    if kind == RecordKind.ATHENA and not record.keys() >= _WHOLE:
        call.whole = False
        # Of a few columns this one may be all there is to tell by.
        call.invoked_by = call.invoked_by or _states(inner.get("userAgent"))
        session = session_name(inner)
        call.by_person = session is not None and not _OWN_SESSION.fullmatch(session)
    call.has_request = bool(inner.get("requestParameters"))
    call.has_answer = bool(inner.get("responseElements"))
    return call, inner


def cloudtrail_record(kind: str, record: Record) -> Record:
    """Give the CloudTrail record that a record of any kind holds.

    Of an Event of LookupEvents the record inside it has the last word; old envelopes
    lack ReadOnly, EventSource and AccessKeyId. Raises KeyError for a row without a
    column that it needs.
    """
    if kind == RecordKind.ATHENA:
        return _record_of_row(record)
    if kind != RecordKind.LOOKUP:
        return record
    inner = mapping_of(parse_json(record.get("CloudTrailEvent")))
    outer = {key: record.get(_ENVELOPE[key]) for key in _ENVELOPE if key not in inner}
    known = {key: value for key, value in outer.items() if value is not None}
    return {**known, **inner} if known else inner


def _record_of_row(row: Record) -> Record:
    """Write a row as the record it was made from, and leave its columns beside that.

    One without an eventid is known by all it says.
    """
    there = [key for key in _COLUMNS if key in _NEEDED or key.lower() in row]
    return {
        **row,
        **{key: row[key.lower()] for key in there},
        "eventID": text_of(row.get("eventid")) or _row_id(row),
        "userIdentity": {
            "arn": row.get("arn"),
            "invokedBy": row.get("invokedby"),
            "accountId": row.get("accountid"),
            "sessionContext": {"sessionIssuer": {"arn": row.get("issuerarn")}},
        },
        "requestParameters": parse_json(row.get("requestparameters")),
        "responseElements": parse_json(row.get("responseelements")),
    }


def _from_record(record: Record) -> ApiCall:
    identity = mapping_of(record.get("userIdentity"))
    session = mapping_of(identity.get("sessionContext"))
    issuer = mapping_of(session.get("sessionIssuer"))
    agent = text_of(record.get("userAgent"))
    event_id, at = required_text(record, "eventID"), parse_time(record["eventTime"])
    at = at.replace(microsecond=0) if at.microsecond else at
    return ApiCall(
        event_id=event_id,
        event_time=at,
        moment=microseconds(at),
        event_source=_word(record.get("eventSource")) or "",
        event_name=intern(required_text(record, "eventName")),
        error_code=_word(record.get("errorCode")),
        error_message=text_of(record.get("errorMessage")),
        read_only=_truth(record.get("readOnly")),
        request_id=text_of(record.get("requestID")),
        role_arn=_word(issuer.get("arn")) or text_of(identity.get("arn")),
        invoked_by=_invoked_by(record, identity),
        own=agent is not None and _matches(_OWN_AGENT, agent),
        region=_word(record.get("awsRegion")),
        account_id=_word(record.get("recipientAccountId"))
        or _word(identity.get("accountId")),
    )


def _row_id(row: Record) -> str:
    digest = hashlib.sha256(canonical(row).encode("utf-8", "surrogatepass"))
    return f"row-{digest.hexdigest()[:32]}"


def _word(value: Any) -> str | None:
    """Take a string of which there are few, and keep it but once."""
    return intern(value) if type(value) is str and value else None


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get((text_of(value) or "").lower())


def _invoked_by(record: Record, identity: Mapping[str, Any]) -> str | None:
    # It is the userAgent as well, but anyone may call themselves what they like there.
    return _states(identity.get("invokedBy")) or _states(record.get("sourceIPAddress"))


def _states(value: Any) -> str | None:
    found = isinstance(value, str) and _matches(_STATES, value)
    return intern(value) if found else None


@lru_cache(maxsize=1024)
def _matches(pattern: re.Pattern[str], text: str) -> bool:
    """Search a text of which there are few, each but once."""
    return pattern.search(text) is not None


def session_name(record: Record) -> str | None:
    """Give the name of the role session a call was made in, from its record or row.

    Step Functions has a fresh random one for every call.
    """
    arn = record.get("arn") or mapping_of(record.get("userIdentity")).get("arn")
    arn = text_of(arn)
    return last_segment(arn) if arn and ":assumed-role/" in arn else None


def ids_in(record: Record, error_message: str | None = None) -> set[str]:
    """Give every id that a CloudTrail record names in its request, answer and error.

    ECS takes a task's bare id for its ARN, so last segments count as well. A denied
    call has no requestParameters: then only the error names the task.
    """
    asked, answer = record.get("requestParameters"), record.get("responseElements")
    found = strings_in([asked, answer])
    if error_message:
        found += _TOKEN.findall(error_message)
    found += [value[value.rfind("/") + 1 :] for value in found if "/" in value]
    return {value.rstrip(".,;:") for value in found if len(value) <= _LONGEST_ID}


# -- ECS tasks -------------------------------------------------------------------------

DETAIL_TYPE = "ECS Task State Change"
STOPPED = "STOPPED"
TASK_KEY = "task#"
"""What the keys of task states begin with, and those of nothing else."""


class TaskStage(StrEnum):
    """What a task's life is made of; the value is the word for it."""

    STARTING = "starting"
    """PROVISIONING, PENDING, ACTIVATING: nothing of it runs yet."""
    RUNNING = "running"
    STOPPING = "stopping"
    """DEACTIVATING, STOPPING, DEPROVISIONING."""
    STOPPED = "stopped"
    OTHER = "other"
    """A status that AWS has added since."""


_STAGES: Mapping[str, TaskStage] = {
    "PROVISIONING": TaskStage.STARTING,
    "PENDING": TaskStage.STARTING,
    "ACTIVATING": TaskStage.STARTING,
    "RUNNING": TaskStage.RUNNING,
    "DEACTIVATING": TaskStage.STOPPING,
    "STOPPING": TaskStage.STOPPING,
    "DEPROVISIONING": TaskStage.STOPPING,
    "STOPPED": TaskStage.STOPPED,
    "DELETED": TaskStage.STOPPED,
}


class TaskContainer(Struct, frozen=True, rename="camel"):
    """One of a task's containers."""

    name: str | None = None
    last_status: str | None = None
    exit_code: int | None = None
    """None while it runs, and where it never began."""
    reason: str | None = None
    """Why it never began, or what else ECS says of it."""


BAD_STOPS = frozenset({"TaskFailedToStart", "SpotInterruption", "TerminationNotice"})
"""The stop codes of tasks that did not end well, whatever their exit codes."""


class TaskState(Struct, frozen=True, rename="camel"):
    """How a task was doing at one moment, in ECS's words."""

    task_arn: str
    version: int
    at: datetime
    """When it came to be so: of whole seconds where the event tells only its own."""
    last_status: str
    desired_status: str | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    stopped_at: datetime | None = None
    started_by: str | None = None
    """`AWS Step Functions` for what `.sync` started; nothing for a plain RunTask."""
    group: str | None = None
    containers: tuple[TaskContainer, ...] = ()
    event_id: str | None = None
    """The id that EventBridge gave the event."""
    seen_at: datetime | None = None
    number: int = -1
    """Of its record in the store."""

    @property
    def key(self) -> str:
        """Its key for lines and as evidence: ECS's own, however often it came."""
        return f"{TASK_KEY}{self.task_arn}#{self.version}"

    @property
    def stopped(self) -> bool:
        return self.last_status == STOPPED

    @property
    def stage(self) -> TaskStage:
        return _STAGES.get(self.last_status, TaskStage.OTHER)


def is_task_state(event: Mapping[str, Any]) -> bool:
    """True for an EventBridge event that tells of a task."""
    return event.get("detail-type") == DETAIL_TYPE


def decode_task_state(received: Received) -> TaskState:
    """Decode an event; raises DecodeError for one without task, version or time."""
    event = received.record
    detail = mapping_of(event.get("detail"))
    at = maybe_time(detail.get("updatedAt")) or maybe_time(event.get("time"))
    if int_of(version := detail.get("version")) is None:
        raise DecodeError(f"an ECS task state whose version is {version!r:.60}")
    named = text_of(detail.get("taskArn")) and text_of(detail.get("lastStatus"))
    if not named or at is None:
        raise DecodeError("an ECS task state without its task, status or time")
    return read_fields(
        TaskState,
        detail,
        at=at,
        containers=tuple(map(_container, list_of(detail.get("containers")))),
        event_id=text_of(event.get("id")),
        seen_at=received.at,
    )


def _container(value: Any) -> TaskContainer:
    return read_fields(TaskContainer, mapping_of(value))


def stretches(
    states: Iterable[TaskState], now: datetime
) -> Iterator[tuple[TaskState, datetime]]:
    """Yield what a task was, and until when; up to `now` if it has not stopped.

    Clocks may disagree: a change before the one before it takes no time.
    """
    ordered = sorted(states, key=lambda state: state.at)
    last = ordered[-1]
    ends = [state.at for state in ordered[1:]]
    ends.append(last.at if last.stage is TaskStage.STOPPED else max(last.at, now))
    for state, end in zip(ordered, ends, strict=True):
        if end > state.at or state.stage is TaskStage.STOPPED:
            yield state, end
