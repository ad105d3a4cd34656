"""The iterations of a Map, or the branches of a Parallel, compared together."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any

from sfnwatch.analysis.compare.compared_execution import ExecutionPair
from sfnwatch.analysis.compare.length_pair import LengthPair, index_of_largest_change
from sfnwatch.analysis.compare.visit_pair import VisitPair
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.phases import end_of
from sfnwatch.model.visits import StateVisit


class Iterations:
    """The iterations of one side's Map, or the branches of its Parallel, by index."""

    def __init__(self, visits: Iterable[StateVisit], now: datetime) -> None:
        self.seconds: dict[int | None, float] = {}
        """The length of each iteration, from its first state's start to its last
        state's end, without pauses."""
        self.statuses: dict[int | None, str] = {}
        """The status of each iteration: how its last state ended."""
        for index, iteration in grouped(visits, lambda visit: visit.index).items():
            begin = min(visit.entered_at for visit in iteration)
            end = max(end_of(visit, now) for visit in iteration)
            paused = sum(visit.paused for visit in iteration)
            self.seconds[index] = (end - begin).total_seconds() - paused
            self.statuses[index] = iteration[-1].status
            if any(visit.running for visit in iteration):
                self.statuses[index] = "running"

    @property
    def spread(self) -> Mapping[str, Any] | None:
        """The number of iterations and their lengths in seconds; None if none."""
        lengths = self.seconds
        if not lengths:
            return None
        shortest = min(lengths, key=lengths.__getitem__)
        longest = max(lengths, key=lengths.__getitem__)
        return {
            "count": len(lengths),
            "median": median(lengths.values()),
            "least": lengths[shortest],
            "least_index": shortest,
            "most": lengths[longest],
            "most_index": longest,
        }


class IterationGroup:
    """The iterations of a Map, or the branches of a Parallel, taken together."""

    def __init__(self, inside: Sequence[VisitPair], sides: ExecutionPair) -> None:
        self.places: dict[int | None, tuple[int, int]] = {}
        """The place of each iteration's first pair, and the place after its last pair,
        by index."""
        for index, pairs in grouped(inside, lambda pair: pair.visit.index).items():
            self.places[index] = (pairs[0].place, pairs[-1].stop)
        visits_a = [pair.a for pair in inside if pair.a]
        visits_b = [pair.b for pair in inside if pair.b]
        in_a, in_b = sides
        self.a = Iterations(visits_a, in_a.now)
        self.b = Iterations(visits_b, in_b.now)

    def largest_change(self, sign: int) -> tuple[int | None, LengthPair] | None:
        """Return the index and lengths of the iteration that took most more in B.

        For -1, the one that took most less. None if there is no such iteration.
        """
        iterations = []
        for index in self.places:
            a = self.a.seconds.get(index)
            b = self.b.seconds.get(index)
            iterations.append((index, LengthPair(a, b)))
        number = index_of_largest_change((pair for _, pair in iterations), sign)
        return None if number is None else iterations[number]
