"""Finds the states after which two executions went different ways."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from sfnwatch.analysis.compare.compared_execution import ExecutionPair
from sfnwatch.analysis.compare.difference import Difference, Position, Rank, difference
from sfnwatch.analysis.compare.visit_pair import VisitPair
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.names import named

_FIRST = "{inside}A started with {a} and B with {b}."
_NEXT = "After {state}, A {a} and B {b}."


def order_differences(
    pairs: Iterable[VisitPair], sides: ExecutionPair
) -> Iterator[Difference]:
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
                yield from _next_state(pair, sides, next_a, next_b)


def _first_state(first_a: VisitPair, first_b: VisitPair) -> Difference:
    visit = first_a.visit
    name_a = visit.name
    name_b = first_b.name_in_b
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
    pair: VisitPair,
    sides: ExecutionPair,
    next_a: VisitPair | None,
    next_b: VisitPair | None,
) -> Iterator[Difference]:
    if not pair.a or not pair.b or pair.moved or pair.a.status != pair.b.status:
        return  # another end explains what followed
    is_running_a = sides[0].execution.running
    is_running_b = sides[1].execution.running
    if pair.around is not None:
        is_running_a = pair.around.a is not None and pair.around.a.running
        is_running_b = pair.around.b is not None and pair.around.b.running
    if (is_running_a and not next_a) or (is_running_b and not next_b):
        return  # it may yet go on
    name_a = next_a.visit.name if next_a else None
    name_b = next_b.name_in_b if next_b else None
    way_a = _way_words(name_a)
    way_b = _way_words(name_b)
    text = _NEXT.format(state=pair.title, a=way_a, b=way_b)
    last_event_id = max(pair.a.event_ids, default=pair.a.id)
    yield difference(
        Position(last_event_id, Rank.LAST),
        "next-state",
        text,
        name_a,
        name_b,
        state=pair.place,
    )


def _way_words(name: str | None) -> str:
    return f"went on to {named(name)}" if name else "went no further"
