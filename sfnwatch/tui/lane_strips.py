"""The lanes' lines on the screen: only those in view are ever drawn."""

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.reactive import reactive
from textual.strip import Strip

from sfnwatch.trace.lanes import Row
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.arrange import Plan, plan_for
from sfnwatch.tui.draw import draw
from sfnwatch.tui.draw_beside import draw_cells, draw_shared, draw_time, draw_walls
from sfnwatch.tui.lane_frame import BEFORE, Frame, Look, frame
from sfnwatch.tui.lane_line import Line
from sfnwatch.tui.layout import Layout
from sfnwatch.tui.resizing import Resizing
from sfnwatch.tui.toned import RUN_CLASSES, TONE_CLASSES, run_class

_STRIPS = 512
Spot = tuple[int, int]
"""A line's place and, where executions stand beside each other, a column of it."""


class LaneStrips(Resizing, can_focus=True):
    """A page of lines, the one at the cursor, what is new and what was found."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *TONE_CLASSES,
        *RUN_CLASSES,
        "lanes--cursor",
        "lanes--fresh",
        "lanes--hit",
    }

    cursor = reactive(0, repaint=False, init=False)
    """The line the cursor is on."""
    column = reactive(0, repaint=False, init=False)
    """Which execution it is on, where they stand beside each other."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.page = Layout()
        self._look = Look()
        self._aligned = False
        self._lit: Mapping[Spot, str] = {}
        """What stands out, each with what is said of it."""
        self._found: Callable[[Row], bool] | None = None
        self._hits: LRUCache[Spot, bool] = LRUCache(_STRIPS)
        self._framed: tuple[Layout, int, Look, Frame] | None = None
        self._strips: LRUCache[tuple[object, ...], Strip] = LRUCache(_STRIPS)

    @property
    def breadth(self) -> int:
        """The cells of a line: the scrollbar's column is none of them."""
        return self.scrollable_content_region.width

    def plan(self, executions: int) -> Plan:
        """Say how so many executions are to be laid out here."""
        return plan_for(self.breadth, executions, aligned=self._aligned)

    @property
    def line(self) -> Line:
        """The line the cursor is on, or the part of it in the cursor's column."""
        lines = self.page.lines
        if not lines:
            return Line()
        column = min(self.column, self.page.column_count - 1)
        return lines[min(self.cursor, len(lines) - 1)].cell(column)

    @property
    def rows_in_view(self) -> tuple[Row, ...]:
        """The rows to be seen just now, from the top."""
        top = self.scroll_offset.y
        lines = self.page.lines[top : top + self.size.height]
        return tuple(row for line in lines for row in line.rows)

    @property
    def look(self) -> Look:
        """How names and times are shown."""
        return self._look

    @look.setter
    def look(self, look: Look) -> None:
        if look != self._look:
            self._look = look
            self._strips.clear()
            self.look_changed()

    def look_changed(self) -> None:
        """Show names and times in another way."""
        self.refresh()

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self.page.lines) - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        self.refresh_line(old)
        self.refresh_line(new)

    def watch_column(self) -> None:
        self.refresh_line(self.cursor)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        place = self.scroll_offset.y + y
        width = self.breadth
        if place >= len(self.page.lines):
            if self.page.beside and self.page.lines:
                return self._strip(draw_walls(self.frame), width, "")
            return Strip.blank(width, self.rich_style)
        if not self.page.beside:
            run = self._run(self.page.lines[place])
            return self._strip(self._pieces(place), width, self._part((place, 0)), run)
        return self._beside(place)

    @property
    def frame(self) -> Frame:
        """What all lines are drawn into."""
        page, width, look = self.page, self.breadth, self._look
        held = self._framed
        if held is None or (held[0] is not page or held[1:3] != (width, look)):
            held = self._framed = page, width, look, frame(page, width, look)
        return held[3]

    def _part(self, spot: Spot) -> str:
        """Say what a line, or a column of it, stands out for."""
        place, column = spot
        line = self.page.lines[place]
        at_cursor = place == self.cursor and (line.right or column == self.column)
        if at_cursor and line.cell(column).keys:
            return "cursor"
        if spot in self._lit:
            return "fresh"
        return "hit" if self._found is not None and self._is_hit(spot) else ""

    def _pieces(self, place: int) -> tuple[Piece, ...]:
        line = self.page.lines[place]
        selected = place == self.cursor and bool(line.keys)
        badge = self._lit.get((place, 0), "")
        return draw(line, self.frame, selected=selected, badge=badge)

    def _beside(self, place: int) -> Strip:
        """Draw each column for itself."""
        line, shown = self.page.lines[place], self.frame
        if line.right or not line.cells:
            part = self._part((place, 0)) if line.right else ""
            pieces = (
                *draw_time(line, shown, selected=part == "cursor"),
                *draw_shared(line, shown),
            )
            return self._strip(pieces, self.breadth, part)
        return Strip.join(
            self._strip(pieces, width, part)
            for pieces, width, part in self._columns(place, line)
        )

    def _columns(
        self, place: int, line: Line
    ) -> Iterator[tuple[tuple[Piece, ...], int, str]]:
        shown = self.frame
        yield draw_time(line, shown), BEFORE, ""
        seen = range(shown.first, shown.first + len(shown.cells))
        parts = {column: self._part((place, column)) for column in seen}
        selected = next((n for n, part in parts.items() if part == "cursor"), None)
        badges = {column: self._lit.get((place, column), "") for column in seen}
        drawn = draw_cells(line, shown, selected=selected, badges=badges)
        for pieces, own, part in zip(drawn, shown.cells, parts.values(), strict=True):
            wall, *body = pieces
            yield (wall,), 1, ""
            yield tuple(body), own.width, part

    def _is_hit(self, spot: Spot) -> bool:
        hit = self._hits.get(spot)
        if hit is None and self._found is not None:
            place, column = spot
            hit = any(map(self._found, self.page.lines[place].cell(column).all_rows))
            self._hits.set(spot, hit)
        return bool(hit)

    def _run(self, line: Line) -> str:
        """Give the class of the label's colour; nothing where there is none."""
        if not self.frame.share.label or line.execution_arn is None:
            return ""
        arns = [head.execution_arn for head in self.page.heads]
        known = line.execution_arn in arns
        return run_class(arns.index(line.execution_arn)) if known else ""

    def _strip(
        self, pieces: tuple[Piece, ...], width: int, part: str, run: str = ""
    ) -> Strip:
        """Make a strip; the `run`'s colour is for what comes after the margin."""
        key = (pieces, width, part, run)
        strip = self._strips.get(key)
        if strip is None:
            over, bar = self._over(part), self._over_bar(part)
            styles = [self._style(tone) for _, tone in pieces]
            if run and len(styles) > 1:
                styles[1] = self.get_component_rich_style(run)
            segments = [
                Segment(text, style + (over if place else bar))
                for place, ((text, _), style) in enumerate(
                    zip(pieces, styles, strict=True)
                )
                if text
            ]
            strip = Strip(segments, width)
            self._strips.set(key, strip)
        return strip

    def _style(self, tone: Tone) -> Style:
        return self.get_component_rich_style(f"tone--{tone}")

    def _over(self, part: str) -> Style:
        """Take the background only: every tone keeps its colour under the cursor.

        Not so where a palette has the colours: nobody knows which of them go together,
        and a dim colour on it is lost.
        """
        if not part:
            return Style()
        style = self.get_component_rich_style(f"lanes--{part}")
        if part == "cursor" and self._palette:
            return Style(
                color=style.color,
                bgcolor=style.bgcolor,
                bold=style.bold,
                dim=False,
                reverse=style.reverse,
            )
        return Style(bgcolor=style.bgcolor, bold=style.bold)

    def _over_bar(self, part: str) -> Style:
        """Leave a palette's bar on the ground: the line may have its colour."""
        if part == "cursor" and self._palette:
            return Style()
        return self._over(part)

    @property
    def _palette(self) -> bool:
        return self.app.current_theme.ansi
