"""The executions to choose from: a table with a cursor.

Only what is in view is drawn. The cursor keeps to its execution while others come in
around it.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, tzinfo
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from sfnwatch.trace.listed import Listed
from sfnwatch.tui.actions import moves
from sfnwatch.tui.calllines import Look, Pieces, table_head, table_line, zone_title
from sfnwatch.tui.cells import pad
from sfnwatch.tui.picker_lines import EXECUTIONS, Line
from sfnwatch.tui.resizing import Resizing
from sfnwatch.tui.toned import TONE_CLASSES

_HEAD = 1
_LEAST = 3
"""Lines from which one of them names the columns."""
_MARGIN = 3
"""Cells at the left where a click marks an execution."""


class ExecutionList(Resizing, can_focus=True):
    """Executions, one a line."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *TONE_CLASSES,
        "picker--cursor",
        "picker--head",
    }
    DEFAULT_CSS = """
    ExecutionList {
        height: 1fr;
        background: $background;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        scrollbar-color: $thumb-color;

        .picker--cursor { background: $cursor-background; color: $cursor-color; }
        .picker--head { background: $surface; }
        &:nocolor .picker--cursor { text-style: reverse; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = moves()

    cursor = reactive(0, repaint=False, init=False)
    mask: reactive[Callable[[str], str]] = reactive(lambda: str, init=False)
    zone: reactive[tzinfo] = reactive(UTC, init=False)

    class Chosen(Message):
        """An execution was clicked twice."""

    class Marked(Message):
        """An execution was clicked where its mark is."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[Listed, ...] = ()
        self._marked: Collection[str] = ()
        self._now = datetime.min.replace(tzinfo=UTC)
        self._held = False
        """True once the cursor was put somewhere: before, it stays at the top."""

    @property
    def breadth(self) -> int:
        """The cells of a line: the scrollbar's column is none of them."""
        return self.scrollable_content_region.width

    @property
    def head(self) -> int:
        """The lines that name the columns: none where there are hardly any."""
        return _HEAD if self.size.height >= _LEAST else 0

    @property
    def rows(self) -> tuple[Listed, ...]:
        return self._rows

    @property
    def selected(self) -> Listed | None:
        found = self._rows[self.cursor : self.cursor + 1]
        return found[0] if found else None

    # -- what is shown -------------------------------------------------------------

    def show(self, rows: Sequence[Listed], marked: Collection[str]) -> None:
        """Show other rows, or other marks; the cursor stays on its execution."""
        selected, line = self.selected, self.cursor - self.scroll_offset.y
        self._rows, self._marked = tuple(rows), marked
        arns = [row.arn for row in self._rows]
        if self._held and selected is not None and selected.arn in arns:
            self.cursor = arns.index(selected.arn)
            top = self.cursor - line
        else:
            self.cursor = self.cursor if self._held else 0
            top = self.scroll_offset.y if self._held else 0
        self.resized()
        self._scroll(top)
        self._bring_into_view()

    def tick(self, now: datetime) -> None:
        """Let the time go on that executions have taken."""
        self._now = now
        self.refresh()

    def to_top(self) -> None:
        """Begin at the top, as where other words are looked for."""
        self._held = False
        self.cursor = 0
        self._scroll(0)

    def resized(self) -> None:
        self.virtual_size = Size(self.breadth, self.head + len(self._rows))
        self._bring_into_view()
        self.refresh()

    def _looked_otherwise(self) -> None:
        self.refresh()

    watch_mask = watch_zone = _looked_otherwise

    # -- moving --------------------------------------------------------------------

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self._rows) - 1))

    def watch_cursor(self) -> None:
        self.refresh()

    @property
    def _lines(self) -> int:
        return max(1, self.size.height - self.head)

    def select(self, place: int) -> None:
        """Put the cursor on an execution and bring it into view."""
        self._held = True
        self.cursor = place
        self._bring_into_view()

    def _bring_into_view(self) -> None:
        top = self.scroll_offset.y
        if self.cursor < top:
            self._scroll(self.cursor)
        elif self.cursor >= top + self._lines:
            self._scroll(self.cursor - self._lines + 1)

    def _scroll(self, y: int) -> None:
        # Without force the first overflow does not scroll: the bar is not there yet.
        self.scroll_to(y=max(0, y), animate=False, immediate=True, force=True)

    def action_move(self, lines: int) -> None:
        self.select(self.cursor + lines)

    def action_page(self, pages: int) -> None:
        self.select(self.cursor + pages * max(1, self._lines - 1))

    def action_first(self) -> None:
        self.select(0)

    def action_last(self) -> None:
        self.select(len(self._rows) - 1)

    def on_click(self, event: events.Click) -> None:
        place = self.scroll_offset.y + event.y - self.head
        if event.y < self.head or place >= len(self._rows):
            return
        self.select(place)
        if event.x < _MARGIN:
            self.post_message(self.Marked())
        elif event.chain == 2:  # noqa: PLR2004 - a double click
            self.post_message(self.Chosen())

    # -- drawing -------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        look = Look(self.zone, self.mask)
        if y < self.head:
            zone = zone_title(self.zone, self._now)
            return self._strip(table_head(EXECUTIONS, self.breadth, zone), "head")
        place = self.scroll_offset.y + y - self.head
        if place >= len(self._rows):
            return self._strip((), "")
        row, selected = self._rows[place], place == self.cursor
        line = Line(row, row.arn in self._marked, self._now)
        pieces = table_line(EXECUTIONS, line, self.breadth, look, selected=selected)
        return self._strip(pieces, "cursor" if selected else "")

    def _strip(self, pieces: Pieces, part: str) -> Strip:
        over = Style()
        if part:
            style = self.get_component_rich_style(f"picker--{part}")
            over = Style(bgcolor=style.bgcolor, reverse=style.reverse)
        segments = [
            Segment(text, self.get_component_rich_style(f"tone--{tone}") + over)
            for text, tone in pad(pieces, self.breadth)
            if text
        ]
        return Strip(segments, self.breadth)
