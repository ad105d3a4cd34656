"""The lanes as a picture: states beside calls, or executions side by side."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from sfnwatch.analysis.phases import Phase
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
    phase_css,
)
from sfnwatch.export.wrapping import cut, flow
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.times import iso
from sfnwatch.model.visits import VisitKey
from sfnwatch.view.life_lines import LifeLines, Rail
from sfnwatch.view.line import Lane, Line
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.outline import Outline
from sfnwatch.view.outline_items import Fold, Item
from sfnwatch.view.outline_options import OutlineOptions
from sfnwatch.view.parts import Part, Role, plain_text
from sfnwatch.view.wording import execution_labels

_OPEN = 80
"""With more lines than this, polls, children and large Maps are folded."""
_MOST_LINES = 300
"""The most lines that are drawn; the others are counted."""
_STATE_CELLS = 64
"""The cells for the text of a state; longer text is wrapped."""
_CALL_CELLS = 84
"""The same for a call."""
_NARROW_CALL_CELLS = 56
"""The same for a call where executions stand side by side."""
_TIME = 13
_ARROW = 6


class _SvgLane(Struct):
    """One lane: of an execution, of the states, or of the calls."""

    title: str
    root: str
    """The root execution whose life-lines are in it; empty for the calls."""
    rails: int
    room: int
    words: int = 0
    """The cells that its longest text takes."""
    x: float = 0.0

    @property
    def text_x(self) -> float:
        return self.x + (self.rails * _RAIL + 8 if self.rails else 0)


_SvgBlock = tuple[_SvgLane, list[Part], list[str]]
"""A line's text in one lane, and the refs of the things that it shows."""
_RAIL = 12.0
"""The px from one life-line to the next."""


class LanesPicture:
    """The lanes: states beside calls, or executions side by side, in time order."""

    def __init__(self, snapshot: Snapshot, ref: RefOfKey = lambda _: "") -> None:
        self._snapshot = snapshot
        self._ref = ref
        self._outline = Outline(snapshot.trace, OutlineOptions(folds=False))
        if len(self._outline.items) > _OPEN:
            self._outline = Outline(snapshot.trace)
        self._several = len(snapshot.roots) > 1
        self._lifelines = LifeLines(snapshot.trace, self._outline, apart=self._several)
        self._tags = lane_tags(snapshot)
        self._columns = {column.root: column for column in self._lanes()}
        """The lanes by root execution, or the states' lane by `_LONE`; last the calls'
        lane by the empty string."""
        self.drawn: dict[str, str] = {}
        """The ref by which a page finds a line, by the ref of each thing on it."""
        items = self._outline.at(snapshot)
        self._rows = list(self._all_rows(items[:_MOST_LINES]))
        self._left_out = len(items[_MOST_LINES:])
        self._over: set[VisitKey] = set()
        """The visits whose life-lines have ended on a line that was drawn."""

    def svg(self, name: str) -> str:
        """Return it as SVG for a page with the style sheet; empty without lines."""
        canvas = SvgCanvas("l")
        return canvas.svg(self.draw(canvas, 8) + 10, "", name) if self._rows else ""

    def _lanes(self) -> Iterator[_SvgLane]:
        width = self._lifelines.width
        if not self._several:
            yield _SvgLane("STEP FUNCTIONS", _LONE, width(), _STATE_CELLS)
            yield _SvgLane("API CALLS", "", 0, _CALL_CELLS)
            return
        for arn, label in execution_labels(self._snapshot.roots).items():
            yield _SvgLane(label, arn, width(arn), _NARROW_CALL_CELLS)
        yield _SvgLane("OTHER CALLS", "", 0, _NARROW_CALL_CELLS)

    def _all_rows(
        self, items: Sequence[Item]
    ) -> Iterator[tuple[Line, list[_SvgBlock]]]:
        """Yield lines with their text in each lane."""
        maker = LineMaker(self._snapshot, self._outline, self._lifelines)
        for number, line in enumerate(maker.lines(items)):
            line.new_day = line.new_day or not number
            blocks = [block for block in self._blocks(line) if block[1]]
            for column, parts, _ in blocks:
                column.words = max(column.words, min(column.room, parts_width(parts)))
            yield line, blocks

    def _blocks(self, line: Line) -> Iterator[_SvgBlock]:
        tag = "" if line.fold else self._tags.get(line.execution_arn or "", "")
        refs = self._refs(line)
        if not self._several:
            parts, calls = lane_parts(line, tag)
            yield self._columns[_LONE], parts, refs
            of_call = [self._ref(line.call_key)] if parts else refs
            yield self._columns[""], calls, of_call
            return
        # An execution with a column of its own needs no tag.
        tag = "" if line.execution_arn == line.root_arn else tag
        parts = [Part(tag, Role.DIM)] if tag else []
        parts += state_parts(line, owner=len(line.rails) > 1)
        told = line.call or line.task
        gap = parts and told and line.lane is Lane.STATES
        parts += [Part("  ")] if gap else []
        column = self._columns.get(line.root_arn or "", self._columns[""])
        yield column, [*parts, *(told.parts if told else ())], refs

    def _refs(self, line: Line) -> list[str]:
        """Return the refs of everything that a line stands for, its own first."""
        keys = [event.key for event in line.about.events] or [line.key]
        if isinstance(line.item, Fold):
            keys = [each.key for each in line.item.members[:_MOST_LINES]]
        elif self._several:
            keys.append(line.call_key)
        found = [ref for ref in map(self._ref, keys) if ref]
        self.drawn.update(dict.fromkeys(found, found[0] if found else ""))
        return found

    def draw(self, canvas: SvgCanvas, y: float) -> float:
        """Draw it from `y` on, and return the y at which it ends."""
        if not self._rows:
            return y
        self._place_columns()
        canvas.write(self._time_x, y, [Part("UTC", Role.DIM)])
        for column in self._columns.values():
            if column.words:
                role = Role.NAME if column.root else Role.DIM
                canvas.write(column.x, y, [Part(cut(column.title, column.room), role)])
                canvas.width = max(canvas.width, column.text_x + column.words * CELL)
        y += ROW
        canvas.path("hair", (MARGIN, y), (canvas.width, y))
        y += 6
        for line, blocks in self._rows:
            y = self._draw_line(canvas, y, line, blocks)
        if self._left_out:
            words = f"⋯ {plural(self._left_out, 'more line')}"
            canvas.write(MARGIN, y, [Part(words, Role.DIM)])
            y += ROW
        return y

    def _place_columns(self) -> None:
        """Set the x of each lane and of the times."""
        time = _TIME * CELL
        self._time_x = MARGIN
        x = MARGIN + (time + 10 if self._several else 0)
        for column in self._columns.values():
            column.x = x
            if column.words:
                x = column.text_x + (column.words + 2) * CELL
            if column.root == _LONE:
                self._time_x = x
                x += time + _ARROW * CELL

    def _draw_line(
        self, canvas: SvgCanvas, y: float, line: Line, blocks: Sequence[_SvgBlock]
    ) -> float:
        top = y
        if line.new_day or line.gap is not None:
            words = f"⋮ {spoken(line.gap)}  " if line.gap is not None else ""
            day = f"{line.at:%Y-%m-%d}" if line.new_day else ""
            canvas.write(self._time_x, y, [Part(words + day, Role.DIM)])
            y += ROW - 2
        rows = [flow(parts, column.room) for column, parts, _ in blocks]
        height = ROW * max(map(len, rows), default=1)
        self._draw_rails(canvas, line, (top, y, y + height))
        for (column, parts, refs), told in zip(blocks, rows, strict=True):
            at = f"{line.at:%H:%M:%S}" if line.whole_seconds else iso(line.at)
            with canvas.row(refs, (at, plain_text(parts))):
                x = column.text_x
                width = column.words * CELL + 8
                canvas.rect("hit", x - 4, y, width, height)
                for number, each in enumerate(told):
                    canvas.write(x, y + number * ROW, each)
        if line.lane is Lane.STATES and line.call and not self._several:
            self._draw_link(canvas, line, y + 10)
        if line.lane is Lane.STATES or self._several or not line.whole_seconds:
            canvas.write(self._time_x, y, [Part(time_words(line), Role.DIM)])
        return y + height

    def _draw_link(self, canvas: SvgCanvas, line: Line, y: float) -> None:
        """Draw the arrow from a phase's time to the call that it made."""
        calls = self._columns[""].text_x
        rule = line.call.rule if line.call else ()
        css = " guess" if any(part.role is Role.GUESS for part in rule) else ""
        tip = calls - 8
        canvas.path(f"link{css}", (calls - (_ARROW - 0.5) * CELL, y), (tip, y))
        canvas.path(f"tip{css}", (tip, y - 4), (tip + 6, y), (tip, y + 4), end="z")

    def _draw_rails(
        self, canvas: SvgCanvas, line: Line, ys: tuple[float, float, float]
    ) -> None:
        """Draw the life-lines beside a line, over all of `ys` or a part of it."""
        top, begin, bottom = ys
        self._over -= {rail.visit for rail in line.rails}
        for column in self._columns.values():
            rails: Iterable[Rail] = line.rails
            if self._several and column.root != line.root_arn:
                # Life-lines of other executions continue, unless a line ended them.
                rails = self._lifelines.rails(self._snapshot, line.at, column.root)
                rails = [rail for rail in rails if rail.visit not in self._over]
            for rail in rails if column.rails else ():
                thin = rail.phase in {Phase.CONTAINER, Phase.STOPPED}
                x = column.x + rail.column * _RAIL + (2 if thin else 0)
                y = begin + 10 if rail.begins else top
                end = begin + 10 if rail.ends else bottom
                css = phase_css(rail.phase, failed=rail.failed)
                canvas.rect(css, x, y, 2 if thin else 6, max(end - y, 4))
        self._over |= {rail.visit for rail in line.rails if rail.ends}


_LONE = "states"
"""The key of the states' lane; side by side, executions have their ARNs instead."""
