"""A visit of one execution with its counterpart in the other."""

from collections.abc import Mapping
from itertools import zip_longest
from typing import NamedTuple

from sfnwatch.analysis.compare.attempt_pair import AttemptPair
from sfnwatch.analysis.compare.compared_execution import ExecutionPair
from sfnwatch.analysis.compare.length_pair import LengthPair
from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.names import named
from sfnwatch.analysis.phases import Phase
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import ROOT, StateVisit

_PATH_CHARACTERS = 400


class AlignedVisits(NamedTuple):
    """A visit of A and its counterpart in B; one of the two may be missing."""

    a: StateVisit | None
    b: StateVisit | None
    moved: bool = False
    """True if B has another order."""


class VisitPair:
    """A visit of A with its counterpart in B, or a visit without one."""

    def __init__(
        self,
        place: int,
        around: "VisitPair | None",
        visits: AlignedVisits,
        sides: ExecutionPair,
    ) -> None:
        """`place` is its index among all pairs, `around` the pair that it runs in."""
        a, b, self.moved = visits
        self.a = a
        self.b = b
        present = [visit for visit in (a, b) if visit is not None]
        self.visit = present[0]
        """A's visit, or B's if A has none."""
        self.place = place
        self.around = around
        self.depth: int = around.depth + 1 if around is not None else 0
        self.stop = place + 1
        """The place after the last pair inside it; all pairs in between are inside."""
        self.occurrence = 1
        """Its number among the pairs of its path, from 1."""
        self.both = a is not None and b is not None
        self.running = any(visit.running for visit in present)
        self.is_container = self.visit.type in {"Map", "Parallel"}
        """True for a Map or Parallel: its time is that of the states inside."""
        in_a, in_b = sides
        self.seconds = LengthPair(in_a.seconds_taken(a), in_b.seconds_taken(b))
        """The lengths of the visits; of a running one, so far."""
        self.phases = _phase_lengths(in_a.phases_of(a), in_b.phases_of(b))
        """The lengths by phase, without `STOPPED`. A phase that is missing took no
        time."""
        attempts = zip_longest(in_a.attempts_of(a), in_b.attempts_of(b))
        self.attempts = [
            AttemptPair(number, *pair) for number, pair in enumerate(attempts, start=1)
        ]

    @property
    def title(self) -> str:
        """The pair's path, with the number of its visit if it is not the first."""
        path = self.visit.path.removeprefix(f"{ROOT} / ")
        return f"{clean(path, _PATH_CHARACTERS)}{self._suffix}"

    @property
    def label(self) -> str:
        """The pair's name below the state that it runs in: `[3] Work`."""
        name = named(self.visit.name)
        if self.visit.index is not None:
            name = f"[{self.visit.index}] {name}"
        return f"{name}{self._suffix}"

    @property
    def name_in_b(self) -> str:
        """The name of B's visit, or of A's if B has none."""
        return (self.b or self.visit).name

    @property
    def other_resources(self) -> tuple[str, str] | None:
        """What the first attempts run on each side; None if it is the same."""
        first = self.attempts[0] if self.attempts else None
        if first is None or first.a is None or first.b is None:
            return None
        in_a = resource_words(first.a.attempt)
        in_b = resource_words(first.b.attempt)
        return None if in_a == in_b else (in_a, in_b)

    @property
    def _suffix(self) -> str:
        """B's name if it is another, and the visit's number if it is not the first."""
        suffix = ""
        if self.name_in_b != self.visit.name:
            suffix = f" / {named(self.name_in_b)}"
        if self.occurrence > 1:
            suffix += f" (visit {self.occurrence})"
        return suffix


def _phase_lengths(
    a: Mapping[Phase, float] | None, b: Mapping[Phase, float] | None
) -> Mapping[Phase, LengthPair]:
    """Compare the seconds by phase; None stands for a side without the visit."""
    lengths: dict[Phase, LengthPair] = {}
    for phase in Phase:
        is_spent = phase in (a or ()) or phase in (b or ())
        if is_spent and phase is not Phase.STOPPED:
            in_a = None if a is None else a.get(phase, 0.0)
            in_b = None if b is None else b.get(phase, 0.0)
            lengths[phase] = LengthPair(in_a, in_b)
    return lengths
