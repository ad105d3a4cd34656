"""A bar of the timeline in cells: its strokes, its calls, and how it ended."""

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate

from sfnwatch.analysis.phases import Phase, Segment
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.texts import clean
from sfnwatch.tui.bar_signs import (
    EARLIER,
    LATER,
    REDRIVEN_SIGN,
    crowd_sign,
    end_signs,
    instant_sign,
    stroke_of,
    tick_sign,
)
from sfnwatch.tui.phase_signs import PHASES
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span, SpanRow, width_of
from sfnwatch.tui.timeline_axis import CUT, GRID, TimelineAxis
from sfnwatch.view.parts import plain_text
from sfnwatch.view.timeline_bars import Bar, Tick
from sfnwatch.view.timeline_chart import TimelineChart

_NAME_LENGTH = 32
"""Most characters of a call's name."""
_BACKGROUND_LOOKS = frozenset({GRID, CUT.look, "look--playhead"})
_TYPES_THAT_TAKE_TIME = frozenset({"Task", "Wait", "Map", "Parallel"})
_ALWAYS_SHOWN = frozenset({Phase.BACKING_OFF, Phase.COMPLETION_LAG})
_LEAST_SHARE = 1e-9
"""The share of a cell that a segment has at least, however short it is."""


class BarCells:
    """Draws one bar of a chart."""

    def __init__(
        self,
        chart: TimelineChart,
        bar: Bar,
        axis: TimelineAxis,
        screen_state: ScreenState,
    ) -> None:
        self._chart = chart
        self._bar = bar
        self._axis = axis
        self._screen_state = screen_state
        self._crowd = chart.crowd(bar)
        self.ticks = [
            tick for tick in chart.ticks(bar) if axis.shows(self._at(tick.at))
        ]
        """The calls in view."""
        self.room = self._cells_between(bar.begin, bar.end)
        """The bar's cells, as far as they are in view."""

    def _at(self, at: datetime) -> datetime:
        """Return where a time is shown: several executions may be aligned."""
        return self._screen_state.outline.order.shown_at(at, self._bar.execution_arn)

    def _cells_between(self, begin: datetime, end: datetime) -> range:
        return self._axis.cells(self._at(begin), self._at(end))

    def cells(self, chosen: str | None = None) -> SpanRow:
        """Return the bar's cells; the call with the key `chosen` stands out."""
        cells = self._axis.ground()
        is_instant = self._is_instant()
        if self._crowd:
            self._draw_crowd(cells)
        elif is_instant and self.room:
            cells[self.room[0]] = instant_sign(self._bar.status)
        else:
            self._draw_segments(cells, self._chart.segments(self._bar))
        self._draw_cuts(cells)
        self._draw_ticks(cells, chosen)
        if not self._crowd and not is_instant:
            self._draw_ends(cells)
        # An arrow points to a bar that is out of view.
        if self._at(self._bar.end) < self._axis.begin:
            cells[0] = EARLIER
        elif self._at(self._bar.begin) > self._axis.end:
            cells[self._axis.width - 1] = LATER
        return cells

    def _is_instant(self) -> bool:
        visit = self._bar.visit
        if visit is None or visit.running or visit.attempts:
            return False
        return visit.type not in _TYPES_THAT_TAKE_TIME and len(self.room) <= 1

    def _draw_cuts(self, cells: SpanRow) -> None:
        for left, size, _ in self._axis.squeezed:
            middle = left + size // 2
            cells[middle] = Span(CUT.text, cells[middle].look)

    def _draw_segments(self, cells: SpanRow, segments: Sequence[Segment]) -> None:
        self._fill(cells, segments)
        for segment in segments:
            self._draw_hidden(cells, segment)
            end = self._at(segment.end)
            if segment.phase is Phase.STOPPED and self._axis.shows(end):
                cells[self._axis.cell(end)] = REDRIVEN_SIGN

    def _fill(self, cells: SpanRow, segments: Sequence[Segment]) -> None:
        """Fill each cell with the segment that has most of it."""
        largest_shares = [0.0] * self._axis.width
        for segment in segments:
            left = self._axis.column(self._at(segment.begin))
            right = self._axis.column(self._at(segment.end))
            for cell in self._cells_between(segment.begin, segment.end):
                share = max(min(right, cell + 1) - max(left, cell), _LEAST_SHARE)
                if share > largest_shares[cell]:
                    largest_shares[cell] = share
                    cells[cell] = stroke_of(segment)

    def _draw_hidden(self, cells: SpanRow, segment: Segment) -> None:
        """Give a failed try, a back-off or a completion lag a cell in any case."""
        stroke = stroke_of(segment)
        is_failed = stroke != PHASES[segment.phase]
        if not is_failed and segment.phase not in _ALWAYS_SHOWN:
            return
        room = self._cells_between(segment.begin, segment.end)
        if room and all(cells[cell] != stroke for cell in room):
            cells[room[len(room) // 2]] = stroke

    def _draw_crowd(self, cells: SpanRow) -> None:
        """Draw how many ran at once, and where one failed; the most has full height."""
        steps = [0] * (self._axis.width + 1)
        failed_cells: set[int] = set()
        for begin, end, failed in self._crowd:
            room = self._cells_between(begin, end)
            if not room:
                continue
            stop = room.stop
            if len(room) > 1:
                # Where one ends in the cell in which the next begins, the two do not
                # count as two.
                stop -= 1
            steps[room.start] += 1
            steps[stop] -= 1
            if failed and self._axis.shows(self._at(end)):
                failed_cells.add(stop - 1)
        counts = list(accumulate(steps))
        most = max(counts)
        for cell, count in enumerate(counts[:-1]):
            if count:
                cells[cell] = crowd_sign(count, most, failed=cell in failed_cells)

    def _draw_ticks(self, cells: SpanRow, chosen: str | None) -> None:
        def importance(tick: Tick) -> tuple[bool, bool, bool]:
            return tick.call.key == chosen, tick.failed, tick.role is CallRole.STOP

        # Of calls that share a cell, the most important one is drawn last.
        for tick in sorted(self.ticks, key=importance):
            sign = tick_sign(tick, is_chosen=tick.call.key == chosen)
            if sign is not None:
                cells[self.tick_cell(tick)] = sign

    def tick_cell(self, tick: Tick) -> int:
        """Return the cell of a call."""
        return self._axis.cell(self._at(tick.at))

    def _draw_ends(self, cells: SpanRow) -> None:
        """Mark the end of each try in its cell, and the bar's own behind the bar."""
        ends = self._chart.ends(self._bar)
        # A running bar has no end of its own yet: all ends are of tries within it.
        own_end = ends[-1] if ends and self._bar.status != "running" else None
        for end in ends:
            if not self._axis.shows(self._at(end.at)):
                continue
            signs = end_signs(end.status, end.completion)
            if end is own_end:
                for place, sign in enumerate(signs, self._after_bar(cells)):
                    cells[place] = sign
            else:
                cells[self._axis.cell(self._at(end.at))] = signs[-1]

    def _after_bar(self, cells: SpanRow) -> int:
        """Return the cell behind the bar, without blank time after its last state."""
        place = self.room.stop
        while place > self.room.start + 1 and not _is_drawn(cells[place - 1]):
            place -= 1
        return place

    def named_calls(self) -> SpanRow:
        """Return a row of calls' names below their ticks, where names have room."""
        cells = self._axis.ground()
        free_from = 0
        for tick in self.ticks:
            name = self._name(tick)
            size = width_of([name])
            cell = min(self.tick_cell(tick), len(cells) - size)
            if cell >= free_from and size:
                cells[cell : cell + size] = [name, *[Span("")] * (size - 1)]
                free_from = cell + size + 1
        return cells

    def _name(self, tick: Tick) -> Span:
        """Return a call's name; a poll's number and the time since its action."""
        words = clean(tick.call.event_name, _NAME_LENGTH)
        look = "role--call"
        if tick.role is CallRole.POLL:
            text = self._screen_state.maker.call_text(tick.call, tick.link)
            number = plain_text(text.name).rpartition(" ")[2]
            words = f"{number} {plain_text(text.subject).strip()}"
            look = "role--poll"
        words = words.strip()
        return Span(f"{words} ✘", "role--bad") if tick.failed else Span(words, look)

    def with_words(self, cells: SpanRow, words: Sequence[Span]) -> list[Span]:
        """Put words behind the bar or else before it; leave them out without room."""
        size = width_of(words)
        drawn = [place for place, cell in enumerate(cells) if _is_drawn(cell)]
        if not size or not drawn:
            return cells
        after = drawn[-1] + 2
        before = drawn[0] - 1 - size
        if after + size <= len(cells):
            return [*cells[:after], *words, *cells[after + size :]]
        if before >= 0:
            return [*cells[:before], *words, *cells[before + size :]]
        return cells


def _is_drawn(cell: Span) -> bool:
    return cell.text != " " and cell.look not in _BACKGROUND_LOOKS
