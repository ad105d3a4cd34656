"""The lanes on the screen: only the lines in view are ever drawn."""

from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollTo
from textual.strip import Strip

from sfnwatch.trace.lanes import Lanes
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.draw import FOLD, draw
from sfnwatch.tui.layout import Hints, Layout, Line, lay_out
from sfnwatch.tui.toned import TONE_CLASSES

FLASH = 1.2
"""Seconds for which a line that has just come in stands out."""
_STRIPS = 512


class LanesView(ScrollView, can_focus=True):
    """States, times and calls, a line each, with a cursor."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *TONE_CLASSES,
        "lanes--cursor",
        "lanes--fresh",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", id="lanes.up", show=False),
        Binding("down,j", "move(1)", "Down", id="lanes.down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="lanes.page_up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="lanes.page_down", show=False),
        Binding("home,g", "first", "First", id="lanes.first", show=False),
        Binding("end,G", "last", "Last, and follow", id="lanes.last", show=False),
    ]

    follow = reactive(True, repaint=False, init=False)
    """True while new lines pull the view along."""
    cursor = reactive(0, repaint=False, init=False)
    """The line the cursor is on."""

    class Moved(Message):
        """The cursor is on other rows, or what is out of view has changed."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LanesView.Moved)

    class Opened(Message):
        """A line was clicked twice: it is wanted in full."""

    @dataclass(frozen=True, slots=True)
    class Anchor:
        """A line, and where on the screen it stood."""

        key: str
        offset: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.page = Layout()
        self.unseen = 0
        """How many rows came in since the view stopped following."""
        self._lanes = Lanes()
        self._hints = Hints()
        self._fresh: frozenset[str] = frozenset()
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

    # -- what is shown -------------------------------------------------------------

    def show(self, lanes: Lanes, hints: Hints, page: Layout) -> None:
        """Show other lanes; the selection and what is in view stay where they are."""
        anchor = self._anchor()
        old, new = self.page.positions, page.positions
        came = new.keys() - old.keys()
        self._lanes, self._hints, self.page = lanes, hints, page
        self._fit()
        if not self.follow:
            self.unseen += len(came)
        if old and came and self.app.animation_level != "none":
            self._flash(came)
        self._settle(anchor)

    def _anchor(self) -> Anchor | None:
        """Note what must not move: the selection, or else the first line in view."""
        top, height = self.scroll_offset.y, self.size.height
        in_view = top <= self.cursor < top + height
        for place in (self.cursor,) if in_view else range(top, top + height):
            if place < len(self.page.lines) and self.page.lines[place].keys:
                return self.Anchor(self.page.lines[place].keys[0], place - top)
        return None

    def _settle(self, anchor: Anchor | None) -> None:
        selected = self._selected_key
        lines = self.page.lines
        self.virtual_size = Size(self.breadth, len(lines))
        if self.follow:
            self._go_to(len(lines) - 1)
            self._scroll(len(lines))
        else:
            self._go_to(self.page.positions.get(selected or "", self.cursor))
            if anchor is not None and anchor.key in self.page.positions:
                self._scroll(self.page.positions[anchor.key] - anchor.offset)
        self.refresh()
        self.post_message(self.Moved())

    def _scroll(self, y: int) -> None:
        # Without force the first overflow does not scroll: the bar is not there yet.
        self.scroll_to(y=y, animate=False, immediate=True, force=True)

    def _go_to(self, place: int) -> None:
        self.cursor = place
        keys = self.line.keys
        self._selected_key = keys[0] if keys else self._selected_key

    _selected_key: str | None = None

    def _flash(self, keys: frozenset[str] | set[str]) -> None:
        self._fresh = self._fresh | keys
        self.set_timer(FLASH, lambda: self._dim(frozenset(keys)))

    def _dim(self, keys: frozenset[str]) -> None:
        self._fresh -= keys
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        """Lay out anew where the lanes fold; else only the width has changed."""
        del event
        anchor = self._anchor()
        self._fit()
        self._settle(anchor)

    def _fit(self) -> None:
        if self.page.folded != self.folded:
            self.page = lay_out(self._lanes, folded=self.folded, hints=self._hints)

    # -- moving --------------------------------------------------------------------

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self.page.lines) - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        self.refresh_line(old)
        self.refresh_line(new)

    def watch_follow(self, follow: bool) -> None:  # noqa: FBT001
        if follow:
            self.unseen = 0
            self._settle(None)
        else:
            self.post_message(self.Moved())

    def select(self, place: int) -> None:
        """Put the cursor on a line and bring it into view."""
        self._go_to(place)
        last = len(self.page.lines) - 1
        self.follow = self.cursor >= last
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if self.cursor < top:
            self._scroll(self.cursor)
        elif self.cursor >= top + height:
            self._scroll(self.cursor - height + 1)
        self.post_message(self.Moved())

    def action_move(self, lines: int) -> None:
        self.select(self.cursor + lines)

    def action_page(self, pages: int) -> None:
        self.select(self.cursor + pages * max(1, self.size.height - 1))

    def action_first(self) -> None:
        self.select(0)

    def action_last(self) -> None:
        self.select(len(self.page.lines) - 1)

    def on_click(self, event: events.Click) -> None:
        place = self.scroll_offset.y + event.y
        if place < len(self.page.lines):
            self.select(place)
            if event.chain == 2:  # noqa: PLR2004 - a double click
                self.post_message(self.Opened())

    def on_mouse_scroll_up(self) -> None:
        self.call_after_refresh(self._scrolled)

    def on_mouse_scroll_down(self) -> None:
        self.call_after_refresh(self._scrolled)

    def on_scroll_to(self, message: ScrollTo) -> None:
        del message
        self.call_after_refresh(self._scrolled)

    def _scrolled(self) -> None:
        """Follow only while at the end."""
        self.follow = self.is_vertical_scroll_end

    # -- drawing -------------------------------------------------------------------

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        place = self.scroll_offset.y + y
        width = self.breadth
        if place >= len(self.page.lines):
            return Strip.blank(width, self.rich_style)
        line = self.page.lines[place]
        selected = place == self.cursor and bool(line.keys)
        several = len(self.page.services) > 1
        pieces = draw(line, width, selected=selected, services=several)
        part = "cursor" if selected else ""
        if not selected and not self._fresh.isdisjoint(line.keys):
            part = "fresh"
        return self._strip(pieces, width, part)

    def _strip(self, pieces: tuple[Piece, ...], width: int, part: str) -> Strip:
        key = (pieces, part)
        strip = self._strips.get(key)
        if strip is None:
            over = self._over(part)
            segments = [
                Segment(text, self._style(tone) + over) for text, tone in pieces if text
            ]
            strip = Strip(segments, width)
            self._strips.set(key, strip)
        return strip

    def _style(self, tone: Tone) -> Style:
        return self.get_component_rich_style(f"tone--{tone}")

    def _over(self, part: str) -> Style:
        """Take the background only: every tone keeps its colour under the cursor."""
        if not part:
            return Style()
        style = self.get_component_rich_style(f"lanes--{part}")
        return Style(bgcolor=style.bgcolor, bold=style.bold)
