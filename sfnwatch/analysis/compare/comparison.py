"""Two executions compared as a whole: their pairs of visits and their differences.

One execution is called A, the other B. Lengths are in seconds. A difference is B - A, a
ratio is B / A. A field that is written as JSON has the name of its key there.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cached_property
from operator import itemgetter

from sfnwatch.analysis.compare.compared_execution import ExecutionPair
from sfnwatch.analysis.compare.definitions import DefinitionChanges
from sfnwatch.analysis.compare.differences import (
    endings,
    in_order,
    in_states,
    iteration_counts,
)
from sfnwatch.analysis.compare.iterations import IterationGroup
from sfnwatch.analysis.compare.length_pair import LengthPair, index_of_largest_change
from sfnwatch.analysis.compare.visit_pair import VisitPair
from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.phases import (
    Phase,
)


class Comparison:
    """A comparison of two executions; it holds until their traces change."""

    def __init__(self, sides: ExecutionPair, pairs: Sequence[VisitPair]) -> None:
        self.sides = sides
        self.a, self.b = a, b = sides
        self.pairs = pairs
        """Every visit of both, once; the visits inside a Map or Parallel follow it."""
        inside = grouped(pairs, lambda pair: pair.around).items()
        self.groups = {p.place: IterationGroup(own, sides) for p, own in inside if p}
        """The iterations or branches, by the place of their Map or Parallel."""
        self.definitions: DefinitionChanges | None = None
        """None if a definition is not known."""
        self.gaps: Sequence[Finding] = ()
        """What could not be compared, or only with care."""
        self.running = a.execution.running or b.execution.running
        self.seconds = LengthPair(a.seconds, b.seconds)
        """The lengths of the whole executions; of a running one, so far."""
        self.calls_compared = not (a.lacks_calls or b.lacks_calls)
        """False if one side's calls are not known."""
        given = a.input, b.input
        self.same_input = None if None in given else given[0] == given[1]
        """None if an input is not known."""
        self.shared = sum(pair.both for pair in pairs)
        """The number of visits that the two have in common."""
        self.guesses = bool(a.calls.guessed or b.calls.guessed)
        """True if some of the calls compared are matched by a guess."""

    @property
    def phases(self) -> Mapping[Phase, LengthPair]:
        """The states' time by phase; concurrent states each count in full."""
        found: dict[Phase, LengthPair] = {}
        for phase in Phase:
            told = [p.phases[phase] for p in self.pairs if phase in p.phases]
            a = sum(s.a or 0.0 for s in told)
            b = sum(s.b or 0.0 for s in told)
            if phase is not Phase.CONTAINER and (a or b):
                found[phase] = LengthPair(a, b)
        return found

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
        ways = (in_states, in_order, iteration_counts, endings)
        found = [each for find in ways for each in find(self)]
        return [difference for _, difference in sorted(found, key=itemgetter(0))]

    @cached_property
    def _differing(self) -> Sequence[int]:
        """The places of pairs that differ or that have no counterpart, in order."""
        told = {each.data["state"] for each in self.differences} - {None}
        return sorted(told | {pair.place for pair in self.pairs if not pair.both})

    def differs(self, start: int, stop: int) -> bool:
        """True if any pair differs from place `start` up to, but without, `stop`."""
        return bisect_left(self._differing, stop) > bisect_left(self._differing, start)

    def largest_change(self, sign: int) -> int | None:
        """Return the place of the state that took most more in B; for -1, most less.

        None if there is no such state. Containers and running states do not count.
        """
        settled = (
            LengthPair() if pair.is_container or pair.running else pair.seconds
            for pair in self.pairs
        )
        return index_of_largest_change(settled, sign)
