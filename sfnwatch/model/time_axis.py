"""The two times of everything: when it happened, and when it arrived.

A row that answers one question, as a state of health does, is kept with all that it
answered before: what stood at a moment is looked up there.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeVar

_OF_SAYING = {"seen_at", "requests", "number"}
_REST_OF_SECOND = timedelta(milliseconds=999)


class TimeAxis(StrEnum):
    """By which of the two clocks a trace is read."""

    ARRIVAL = "arrival"
    """Each record at the moment it reached us."""
    EVENT = "event"
    """Each record at the moment it tells of."""


def dated(clock: TimeAxis, seen_at: datetime | None, at: datetime) -> datetime:
    """Give a record's moment by a clock; files do not say when they were received."""
    return seen_at or at if clock is TimeAxis.ARRIVAL else at


def end_of_second(at: datetime) -> datetime:
    """Give the end of a call's second, by when it had surely happened.

    At its beginning it had perhaps not: there it would stand before what caused it.
    """
    return at + _REST_OF_SECOND


class TimedAnswer(Protocol):
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


A = TypeVar("A", bound=TimedAnswer)


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


def _all_equal(near: Sequence[TimedAnswer]) -> bool:
    first, second, third = map(said, near)
    return first == second == third


def said(answer: Any) -> list[Any]:
    """Give all that an answer says, without when and by which record it was said."""
    names = (name for name in answer.__struct_fields__ if name not in _OF_SAYING)
    return [getattr(answer, name) for name in names]


def newest_answer(
    answers: Sequence[A], at: datetime | None, clock: TimeAxis
) -> A | None:
    """Give the answer that stood at a moment; None is the moment after all others."""
    if at is None:
        return answers[-1] if answers else None
    for answer in reversed(answers):
        by_arrival = answer.seen_at if clock is TimeAxis.ARRIVAL else None
        since = by_arrival or answer.since
        if since is None or since <= at:
            return answer
    return None
