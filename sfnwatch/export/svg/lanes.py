"""The lanes as a picture: states beside calls, or executions side by side."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct

from sfnwatch.analysis.quantities import plural, spoken
from sfnwatch.export.names import lane_tags
from sfnwatch.export.row_text import lane_parts, state_parts, time_words
from sfnwatch.export.svg.canvas import (
    CELL,
    MARGIN,
    ROW,
    RefOfKey,
    SvgCanvas,
    parts_width,
)
from sfnwatch.export.svg.styles import THIN_PHASES, phase_css
from sfnwatch.export.wrapping import cut_text, wrap_parts
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.times import iso
from sfnwatch.model.visits import VisitKey
from sfnwatch.view.call_text import CallText
from sfnwatch.view.execution_labels import execution_labels
from sfnwatch.view.life_lines import LifeLines, Rail
from sfnwatch.view.line import Lane, Line
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.outline import Outline
from sfnwatch.view.outline_items import Fold, Item
from sfnwatch.view.outline_options import OutlineOptions
from sfnwatch.view.parts import Part, Role, plain_text

_MOST_UNFOLDED_LINES = 80
"""With more lines than this, polls, children and large Maps are folded."""
_MOST_LINES = 300
"""The most lines that are drawn; the others are counted."""
_STATE_CELLS = 64
"""The cells for the text of a state; longer text is wrapped."""
_CALL_CELLS = 84
"""The cells for the text of a call."""
_NARROW_CALL_CELLS = 56
"""The cells for the text of a call where executions stand side by side."""
_TIME_WIDTH = 13 * CELL
_ARROW_WIDTH = 6 * CELL
_RAIL_WIDTH = 12.0
"""The px from one life-line to the next."""
_STATES_LANE = "states"
"""The key of the states' lane, in place of an ARN."""
_CALLS_LANE = ""


class _SvgLane(Struct):
    """One lane: of an execution, of the states, or of the calls."""

    title: str
    key: str
    """The ARN of the root execution whose life-lines are in it, or `_STATES_LANE`, or
    `_CALLS_LANE`."""
    rail_count: int
    """The number of columns for life-lines."""
    room: int
    """The most cells of a row of text."""
    cells: int = 0
    """The cells that its longest row takes; 0 for a lane without text."""
    x: float = 0.0

    @property
    def text_x(self) -> float:
        if not self.rail_count:
            return self.x
        return self.x + self.rail_count * _RAIL_WIDTH + 8


class _LaneText(NamedTuple):
    """A line's text in one lane."""

    lane: _SvgLane
    parts: list[Part]
    refs: list[str]
    """The refs of what the text shows."""


class LanesPicture:
    """The lanes: states beside calls, or executions side by side, in time order."""

    def __init__(self, snapshot: Snapshot, ref: RefOfKey = lambda _: "") -> None:
        self._snapshot = snapshot
        self._ref = ref
        self._outline = Outline(snapshot.trace, OutlineOptions(folds=False))
        if len(self._outline.items) > _MOST_UNFOLDED_LINES:
            self._outline = Outline(snapshot.trace)
        self._side_by_side = len(snapshot.roots) > 1
        self._lifelines = LifeLines(
            snapshot.trace, self._outline, apart=self._side_by_side
        )
        self._tags = lane_tags(snapshot)
        self._lanes = {lane.key: lane for lane in self._new_lanes()}
        """The lanes from left to right; the last is the calls' lane."""
        self.drawn: dict[str, str] = {}
        """The ref by which a page finds a line, by the ref of each thing on it."""
        items = self._outline.at(snapshot)
        self._lines = list(self._lines_of(items[:_MOST_LINES]))
        self._left_out = len(items[_MOST_LINES:])
        self._ended: set[VisitKey] = set()
        """The visits whose life-lines have ended on a line that was drawn."""

    def svg(self, name: str) -> str:
        """Return it as SVG for a page with the style sheet; empty without lines."""
        if not self._lines:
            return ""
        canvas = SvgCanvas("l")
        bottom = self.draw(canvas, 8)
        return canvas.svg(bottom + 10, "", name)

    def _new_lanes(self) -> Iterator[_SvgLane]:
        width = self._lifelines.width
        if not self._side_by_side:
            yield _SvgLane("STEP FUNCTIONS", _STATES_LANE, width(), _STATE_CELLS)
            yield _SvgLane("API CALLS", _CALLS_LANE, 0, _CALL_CELLS)
            return
        for arn, label in execution_labels(self._snapshot.roots).items():
            yield _SvgLane(label, arn, width(arn), _NARROW_CALL_CELLS)
        yield _SvgLane("OTHER CALLS", _CALLS_LANE, 0, _NARROW_CALL_CELLS)

    def _lines_of(
        self, items: Sequence[Item]
    ) -> Iterator[tuple[Line, list[_LaneText]]]:
        """Yield lines with their texts; make the lanes wide enough for them."""
        maker = LineMaker(self._snapshot, self._outline, self._lifelines)
        is_first = True
        for line in maker.lines(items):
            if is_first:
                line.new_day = True
                is_first = False
            texts = [text for text in self._texts(line) if text.parts]
            for text in texts:
                lane = text.lane
                cells = min(lane.room, parts_width(text.parts))
                lane.cells = max(lane.cells, cells)
            yield line, texts

    def _texts(self, line: Line) -> Iterator[_LaneText]:
        refs = self._refs(line)
        tag = ""
        if not line.fold:
            tag = self._tags.get(line.execution_arn or "", "")
        if self._side_by_side:
            key = line.root_arn or _CALLS_LANE
            lane = self._lanes.get(key, self._lanes[_CALLS_LANE])
            yield _LaneText(lane, _narrow_parts(line, tag), refs)
            return
        states, calls = lane_parts(line, tag)
        yield _LaneText(self._lanes[_STATES_LANE], states, refs)
        if states:
            refs = [self._ref(line.call_key)]
        yield _LaneText(self._lanes[_CALLS_LANE], calls, refs)

    def _refs(self, line: Line) -> list[str]:
        """Return the refs of everything that a line stands for, its own first."""
        refs = []
        for key in self._keys(line):
            ref = self._ref(key)
            if ref:
                refs.append(ref)
        for ref in refs:
            self.drawn[ref] = refs[0]
        return refs

    def _keys(self, line: Line) -> list[str]:
        """Return the keys of everything that a line stands for, its own first."""
        if isinstance(line.item, Fold):
            return [member.key for member in line.item.members[:_MOST_LINES]]
        keys = [event.key for event in line.about.events]
        if not keys:
            keys = [line.key]
        if self._side_by_side:
            keys.append(line.call_key)
        return keys

    def draw(self, canvas: SvgCanvas, y: float) -> float:
        """Draw it from `y` on, and return the y at which it ends."""
        if not self._lines:
            return y
        self._place_lanes()
        self._draw_titles(canvas, y)
        y += ROW
        canvas.path("hair", (MARGIN, y), (canvas.width, y))
        y += 6
        for line, texts in self._lines:
            y = self._draw_line(canvas, y, line, texts)
        if self._left_out:
            more_lines = plural(self._left_out, "more line")
            canvas.write_dim(MARGIN, y, f"⋯ {more_lines}")
            y += ROW
        return y

    def _draw_titles(self, canvas: SvgCanvas, y: float) -> None:
        """Draw the titles of the lanes; make the canvas wide enough for the lanes."""
        canvas.write_dim(self._time_x, y, "UTC")
        for lane in self._lanes.values():
            if not lane.cells:
                continue
            role = Role.DIM if lane.key == _CALLS_LANE else Role.NAME
            title = cut_text(lane.title, lane.room)
            canvas.write(lane.x, y, [Part(title, role)])
            right = lane.text_x + lane.cells * CELL
            canvas.width = max(canvas.width, right)

    def _place_lanes(self) -> None:
        """Set the x of each lane and of the times."""
        x = MARGIN
        self._time_x = x
        if self._side_by_side:
            x += _TIME_WIDTH + 10
        for lane in self._lanes.values():
            lane.x = x
            if lane.cells:
                x = lane.text_x + (lane.cells + 2) * CELL
            if lane.key == _STATES_LANE:
                self._time_x = x
                x += _TIME_WIDTH + _ARROW_WIDTH

    def _draw_line(
        self, canvas: SvgCanvas, y: float, line: Line, texts: Sequence[_LaneText]
    ) -> float:
        """Draw a line from `y` on, and return the y at which it ends."""
        top = y
        if line.new_day or line.gap is not None:
            canvas.write_dim(self._time_x, y, _gap_words(line))
            y += ROW - 2
        wrapped = [wrap_parts(text.parts, text.lane.room) for text in texts]
        row_count = max(map(len, wrapped), default=1)
        height = ROW * row_count
        self._draw_rails(canvas, line, top, y, y + height)
        time = f"{line.at:%H:%M:%S}" if line.whole_seconds else iso(line.at)
        for text, rows in zip(texts, wrapped, strict=True):
            tip = time, plain_text(text.parts)
            with canvas.row(text.refs, tip):
                x = text.lane.text_x
                hit_width = text.lane.cells * CELL + 8
                canvas.rect("hit", x - 4, y, hit_width, height)
                for number, row in enumerate(rows):
                    canvas.write(x, y + number * ROW, row)
        is_state = line.lane is Lane.STATES
        if is_state and line.call and not self._side_by_side:
            self._draw_link(canvas, line.call, y + 10)
        if is_state or self._side_by_side or not line.whole_seconds:
            canvas.write_dim(self._time_x, y, time_words(line))
        return y + height

    def _draw_link(self, canvas: SvgCanvas, call: CallText, y: float) -> None:
        """Draw the arrow from a phase's time to the call that it made."""
        is_guess = any(part.role is Role.GUESS for part in call.rule)
        css = " guess" if is_guess else ""
        calls_x = self._lanes[_CALLS_LANE].text_x
        begin = calls_x - _ARROW_WIDTH + CELL / 2
        tip = calls_x - 8
        canvas.path(f"link{css}", (begin, y), (tip, y))
        canvas.path(f"tip{css}", (tip, y - 4), (tip + 6, y), (tip, y + 4), end="z")

    def _draw_rails(
        self, canvas: SvgCanvas, line: Line, top: float, y: float, bottom: float
    ) -> None:
        """Draw the life-lines beside a line whose text is at `y`."""
        middle = y + ROW / 2
        self._ended.difference_update(rail.visit for rail in line.rails)
        for lane in self._lanes.values():
            if not lane.rail_count:
                continue
            for rail in self._rails_in(lane, line):
                begin = middle if rail.begins else top
                end = middle if rail.ends else bottom
                _draw_rail(canvas, lane, rail, begin, end)
        self._ended.update(rail.visit for rail in line.rails if rail.ends)

    def _rails_in(self, lane: _SvgLane, line: Line) -> Sequence[Rail]:
        """Return the life-lines that pass a line in a lane."""
        if not self._side_by_side or lane.key == line.root_arn:
            return line.rails
        # Life-lines of other executions continue, unless a line ended them.
        rails = self._lifelines.rails(self._snapshot, line.at, lane.key)
        return [rail for rail in rails if rail.visit not in self._ended]


def _narrow_parts(line: Line, tag: str) -> list[Part]:
    """Return a line's state and its call as one text."""
    parts = []
    # An execution with a lane of its own needs no tag.
    if tag and line.execution_arn != line.root_arn:
        parts.append(Part(tag, Role.DIM))
    parts += state_parts(line, owner=len(line.rails) > 1)
    call_or_task = line.call or line.task
    if call_or_task is not None:
        if parts and line.lane is Lane.STATES:
            parts.append(Part("  "))
        parts += call_or_task.parts
    return parts


def _gap_words(line: Line) -> str:
    """Return the time since the line before, and the day if it is another."""
    words = ""
    if line.gap is not None:
        words = f"⋮ {spoken(line.gap)}  "
    if line.new_day:
        words += f"{line.at:%Y-%m-%d}"
    return words


def _draw_rail(
    canvas: SvgCanvas, lane: _SvgLane, rail: Rail, begin: float, end: float
) -> None:
    x = lane.x + rail.column * _RAIL_WIDTH
    width = 6
    if rail.phase in THIN_PHASES:
        x += 2
        width = 2
    css = phase_css(rail.phase, failed=rail.failed)
    height = max(end - begin, 4)
    canvas.rect(css, x, begin, width, height)
