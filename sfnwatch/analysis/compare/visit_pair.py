"""A visit of one execution with its counterpart in the other."""

from collections.abc import Mapping
from itertools import zip_longest

from sfnwatch.analysis.compare.attempt_pair import AttemptPair
from sfnwatch.analysis.compare.compared_execution import ExecutionPair
from sfnwatch.analysis.compare.length_pair import LengthPair
from sfnwatch.analysis.names import named
from sfnwatch.analysis.phases import (
    Phase,
    length_of,
    seconds_by_phase,
)
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import ROOT, StateVisit

PATH_LENGTH = 400
AlignedVisits = tuple[StateVisit | None, StateVisit | None, bool]
"""A visit of A, its counterpart in B (one of the two may be missing), and whether the
visit has moved: B has another order."""


class VisitPair:
    """A visit of A with its counterpart in B, or a visit without one."""

    def __init__(
        self,
        place: int,
        around: "VisitPair | None",
        of: AlignedVisits,
        sides: ExecutionPair,
    ) -> None:
        """`place` is its index among all pairs, `around` the pair that it runs in."""
        self.a, self.b, self.moved = of
        self.sides = sides
        there = [visit for visit in (self.a, self.b) if visit is not None]
        self.visit = there[0]
        """A's visit, or B's if A has none."""
        self.place = place
        self.around = around
        self.depth: int = around.depth + 1 if around is not None else 0
        self.stop = place + 1
        """The place after the last pair that runs inside it; all in between do, too."""
        self.occurrence = 1
        """Its number among the pairs of its path, from 1."""
        self.both = len(there) == len(sides)
        self.running = any(visit.running for visit in there)
        self.is_container = self.visit.type in {"Map", "Parallel"}
        """True for a Map or Parallel: its time is that of the states inside."""
        own = list(zip((self.a, self.b), sides, strict=True))
        self.seconds = LengthPair(*(length_of(v, s.now) if v else None for v, s in own))
        """The lengths of the visits; of a running one, so far."""
        spent = [seconds_by_phase(s.execution, v, s.now) if v else None for v, s in own]
        self.phases: Mapping[Phase, LengthPair] = {
            phase: LengthPair(*(e if e is None else e.get(phase, 0.0) for e in spent))
            for phase in Phase
            if phase is not Phase.STOPPED and any(e and phase in e for e in spent)
        }
        """The lengths by phase, without `STOPPED`. A phase that is missing took no
        time."""
        tries = (s.case.attempts_of.get(v.id if v else 0, ()) for v, s in own)
        every = enumerate(zip_longest(*tries), start=1)
        self.attempts = [AttemptPair(number, cases) for number, cases in every]

    @property
    def title(self) -> str:
        """The pair's path, with the number of its visit if it is not the first."""
        path = clean(self.visit.path.removeprefix(f"{ROOT} / "), PATH_LENGTH)
        return f"{path}{self._more}"

    @property
    def label(self) -> str:
        """The pair's name below the state that it runs in: `[3] Work`."""
        index = f"[{self.visit.index}] " if self.visit.index is not None else ""
        return f"{index}{named(self.visit.name)}{self._more}"

    @property
    def _more(self) -> str:
        """B's name if it is another, and the visit's number if it is not the first."""
        other = self.b.name if self.b and self.b.name != self.visit.name else ""
        turn = f" (visit {self.occurrence})" if self.occurrence > 1 else ""
        return f"{other and f' / {named(other)}'}{turn}"
