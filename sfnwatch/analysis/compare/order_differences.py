"""Finds the states after which two executions went on to different states."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from sfnwatch.analysis.compare.difference import Difference, Position, Rank, difference
from sfnwatch.analysis.compare.visit_pair import VisitPair
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.names import named
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.visits import StateVisit

_FIRST = "{inside}A started with {a} and B with {b}."
_NEXT = "After {state}, A {a} and B {b}."


def order_differences(pairs: Iterable[VisitPair]) -> Iterator[Difference]:
    """Compare the order of the states in each branch or iteration of both."""
    levels = grouped(pairs, lambda pair: (pair.around, pair.visit.index))
    for level in levels.values():
        in_a = [pair for pair in level if pair.a]
        by_id = {pair.b.id: pair for pair in level if pair.b}
        in_b = [by_id[visit_id] for visit_id in sorted(by_id)]
        if in_a and in_b and in_a[0] is not in_b[0]:
            yield _first_state(in_a[0], in_b[0])
        after_b = dict(zip_longest(in_b, in_b[1:]))
        for pair, next_a in zip_longest(in_a, in_a[1:]):
            next_b = after_b.get(pair)
            if pair.both and next_a is not next_b:
                visit_a = next_a.a if next_a else None
                visit_b = next_b.b if next_b else None
                yield from _next_state(pair, visit_a, visit_b)


def _first_state(first_a: VisitPair, first_b: VisitPair) -> Difference:
    visit = first_a.visit
    name_a = visit.name
    name_b = (first_b.b or first_b.visit).name
    around = first_a.around
    inside = ""
    place = None
    if around is not None:
        place = around.place
        index = "" if visit.index is None else f"[{visit.index}]"
        inside = f"In {around.title}{index}, "
    text = _FIRST.format(inside=inside, a=named(name_a), b=named(name_b))
    return difference(
        Position(visit.id, Rank.BEFORE),
        "first-state",
        text,
        name_a,
        name_b,
        state=place,
        index=visit.index,
    )


def _next_state(
    pair: VisitPair, next_a: StateVisit | None, next_b: StateVisit | None
) -> Iterator[Difference]:
    if not pair.a or not pair.b or pair.moved or pair.a.status != pair.b.status:
        return  # another end explains what followed
    around_a: StateVisit | ExecutionAsOf | None = pair.sides[0].execution
    around_b: StateVisit | ExecutionAsOf | None = pair.sides[1].execution
    if pair.around is not None:
        around_a = pair.around.a
        around_b = pair.around.b
    if _may_go_on(around_a, next_a) or _may_go_on(around_b, next_b):
        return
    text = _NEXT.format(state=pair.title, a=_went_words(next_a), b=_went_words(next_b))
    yield difference(
        Position(max(pair.a.event_ids, default=pair.a.id), Rank.LAST),
        "next-state",
        text,
        next_a.name if next_a else None,
        next_b.name if next_b else None,
        state=pair.place,
    )


def _may_go_on(
    around: StateVisit | ExecutionAsOf | None, after: StateVisit | None
) -> bool:
    """True if no state came next yet, but one may still come."""
    return after is None and around is not None and around.running


def _went_words(after: StateVisit | None) -> str:
    return f"went on to {named(after.name)}" if after else "went no further"
