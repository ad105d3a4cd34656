"""The lanes' lines on the screen: only those in view are ever drawn."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from sfnwatch.trace.lanes import Row
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.draw import draw
from sfnwatch.tui.lane_frame import FOLD, Look, frame
from sfnwatch.tui.lane_line import Line
from sfnwatch.tui.layout import Layout
from sfnwatch.tui.toned import TONE_CLASSES

_STRIPS = 512


class LaneStrips(ScrollView, can_focus=True):
    """A page of lines, the one at the cursor, what is new and what was found."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *TONE_CLASSES,
        "lanes--cursor",
        "lanes--fresh",
        "lanes--hit",
    }

    cursor = reactive(0, repaint=False, init=False)
    """The line the cursor is on."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.page = Layout()
        self._look = Look()
        self._lit: Mapping[int, str] = {}
        """The lines that stand out, each with what is said of it."""
        self._found: Callable[[Row], bool] | None = None
        self._hits: LRUCache[int, bool] = LRUCache(_STRIPS)
        self._strips: LRUCache[tuple[object, ...], Strip] = LRUCache(_STRIPS)

    @property
    def breadth(self) -> int:
        """The cells of a line: the scrollbar's column is none of them."""
        return self.scrollable_content_region.width

    @property
    def folded(self) -> bool:
        """True where the width is enough for one lane only."""
        return self.breadth < FOLD

    @property
    def line(self) -> Line:
        """The line the cursor is on."""
        lines = self.page.lines
        return lines[min(self.cursor, len(lines) - 1)] if lines else Line()

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

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        place = self.scroll_offset.y + y
        width = self.breadth
        if place >= len(self.page.lines):
            return Strip.blank(width, self.rich_style)
        part = ""
        if place == self.cursor and self.page.lines[place].keys:
            part = "cursor"
        elif place in self._lit:
            part = "fresh"
        elif self._found is not None and self._is_hit(place):
            part = "hit"
        return self._strip(self._pieces(place), width, part)

    def _pieces(self, place: int) -> tuple[Piece, ...]:
        line = self.page.lines[place]
        shown = frame(self.page, self.breadth, self._look)
        selected = place == self.cursor and bool(line.keys)
        return draw(line, shown, selected=selected, badge=self._lit.get(place, ""))

    def _is_hit(self, place: int) -> bool:
        hit = self._hits.get(place)
        if hit is None and self._found is not None:
            hit = any(map(self._found, self.page.lines[place].all_rows))
            self._hits.set(place, hit)
        return bool(hit)

    def _strip(self, pieces: tuple[Piece, ...], width: int, part: str) -> Strip:
        key = (pieces, part)
        strip = self._strips.get(key)
        if strip is None:
            over, bar = self._over(part), self._over_bar(part)
            segments = [
                Segment(text, self._style(tone) + (over if place else bar))
                for place, (text, tone) in enumerate(pieces)
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
