"""Rows → lines of the screen, one below the other, as more rows come in.

Which rows share a line, and what ties them by eye. Lines before the first that is new
or another are kept.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from sfnwatch.trace.lanes import ANSWERED, Kind, Lane, Lanes, Row
from sfnwatch.trace.notice import By, Notice
from sfnwatch.trace.shape import Fold, Shape, Shaped, Sort
from sfnwatch.trace.shaping import Shaping, cut_back
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import notice_words
from sfnwatch.tui.lane_connectors import DRAWN, Connectors, glyphs_of
from sfnwatch.tui.lane_line import GUTTER, Line
from sfnwatch.tui.rails import Drawing, Rails, State

_WATERMARK = "~watermark"
_EVERY = 64
"""Lines can be made again from one row of so many on."""


class _Mark(Struct, frozen=True):
    """The watermark, and before which line it stands."""

    at: datetime
    place: int


class _State(Struct, frozen=True):
    """What was known before a row."""

    lines: int
    waits: int
    rails: State
    merged: bool
    called: bool
    before: object


_START = _State(0, 0, {}, merged=False, called=False, before=None)


class Stacking:
    """Puts what is shown of lanes that grow into lines."""

    def __init__(self, wanted: Shape, *, folded: bool = False) -> None:
        self._folded = folded
        self.shaping = Shaping(wanted)
        self._mark: _Mark | None = None
        self._rows: list[Row | Fold] = []
        """What is shown, and the watermark."""
        self._drawing = Drawing()
        self._bare: list[Line] = []
        """The lines, before they are connected."""
        self._connectors = Connectors()
        self._states: list[_State] = []
        self._waits: dict[str, None] = {}
        """The keys of the back-offs so far."""
        self._merged = self._called = False
        self._before: object = None
        self.same = 0
        """How many lines stand for what they did."""

    @property
    def lines(self) -> Sequence[Line]:
        return self._bare if self._folded else self._connectors.lines

    def stack(self, lanes: Lanes, complete_to: datetime | None = None) -> Shaped:
        """Take other lanes; with a watermark, where calls are still awaited."""
        shaped = self.shaping.shape(lanes)
        first = self._drawing.grow(self._rows, self._take_shown(complete_to))
        place = self._go_back(first)
        told = [at for at in map(self._place, self.shaping.told_anew) if at < place]
        self.same = len(self._bare)
        for at in told:
            self._tell_anew(at)
        for number in range(place, len(self._rows)):
            if number % _EVERY == 0:
                self._states.append(self._state)
            self._take(number)
        if not self._folded:
            self._connectors.grow(self._bare, self.same)
        return shaped

    # -- what is shown, with the watermark ---------------------------------------------

    def _take_shown(self, at: datetime | None) -> int:
        """Take what is shown; say from where on it is other than it was."""
        shown, same, before = self.shaping.lines, self.shaping.same, self._mark
        mark = self._mark = self._marked(at)
        if mark is not None and mark == before and mark.place < same:
            first = same + 1
            self._rows[first:] = shown[same:]
        else:
            places = (one.place for one in (mark, before) if one is not None)
            first = min([same, *places])
            self._rows[first:] = shown[first:]
            if mark is not None:
                fold = Fold(at=mark.at, key=_WATERMARK, sort=Sort.WATERMARK)
                self._rows.insert(mark.place, fold)
        for place in self.shaping.told_anew:
            self._rows[self._place(place)] = shown[place]
        return first

    def _marked(self, at: datetime | None) -> _Mark | None:
        """Put the watermark before the first row beyond it."""
        shown, before = self.shaping.lines, self._mark
        if at is None or not shown:
            return None
        begin = 0
        if before is not None and before.at <= at:
            begin = min(before.place, self.shaping.same)
        beyond = (n for n in range(begin, len(shown)) if shown[n].at > at)
        return _Mark(at, next(beyond, len(shown)))

    def _place(self, shown: int) -> int:
        """Give the place of something shown among all rows."""
        mark = self._mark
        return shown + (mark is not None and mark.place <= shown)

    # -- which rows share a line -------------------------------------------------------

    @property
    def _state(self) -> _State:
        return _State(
            len(self._bare),
            len(self._waits),
            self._drawing.state,
            self._merged,
            self._called,
            self._before,
        )

    def _go_back(self, first: int) -> int:
        """Undo what followed from a row, and from the one before that looks ahead."""
        number = max(0, first - 1) // _EVERY
        state = self._states[number] if number < len(self._states) else _START
        del self._states[number:]
        del self._bare[state.lines :]
        cut_back(self._waits, state.waits)
        self._drawing.go_back(state.rails)
        self._merged, self._called = state.merged, state.called
        self._before = state.before
        return number * _EVERY

    def _tell_anew(self, place: int) -> None:
        """Put a fold with other rows behind it on its line."""
        fold = self._rows[place]
        if not isinstance(fold, Fold):
            return
        at = self._states[place // _EVERY].lines
        while fold.key not in self._bare[at].keys:
            at += 1
        line = self._bare[at]
        polls = fold.sort is Sort.POLLS
        self._bare[at] = (
            replace(line, right=fold) if polls else replace(line, left=fold)
        )
        if not self._folded:
            self._connectors.tell_anew(at, self._bare[at])

    def _take(self, place: int) -> None:
        row = self._rows[place]
        rails = self._drawing.draw(place, row)
        if self._merged:
            self._merged = False
        elif isinstance(row, Row) and row.lane is Lane.STATES:
            self._bare.append(self._of_state(place, row, rails))
        elif isinstance(row, Row) or row.sort is Sort.POLLS:
            self._called = True
            state = self._asked_by(row, rails)
            self._bare.append(Line(right=row, rails=rails, state=state))
        else:
            if row.sort is Sort.BACKOFF:
                self._waits[row.key] = None
            self._before = _visit_of(row) or self._before
            self._bare.append(Line(left=row, rails=rails))

    def _of_state(self, place: int, row: Row, rails: Rails) -> Line:
        rows, heads = self._rows, self.shaping.heads
        call = None if self._folded else _call_of(row, rows[place + 1 : place + 2])
        told = row.notice if call is None and not self._folded else None
        left, right, gutter = row, "", GUTTER
        if told is not None:
            # What told of a job's end is set in the lane it came from.
            left = replace(row, notice=None)
            right, gutter = notice_words(told), _told(told)
        state = self._named(row)
        self._merged, self._called = call is not None, False
        self._before = _visit_of(row)
        return Line(
            left=left,
            right=right if call is None else call,
            rails=rails,
            gutter=gutter if call is None else glyphs_of(call)["across"],
            state=state,
            head=heads.get(row.key, ""),
            after_head=place > 0 and self._heads(rows[place - 1], row),
            backed_off=bool(self._waits) and f"{row.key}~backoff" in self._waits,
            notice=told,
        )

    def _heads(self, before: Row | Fold, row: Row) -> bool:
        """True if a line names the branch that the next begins."""
        heads, around = self.shaping.heads, self.shaping.around
        return heads.get(before.key, before.key) == around.get(row.key)

    def _named(self, row: Row) -> str:
        """Name the state of a row that does not name it itself, if it is not clear.

        In a Parallel or a Map a call in between may be another state's, so it is not.
        """
        visit = row.visit
        if visit is None or row.kind not in {Kind.PHASE, Kind.EXITED}:
            return ""
        unclear = self._called and visit.parent is not None
        return visit.name if unclear or _visit_of(row) != self._before else ""

    def _asked_by(self, call: Row | Fold, rails: Rails) -> str:
        """Name the state a call belongs to, where it could be several."""
        if rails.open <= 1:
            return ""
        visit = call.visit
        if isinstance(call, Row) and call.link is not None and call.link.visit_id:
            visit = self.shaping.visit_of(call)
        return visit.name if visit is not None else ""


def _visit_of(row: Row | Fold) -> object:
    return (row.execution_arn, row.visit.id) if row.visit else None


def _call_of(phase: Row, after: Sequence[Row | Fold]) -> Row | None:
    """Give the call a phase made, if it is the next row, and in time next to it."""
    call = after[0] if after else None
    if not isinstance(call, Row) or call.call is None or phase.causes != call.key:
        return None
    tied = call.link is not None and call.link.rule in DRAWN
    return call if tied and timedelta(0) <= phase.at - call.at < ANSWERED else None


def _told(notice: Notice) -> str:
    """Draw from the call that told of an end to the phase."""
    if notice.by is By.UNKNOWN:
        return GUTTER
    return " ◀── " if notice.certain else " ◁┄┄ "
