"""The timeline as a picture, with one bar for each state."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from rich.cells import cell_len

from sfnwatch.analysis.last_moment import last_moment
from sfnwatch.analysis.phases import Phase, Segment
from sfnwatch.analysis.quantities import plural
from sfnwatch.export.svg.legend import draw_legend
from sfnwatch.export.svg.canvas import (
    CELL,
    MARGIN,
    ROW,
    RefOfKey,
    SvgCanvas,
    parts_width,
    phase_css,
)
from sfnwatch.export.wrapping import cut
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration, iso
from sfnwatch.view.bar_notes import bar_notes, state_words
from sfnwatch.view.parts import Part, Role, status_glyph
from sfnwatch.view.time_marks import round_marks, stops
from sfnwatch.view.time_scale import cut_short, length_of
from sfnwatch.view.timeline_bars import Bar, BarKind, Tick
from sfnwatch.view.timeline_chart import TimelineChart
from sfnwatch.view.wording import execution_labels

_MOST_BARS = 120
"""The most bars that are drawn; the others are counted."""
_NAME_CELLS = 52
"""The cells for names in the timeline."""
_PLOT_WIDTH = 700.0
"""The width of the timeline's bars, in px."""
_MOST_TICKS = 150
_TICKS = 7


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
        least = (self._end - self._begin) / 10
        self._stops = [(at, end) for at, end in stops(snapshot) if end - at > least]
        self._scale = cut_short(self._begin, self._end, self._stops, share=0.0)
        stopped = sum(map(length_of, self._stops))
        self._whole = length_of((self._begin, self._end)) - stopped
        names = [parts_width(self._name(bar)) for bar in self._bars]
        self._plot = MARGIN + (min(_NAME_CELLS, max(names, default=0)) + 2) * CELL

    def svg(self, name: str) -> str:
        """Return it as SVG for a page with the style sheet; empty without bars."""
        if not self._bars:
            return ""
        canvas = SvgCanvas("g")
        return canvas.svg(draw_legend(canvas, self.draw(canvas, 8) + 12), "", name)

    def _name(self, bar: Bar) -> list[Part]:
        name = self._labels.get(bar.key) or clean(bar.name, _NAME_CELLS)
        told = (Part(f"  {each.text}", each.role) for each in state_words(bar))
        return [Part("  " * (len(bar.guides) // 2)), Part(name, Role.NAME), *told]

    def draw(self, canvas: SvgCanvas, y: float) -> float:
        """Draw it from `y` on, and return the y at which it ends."""
        if not self._bars:
            return y
        top = y + ROW
        bottom = top + ROW * (len(self._bars) + bool(self._left_out))
        self._draw_axis(canvas, y, bottom)
        for number, bar in enumerate(self._bars):
            self._draw_bar(canvas, bar, top + number * ROW)
        if self._left_out:
            words = f"⋯ {plural(self._left_out, 'more row')}"
            canvas.write(MARGIN, bottom - ROW, [Part(words, Role.DIM)])
        return bottom

    def _x(self, at: datetime) -> float:
        return self._plot + _PLOT_WIDTH * self._scale.place(at)

    def _draw_axis(self, canvas: SvgCanvas, y: float, bottom: float) -> None:
        begin = Part(f"UTC from {self._begin:%H:%M:%S}", Role.DIM)
        canvas.write(MARGIN, y, [begin])
        for seconds, words in round_marks(0.0, self._whole, self._whole / _TICKS):
            x = self._plot + _PLOT_WIDTH * (seconds / self._whole if seconds else 0.0)
            canvas.path("hair", (x, y + ROW - 2), (x, bottom))
            half = cell_len(words) * CELL / 2 if seconds else 0
            canvas.write(x - half, y, [Part(words, Role.DIM)])
        for first, last in self._stops:
            x = self._x(first)
            left_out = length_of((first, last))
            canvas.path("cut", (x, y + ROW - 6), (x, bottom))
            told = Part(f"⟲ redriven after {duration(left_out)}", Role.DIM)
            canvas.write(x - parts_width([told]) * CELL - 4, bottom - 4, [told])
        canvas.width = max(canvas.width, self._plot + _PLOT_WIDTH)

    def _draw_bar(self, canvas: SvgCanvas, bar: Bar, y: float) -> None:
        segments = self._chart.segments(bar)
        with canvas.row([self._ref(bar.line_key)], _tip(bar, segments)):
            canvas.rect("hit", MARGIN - 4, y, self._plot + _PLOT_WIDTH - MARGIN, ROW)
            canvas.write(MARGIN, y, _cut(self._name(bar), int(self._plot / CELL) - 4))
            for begin, end, failed in self._chart.crowd(bar):
                css = "failed" if failed else "crowd"
                x = self._x(begin)
                canvas.rect(css, x, y + 5, self._x(end) - x, 10)
            for segment in segments:
                self._draw_segment(canvas, segment, y)
            for tick in self._chart.ticks(bar)[:_MOST_TICKS]:
                self._draw_tick(canvas, tick, y)
            canvas.write(self._x(bar.end) + 8, y, self._label(bar))

    def _label(self, bar: Bar) -> Iterator[Part]:
        """Yield how a bar ended, how long it is and what is notable about it."""
        glyph = status_glyph(bar.status)
        if bar.kind is BarKind.TASK:
            yield Part(f"{bar.length}  ")
        elif bar.kind is not BarKind.UNREAD:
            yield Part(f"{glyph.text} {bar.length}  ", glyph.role)
        yield from bar_notes(self._chart, bar)

    def _draw_segment(self, canvas: SvgCanvas, segment: Segment, y: float) -> None:
        x = self._x(segment.begin)
        right = self._x(segment.end)
        thin = segment.phase in {Phase.CONTAINER, Phase.STOPPED}
        if segment.phase is Phase.COMPLETION_LAG:
            x = min(x, right - 3)  # this is the part of a bar that must be seen
        css = phase_css(segment.phase, failed=segment.failed)
        canvas.rect(css, x, y + (9 if thin else 5), right - x, 3 if thin else 10)

    def _draw_tick(self, canvas: SvgCanvas, tick: Tick, y: float) -> None:
        x = self._x(tick.at)
        if tick.failed:
            canvas.cross(x, y + 10)
        elif tick.role is CallRole.ACTION:
            canvas.dot(x, y + 10, "action")
        else:
            canvas.path("poll", (x, y + 5), (x, y + 15))


def _tip(bar: Bar, segments: Sequence[Segment]) -> Iterator[str]:
    visit = bar.visit
    yield clean(visit.path if visit else bar.name)
    yield f"{iso(bar.begin)}, {bar.status.replace('_', ' ')}"
    for segment in segments[:8] if visit is not None else ():
        yield f"{segment.phase}: {duration(segment.seconds)}"


def _cut(parts: Iterable[Part], room: int) -> Iterator[Part]:
    for part in parts:
        yield Part(cut(part.text, room), part.role)
        room -= cell_len(part.text)
        if room <= 0:
            return
