"""What is shown of lanes: the lines that are no rows, and what became of the rows."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct, field

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.lanes import Row
from sfnwatch.trace.nests import Nest
from sfnwatch.trace.shape_tally import Tally
from sfnwatch.trace.visits import StateVisit

IDLE = timedelta(seconds=30)
"""A gap from this on is named: a person would wonder what went on."""


class Sort(StrEnum):
    """What a line that is no row stands for."""

    POLLS = "polls"
    """Like polls of one attempt, between the first and the last of them."""
    VISIT = "visit"
    """A Parallel or a Map with all that is in it."""
    BRANCH = "branch"
    """A branch of a Parallel, an iteration of a Map."""
    CHILD = "child"
    """An execution that another one began, with all that is in it."""
    MAP_RUN = "map-run"
    """A Map Run with its executions."""
    BACKOFF = "backoff"
    IDLE = "idle"
    WATERMARK = "watermark"
    DATE = "date"


_PASSED = frozenset({Sort.BACKOFF, Sort.IDLE, Sort.WATERMARK, Sort.DATE})


class Fold(Struct, frozen=True):
    """A line that is no row: for several of them, or for the time between two."""

    at: datetime
    key: str
    sort: Sort
    open: bool = False
    """True for the head of what is shown, and could be folded again."""
    execution_arn: str | None = None
    visit: StateVisit | None = None
    """The one folded, the one a branch is of, the one that polls or backs off."""
    index: int | None = None
    attempt: Attempt | None = None
    rows: tuple[Row, ...] = ()
    """What stands behind it; empty while it is open."""
    seconds: float | None = None
    """How long a gap is; of polls, how far apart they are, if that is known."""
    whole: bool = True
    """False for polls of which more may still come in."""
    tally: Tally = field(default_factory=Tally)
    nest: Nest | None = None
    """What is folded, or what it is inside of."""

    @property
    def root_arn(self) -> str | None:
        """The execution around it that nothing began."""
        return self.nest.root if self.nest is not None else self.execution_arn

    @property
    def folds(self) -> bool:
        """True if it can be opened or closed; gaps can only be passed over."""
        return self.sort not in _PASSED


class Shape(Struct, frozen=True):
    """What somebody wants to see of the lanes."""

    keep: Callable[[Row], bool] | None = None
    """A filter: rows it does not keep are left out."""
    folded: frozenset[str] = frozenset()
    """The keys of visits and branches that somebody has folded."""
    opened: frozenset[str] = frozenset()
    """The keys of what begins folded and was opened: polls, iterations of a crowd."""
    hidden_services: frozenset[str] = frozenset()
    polls_folded: bool = True
    gaps: bool = True


class Shaped(Struct, frozen=True):
    """The lines of lanes in a shape, and what became of every other row."""

    rows: tuple[Row | Fold, ...] = ()
    stands: Mapping[str, str] = field(default_factory=dict)
    """The key of a row, or of an event, to that of the line that stands for it."""
    heads: Mapping[str, str] = field(default_factory=dict)
    """The key of a row to that of the visit or branch it is the head of."""
    around: Mapping[str, str] = field(default_factory=dict)
    """The key of a row to that of the innermost fold it is, or could be, part of."""
    filtered: int = 0
    closed: frozenset[str] = frozenset()
    """The keys of the visits and branches that are folded."""
    unlisted: Mapping[str, int] = field(default_factory=dict)
    """How many calls of hidden services are left out, by service."""
