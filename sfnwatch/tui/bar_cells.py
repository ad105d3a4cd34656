"""A bar of the timeline in cells: its strokes, its calls, and how it ended.

No meaning is shown by color alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import accumulate
from math import ceil

from sfnwatch.analysis.completion import Completion, ReportedBy
from sfnwatch.analysis.phases import Phase, Segment
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.texts import clean
from sfnwatch.tui.phase_signs import PHASES
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span, SpanRow, legend, width_of
from sfnwatch.tui.timeline_axis import CUT, GRID, TimelineAxis
from sfnwatch.view.parts import plain_text, status_glyph
from sfnwatch.view.timeline_bars import Bar, Tick
from sfnwatch.view.timeline_chart import TimelineChart

_WORD = 32
CHOSEN = "look--chosen"
_FAILED = Span("▄", "role--bad")
_POLL = Span("█", "role--poll")
_DENIED = Span("✘", "role--bad")
_STOP = Span("█", "role--warn")
_INSTANT = Span("◆", "role--name")
_BEHIND = frozenset({GRID, CUT.look, "look--playhead"})
_REDRIVEN = Span("⟲", "role--warn")
_LEARNED = {ReportedBy.EVENT: "role--event", ReportedBy.POLL: "role--poll"}
_HEIGHTS = "▁▂▃▄▅▆▇"
_TAKES_TIME = frozenset({"Task", "Wait", "Map", "Parallel"})
_MUST_SHOW = frozenset({Phase.BACKING_OFF, Phase.COMPLETION_LAG})
_LEGEND: tuple[tuple[Span, str], ...] = (
    (PHASES[Phase.WORKING], "working"),
    (PHASES[Phase.WAITING], "waiting"),
    (_FAILED, "failed try"),
    (PHASES[Phase.BACKING_OFF], "backing off"),
    (_POLL, "poll"),
    (_DENIED, "failed, or a denied call"),
    (CUT, "idle time, cut short"),
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
"""The signs and what they mean, the most important first."""


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
        self.ticks = [t for t in chart.ticks(bar) if axis.shows(self._at(t.at))]
        self.room = axis.cells(self._at(self._bar.begin), self._at(self._bar.end))

    def _at(self, at: datetime) -> datetime:
        return self._screen_state.outline.order.shown_at(at, self._bar.execution_arn)

    def cells(self, chosen: str | None = None) -> SpanRow:
        """Return the bar's cells; the call with the key `chosen` stands out."""
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
            cells[middle] = Span(CUT.text, cells[middle].look)
        self._draw_ticks(cells, chosen)
        if not self._crowd and not self._is_instant():
            self._draw_ends(cells)
        # An arrow points to a bar that is out of view.
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

    def _draw_segments(self, cells: SpanRow, segments: Sequence[Segment]) -> None:
        """Fill each cell with the segment that has most of it.

        A failed try, a back-off and a completion lag have a cell in any case.
        """
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

    def _draw_crowd(self, cells: SpanRow) -> None:
        """Draw how many ran at once, and where one failed; the most has full height."""
        steps = [0] * (self._axis.width + 1)
        bad = set()
        for begin, end, failed in self._crowd:
            room = self._axis.cells(self._at(begin), self._at(end))
            if room:
                # Where one ends in the cell in which the next begins, the two do not
                # count as two.
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

    def _draw_ticks(self, cells: SpanRow, chosen: str | None) -> None:
        # Of calls that share a cell, the most important one is drawn last.
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

    def _draw_ends(self, cells: SpanRow) -> None:
        """Mark the end of each try in its cell, and the bar's own behind the bar."""
        ends = self._chart.ends(self._bar)
        for number, end in enumerate(ends, 1):
            at = self._at(end.at)
            if not self._axis.shows(at):
                continue
            # A running bar has no end of its own yet: all ends are of tries within it.
            last = number == len(ends) and self._bar.status != "running"
            place = self._after_bar(cells) if last else self._axis.cell(at)
            marks = _end_marks(end.status, end.completion)
            for mark in marks if last else marks[-1:]:
                cells[place] = mark
                place += 1

    def _after_bar(self, cells: SpanRow) -> int:
        """Return the cell behind the bar, without blank time after its last state."""
        place = self.room.stop
        while place > self.room.start + 1 and not _is_drawn(cells[place - 1]):
            place -= 1
        return place

    def named_calls(self) -> SpanRow:
        """Return a row of calls' names below their ticks, where names have room."""
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
        """Return a call's name; a poll's number and the time since its action."""
        words = clean(tick.call.event_name, _WORD)
        look = "role--call"
        if tick.role is CallRole.POLL:
            text = self._screen_state.maker.call_text(tick.call, tick.link)
            number = plain_text(text.name).rpartition(" ")[2]
            words = f"{number} {plain_text(text.subject).strip()}"
            look = "role--poll"
        bad = " ✘" if tick.failed else ""
        return Span(f"{words.strip()}{bad}", "role--bad" if bad else look)

    def with_words(self, cells: SpanRow, words: Sequence[Span]) -> list[Span]:
        """Put words behind the bar or else before it; leave them out without room."""
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
    """Return a call's mark; None for an action that succeeded, which the bar shows."""
    if tick.failed:
        return _DENIED
    return {CallRole.POLL: _POLL, CallRole.STOP: _STOP}.get(tick.role)


def _end_marks(ended_as: str, told: Completion | None) -> list[Span]:
    """Return how Step Functions learned of an end and, if bad, what the end was."""
    glyph = status_glyph(ended_as)
    status = Span(glyph.text, f"role--{glyph.role}")
    if told is None:
        return [status]
    certain = told.certain and told.by in _LEARNED
    look = _LEARNED.get(told.by, "role--dim") if certain else "role--dim"
    arrow = Span("◀" if certain else "◁", look)
    return [arrow] if ended_as == "succeeded" else [arrow, status]


def legend_of(drawn: Iterable[Span], width: int) -> Iterator[Span]:
    """Yield the legend of what is drawn; without room, the last signs are left out."""
    seen = {_sign_of(cell) for cell in drawn}
    return legend((each for each in _LEGEND if each[0] in seen), width)


def _sign_of(cell: Span) -> Span:
    """Return the legend's sign for a cell: one for all heights, one for all cuts."""
    if cell.text == CUT.text:
        return CUT
    return Span(_HEIGHTS[4], cell.look) if cell.look == "look--bar" else cell
