"""Lanes brought into a shape as they grow: what is known of rows is worked out once.

A pass over the rows, from the first to the last, is taken up again a little before the
first that is new or another. Folds before that have their line told anew if other rows
are behind them.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from sfnwatch.trace.lanes import Kind, Lanes, Row
from sfnwatch.trace.shape_homes import Home
from sfnwatch.trace.shape_lines import IDLE, Fold, Shape, Shaped, Sort
from sfnwatch.trace.shape_polls import Run, Stands
from sfnwatch.trace.shape_sorting import Sorting
from sfnwatch.trace.shape_tally import Tally, tally, tally_nest
from sfnwatch.trace.visits import StateVisit

_SHORT = timedelta(seconds=1)
"""A back-off below this is none to the eye."""
_EVERY = 64
"""The pass can be taken up again at one row of so many."""


class _State(Struct, frozen=True):
    """What the pass knew before a row: how long all was that only grows, and times."""

    lines: int = 0
    stands: int = 0
    heads: int = 0
    around: int = 0
    shown: int = 0
    latest: datetime | None = None
    held: Fold | None = None


def cut_back(known: dict[Any, Any], count: int) -> None:
    """Leave of what was put in only the first."""
    while len(known) > count:
        known.popitem()


class Shaping:
    """Brings lanes that grow into one shape."""

    def __init__(self, wanted: Shape) -> None:
        self._wanted = wanted
        self._sorting = Sorting(wanted)
        self.lines: list[Row | Fold] = []
        self.stands: dict[str, str] = {}
        """What stands for rows and events, but for the polls hidden in runs."""
        self.heads: dict[str, str] = {}
        self.around: dict[str, str] = {}
        self._states: list[_State] = []
        self._shown: dict[str, int] = {}
        """The places of the folds and heads that have their line."""
        self._latest: datetime | None = None
        self._held: Fold | None = None
        """A back-off that comes behind the call of the failure's line."""
        self.same = 0
        """How many lines are as they were, but for those told anew."""
        self.told_anew: list[int] = []
        """The places of folds, before that, with other rows behind them."""

    def shape(self, lanes: Lanes) -> Shaped:
        """Take other lanes; nothing but time is lost if they are quite others."""
        sorting = self._sorting
        # What was given away stays as it is.
        self.stands, self.heads = self.stands.copy(), self.heads.copy()
        self.around = self.around.copy()
        first = sorting.grow(lanes)
        place = self._go_back(first)
        self._tell_anew()
        for number in range(place, len(sorting.kept), _EVERY):
            self._states.append(self._state)
            self._take_some(number)
        return Shaped(
            rows=tuple(self.lines),
            stands=Stands(self.stands, sorting.hidden, self._wanted.opened),
            heads=self.heads,
            around=self.around,
            filtered=sorting.filtered,
            closed=frozenset(sorting.behind),
            unlisted=sorting.unlisted,
        )

    @property
    def same_rows(self) -> int:
        """How many rows of the lanes are as they were, or seen by nobody."""
        return self._sorting.same

    @property
    def _state(self) -> _State:
        return _State(
            len(self.lines),
            len(self.stands),
            len(self.heads),
            len(self.around),
            len(self._shown),
            self._latest,
            self._held,
        )

    def visit_of(self, call: Row) -> StateVisit | None:
        """Find the visit that a call is tied to."""
        return self._sorting.homes.visit_of(call)

    def _go_back(self, first: int) -> int:
        """Undo what followed from a row, and from the one before that looks ahead."""
        number = max(0, first - 1) // _EVERY
        state = self._states[number] if number < len(self._states) else _State()
        del self._states[number:]
        del self.lines[state.lines :]
        cut_back(self.stands, state.stands)
        cut_back(self.heads, state.heads)
        cut_back(self.around, state.around)
        cut_back(self._shown, state.shown)
        self._latest, self._held = state.latest, state.held
        self.same = state.lines
        return number * _EVERY

    def _tell_anew(self) -> None:
        """Tell folds anew that have their line already."""
        self.told_anew = []
        for fold in self._touched():
            place = self._shown[fold.key]
            before = self.lines[place]
            if fold == before:
                continue
            self.lines[place] = fold
            if (before.visit, before.nest) == (fold.visit, fold.nest):
                self.told_anew.append(place)
            else:
                self.same = min(self.same, place)  # its rail may be another
        self.told_anew = [place for place in self.told_anew if place < self.same]

    def _touched(self) -> Iterator[Fold]:
        for key in self._sorting.touched & self._shown.keys():
            first = self._sorting.behind[key][0]
            home = self._sorting.homes.folded(first)
            if home is not None:
                yield self._closed(home, first)
        for run in self._sorting.runs:
            if run.key in self._shown:
                yield self._polls(run, run.all[1])

    # -- the pass --------------------------------------------------------------------

    def _take_some(self, begin: int) -> None:
        """Take some rows; most of them are polls behind a fold that has its line."""
        hidden, opened = self._sorting.hidden, self._wanted.opened
        shown = self._shown
        for row in self._sorting.kept[begin : begin + _EVERY]:
            run = hidden.get(row.key)
            if (
                run is None
                or run.key not in shown
                or run.key in opened
                or self._held is not None
            ):
                self._take(row, begin)
            elif self._latest is None or row.at > self._latest:
                self._latest = row.at
            begin += 1

    def _take(self, row: Row, place: int) -> None:
        """Take a row; what is shown comes in the order of time."""
        home = self._sorting.inside[place]
        if home is not None:
            self.stands[row.key] = home.key
        if len(row.events) > 1:
            self._note_events(row)
        if home is None:
            self._show(row)
        elif home.key not in self._shown:
            self._show_fold(self._closed(home, row))
        if self._latest is None or row.at > self._latest:
            self._latest = row.at
        if self._held is not None:
            self.lines.append(self._held)
            self._held = None
        if row.kind is not Kind.PHASE:
            return
        backoff = self._backoff(row)
        if backoff is None:
            return
        after = self._sorting.kept[place + 1 : place + 2]
        if after and after[0].key == row.causes:
            self._held = backoff  # its call belongs on the failure's line
        else:
            self.lines.append(backoff)

    def _note_events(self, row: Row) -> None:
        stands = self.stands.get(row.key, row.key)
        for event in row.events[1:]:
            self.stands[f"{row.execution_arn}#{event.id}"] = stands

    def _show(self, row: Row) -> None:
        """Show a row and the head it begins, or the fold it is the first of."""
        run = self._sorting.run_of(row)
        if row.key in self._sorting.hidden and run is not None:
            if run.key not in self._shown:
                self._show_fold(self._polls(run, row))
            if run.key not in self._wanted.opened:
                return
        homes = self._sorting.homes
        if row.events:
            self._head(row)
        self.around[row.key] = run.key if run else homes.around(row)
        self._show_idle(row)
        self.lines.append(row)

    def _show_fold(self, fold: Fold) -> None:
        self.around[fold.key] = fold.key
        self._show_idle(fold)
        self._shown[fold.key] = len(self.lines)
        self.lines.append(fold)

    def _head(self, row: Row) -> None:
        """Begin a Parallel's branch with a line; a Map's iteration has an event."""
        homes = self._sorting.homes
        own = homes.headed(row)
        if own:
            self.heads[row.key] = own
        home = homes.branch(row)
        if home is None or home.visit is None or home.key in self._shown:
            return
        if home.visit.type != "Parallel":
            return
        self._show_fold(
            Fold(
                at=row.at,
                key=home.key,
                sort=Sort.BRANCH,
                open=True,
                execution_arn=row.execution_arn,
                visit=home.visit,
                index=home.index,
                nest=row.nest,
            )
        )

    def _closed(self, home: Home, first: Row) -> Fold:
        rows = tuple(self._sorting.behind[home.key])
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
        return Fold(
            at=row.at,
            key=run.key,
            sort=Sort.POLLS,
            open=open_,
            execution_arn=row.execution_arn,
            visit=self._sorting.homes.visit_of(row),
            attempt=row.attempt,
            rows=() if open_ else run.between,
            seconds=run.seconds,
            whole=run.whole,
            tally=Tally(calls=len(run.between)),
            nest=row.nest,
        )

    def _show_idle(self, line: Row | Fold) -> None:
        before = self._latest
        if before is None or not self._wanted.gaps or line.at - before < IDLE:
            return
        # A poll says itself how long it is since the one before.
        if line.gap is not None if isinstance(line, Row) else line.sort is Sort.POLLS:
            return
        self._latest = line.at
        self.lines.append(
            Fold(
                at=before,
                key=f"{line.key}~idle",
                sort=Sort.IDLE,
                seconds=(line.at - before).total_seconds(),
            )
        )

    def _backoff(self, row: Row) -> Fold | None:
        """Find the wait that a failed try is followed by."""
        attempt, visit = row.attempt, row.visit
        if attempt is None or visit is None or len(visit.attempts) <= 1:
            return None
        if row.key in self.stands or row.events[-1].timestamp != attempt.ended_at:
            return None
        tries = visit.attempts
        ids = [one.scheduled_id for one in tries]
        after = ids.index(attempt.scheduled_id) + 1
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
