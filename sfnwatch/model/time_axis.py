"""The two times of each record: when it happened, and when it arrived.

A source asks AWS the same question again and again. All answers are kept in order, so
that the answer that was valid at a given time can be found.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeVar

_NOT_COMPARED = {"seen_at", "requests", "number"}
"""Fields that are not part of an answer's content: when and how it was given."""
_REST_OF_SECOND = timedelta(milliseconds=999)


class TimeAxis(StrEnum):
    """Which of a record's two times counts when a trace is read."""

    ARRIVAL = "arrival"
    """The time when the record reached us."""
    EVENT = "event"
    """The time when the record's event happened."""


def dated(clock: TimeAxis, seen_at: datetime | None, at: datetime) -> datetime:
    """Return the record's time on an axis: `seen_at` for arrival, `at` for event time.

    Records of files may have no `seen_at`: then it is always `at`.
    """
    if clock is TimeAxis.ARRIVAL and seen_at is not None:
        return seen_at
    return at


def end_of_second(at: datetime) -> datetime:
    """Return the end of a call's second, when it had surely happened.

    At the beginning of its second the call would stand before the event that caused it.
    """
    return at + _REST_OF_SECOND


class TimedAnswer(Protocol):
    """A row that is AWS's answer to one question at one time."""

    @property
    def seen_at(self) -> datetime | None: ...
    @property
    def since(self) -> datetime | None:
        """From when it is valid, by event time; None if it always is."""

    @property
    def order(self) -> Any:
        """A sort key for the answers to one question, the newest last.

        It has times, counts and AWS's own words, but never names: a trace with other
        names must show the same.
        """


A = TypeVar("A", bound=TimedAnswer)


def keep_answer(answers: list[A], new: A) -> bool:
    """Insert an answer in order; return True if that changes the content of `answers`.

    An answer that has the same order as another, or is between two equal ones, may
    change nothing.
    """
    place = bisect_left(answers, new.order, key=lambda answer: answer.order)
    if place < len(answers) and answers[place].order == new.order:
        # AWS never gives two different answers at one time, but a file may.
        old = answers[place]
        kept = min(old, new, key=lambda answer: repr(content_of(answer)))
        answers[place] = kept
        return content_of(kept) != content_of(old)
    answers.insert(place, new)
    # Of three equal answers in a row, the middle one is of no use.
    for middle in (place + 1, place, place - 1):
        if 0 < middle < len(answers) - 1:
            first, second, third = map(content_of, answers[middle - 1 : middle + 2])
            if first == second == third:
                del answers[middle]
                return middle != place
    return True


def content_of(answer: Any) -> list[Any]:
    """Return an answer's fields without those for when and how it was given."""
    names = [name for name in answer.__struct_fields__ if name not in _NOT_COMPARED]
    return [getattr(answer, name) for name in names]


def newest_answer(
    answers: Sequence[A], at: datetime | None, clock: TimeAxis
) -> A | None:
    """Return the answer that was valid at a time; None if there was none.

    `at` may be None for the time after all answers.
    """
    if at is None:
        return answers[-1] if answers else None
    for answer in reversed(answers):
        since = answer.since
        if clock is TimeAxis.ARRIVAL and answer.seen_at is not None:
            since = answer.seen_at
        if since is None or since <= at:
            return answer
    return None
