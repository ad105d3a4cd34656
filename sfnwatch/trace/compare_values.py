"""What two executions are compared by: the values that `compare` gives.

One execution is called A, the other B. Lengths are seconds; a difference is what B has
more than A, a ratio how many times as much.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.compare_points import (
    CallPair,
    Definitions,
    Difference,
    Gap,
    Which,
)
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.notice import Notice
from sfnwatch.trace.redrives import Redrive
from sfnwatch.trace.spans import Part
from sfnwatch.trace.visits import StateVisit

NEAR_SECONDS, NEAR_SHARE = 0.5, 0.02
SHORT_SHARE = 0.2
"""Lengths no further apart than this are called about the same."""


@dataclass(frozen=True, slots=True)
class Change:
    """A quantity of both; None where there is none."""

    a: float | None = None
    b: float | None = None

    @property
    def difference(self) -> float | None:
        return None if self.a is None or self.b is None else self.b - self.a

    @property
    def ratio(self) -> float | None:
        return self.b / self.a if self.a and self.b is not None else None

    @property
    def near(self) -> bool:
        """True for two lengths that a person would call the same."""
        if self.a is None or self.b is None:
            return False
        longer = max(self.a, self.b)
        room = max(min(NEAR_SECONDS, SHORT_SHARE * longer), NEAR_SHARE * longer)
        return abs(self.b - self.a) <= room


# -- tries and visits ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TryPair:
    """The n-th tries of a visit and of its counterpart."""

    number: int
    """From 1."""
    a: Attempt | None = None
    b: Attempt | None = None
    calls: tuple[CallPair, ...] = ()
    """In the order in which A made the first of them; then what B alone made."""
    noticed_a: Notice | None = None
    noticed_b: Notice | None = None
    seconds: Change = Change()
    """From scheduled to ended; None while it runs."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A visit of A and its counterpart in B, or one that has none."""

    path: str
    """`Main / Parallel[1] / Each[3] / Work`."""
    occurrence: int
    """Which pair of this path it is, from 1."""
    depth: int
    parent: int | None = None
    """The place of the pair that it runs in."""
    index: int | None = None
    """Its branch or iteration."""
    stop: int = 0
    """The place after the last pair that runs in it; those in between all do."""
    a: StateVisit | None = None
    b: StateVisit | None = None
    moved: bool = False
    """True where the two come in another order."""
    seconds: Change = Change()
    """Of what still runs, so far."""
    parts: Mapping[Part, Change] = field(default_factory=dict)
    tries: tuple[TryPair, ...] = ()

    @property
    def visit(self) -> StateVisit:
        """A's visit or, where there is none, B's."""
        visit = self.a or self.b
        if visit is None:
            msg = "a pair of nothing"
            raise ValueError(msg)
        return visit

    @property
    def name(self) -> str:
        return self.visit.name

    @property
    def both(self) -> bool:
        return self.a is not None and self.b is not None

    @property
    def renamed(self) -> bool:
        """True if the same work goes by another name in B."""
        return bool(self.a and self.b and self.a.name != self.b.name)

    @property
    def around(self) -> bool:
        """True for a Map or a Parallel: its time is that of the states inside."""
        return self.visit.type in {"Map", "Parallel"}

    @property
    def running(self) -> bool:
        return any(v is not None and v.ended_at is None for v in (self.a, self.b))


@dataclass(frozen=True, slots=True)
class Iteration:
    """One iteration of a Map, or one branch of a Parallel, on both sides."""

    index: int | None
    start: int
    """The place of its first pair."""
    stop: int
    """The place after its last."""
    seconds: Change = Change()
    status_a: str | None = None
    """As its last state ended; None where A has no such iteration."""
    status_b: str | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """How long the iterations of one side took."""

    count: int
    median: float
    least: float
    least_index: int | None
    most: float
    most_index: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """The iterations of a Map, or the branches of a Parallel, taken together."""

    place: int
    """The place of the Map's own pair."""
    iterations: tuple[Iteration, ...] = ()
    a: Spread | None = None
    b: Spread | None = None
    statuses_a: Mapping[str, int] = field(default_factory=dict)
    statuses_b: Mapping[str, int] = field(default_factory=dict)
    slower: Iteration | None = None
    """The one that took so much longer in B."""
    faster: Iteration | None = None

    @property
    def both(self) -> int:
        """How many iterations the two have in common."""
        return sum(bool(i.status_a and i.status_b) for i in self.iterations)


# -- the whole -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Side:
    """One execution as a whole."""

    which: Which
    execution_arn: str
    name: str
    state_machine_arn: str | None = None
    state_machine_name: str | None = None
    status: str = "UNKNOWN"
    error: str | None = None
    """What it failed with."""
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    running: bool = False
    role_arn: str | None = None
    events: int = 0
    visits: int = 0
    tries: int = 0
    calls: Mapping[CallRole, int] = field(default_factory=dict)
    """How many of its calls are known, by what they were for."""
    failed_calls: int = 0
    latency: float | None = None
    """Seconds until CloudTrail told of a call: the median; None where nobody knows."""
    redrives: tuple[Redrive, ...] = ()
    """The times it was taken up again after it had ended."""

    @property
    def call_count(self) -> int:
        return sum(self.calls.values())


@dataclass(frozen=True)
class Comparison:
    """Two executions beside each other."""

    a: Side
    b: Side
    pairs: tuple[Pair, ...] = ()
    """Every visit of both once, what is in a Map or Parallel right behind it."""
    groups: Mapping[int, Group] = field(default_factory=dict)
    """By the place of the Map or Parallel."""
    seconds: Change = Change()
    """Of the whole executions; of what still runs, so far."""
    parts: Mapping[Part, Change] = field(default_factory=dict)
    """Summed up over all states; those beside each other count twice."""
    calls_compared: bool = False
    same_input: bool | None = None
    """None where one is not known."""
    definitions: Definitions | None = None
    """None where one is not known."""
    differences: tuple[Difference, ...] = ()
    """In the order of A: the first is where they part."""
    gaps: tuple[Gap, ...] = ()

    @property
    def first(self) -> Difference | None:
        return self.differences[0] if self.differences else None

    @cached_property
    def places(self) -> Mapping[tuple[str, int], int]:
        """A pair's path and occurrence to its place."""
        return {(p.path, p.occurrence): place for place, p in enumerate(self.pairs)}

    @cached_property
    def differing(self) -> frozenset[int]:
        """The places of pairs that did something else, or have no counterpart."""
        told = {d.place for d in self.differences if d.place is not None}
        lone = {place for place, pair in enumerate(self.pairs) if not pair.both}
        return frozenset(told | lone)

    @cached_property
    def slower(self) -> Pair | None:
        """The state that took so much longer in B than any other; None: none did."""
        return self._extreme(1)

    @cached_property
    def faster(self) -> Pair | None:
        return self._extreme(-1)

    def _extreme(self, sign: int) -> Pair | None:
        best, most = None, 0.0
        for pair in self.pairs:
            more = (pair.seconds.difference or 0.0) * sign
            settled = not (pair.around or pair.running or pair.seconds.near)
            if more > most and settled:
                best, most = pair, more
        return best
