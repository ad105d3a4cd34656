"""A list with a cursor; most views are one.

A list knows only how many entries it has. A subclass draws the entries that are in
view, and gives each a key, by which it is found again after others have come. So a list
of 100,000 entries costs only what fits on the screen.
"""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from sfnwatch.tui.actions import bindings
from sfnwatch.tui.rows import strip_of
from sfnwatch.tui.spans import Span

_DRAWN = 512
"""Entries whose drawn rows are kept: several screens, for scrolling back and forth."""


class _ScreenRow(NamedTuple):
    """One row of the screen: the entry it belongs to, and how it looks."""

    place: int
    strip: Strip
    selected: bool
    fresh: bool


class CursorList(ScrollView, can_focus=True):
    """Entries from the top down, one of which has the cursor.

    A subclass defines `count` and `draw`; where entries come and go, also `key_of` and
    `place_of`. It calls `changed` after its entries or their texts have changed.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("")
    COMPONENT_CLASSES: ClassVar[set[str]] = {"list--cursor", "list--fresh"}
    DEFAULT_CSS = """
    CursorList {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
    }
    """

    cursor: reactive[int] = reactive(0, repaint=False, init=False)
    """The place of the selected entry, from 0."""
    follow: reactive[bool] = reactive(False, repaint=False, init=False)
    """True while new entries at the end move the view along."""
    marked: reactive[bool] = reactive(True, repaint=False, init=False)
    """False while the cursor is hidden: its entry does not matter."""

    class Moved(Message):
        """The cursor has moved to another entry."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, CursorList.Moved)

    class Opened(Message):
        """An entry was clicked twice, to be shown in full."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._drawn: LRUCache[int, Sequence[Strip]] = LRUCache(_DRAWN)
        self._frame: list[_ScreenRow] = []
        """The rows in view, as they were last made; empty until they are needed."""
        self._grounds: dict[str, Style] = {}
        """The style below a row's cells, by the name of the component class."""
        self._wanted: str | None = None
        """The key that was last selected; its entry may be missing for now."""
        self._beyond = 0
        """Rows that the last entries take beyond one row each."""

    @property
    def count(self) -> int:
        """The number of entries."""
        raise NotImplementedError

    def draw(self, place: int, width: int) -> Sequence[Sequence[Span]]:
        """Draw an entry in rows of `width` cells, at least one row.

        The rows are kept until `changed` is called or the width changes.
        """
        raise NotImplementedError

    def key_of(self, place: int) -> str | None:
        """Return an entry's key; None for an entry that is only found by its place."""
        return str(place)

    def place_of(self, key: str) -> int | None:
        """Return the place of a key's entry, or of the one that stands for it."""
        return int(key) if key.isdigit() and int(key) < self.count else None

    def stops_at(self, place: int) -> bool:
        """False for an entry that the cursor skips: a heading, a rule."""
        del place
        return True

    def is_fresh(self, place: int) -> bool:
        """True for an entry that has just come and is highlighted for a short time."""
        del place
        return False

    @property
    def selected_key(self) -> str | None:
        """The key of the selected entry; None if there is no entry."""
        return self.key_of(self.cursor) if self.cursor < self.count else None

    def select(self, place: int) -> None:
        """Select an entry, or the next the cursor may be on; bring it into view."""
        if not self.count:
            return
        place = self._stop(place, 1 if place >= self.cursor else -1)
        moved = place != self.cursor
        self.cursor = place
        self._wanted = self.key_of(place)
        self.follow = self.follow and place == self._last
        self._bring_into_view()
        self._repaint()
        if moved:
            self.post_message(self.Moved())

    def select_key(self, key: str) -> bool:
        """Select the entry that stands for a key; False if there is none."""
        place = self.place_of(key)
        if place is None:
            return False
        self.select(place)
        self._wanted = key
        return True

    @property
    def _last(self) -> int:
        return self._stop(self.count - 1, -1)

    def _stop(self, place: int, step: int) -> int:
        """Return the nearest place from `place` on that the cursor may be on."""
        if not self.count:
            return 0
        place = max(0, min(place, self.count - 1))
        for places in (range(place, self.count), range(place, -1, -1))[::step]:
            found = next((each for each in places if self.stops_at(each)), None)
            if found is not None:
                return found
        return place

    def changed(self) -> None:
        """Show changed entries; the selected one stays in its row, if it can."""
        anchor = self._anchor()
        self._drawn.clear()
        before = self.cursor, self.selected_key
        if self.follow:
            self.cursor = self._last if self.count else 0
            self._wanted = self.selected_key
        else:
            found = self.place_of(self._wanted) if self._wanted else None
            self.cursor = self._stop(self.cursor if found is None else found, -1)
        self._measure()
        if self.follow:
            self._scroll(self.count)
        elif anchor is not None:
            self._hold(*anchor)
        self._repaint()
        if self.count and (self.cursor, self.selected_key) != before:
            self.post_message(self.Moved())

    def _anchor(self) -> tuple[str, int] | None:
        """Return key and row to hold: of the selected entry, or the first in view."""
        rows = self._frame
        own = (y for y, row in enumerate(rows) if row.selected)
        y = next(own, 0 if rows else None)
        if y is None or self.follow:
            return None
        key = self._wanted if rows[y].selected else self.key_of(rows[y].place)
        return (key, y) if key is not None else None

    def _hold(self, key: str, y: int) -> None:
        """Scroll so that the entry of a key is in the row `y`, where it was."""
        place = self.place_of(key)
        if place is None:
            return
        rows = min(y, max(0, self.size.height - 1))
        self._scroll(self._first_above(min(place, self.count - 1), rows))

    def _first_above(self, place: int, rows: int) -> int:
        """Return the first of the entries above `place` that fit into `rows` rows."""
        while place > 0:
            rows -= len(self._rows_of(place - 1))
            if rows < 0:
                break
            place -= 1
        return place

    def _lowest_top(self, place: int) -> int:
        """Return the first entry that can be on top while `place` is wholly in view."""
        return self._first_above(place, self.size.height - len(self._rows_of(place)))

    def _rows_of(self, place: int) -> Sequence[Strip]:
        rows = self._drawn.get(place)
        if rows is None:
            # Asking for the size takes longer than all else here.
            width = self.size.width
            if not width:
                return [Strip([])]  # it is hidden, or was not laid out yet
            rows = [strip_of(self, row, width) for row in self.draw(place, width)]
            self._drawn[place] = rows
        return rows

    @property
    def _width(self) -> int:
        return max(1, self.size.width)

    @property
    def _top(self) -> int:
        return min(self.scroll_offset.y, max(0, self.count - 1))

    def _measure(self, *, whole: bool = False) -> None:
        """Set the scrollable size that all entries need.

        Each entry counts as one row, which is good enough for scrolling. Only for the
        last entries it is measured how many have room, so that the end can be seen.
        That is done if the end is near, or if the `whole` way there is asked for.
        """
        height = self.size.height
        is_near = self.follow or self._top + 2 * height >= self.count
        if is_near or whole or self._beyond:
            top = self._lowest_top(self.count - 1) if self.count else 0
            self._beyond = height - (self.count - top) if top else 0
        size = Size(self.size.width, self.count + self._beyond)
        if size == self.virtual_size:
            return
        if self.show_vertical_scrollbar and self.is_attached and height:
            # Set as usual, the size would make Textual lay out the whole screen for
            # each new line.
            self.set_reactive(Widget.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height
            self.scroll_y = self.validate_scroll_y(self.scroll_y)
        else:
            self.virtual_size = size

    def _scroll(self, y: int) -> None:
        # Without force the first overflow does not scroll: the bar is not there yet.
        self.scroll_to(y=y, animate=False, force=True)

    def _bring_into_view(self) -> None:
        top = self._top
        is_last = self.cursor == self._last
        # Show what is above the first entry, too: the cursor can't go there.
        is_first = self.cursor <= self._stop(0, 1)
        in_view = sum(row.place == self.cursor for row in self._frame)
        is_whole = in_view == len(self._rows_of(self.cursor))
        if top and is_whole and not (is_first or is_last):
            return
        self._measure(whole=is_last)
        top = self._top
        if is_first:
            self._scroll(0)
        elif self.cursor < top:
            self._scroll(self.cursor)
        else:
            self._scroll(max(top, self._lowest_top(self.cursor)))

    def render_line(self, y: int) -> Strip:
        if not self._frame:
            self._frame = list(self._rows_in_view())
        if y >= len(self._frame):
            return Strip.blank(self._width, self.rich_style)
        _, strip, selected, fresh = self._frame[y]
        if not selected:
            return strip.apply_style(self._ground("list--fresh" if fresh else ""))
        if not self.app.native_ansi_color:
            return strip.apply_style(self._ground("list--cursor"))
        # A terminal's palette has no pale ground: all words take the cursor's style.
        own = self.get_component_rich_style("list--cursor")
        return Strip(Segment.apply_style(strip, post_style=own), self._width)

    def _ground(self, name: str) -> Style:
        ground = self._grounds.get(name)
        if ground is None:
            ground = self.rich_style
            if name:
                ground += self.get_component_rich_style(name, partial=True)
            self._grounds[name] = ground
        return ground

    def _rows_in_view(self) -> Iterator[_ScreenRow]:
        height = self.size.height
        for place in range(self._top, self.count):
            selected = self.marked and place == self.cursor
            fresh = self.is_fresh(place)
            for strip in self._rows_of(place)[:height]:
                yield _ScreenRow(place, strip, selected, fresh)
                height -= 1
            if height <= 0:
                return

    def _repaint(self) -> None:
        """Repaint the rows that have changed."""
        before = self._frame
        self._frame = list(self._rows_in_view())
        pairs = zip_longest(before, self._frame)
        width = self.size.width
        others = [
            Region(0, y, width, 1)
            for y, (old, new) in enumerate(pairs)
            # Which entry a row belongs to does not matter.
            if old is None or new is None or old[1:] != new[1:]
        ]
        if others:
            self.refresh(*others)

    def redraw(self, *places: int) -> None:
        """Draw some entries again, by their places, or all: their looks changed."""
        for place in places:
            self._drawn.discard(place)
        if not places:
            self._drawn.clear()
        self._repaint()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawn.clear()
        self._grounds.clear()
        self._frame = []
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value
        if round(old_value) != round(new_value):
            if round(new_value) + 2 * self.size.height >= self.count:
                self._measure()
            # Not all rows: where lines came in above the last ones, these stay as they
            # are.
            self._repaint()

    def on_resize(self) -> None:
        self._drawn.clear()
        self._frame = []
        self._measure()
        if self.follow:
            self._scroll(self.count + self._beyond)
        elif self.count:
            self._bring_into_view()
        self.refresh()

    def on_show(self) -> None:
        # The list may have been scrolled while it was hidden and had no size.
        self.on_resize()

    def action_move(self, entries: int) -> None:
        self.select(self.cursor + entries)

    def action_page(self, pages: int) -> None:
        entries = len({row.place for row in self._rows_in_view()})
        self.select(self.cursor + pages * max(1, entries - 1))

    def action_first(self) -> None:
        self.select(0)

    def action_last(self) -> None:
        self.select(self.count - 1)
        self.follow = True

    def on_click(self, event: events.Click) -> None:
        rows = self._frame
        if event.y >= len(rows) or not self.stops_at(rows[event.y].place):
            return
        place = rows[event.y].place
        self.select(place)
        self.clicked(place, event.x, twice=event.chain == 2)  # noqa: PLR2004

    def clicked(self, place: int, x: int, *, twice: bool) -> None:
        """Do what a click on an entry means; the entry is selected already."""
        del place, x
        if twice:
            self.post_message(self.Opened())

    def on_scroll_to(self) -> None:
        self.call_after_refresh(self._scrolled)

    on_mouse_scroll_up = on_mouse_scroll_down = on_scroll_to

    def _scrolled(self) -> None:
        """Follow only if the view is at the end and the last entry is selected."""
        self.follow = self.is_vertical_scroll_end and self.cursor == self._last
