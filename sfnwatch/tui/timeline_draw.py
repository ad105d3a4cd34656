"""The timeline in cells: which time is shown in which column, and a bar's strokes.

Idle time may be cut short; zooming and panning go by what is left. What a cell is is
never told by its color alone.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from math import ceil, floor

from msgspec import Struct

from sfnwatch.analysis.phases import Completion, Phase, Segment, ToldBy
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.tui.paint import PHASES, Span, legend, width_of
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.view.parts import plain_text, status_glyph
from sfnwatch.view.playback import PlaybackSpan, Scale, cut_short, length_of
from sfnwatch.view.timeline_chart import Bar, Tick, TimelineChart, round_marks, stops

CLOSEST = 0.02
"""Seconds of the smallest window: a history tells no less than a millisecond apart."""
_ROUNDED = 1e-6
_SHORT = 3
"""The cells of a gap's length in words."""
_BESIDE = 0.1
"""What is shown beside something zoomed to, as a share of it."""
_APART = 9
"""Columns from one label to the next, at least."""
_MINUTE = 60
_HOUR = 3600
_DAY = 86400
_IDLE_SECONDS = 30.0
"""A gap of so many seconds is squeezed."""
_IDLE_SHARE = 0.08
"""If it is this share of the whole."""
_WORD = 32
GRID = "look--grid"
CHOSEN = "look--chosen"
_FAILED = Span("▄", "role--bad")
_POLL = Span("█", "role--poll")
_DENIED = Span("✘", "role--bad")
_STOP = Span("█", "role--warn")
_INSTANT = Span("◆", "role--name")
_CUT = Span("╱", "look--faint")
_BEHIND = frozenset({GRID, _CUT.look, "look--playhead"})
_REDRIVEN = Span("⟲", "role--warn")
_LEARNED = {ToldBy.EVENT: "role--event", ToldBy.POLL: "role--poll"}
_HEIGHTS = "▁▂▃▄▅▆▇"
_TAKES_TIME = frozenset({"Task", "Wait", "Map", "Parallel"})
_MUST_SHOW = frozenset({Phase.BACKING_OFF, Phase.COMPLETION_LAG})
CellSpans = list[Span]
_BLANK = Span(" ")

_LEGEND: tuple[tuple[Span, str], ...] = (
    (PHASES[Phase.WORKING], "working"),
    (PHASES[Phase.WAITING], "waiting"),
    (_FAILED, "failed try"),
    (PHASES[Phase.BACKING_OFF], "backing off"),
    (_POLL, "poll"),
    (_DENIED, "failed, or a denied call"),
    (_CUT, "idle time, cut short"),
    (Span("◀", "role--event"), "learned by event"),
    (Span("◀", "role--poll"), "learned by poll"),
    (Span("◁", "role--dim"), "learned, by what is not certain"),
    (_REDRIVEN, "redriven"),
    (PHASES[Phase.COMPLETION_LAG], "completion lag"),
    (PHASES[Phase.STOPPED], "stopped until redriven"),
    (Span("↷", "role--warn"), "caught"),
    (_INSTANT, "takes no time"),
    (Span("▅", "look--bar"), "how many at once"),
    (PHASES[Phase.CONTAINER], "as long as what is inside"),
    (_STOP, "stops the job"),
)
"""What matters most comes first."""
ShownAt = Callable[[datetime, str], datetime]
"""Gives when something of an execution is shown, where starts are aligned."""


# -- which time is shown ---------------------------------------------------------------


def scale_of(
    snapshot: Snapshot, newest: datetime, shown_at: ShownAt, *, squeeze: bool = False
) -> Scale:
    """Lay all there is along an axis; what runs goes on to the `newest` moment.

    Where there is one execution, stops before a redrive are cut short, which may be
    weeks long; with `squeeze` all idle time is.
    """
    times: list[datetime] = []
    for arn, execution in snapshot.executions.items():
        known = [event.at for event in (*execution.events[:1], *execution.events[-1:])]
        for begin in [execution.started_at] if execution.started_at else known[:1]:
            end = execution.stopped_at or max([newest, *known])
            times += [shown_at(begin, arn), shown_at(max(begin, end), arn)]
    begin = min(times, default=newest)
    end = max(times, default=newest)
    end = max(end, begin + timedelta(seconds=CLOSEST))
    gaps = list(pairwise(_moments(snapshot, shown_at)) if squeeze else stops(snapshot))
    least = max(_IDLE_SECONDS, _IDLE_SHARE * length_of((begin, end)))
    idle = [gap for gap in gaps if length_of(gap) >= least]
    # Where there is nothing else there would be nothing to scale by.
    return cut_short(begin, end, [] if squeeze and len(idle) == len(gaps) else idle)


def _moments(snapshot: Snapshot, shown_at: ShownAt) -> list[datetime]:
    """Give when something happened, in order."""
    found = set[datetime]()
    for arn, execution in snapshot.executions.items():
        found.update(shown_at(event.at, arn) for event in execution.events)
    for call, link in snapshot.linked_calls():
        found.add(shown_at(call.event_time, link.execution_arn or ""))
    found |= {state.at for told in snapshot.task_states.values() for state in told}
    return sorted(found)


class Lens(Struct, frozen=True):
    """All the time there is, and which part of its bar is shown."""

    scale: Scale
    first: float = 0.0
    last: float = 1.0

    @property
    def shown(self) -> PlaybackSpan:
        return self.scale.at(self.first), self.scale.at(self.last)

    @property
    def is_whole(self) -> bool:
        return self.last - self.first >= 1.0

    @property
    def closeness(self) -> float:
        """How many times closer than the whole it is."""
        return 1.0 / (self.last - self.first)

    def over(self, scale: Scale) -> "Lens":
        """Look at another whole: at its newest if that was in view, else as before."""
        if self.is_whole:
            return Lens(scale)
        if scale == self.scale:
            return self  # Times are whole microseconds: each look would shift it.
        first, last = map(scale.place, self.shown)
        if self.last >= 1.0:
            first = 1.0 - (last - first)
            last = 1.0
        return Lens(scale, first, last)

    def zoomed(self, factor: float, around: datetime) -> "Lens":
        """Show less, or with a factor below 1 more, with `around` where it stood."""
        length = self.last - self.first
        pivot = min(max(self.scale.place(around), self.first), self.last)
        closer = max(length / factor, self._least)
        return self._at(pivot - (pivot - self.first) / length * closer, closer)

    def panned(self, share: float) -> "Lens":
        """Move by a share of what is shown."""
        length = self.last - self.first
        return self._at(self.first + share * length, length)

    def centered(self, at: datetime) -> "Lens":
        """Bring a moment into the middle, unless it is in view."""
        place = self.scale.place(at)
        length = self.last - self.first
        seen = self.first <= place <= self.last
        return self if seen else self._at(place - length / 2, length)

    def fitted_to(self, first: datetime, last: datetime) -> "Lens":
        """Show a stretch, and a little beside it."""
        begin = self.scale.place(first)
        end = self.scale.place(last)
        beside = max((end - begin) * _BESIDE, self._least / 2)
        return self._at(begin - beside, end - begin + 2 * beside)

    @property
    def _least(self) -> float:
        return CLOSEST / length_of((self.scale.knots[0], self.scale.knots[-1]))

    def _at(self, first: float, length: float) -> "Lens":
        # As much as all there is is all of it, however the steps there were rounded.
        length = length if length < 1 - _ROUNDED else 1.0
        first = min(max(first, 0.0), 1.0 - length)
        return Lens(self.scale, first, first + length)


class Axis:
    """A window of time over columns, and what is drawn behind the bars."""

    MARGIN = 2
    """Cells behind it, in which it is said how what ends there ended."""

    def __init__(self, lens: Lens, width: int, at: datetime | None = None) -> None:
        """`at` is the moment that is shown, if that is to be pointed out."""
        self.lens = lens
        self.width = max(1, width)
        self.begin, self.end = lens.shown
        self.playhead = self.cell(at) if at is not None and self.shows(at) else None
        """The cell of that moment, if it is in view."""
        self.origin = lens.scale.knots[0]
        self.squeezed: list[tuple[int, int, float]] = []
        """Of each gap that is cut short its first cell, its cells and its seconds."""
        self._pieces: list[PlaybackSpan] = []
        """What is between those gaps."""
        for number, (first, last) in enumerate(pairwise(lens.scale.knots)):
            if first >= self.end or last <= self.begin:
                continue
            if number in lens.scale.cuts:
                left = self.cell(first)
                cells = max(1, floor(self.column(last) + _ROUNDED) - left)
                self.squeezed.append((left, cells, length_of((first, last))))
            else:
                self._pieces.append((max(first, self.begin), min(last, self.end)))
        self.marks = list(self._marks())
        """The columns of round moments since the start, and their labels."""

    def column(self, at: datetime) -> float:
        """Say where a moment stands; those out of view stand at the ends."""
        lens = self.lens
        place = (lens.scale.place(at) - lens.first) * lens.closeness
        return min(max(place, 0.0), 1.0) * self.width

    def cell(self, at: datetime) -> int:
        """Give the cell of a moment that is in view."""
        return min(floor(self.column(at) + _ROUNDED), self.width - 1)

    def cells(self, begin: datetime, end: datetime) -> range:
        """Give the cells of a stretch: at least one, none if it is out of view."""
        if end < self.begin or begin > self.end:
            return range(0)
        first = self.cell(begin)
        return range(first, max(first + 1, ceil(self.column(end) - _ROUNDED)))

    def shows(self, at: datetime) -> bool:
        return self.begin <= at <= self.end

    def _marks(self) -> Iterator[tuple[int, str]]:
        seconds = sum(map(length_of, self._pieces))
        columns = self.width - sum(cells for _, cells, _ in self.squeezed)
        apart = _APART * max(seconds, CLOSEST / 2) / max(1, columns)
        for begin, end in self._pieces:
            first, last = (length_of((self.origin, at)) for at in (begin, end))
            for seconds, label in round_marks(first, last, apart):
                at = self.origin + timedelta(seconds=seconds)
                column = floor(self.column(at) + _ROUNDED)
                if column < self.width:
                    yield column, label

    def labels(self) -> CellSpans:
        """Draw the labels and, over the squeezed gaps, how long those are."""
        cells = [_BLANK] * self.width
        for left, size, seconds in self.squeezed:
            if size >= _SHORT:
                words = _short(seconds).center(size)
                cells[left : left + size] = [Span(c, "look--faint") for c in words]
        for column, label in self.marks:
            end = column + len(label)
            is_free = {*cells[max(0, column - 1) : end + 1]} == {_BLANK}
            if is_free and end <= self.width:
                cells[column:end] = [Span(c, "role--dim") for c in label]
        return cells

    def ground(self) -> CellSpans:
        """Draw what is behind the bars, with room for how one ends at the end."""
        cells = [_BLANK] * (self.width + self.MARGIN)
        for column, _ in self.marks:
            cells[column] = Span("┊", GRID)
        for left, size, _ in self.squeezed:
            cells[left : left + size] = [_BLANK] * size
            cells[left + size // 2] = _CUT
        if self.playhead is not None:
            cells[self.playhead] = Span("│", "look--playhead")
        return cells


def _short(seconds: float) -> str:
    """Write a length in three cells: `45s`, `12m`, `3h`, `20d`, and more roughly."""
    units = (("s", 1), ("m", _MINUTE), ("h", _HOUR), ("d", _DAY), ("y", 365 * _DAY))
    for unit, size in units:
        count = round(seconds / size)
        if count < 100:  # noqa: PLR2004 - two digits and the unit
            return f"{count}{unit}"
    return ">9y"


# -- bars -----------------------------------------------------------------------------


class BarCells:
    """Draws one line of a chart."""

    def __init__(
        self, chart: TimelineChart, bar: Bar, axis: Axis, screen_state: ScreenState
    ) -> None:
        self._chart = chart
        self._bar = bar
        self._axis = axis
        self._screen_state = screen_state
        self._crowd = chart.crowd(bar)
        self.ticks = [t for t in chart.ticks(bar) if axis.shows(self._at(t.at))]
        self.room = axis.cells(self._at(self._bar.begin), self._at(self._bar.end))

    def _at(self, at: datetime) -> datetime:
        return self._screen_state.outline.order.shown_at(at, self._bar.execution_arn)

    def cells(self, chosen: str | None = None) -> CellSpans:
        """Draw it, a span a cell; `chosen` is the key of a call to point out."""
        cells = self._axis.ground()
        if self._crowd:
            self._draw_crowd(cells)
        elif self._is_instant() and self.room:
            bad = self._bar.status not in {"succeeded", "running"}
            glyph = status_glyph(self._bar.status).text if bad else _INSTANT.text
            look = "role--bad" if bad else _INSTANT.look
            cells[self.room[0]] = Span(glyph, look)
        else:
            self._draw_segments(cells, self._chart.segments(self._bar))
        for left, size, _ in self._axis.squeezed:
            middle = left + size // 2
            cells[middle] = Span(_CUT.text, cells[middle].look)
        self._draw_ticks(cells, chosen)
        if not self._crowd and not self._is_instant():
            self._draw_ends(cells)
        # What is out of view is pointed at.
        if self._at(self._bar.end) < self._axis.begin:
            cells[0] = Span("‹", "role--dim")
        elif self._at(self._bar.begin) > self._axis.end:
            cells[self._axis.width - 1] = Span("›", "role--dim")
        return cells

    def _is_instant(self) -> bool:
        visit = self._bar.visit
        if visit is None or visit.running or visit.attempts:
            return False
        return visit.type not in _TAKES_TIME and len(self.room) <= 1

    def _draw_segments(self, cells: CellSpans, segments: Sequence[Segment]) -> None:
        """Give each cell to what has most of it; a failed try keeps one anyhow."""
        best = [0.0] * self._axis.width
        for segment in segments:
            begin = self._at(segment.begin)
            end = self._at(segment.end)
            left = self._axis.column(begin)
            right = self._axis.column(end)
            for cell in self._axis.cells(begin, end):
                share = max(min(right, cell + 1) - max(left, cell), 1e-9)
                if share > best[cell]:
                    best[cell] = share
                    cells[cell] = _stroke(segment)
        for segment in segments:
            stroke = _stroke(segment)
            if stroke != PHASES[segment.phase] or segment.phase in _MUST_SHOW:
                own = self._axis.cells(self._at(segment.begin), self._at(segment.end))
                if own and all(cells[cell] != stroke for cell in own):
                    cells[own[len(own) // 2]] = stroke
            end = self._at(segment.end)
            if segment.phase is Phase.STOPPED and self._axis.shows(end):
                cells[self._axis.cell(end)] = _REDRIVEN

    def _draw_crowd(self, cells: CellSpans) -> None:
        """Draw how many ran at once, the most being full, and where one failed."""
        steps = [0] * (self._axis.width + 1)
        bad = set()
        for begin, end, failed in self._crowd:
            room = self._axis.cells(self._at(begin), self._at(end))
            if room:
                # What ends where the next begins is not twice as much.
                last = max(room.start + 1, room.stop - (len(room) > 1))
                steps[room.start] += 1
                steps[last] -= 1
                if failed and self._axis.shows(self._at(end)):
                    bad.add(last - 1)
        counts = list(accumulate(steps))
        most = max(counts)
        for cell, count in enumerate(counts[:-1]):
            if count:
                height = _HEIGHTS[ceil(count / most * len(_HEIGHTS)) - 1]
                look = "role--bad" if cell in bad else "look--bar"
                cells[cell] = Span(height, look)

    def _draw_ticks(self, cells: CellSpans, chosen: str | None) -> None:
        # Of those that share a cell, the most telling last.
        for tick in sorted(
            self.ticks,
            key=lambda t: (t.call.key == chosen, t.failed, t.role is CallRole.STOP),
        ):
            mark = _tick(tick)
            if tick.call.key == chosen:
                mark = Span("✘" if tick.failed else "◆", CHOSEN)
            if mark is not None:
                cells[self.tick_cell(tick)] = mark

    def tick_cell(self, tick: Tick) -> int:
        return self._axis.cell(self._at(tick.at))

    def _draw_ends(self, cells: CellSpans) -> None:
        """Mark how each try ended, and the bar itself right behind it."""
        ends = self._chart.ends(self._bar)
        for number, end in enumerate(ends, 1):
            at = self._at(end.at)
            if not self._axis.shows(at):
                continue
            # Behind a bar that still grows there is nothing: a try ended within it.
            last = number == len(ends) and self._bar.status != "running"
            place = self._after_bar(cells) if last else self._axis.cell(at)
            marks = _end_marks(end.status, end.completion)
            for mark in marks if last else marks[-1:]:
                cells[place] = mark
                place += 1

    def _after_bar(self, cells: CellSpans) -> int:
        """Give the cell behind a bar; the time between its last states has none."""
        place = self.room.stop
        while place > self.room.start + 1 and not _is_drawn(cells[place - 1]):
            place -= 1
        return place

    def named_calls(self) -> CellSpans:
        """Name the calls below their ticks, as far as there is room for each."""
        cells = self._axis.ground()
        free = 0
        for tick in self.ticks:
            word = self._name(tick)
            size = width_of([word])
            cell = min(self.tick_cell(tick), len(cells) - size)
            if cell >= free and size:
                cells[cell : cell + size] = [word, *[Span("")] * (size - 1)]
                free = cell + size + 1
        return cells

    def _name(self, tick: Tick) -> Span:
        """Name a call; or say which poll it is and how long after its action."""
        words = clean(tick.call.event_name, _WORD)
        look = "role--call"
        if tick.role is CallRole.POLL:
            text = self._screen_state.maker.call_text(tick.call, tick.link)
            number = plain_text(text.name).rpartition(" ")[2]
            words = f"{number} {plain_text(text.subject).strip()}"
            look = "role--poll"
        bad = " ✘" if tick.failed else ""
        return Span(f"{words.strip()}{bad}", "role--bad" if bad else look)

    def with_words(self, cells: CellSpans, words: Sequence[Span]) -> list[Span]:
        """Set words behind the bar, or before it, where they do not touch it."""
        size = width_of(words)
        taken = [n for n, c in enumerate(cells) if _is_drawn(c)]
        if not size or not taken:
            return cells
        after = taken[-1] + 2
        before = taken[0] - 1 - size
        if after + size <= len(cells):
            return [*cells[:after], *words, *cells[after + size :]]
        if before >= 0:
            return [*cells[:before], *words, *cells[before + size :]]
        return cells


def _is_drawn(cell: Span) -> bool:
    return cell.text != " " and cell.look not in _BEHIND


def _stroke(segment: Segment) -> Span:
    if segment.phase is Phase.WORKING and segment.failed:
        return _FAILED
    if segment.phase is Phase.CONTAINER and segment.failed:
        return Span(PHASES[Phase.CONTAINER].text, "role--bad")
    return PHASES[segment.phase]


def _tick(tick: Tick) -> Span | None:
    """Draw a call; an action that went well goes without saying: there is a bar."""
    if tick.failed:
        return _DENIED
    return {CallRole.POLL: _POLL, CallRole.STOP: _STOP}.get(tick.role)


def _end_marks(ended_as: str, told: Completion | None) -> list[Span]:
    """Say how Step Functions learned of an end, and what it was, unless it was good."""
    glyph = status_glyph(ended_as)
    status = Span(glyph.text, f"role--{glyph.role}")
    if told is None:
        return [status]
    certain = told.certain and told.by in _LEARNED
    look = _LEARNED.get(told.by, "role--dim") if certain else "role--dim"
    arrow = Span("◀" if certain else "◁", look)
    return [arrow] if ended_as == "succeeded" else [arrow, status]


def legend_of(drawn: Iterable[Span], width: int) -> Iterator[Span]:
    """Explain what is drawn; what has no room is left out, the rarest first."""
    seen = {_sign_of(cell) for cell in drawn}
    return legend((each for each in _LEGEND if each[0] in seen), width)


def _sign_of(cell: Span) -> Span:
    """Give what the legend has for a cell: any height, and a cut of whatever color."""
    if cell.text == _CUT.text:
        return _CUT
    return Span(_HEIGHTS[4], cell.look) if cell.look == "look--bar" else cell
