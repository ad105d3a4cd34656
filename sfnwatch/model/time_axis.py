"""The two times of everything: when it happened, and when it arrived.

A source asks AWS the same question again and again. All answers are kept in order, so
that the one that was valid at a moment can be found.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeVar

_NOT_COMPARED = {"seen_at", "requests", "number"}
"""Fields of an answer that say when and how it was given."""
_REST_OF_SECOND = timedelta(milliseconds=999)


class TimeAxis(StrEnum):
    """The clock by which a trace is read."""

    ARRIVAL = "arrival"
    """Each record at the moment it reached us."""
    EVENT = "event"
    """Each record at the moment at which it happened."""


def dated(clock: TimeAxis, seen_at: datetime | None, at: datetime) -> datetime:
    """Give a record's moment by a clock; files do not say when they were received."""
    if clock is TimeAxis.ARRIVAL and seen_at is not None:
        return seen_at
    return at


def end_of_second(at: datetime) -> datetime:
    """Give the end of a call's second, by when it had surely happened.

    At the beginning of that second it would stand before what caused it.
    """
    return at + _REST_OF_SECOND


class TimedAnswer(Protocol):
    """A row that answers one question, as of one moment."""

    @property
    def seen_at(self) -> datetime | None: ...
    @property
    def since(self) -> datetime | None:
        """From when it is valid, by event time; None: always."""

    @property
    def order(self) -> Any:
        """Sorts answers to one question, the newest last.

        By times, counts and AWS's own words, never by names: a trace with other names
        must show the same.
        """


A = TypeVar("A", bound=TimedAnswer)


def keep_answer(answers: list[A], new: A) -> bool:
    """Put an answer in its place; False if it was there, or says nothing new."""
    place = bisect_left(answers, new.order, key=lambda answer: answer.order)
    if place < len(answers) and answers[place].order == new.order:
        # AWS never contradicts itself within a moment; a file may.
        old = answers[place]
        kept = min(old, new, key=lambda answer: repr(content_of(answer)))
        answers[place] = kept
        return content_of(kept) != content_of(old)
    answers.insert(place, new)
    # Of three equal answers in a row the middle one says nothing.
    for middle in (place + 1, place, place - 1):
        if 0 < middle < len(answers) - 1:
            first, second, third = map(content_of, answers[middle - 1 : middle + 2])
            if first == second == third:
                del answers[middle]
                return middle != place
    return True


def content_of(answer: Any) -> list[Any]:
    """Give all that an answer says, without when and in which record it says so."""
    names = [name for name in answer.__struct_fields__ if name not in _NOT_COMPARED]
    return [getattr(answer, name) for name in names]


def newest_answer(
    answers: Sequence[A], at: datetime | None, clock: TimeAxis
) -> A | None:
    """Give the answer that was valid at a moment; None is after all others."""
    if at is None:
        return answers[-1] if answers else None
    for answer in reversed(answers):
        since = answer.since
        if clock is TimeAxis.ARRIVAL and answer.seen_at is not None:
            since = answer.seen_at
        if since is None or since <= at:
            return answer
    return None
