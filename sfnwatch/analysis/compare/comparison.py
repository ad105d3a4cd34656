"""Two executions compared as a whole: their pairs of visits and their differences.

One execution is called A, the other B. Lengths are in seconds. A difference is B - A, a
ratio is B / A. A field that is written as JSON has the name of its key there.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cached_property
from operator import attrgetter

from sfnwatch.analysis.compare.compared_execution import ExecutionPair
from sfnwatch.analysis.compare.definitions import compare_definitions
from sfnwatch.analysis.compare.differences import (
    ending_differences,
    iteration_differences,
    state_differences,
)
from sfnwatch.analysis.compare.gaps import find_gaps
from sfnwatch.analysis.compare.iterations import IterationGroup
from sfnwatch.analysis.compare.length_pair import LengthPair, index_of_largest_change
from sfnwatch.analysis.compare.order_differences import order_differences
from sfnwatch.analysis.compare.visit_pairs import pair_visits
from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.phases import Phase


class Comparison:
    """A comparison of two executions; it holds until their traces change."""

    def __init__(self, sides: ExecutionPair) -> None:
        self.sides = sides
        a, b = sides
        self.a = a
        self.b = b
        self.pairs = pair_visits(sides)
        """Every visit of both, once; the visits inside a Map or Parallel follow it."""
        self.groups: dict[int, IterationGroup] = {}
        """The iterations or branches, by the place of their Map or Parallel."""
        for around, inside in grouped(self.pairs, lambda pair: pair.around).items():
            if around is not None:
                self.groups[around.place] = IterationGroup(inside, sides)
        self.definitions = compare_definitions(sides)
        """None if a definition is not known."""
        self.gaps = list(find_gaps(sides))
        """What could not be compared, or only with care."""
        self.running = a.execution.running or b.execution.running
        self.seconds = LengthPair(a.seconds, b.seconds)
        """The lengths of the whole executions; of a running one, so far."""
        self.calls_compared = not (a.lacks_calls or b.lacks_calls)
        """False if one side's calls are not known."""
        self.same_input: bool | None = None
        """None if an input is not known."""
        if a.input is not None and b.input is not None:
            self.same_input = a.input == b.input
        self.shared_count = sum(pair.both for pair in self.pairs)
        """The number of visits that the two have in common."""
        self.has_guesses = bool(a.calls.guessed or b.calls.guessed)
        """True if some of the calls compared are matched by a guess."""

    @property
    def phases(self) -> Mapping[Phase, LengthPair]:
        """The states' time by phase; concurrent states each count in full."""
        in_a = dict.fromkeys(Phase, 0.0)
        in_b = dict.fromkeys(Phase, 0.0)
        for pair in self.pairs:
            for phase, lengths in pair.phases.items():
                in_a[phase] += lengths.a or 0.0
                in_b[phase] += lengths.b or 0.0
        phases: dict[Phase, LengthPair] = {}
        for phase in Phase:
            if phase is not Phase.CONTAINER and (in_a[phase] or in_b[phase]):
                phases[phase] = LengthPair(in_a[phase], in_b[phase])
        return phases

    @cached_property
    def differences(self) -> Sequence[Finding]:
        """The points at which the two did something else, in the order of A.

        Times alone are no difference. Each is a sentence on what the two did. Its kind
        is first-state, next-state, type, resource, iterations, outcome, try, error,
        denied, call or status, and its data has

        state     the place of the pair; None for the executions as such
        index     the branch or iteration that began with another state
        attempt   the number of the attempt, from 1; for a call, too
        a, b      the value on each side: a state, a status, a resource, a call
        call      a CallPair
        """
        differences = [
            *state_differences(self.pairs, calls_compared=self.calls_compared),
            *order_differences(self.pairs, self.sides),
            *iteration_differences(self.pairs, self.groups),
            *ending_differences(self.sides),
        ]
        differences.sort(key=attrgetter("position"))
        return [difference.finding for difference in differences]

    @cached_property
    def _differing(self) -> Sequence[int]:
        """The places of pairs that differ or that have no counterpart, in order."""
        places = {pair.place for pair in self.pairs if not pair.both}
        places.update(difference.data["state"] for difference in self.differences)
        return sorted(places - {None})

    def differs(self, start: int, stop: int) -> bool:
        """True if any pair differs from place `start` up to, but without, `stop`."""
        return bisect_left(self._differing, stop) > bisect_left(self._differing, start)

    def largest_change(self, sign: int) -> int | None:
        """Return the place of the state that took most more in B; for -1, most less.

        None if there is no such state. Containers and running states do not count.
        """
        lengths = []
        for pair in self.pairs:
            counts = not pair.is_container and not pair.running
            lengths.append(pair.seconds if counts else LengthPair())
        return index_of_largest_change(lengths, sign)
