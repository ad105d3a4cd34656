"""At which points two executions differ, and what of them can't be compared.

One execution is called A, the other B.
"""

from enum import StrEnum

from msgspec import Struct

from sfnwatch.trace.integrations import CallRole


class Which(StrEnum):
    A = "a"
    B = "b"


Kind = tuple[CallRole, str, str]
"""What a call was for, its event source and its name."""


class CallTally(Struct, frozen=True):
    """The like calls of one try."""

    count: int
    first: str
    """The first one's event id."""
    errors: tuple[tuple[str, int], ...] = ()
    """Error codes, and how many calls ended with each; the most frequent first."""
    interval: float | None = None
    """Seconds from one to the next, on average; None for a single one."""
    shortest: float | None = None
    longest: float | None = None
    guessed: int = 0
    """How many are tied by a guess."""

    @property
    def failed(self) -> int:
        return sum(count for _, count in self.errors)


class CallPair(Struct, frozen=True):
    """The calls of one name that a try made, on both sides."""

    role: CallRole
    name: str
    source: str
    """The event source, `ecs.amazonaws.com`."""
    a: CallTally | None = None
    b: CallTally | None = None


# -- what is different, and what can't be told ---------------------------------------


class Sort(StrEnum):
    """In what the two did something else."""

    FIRST_STATE = "first-state"
    NEXT_STATE = "next-state"
    TYPE = "type"
    RESOURCE = "resource"
    ITERATIONS = "iterations"
    OUTCOME = "outcome"
    TRY = "try"
    ERROR = "error"
    DENIED = "denied"
    CALL = "call"
    STATUS = "status"


class Difference(Struct, frozen=True):
    """A point at which the two did something else; times alone make none."""

    sort: Sort
    place: int | None = None
    """The place of the pair; None for the executions as such."""
    a: str | None = None
    """What it was in A, as the sort says: a state, a status, a resource, a call."""
    b: str | None = None
    number: int | None = None
    """Which try, from 1; of a call too."""
    call: CallPair | None = None
    index: int | None = None
    """The branch or iteration that began with another state."""


class GapKind(StrEnum):
    """Why something could not be compared."""

    SAME_EXECUTION = "same-execution"
    NO_HISTORY = "no-history"
    PARTIAL_HISTORY = "partial-history"
    RUNNING = "running"
    OTHER_MACHINE = "other-machine"
    NO_CALLS = "no-calls"
    LATE_CALLS = "late-calls"
    SHARED_CALLS = "shared-calls"
    NO_DEFINITION = "no-definition"


class Gap(Struct, frozen=True):
    """Something that could not be compared, or only with care."""

    kind: GapKind
    which: Which | None = None
    """The side where it is missing; None: both."""
    count: int = 0


class Definitions(Struct, frozen=True):
    """In which states the definitions differ, each in the order of its machine."""

    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()
    changed: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """A state's name, and which of its fields differ."""
    outside: bool = False
    """True if what is in no state differs: where it starts, its time-out."""

    @property
    def same(self) -> bool:
        return not (self.only_a or self.only_b or self.changed or self.outside)
