"""The timeline as a picture, with one bar for each state."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from rich.cells import cell_len

from sfnwatch.analysis.last_moment import last_moment
from sfnwatch.analysis.phases import Phase, Segment
from sfnwatch.analysis.quantities import plural
from sfnwatch.export.svg.canvas import (
    CELL,
    MARGIN,
    ROW,
    RefOfKey,
    SvgCanvas,
    parts_width,
)
from sfnwatch.export.svg.legend import draw_legend
from sfnwatch.export.svg.styles import THIN_PHASES, phase_css
from sfnwatch.export.wrapping import cut_text
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration, iso
from sfnwatch.view.bar_notes import bar_notes, state_words
from sfnwatch.view.execution_labels import execution_labels
from sfnwatch.view.parts import Part, Role, status_glyph
from sfnwatch.view.time_marks import round_marks, stops
from sfnwatch.view.time_scale import cut_short, span_seconds
from sfnwatch.view.timeline_bars import Bar, BarKind, Tick
from sfnwatch.view.timeline_chart import TimelineChart

_MOST_BARS = 120
"""The most bars that are drawn; the others are counted."""
_NAME_CELLS = 52
"""The cells for names in the timeline."""
_PLOT_WIDTH = 700.0
"""The width of the timeline's bars, in px."""
_MOST_TICKS = 150
_MOST_TIP_PHASES = 8
_AXIS_PARTS = 7
"""Marks on the axis are at least this part of it apart."""
_LEAST_LAG_WIDTH = 3
"""The least width of completion lag, in px: it is what must be seen of a bar."""


class TimelinePicture:
    """The timeline: one bar for each state, and for each of several executions."""

    def __init__(self, snapshot: Snapshot, ref: RefOfKey = lambda _: "") -> None:
        self._ref = ref
        self._labels = execution_labels(snapshot.roots)
        self._chart = TimelineChart(snapshot, last_moment(snapshot))
        bars = self._chart.lines(dict.fromkeys(snapshot.roots, False))
        self._bars = bars[:_MOST_BARS]
        self._left_out = len(bars[_MOST_BARS:])
        self._begin = min((bar.begin for bar in bars), default=self._chart.now)
        self._end = max((bar.end for bar in bars), default=self._begin)
        length = self._end - self._begin
        self._stops = list(_long_stops(snapshot, length))
        """The long stops before redrives, which the axis leaves out."""
        stopped_seconds = sum(map(span_seconds, self._stops))
        self._seconds = length.total_seconds() - stopped_seconds
        """The length of the axis."""
        self._scale = cut_short(self._begin, self._end, self._stops, share=0.0)
        widths = [parts_width(self._name(bar)) for bar in self._bars]
        name_cells = min(_NAME_CELLS, max(widths, default=0))
        self._plot_x = MARGIN + (name_cells + 2) * CELL

    def svg(self, name: str) -> str:
        """Return it as SVG for a page with the style sheet; empty without bars."""
        if not self._bars:
            return ""
        canvas = SvgCanvas("g")
        bottom = self.draw(canvas, 8)
        height = draw_legend(canvas, bottom + 12)
        return canvas.svg(height, "", name)

    def _name(self, bar: Bar) -> Iterator[Part]:
        depth = len(bar.guides) // 2
        name = self._labels.get(bar.key)
        if not name:
            name = clean(bar.name, _NAME_CELLS)
        yield Part("  " * depth)
        yield Part(name, Role.NAME)
        for word in state_words(bar):
            yield Part(f"  {word.text}", word.role)

    def draw(self, canvas: SvgCanvas, y: float) -> float:
        """Draw it from `y` on, and return the y at which it ends."""
        if not self._bars:
            return y
        top = y + ROW
        bars_end = top + ROW * len(self._bars)
        bottom = bars_end + ROW if self._left_out else bars_end
        self._draw_axis(canvas, y, bottom)
        for number, bar in enumerate(self._bars):
            self._draw_bar(canvas, bar, top + number * ROW)
        if self._left_out:
            more_rows = plural(self._left_out, "more row")
            canvas.write_dim(MARGIN, bars_end, f"⋯ {more_rows}")
        return bottom

    def _x(self, at: datetime) -> float:
        return self._plot_x + _PLOT_WIDTH * self._scale.place(at)

    def _draw_axis(self, canvas: SvgCanvas, y: float, bottom: float) -> None:
        canvas.write_dim(MARGIN, y, f"UTC from {self._begin:%H:%M:%S}")
        self._draw_marks(canvas, y, bottom)
        self._draw_stops(canvas, y, bottom)
        canvas.width = max(canvas.width, self._plot_x + _PLOT_WIDTH)

    def _draw_marks(self, canvas: SvgCanvas, y: float, bottom: float) -> None:
        least_step = self._seconds / _AXIS_PARTS
        for seconds, label in round_marks(0.0, self._seconds, least_step):
            x = self._plot_x
            label_x = x
            if seconds:
                x += _PLOT_WIDTH * (seconds / self._seconds)
                label_x = x - cell_len(label) * CELL / 2
            canvas.path("hair", (x, y + ROW - 2), (x, bottom))
            canvas.write_dim(label_x, y, label)

    def _draw_stops(self, canvas: SvgCanvas, y: float, bottom: float) -> None:
        for stop in self._stops:
            stopped_at, _ = stop
            x = self._x(stopped_at)
            canvas.path("cut", (x, y + ROW - 6), (x, bottom))
            label = f"⟲ redriven after {duration(span_seconds(stop))}"
            label_x = x - cell_len(label) * CELL - 4
            canvas.write_dim(label_x, bottom - 4, label)

    def _draw_bar(self, canvas: SvgCanvas, bar: Bar, y: float) -> None:
        segments = self._chart.segments(bar)
        with canvas.row([self._ref(bar.line_key)], _tip(bar, segments)):
            hit_width = self._plot_x + _PLOT_WIDTH - MARGIN
            canvas.rect("hit", MARGIN - 4, y, hit_width, ROW)
            name_cells = int(self._plot_x / CELL) - 4
            canvas.write(MARGIN, y, _cut_parts(self._name(bar), name_cells))
            self._draw_crowd(canvas, bar, y)
            for segment in segments:
                self._draw_segment(canvas, segment, y)
            for tick in self._chart.ticks(bar)[:_MOST_TICKS]:
                self._draw_tick(canvas, tick, y)
            canvas.write(self._x(bar.end) + 8, y, self._label(bar))

    def _draw_crowd(self, canvas: SvgCanvas, bar: Bar, y: float) -> None:
        for begin, end, failed in self._chart.crowd(bar):
            x = self._x(begin)
            width = self._x(end) - x
            css = "failed" if failed else "crowd"
            canvas.rect(css, x, y + 5, width, 10)

    def _label(self, bar: Bar) -> Iterator[Part]:
        """Yield how a bar ended, how long it is and what is notable about it."""
        if bar.kind is BarKind.TASK:
            yield Part(f"{bar.length}  ")
        elif bar.kind is not BarKind.UNREAD:
            glyph = status_glyph(bar.status)
            yield Part(f"{glyph.text} {bar.length}  ", glyph.role)
        yield from bar_notes(self._chart, bar)

    def _draw_segment(self, canvas: SvgCanvas, segment: Segment, y: float) -> None:
        x = self._x(segment.begin)
        right = self._x(segment.end)
        if segment.phase is Phase.COMPLETION_LAG:
            x = min(x, right - _LEAST_LAG_WIDTH)
        css = phase_css(segment.phase, failed=segment.failed)
        width = right - x
        if segment.phase in THIN_PHASES:
            canvas.rect(css, x, y + 9, width, 3)
        else:
            canvas.rect(css, x, y + 5, width, 10)

    def _draw_tick(self, canvas: SvgCanvas, tick: Tick, y: float) -> None:
        x = self._x(tick.at)
        middle = y + ROW / 2
        if tick.failed:
            canvas.cross(x, middle)
        elif tick.role is CallRole.ACTION:
            canvas.dot(x, middle, "action")
        else:
            canvas.path("poll", (x, y + 5), (x, y + 15))


def _long_stops(
    snapshot: Snapshot, length: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the stops before redrives that are long beside the timeline's length."""
    for stopped_at, redriven_at in stops(snapshot):
        if redriven_at - stopped_at > length / 10:
            yield stopped_at, redriven_at


def _tip(bar: Bar, segments: Sequence[Segment]) -> Iterator[str]:
    visit = bar.visit
    name = bar.name if visit is None else visit.path
    status = bar.status.replace("_", " ")
    yield clean(name)
    yield f"{iso(bar.begin)}, {status}"
    if visit is not None:
        for segment in segments[:_MOST_TIP_PHASES]:
            yield f"{segment.phase}: {duration(segment.seconds)}"


def _cut_parts(parts: Iterable[Part], room: int) -> Iterator[Part]:
    for part in parts:
        yield Part(cut_text(part.text, room), part.role)
        room -= cell_len(part.text)
        if room <= 0:
            return
