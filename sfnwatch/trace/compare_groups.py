"""The iterations of a Map together: a crowd is told by its middle and its ends."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from statistics import median

from sfnwatch.trace.compare_values import (
    Change,
    Group,
    Iteration,
    Pair,
    Spread,
)
from sfnwatch.trace.spans import end_of
from sfnwatch.trace.visits import StateVisit


def group_pairs(
    pairs: Sequence[Pair], now_a: datetime, now_b: datetime
) -> Mapping[int, Group]:
    """Group what is in each Map and Parallel, by the place of its pair."""
    inside: dict[int, list[int]] = {}
    for place, pair in enumerate(pairs):
        if pair.parent is not None:
            inside.setdefault(pair.parent, []).append(place)
    return {
        place: _group(place, _iterations(pairs, places, now_a, now_b))
        for place, places in inside.items()
    }


def _iterations(
    pairs: Sequence[Pair], places: Iterable[int], now_a: datetime, now_b: datetime
) -> Iterator[Iteration]:
    for index, alike in groupby(places, key=lambda place: pairs[place].index):
        own = list(alike)
        in_a = [pair.a for pair in map(pairs.__getitem__, own) if pair.a is not None]
        in_b = [pair.b for pair in map(pairs.__getitem__, own) if pair.b is not None]
        yield Iteration(
            index=index,
            start=own[0],
            stop=pairs[own[-1]].stop,
            seconds=Change(_seconds(in_a, now_a), _seconds(in_b, now_b)),
            status_a=_status(in_a),
            status_b=_status(in_b),
        )


def _seconds(visits: Sequence[StateVisit], now: datetime) -> float | None:
    if not visits:
        return None
    begin = min(visit.entered_at for visit in visits)
    return (max(end_of(visit, now) for visit in visits) - begin).total_seconds()


def _status(visits: Sequence[StateVisit]) -> str | None:
    """Say how an iteration ended: as the last of its states did."""
    if any(visit.status == "running" for visit in visits):
        return "running"
    return max(visits, key=lambda visit: visit.id).status if visits else None


def _group(place: int, iterations: Iterable[Iteration]) -> Group:
    found = tuple(iterations)
    compared = [i for i in found if i.seconds.difference is not None]
    by_more = sorted(compared, key=lambda i: i.seconds.difference or 0.0)
    return Group(
        place=place,
        iterations=found,
        a=_spread([(i.seconds.a, i.index) for i in found]),
        b=_spread([(i.seconds.b, i.index) for i in found]),
        statuses_a=_counted(i.status_a for i in found),
        statuses_b=_counted(i.status_b for i in found),
        slower=_notable(by_more[-1:], 1),
        faster=_notable(by_more[:1], -1),
    )


def _notable(found: Sequence[Iteration], sign: int) -> Iteration | None:
    for iteration in found:
        more = (iteration.seconds.difference or 0.0) * sign
        if more > 0 and not iteration.seconds.near:
            return iteration
    return None


def _spread(lengths: Iterable[tuple[float | None, int | None]]) -> Spread | None:
    known = [(seconds, index) for seconds, index in lengths if seconds is not None]
    if not known:
        return None
    least = min(known, key=lambda length: length[0])
    most = max(known, key=lambda length: length[0])
    middle = median(seconds for seconds, _ in known)
    return Spread(len(known), middle, least[0], least[1], most[0], most[1])


def _counted(statuses: Iterable[str | None]) -> Mapping[str, int]:
    return dict(sorted(Counter(s for s in statuses if s is not None).items()))
