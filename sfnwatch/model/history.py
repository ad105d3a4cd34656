"""One HistoryEvent of GetExecutionHistory, decoded.

The 62 types and their detail keys are in botocore's stepfunctions model. A type
AWS adds later decodes just the same and becomes a row without special meaning.

AWS keeps no history of an Express execution but its log in CloudWatch Logs. That says
the same in other words: keys in snake case, ids and times as strings, and the details,
whose own keys are the history's, under one key for every type. The log of a Standard
execution is written alike. A payload is left out where the state machine's logging
says so, and then so are the ids in it.

The two clocks a trace is read by: when things happened, and when we received them.

CloudTrail's records come minutes after the calls they tell of, so what was on the
screen at a moment and what had happened by then are different pictures.

Some questions are asked again and again, and most answers say the same as the one
before: of a run of equal ones the first and the last are kept. So what stands now is
the same for any order, and what stood earlier for answers that come as they were given,
which one source's do.
"""

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from sys import intern
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from sfnwatch.model.records import DecodeError, Record
from sfnwatch.model.values import canonical, mapping_of, parse_time

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
    execution_arn: str = ""

    @property
    def key(self) -> str:
        """Its key for lines and as evidence."""
        return f"{self.execution_arn}#{self.id}"


def decode_event(
    record: Record, seen_at: datetime | None = None
) -> tuple[HistoryEvent, Details]:
    """Decode one event, of a history or a log; raises DecodeError for what is none.

    Times may be ISO strings or epoch numbers, ids numbers or strings.
    """
    is_logged = _TIME_IN_LOG in record
    previous = "previous_event_id" if is_logged else "previousEventId"
    try:
        event = HistoryEvent(
            id=_whole(record["id"], least=1),
            type=_type(record["type"]),
            previous_event_id=_whole(record.get(previous) or 0),
            at=parse_time(record[_TIME_IN_LOG if is_logged else "timestamp"]),
            seen_at=seen_at,
        )
    except KeyError as error:
        raise DecodeError(f"an event without {error}") from error
    except (ValueError, TypeError) as error:
        raise DecodeError(f"not a history event: {error}") from error
    return event, details_of(record)


def _whole(value: Any, least: int = 0) -> int:
    """Read an event's id; AWS counts from 1, so that 0 is none."""
    is_read = isinstance(value, int | str) and not isinstance(value, bool)
    if not is_read or int(value) < least:
        raise ValueError(f"not an event id: {value!r:.60}")
    return int(value)


def _type(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"not an event type: {value!r:.60}")
    return intern(value)


def details_of(record: Record) -> Details:
    """Find the details in the record of an event; a log's as a history has them."""
    if _TIME_IN_LOG in record:
        logged = mapping_of(record.get("details"))
        return {name: _detail(name, value) for name, value in logged.items()}
    for key, value in record.items():
        if isinstance(value, Mapping) and key.endswith(_DETAILS):
            return value
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
