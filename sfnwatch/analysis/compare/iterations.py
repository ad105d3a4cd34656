"""The iterations of a Map, or the branches of a Parallel, compared together."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any

from sfnwatch.analysis.compare.compared_execution import ExecutionPair
from sfnwatch.analysis.compare.length_pair import LengthPair, index_of_largest_change
from sfnwatch.analysis.compare.visit_pair import VisitPair
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.phases import (
    end_of,
)
from sfnwatch.model.visits import StateVisit


class Iterations:
    """The iterations of one side's Map, or the branches of its Parallel, by index."""

    def __init__(self, visits: Iterable[StateVisit], now: datetime) -> None:
        self.seconds: dict[int | None, float] = {}
        self.statuses: dict[int | None, str] = {}
        """The status of each iteration: how its last state ended."""
        for index, own in grouped(visits, lambda visit: visit.index).items():
            # From its first state's start to its last state's end, without pauses.
            begin = min(visit.entered_at for visit in own)
            end = max(end_of(visit, now) for visit in own)
            paused = sum(visit.paused for visit in own)
            self.seconds[index] = (end - begin).total_seconds() - paused
            running = any(visit.running for visit in own)
            self.statuses[index] = "running" if running else own[-1].status

    @property
    def spread(self) -> Mapping[str, Any] | None:
        """The number of iterations and their lengths in seconds; None if none."""
        lengths = self.seconds
        if not lengths:
            return None
        least, most = (f(lengths, key=lengths.__getitem__) for f in (min, max))
        return {
            "count": len(lengths),
            "median": median(lengths.values()),
            "least": lengths[least],
            "least_index": least,
            "most": lengths[most],
            "most_index": most,
        }


class IterationGroup:
    """The iterations of a Map, or the branches of a Parallel, taken together."""

    def __init__(self, inside: Sequence[VisitPair], sides: ExecutionPair) -> None:
        level = grouped(inside, lambda pair: pair.visit.index).items()
        self.places = {index: (own[0].place, own[-1].stop) for index, own in level}
        """The place of each iteration's first pair, and the place after its last pair,
        by index."""
        self.a = Iterations(filter(None, (pair.a for pair in inside)), sides[0].now)
        self.b = Iterations(filter(None, (pair.b for pair in inside)), sides[1].now)

    def largest_change(self, sign: int) -> tuple[int | None, LengthPair] | None:
        """Return the index and lengths of the iteration that took most more in B.

        For -1, the one that took most less. None if there is no such iteration.
        """
        a = self.a.seconds
        b = self.b.seconds
        each = [
            (index, LengthPair(a.get(index), b.get(index))) for index in self.places
        ]
        place = index_of_largest_change((lengths for _, lengths in each), sign)
        return None if place is None else each[place]
