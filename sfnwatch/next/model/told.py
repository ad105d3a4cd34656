"""Answers to one question, asked again and again: what stood when.

Most answers say the same as the one before: of a run of equal ones the first and the
last are kept. So what stands now is the same for any order, and what stood earlier for
answers that come as they were given, which one source's do.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol, Self, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.next.model.clocks import Clock


class Answered(Protocol):
    """An answer, as of one moment."""

    @property
    def order(self) -> Any:
        """Sorts answers to one question, the newest last.

        By times, counts and AWS's own words, and never by names: a trace must show the
        same under other names.
        """

    @property
    def value(self) -> Any:
        """What it says, without when it was said."""

    def at(self, clock: Clock) -> datetime | None:
        """When it holds from, by a clock; None: always."""

    def agreed(self, other: Self) -> Self:
        """Give what it says as another does that nothing ranks before or after it.

        AWS never contradicts itself within a moment; a file may.
        """


A = TypeVar("A", bound=Answered)
S = TypeVar("S", bound=Struct)


def agreed_fields(one: S, other: S, unknown: S) -> S:
    """Give what two rows both say, and what `unknown` says where they differ."""
    differing = [
        name
        for name in one.__struct_fields__
        if getattr(one, name) != getattr(other, name)
    ]
    return replace(one, **{name: getattr(unknown, name) for name in differing})


def keep_answer(answers: list[A], new: A) -> bool:
    """Put an answer in its place; False if it was there, or says nothing new."""
    place = bisect_left(answers, new.order, key=lambda each: each.order)
    if place < len(answers) and answers[place].order == new.order:
        old = answers[place]
        answers[place] = old.agreed(new)
        return bool(answers[place].value != old.value)
    answers.insert(place, new)
    for middle in (place + 1, place, place - 1):
        near = answers[max(0, middle - 1) : middle + 2]
        if middle > 0 and len(near) == 3 and _all_equal(near):  # noqa: PLR2004
            del answers[middle]
            return middle != place
    return True


def _all_equal(near: Sequence[Answered]) -> bool:
    first, second, third = (each.value for each in near)
    return bool(first == second == third)


def newest_answer(answers: Sequence[A], at: datetime | None, clock: Clock) -> A | None:
    """Give the answer that stood at a moment; None is the moment after all others."""
    if at is None:
        return answers[-1] if answers else None
    for answer in reversed(answers):
        told = answer.at(clock)
        if told is None or told <= at:
            return answer
    return None
