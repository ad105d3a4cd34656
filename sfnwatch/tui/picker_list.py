"""What there is to choose from, as tables with a cursor: executions, recordings.

Only what is in view is drawn. The cursor keeps to what it is on while others come in
around it.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from sfnwatch.recording.shelf import Shelved
from sfnwatch.trace.listed import Listed
from sfnwatch.tui.actions import moves
from sfnwatch.tui.calllines import (
    Column,
    Look,
    Pieces,
    table_head,
    table_line,
    zone_title,
)
from sfnwatch.tui.cells import pad
from sfnwatch.tui.picker_lines import EXECUTIONS, Line
from sfnwatch.tui.picker_recorded import RECORDINGS
from sfnwatch.tui.resizing import Resizing
from sfnwatch.tui.toned import TONE_CLASSES

_HEAD = 1
_LEAST = 3
"""Lines from which one of them names the columns."""
_MARGIN = 3
"""Cells at the left where a click marks a line."""
_Row = TypeVar("_Row")


class Choices(Resizing, Generic[_Row], can_focus=True):
    """What can be chosen, one a line, and which of it is marked."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *TONE_CLASSES,
        "picker--cursor",
        "picker--head",
    }
    DEFAULT_CSS = """
    Choices {
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
    pointing = reactive(True, init=False)
    """False where the cursor that keys move is in another list."""
    mask: reactive[Callable[[str], str]] = reactive(lambda: str, init=False)
    zone: reactive[tzinfo] = reactive(UTC, init=False)

    class Chosen(Message):
        """A line was clicked twice."""

    class Marked(Message):
        """A line was clicked where its mark is."""

    class Passed(Message):
        """The cursor was to go on above the first line, or below the last."""

        def __init__(self, lines: int) -> None:
            super().__init__()
            self.lines = lines

    def __init__(
        self, columns: Sequence[Column[Line[_Row]]], key: Callable[[_Row], str]
    ) -> None:
        super().__init__()
        self._columns, self._key = columns, key
        self._rows: tuple[_Row, ...] = ()
        self.marked: dict[str, None] = {}
        """Keys, in the order in which they were marked."""
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
    def rows(self) -> tuple[_Row, ...]:
        return self._rows

    @property
    def selected(self) -> _Row | None:
        found = self._rows[self.cursor : self.cursor + 1]
        return found[0] if found else None

    # -- what is shown -------------------------------------------------------------

    def show(self, rows: Sequence[_Row]) -> None:
        """Show other rows; the cursor stays on what it was on."""
        selected, line = self.selected, self.cursor - self.scroll_offset.y
        self._rows = tuple(rows)
        keys = [self._key(row) for row in self._rows]
        key = None if selected is None else self._key(selected)
        if self._held and key in keys:
            self.cursor = keys.index(key)
            top = self.cursor - line
        else:
            self.cursor = self.cursor if self._held else 0
            top = self.scroll_offset.y if self._held else 0
        self.resized()
        self._scroll(top)
        self._bring_into_view()

    def mark(self) -> bool:
        """Mark what the cursor is on, or unmark it; False where it is on nothing."""
        if self.selected is None:
            return False
        key = self._key(self.selected)
        if key in self.marked:
            del self.marked[key]
        else:
            self.marked[key] = None
        self.refresh()
        return True

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

    watch_mask = watch_zone = watch_pointing = _looked_otherwise

    # -- moving --------------------------------------------------------------------

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self._rows) - 1))

    def watch_cursor(self) -> None:
        self.refresh()

    @property
    def _lines(self) -> int:
        return max(1, self.size.height - self.head)

    def select(self, place: int) -> None:
        """Put the cursor on a line and bring it into view."""
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
        end = len(self._rows) - 1 if lines > 0 else 0
        if self.cursor == end or not self._rows:
            self.post_message(self.Passed(lines))
        self.select(self.cursor + lines)

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self._lines - 1))

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
            return self._strip(table_head(self._columns, self.breadth, zone), "head")
        place = self.scroll_offset.y + y - self.head
        if place >= len(self._rows):
            return self._strip((), "")
        row, selected = self._rows[place], self.pointing and place == self.cursor
        line = Line(row, self._key(row) in self.marked, self._now)
        pieces = table_line(self._columns, line, self.breadth, look, selected=selected)
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


class ExecutionList(Choices[Listed]):
    """Executions, one a line."""

    def __init__(self) -> None:
        super().__init__(EXECUTIONS, lambda row: row.arn)


class RecordingList(Choices[Shelved]):
    """Recordings, one a line."""

    def __init__(self) -> None:
        super().__init__(RECORDINGS, lambda row: str(row.path))
