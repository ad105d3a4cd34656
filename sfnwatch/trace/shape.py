"""The lanes as somebody wants to see them: some folded, some left out, gaps named.

Every row of the lanes is shown, or stands behind exactly one line that is, or is
counted as left out. Lines that are no rows have keys of their own, which stay the
same while more comes in, so that a selection is never lost.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.lanes import Kind, Lanes, Row
from sfnwatch.trace.nests import Nest
from sfnwatch.trace.shape_homes import Home, Homes
from sfnwatch.trace.shape_polls import Run, poll_runs
from sfnwatch.trace.shape_tally import Tally, tally, tally_nest
from sfnwatch.trace.visits import StateVisit

IDLE = timedelta(seconds=30)
"""A gap from this on is named: a person would wonder what went on."""
_SHORT = timedelta(seconds=1)
"""A back-off below this is none to the eye."""


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


@dataclass(frozen=True, slots=True)
class Fold:
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
        return self.sort not in {Sort.BACKOFF, Sort.IDLE, Sort.WATERMARK, Sort.DATE}


@dataclass(frozen=True, slots=True)
class Shape:
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


@dataclass(frozen=True, slots=True)
class Shaped:
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


def shape(lanes: Lanes, wanted: Shape) -> Shaped:
    """Bring lanes into a shape."""
    left_out = Counter(
        row.source for row in lanes.rows if row.source in wanted.hidden_services
    )
    listed = [row for row in lanes.rows if row.source not in wanted.hidden_services]
    kept = listed if wanted.keep is None else [r for r in listed if wanted.keep(r)]
    work = _Work(_homes(lanes, wanted), wanted, kept)
    rows = tuple(work.lines())
    return Shaped(
        rows=rows,
        stands=work.stands,
        heads=work.heads,
        around=work.around,
        filtered=len(listed) - len(kept),
        closed=work.closed,
        unlisted=left_out,
    )


def _homes(lanes: Lanes, wanted: Shape) -> Homes:
    # What a filter keeps is what somebody looks for: none of it begins folded.
    crowds = wanted.keep is None
    return Homes(
        lanes.rows, wanted.folded, wanted.opened, crowds=crowds, nests=lanes.nests
    )


def toggled(shape: Shape, key: str, closed: Collection[str] = ()) -> Shape:
    """Fold what is open, and open what is folded; `key` is a fold's.

    `closed` has the keys of what is folded now, by itself or by somebody: how it was
    toggled is remembered, whatever it would begin as when more of it has come in.
    """
    if key.rpartition("~")[2].startswith(Sort.POLLS):
        return replace(shape, opened=shape.opened ^ {key})
    if key in closed:
        return replace(shape, folded=shape.folded - {key}, opened=shape.opened | {key})
    return replace(shape, folded=shape.folded | {key}, opened=shape.opened - {key})


def all_toggled(shape: Shape, lanes: Lanes) -> Shape:
    """Open everything; or, where nothing is folded, fold every branch."""
    homes = _homes(lanes, shape)
    if homes.closed:
        opened = shape.opened | homes.crowd
        return replace(shape, folded=frozenset(), opened=opened)
    branches = homes.branches()
    return replace(shape, folded=branches, opened=shape.opened - branches)


class _Work:
    """One pass over the rows, from the first to the last."""

    def __init__(self, homes: Homes, wanted: Shape, kept: Sequence[Row]) -> None:
        self.stands: dict[str, str] = {}
        self.heads: dict[str, str] = {}
        self.around: dict[str, str] = {}
        self._homes = homes
        self._wanted = wanted
        self._kept = kept
        self._behind = self._sorted()
        self._runs = self._found_runs()
        self._shown: set[str] = set()
        """The keys of folds and heads that have their line."""
        self._latest: datetime | None = None

    @property
    def closed(self) -> frozenset[str]:
        return frozenset(self._behind)

    def _sorted(self) -> Mapping[str, list[Row]]:
        """Put the rows of folded visits and branches behind their folds."""
        behind: dict[str, list[Row]] = defaultdict(list)
        for row in self._kept:
            home = self._homes.folded(row)
            if home is not None:
                behind[home.key].append(row)
                self.stands[row.key] = home.key
        return behind

    def _found_runs(self) -> Mapping[str, Run]:
        if not self._wanted.polls_folded:
            return {}
        open_ = (row for row in self._kept if row.key not in self.stands)
        return {row.key: run for run in poll_runs(open_) for row in run.all}

    def lines(self) -> Iterator[Row | Fold]:
        """Yield what is shown, in the order of time."""
        held: Fold | None = None
        for place, row in enumerate(self._kept):
            self._note_events(row)
            for line in self._line(row):
                yield from self._idle(line)
                yield line
            self._latest = max(row.at, self._latest or row.at)
            if held is not None:
                yield held
            held = None
            backoff = self._backoff(row)
            if backoff is None:
                continue
            after = self._kept[place + 1] if place + 1 < len(self._kept) else None
            if after is not None and after.key == row.causes:
                held = backoff  # its call belongs on the failure's line
            else:
                yield backoff

    def _note_events(self, row: Row) -> None:
        stands = self.stands.get(row.key, row.key)
        for event in row.events[1:]:
            self.stands[f"{row.execution_arn}#{event.id}"] = stands

    def _line(self, row: Row) -> Iterator[Row | Fold]:
        """Yield a row and the head it begins, or the fold it is the first of."""
        home = self._homes.folded(row)
        if home is not None:
            if home.key not in self._shown:
                self._shown.add(home.key)
                yield self._closed(home, row)
            return
        run = self._runs.get(row.key)
        if run is not None and row.key in run.hidden:
            if run.key not in self._shown:
                self._shown.add(run.key)
                yield self._polls(run, row)
            if run.key not in self._wanted.opened:
                self.stands[row.key] = run.key
                return
        yield from self._head(row)
        self.around[row.key] = run.key if run else self._homes.around(row)
        yield row

    def _head(self, row: Row) -> Iterator[Fold]:
        """Begin a Parallel's branch with a line; a Map's iteration has an event."""
        own = self._homes.headed(row)
        if own:
            self.heads[row.key] = own
        home = self._homes.branch(row)
        if home is None or home.visit is None or home.key in self._shown:
            return
        if home.visit.type != "Parallel":
            return
        self._shown.add(home.key)
        self.around[home.key] = home.key
        yield Fold(
            at=row.at,
            key=home.key,
            sort=Sort.BRANCH,
            open=True,
            execution_arn=row.execution_arn,
            visit=home.visit,
            index=home.index,
            nest=row.nest,
        )

    def _closed(self, home: Home, first: Row) -> Fold:
        rows = tuple(self._behind[home.key])
        self.around[home.key] = home.key
        if home.visit is None:
            return self._closed_nest(home, first, rows)
        return Fold(
            at=first.at,
            key=home.key,
            sort=Sort.VISIT if home.index is None else Sort.BRANCH,
            execution_arn=first.execution_arn,
            visit=home.visit,
            index=home.index,
            rows=rows,
            tally=tally(rows, home.visit, home.index),
            nest=first.nest,
        )

    def _closed_nest(self, home: Home, first: Row, rows: tuple[Row, ...]) -> Fold:
        is_map_run = home.nest is not None and home.nest.is_map_run
        return Fold(
            at=first.at,
            key=home.key,
            sort=Sort.MAP_RUN if is_map_run else Sort.CHILD,
            execution_arn=first.execution_arn,
            rows=rows,
            tally=tally_nest(rows),
            nest=home.nest,
        )

    def _polls(self, run: Run, row: Row) -> Fold:
        open_ = run.key in self._wanted.opened
        self.around[run.key] = run.key
        return Fold(
            at=row.at,
            key=run.key,
            sort=Sort.POLLS,
            open=open_,
            execution_arn=row.execution_arn,
            visit=self._homes.visit_of(row),
            attempt=row.attempt,
            rows=() if open_ else run.between,
            seconds=run.seconds,
            whole=run.whole,
            tally=Tally(calls=len(run.between)),
            nest=row.nest,
        )

    def _idle(self, line: Row | Fold) -> Iterator[Fold]:
        before = self._latest
        if before is None or not self._wanted.gaps or line.at - before < IDLE:
            return
        # A poll says itself how long it is since the one before.
        own = isinstance(line, Row) and line.gap is not None
        if own or (isinstance(line, Fold) and line.sort is Sort.POLLS):
            return
        self._latest = line.at
        yield Fold(
            at=before,
            key=f"{line.key}~idle",
            sort=Sort.IDLE,
            seconds=(line.at - before).total_seconds(),
        )

    def _backoff(self, row: Row) -> Fold | None:
        """Find the wait that a failed try is followed by."""
        attempt, visit = row.attempt, row.visit
        if row.kind is not Kind.PHASE or attempt is None or visit is None:
            return None
        if row.key in self.stands or row.events[-1].timestamp != attempt.ended_at:
            return None
        tries = visit.attempts
        ids = [one.scheduled_id for one in tries]
        after = ids.index(attempt.scheduled_id) + 1 if len(ids) > 1 else len(ids)
        if after >= len(tries) or visit.is_redriven(after + 1):
            return None
        wait = tries[after].scheduled_at - row.events[-1].timestamp
        if wait < _SHORT:
            return None
        again = row.at + wait
        self._latest = max(again, self._latest or again)
        return Fold(
            at=row.at,
            key=f"{row.execution_arn}#{tries[after].scheduled_id}~backoff",
            sort=Sort.BACKOFF,
            execution_arn=row.execution_arn,
            visit=visit,
            attempt=attempt,
            seconds=wait.total_seconds(),
            nest=row.nest,
        )
