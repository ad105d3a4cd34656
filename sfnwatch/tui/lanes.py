"""The lanes as somebody moves in them: a cursor, folds, and the end to follow."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scrollbar import ScrollTo

from sfnwatch.trace.lanes import Lanes, Row
from sfnwatch.trace.shape import Shape, all_toggled, toggled
from sfnwatch.tui.actions import moves
from sfnwatch.tui.lane_dates import dated
from sfnwatch.tui.lane_fresh import FLASH, LINGER, Fresh, came_in
from sfnwatch.tui.lane_places import marker_at, nearest, next_found, stop
from sfnwatch.tui.lane_strips import LaneStrips
from sfnwatch.tui.layout import Hints, Layout, lay_out


class LanesView(LaneStrips):
    """States, times and calls, a line each, with a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = moves()

    follow = reactive(True, repaint=False, init=False)
    """True while new lines pull the view along."""

    class Moved(Message):
        """The cursor is on other rows, or what is out of view has changed."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LanesView.Moved)

    class Opened(Message):
        """A line was clicked twice: it is wanted in full."""

    @dataclass
    class Toggled(Message):
        """Something was folded or unfolded; the view shows it already."""

        key: str

    @dataclass(frozen=True, slots=True)
    class Anchor:
        """A line, and where on the screen it stood."""

        key: str
        offset: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.unseen = 0
        """How many rows came in since the view stopped following."""
        self._shape = Shape()
        self._lanes = Lanes()
        self._hints = Hints()
        self._fresh = Fresh()
        self._height = 0
        """How many lines were in view before the size changed."""
        self._wanted: str | None = None
        """The key selected last; it may be folded or filtered away for now."""

    @property
    def selected_key(self) -> str | None:
        """The key of the row, or of the fold, that the cursor is on."""
        keys = self.line.keys
        if self._wanted in keys:
            return self._wanted
        return keys[0] if keys else None

    # -- what is shown -------------------------------------------------------------

    @property
    def shape(self) -> Shape:
        """What is folded, and what is left out."""
        return self._shape

    @shape.setter
    def shape(self, shape: Shape) -> None:
        if shape != self._shape:
            anchor = self._anchor()
            self._shape = shape
            self._fit()
            self._settle(anchor)

    def show(
        self, lanes: Lanes, hints: Hints, page: Layout, *, flash: bool = True
    ) -> None:
        """Show other lanes; the selection and what is in view stay where they are.

        With `flash` what is new stands out for a moment.
        """
        anchor = self._anchor()
        before = self._lanes
        came = lanes.positions.keys() - before.positions.keys()
        self._lanes, self._hints = lanes, hints
        self.page = dated(page, self._look)
        self._fit()
        seen = came & self.page.positions.keys()
        if not self.follow:
            self.unseen += len(seen)
        if flash and before.rows and seen and self.app.animation_level != "none":
            self._flash(came_in(before, lanes, seen))
        self._settle(anchor)

    def _anchor(self) -> Anchor | None:
        """Note what must not move: the selection, or else the first line in view."""
        top, height = self.scroll_offset.y, self._height
        in_view = top <= self.cursor < top + height
        for place in (self.cursor,) if in_view else range(top, top + height):
            if place < len(self.page.lines) and self.page.lines[place].keys:
                key = self.page.lines[place].keys[0]
                own = place == self.cursor and self._wanted
                return self.Anchor(own or key, place - top)
        return None

    def _settle(self, anchor: Anchor | None) -> None:
        lines = self.page.lines
        self._hits.clear()
        self._lit = self._fresh.places(self.page.positions)
        self.virtual_size = Size(self.breadth, len(lines))
        if self.follow:
            self._go_to(stop(lines, len(lines) - 1, -1))
            self._scroll(len(lines))
        else:
            self.cursor = self._place(self._wanted, self.cursor)
            if anchor is not None:
                offset = min(anchor.offset, max(0, self.size.height - 1))
                self._scroll(self._place(anchor.key, self.cursor) - offset)
        self._height = self.size.height
        self.refresh()
        self.post_message(self.Moved())

    def _place(self, key: str | None, otherwise: int) -> int:
        """Find the line of a key, or the nearest if it is filtered away."""
        place = nearest(self.page, self._lanes, key)
        return stop(self.page.lines, otherwise if place is None else place, -1)

    def _scroll(self, y: int) -> None:
        # Without force the first overflow does not scroll: the bar is not there yet.
        self.scroll_to(y=y, animate=False, immediate=True, force=True)

    def _go_to(self, place: int) -> None:
        self.cursor = place
        self._wanted = self.selected_key or self._wanted

    def _flash(self, fresh: Fresh) -> None:
        """Let what came in stand out, and what came in late for longer."""
        self._fresh = self._fresh | fresh
        late = fresh.late.keys()
        for keys, seconds in ((fresh.keys - late, FLASH), (late, LINGER)):
            if keys:
                self.set_timer(seconds, lambda gone=frozenset(keys): self._dim(gone))

    def _dim(self, keys: frozenset[str]) -> None:
        self._fresh = self._fresh - keys
        self._lit = self._fresh.places(self.page.positions)
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        """Lay out anew where the lanes fold; else only the width has changed."""
        del event
        anchor = self._anchor()
        self._fit()
        self._settle(anchor)

    def _fit(self) -> None:
        """Lay out anew what was laid out for another width, or in another shape."""
        if self.page.folded != self.folded or self.page.shape != self._shape:
            page = lay_out(
                self._lanes,
                folded=self.folded,
                hints=self._hints,
                wanted=self._shape,
            )
            self.page = dated(page, self._look)

    def look_changed(self) -> None:
        """Put the dates where they are in another zone."""
        anchor = self._anchor()
        self.page = dated(self.page, self._look)
        self._settle(anchor)

    # -- folding -------------------------------------------------------------------

    def toggle(self) -> bool:
        """Fold or unfold what the line at the cursor is the head or the fold of."""
        key = self.line.toggles
        self._wanted = key or self._wanted
        return self._toggle(key)

    def toggle_around(self) -> bool:
        """Fold or unfold the innermost thing that the line at the cursor is part of."""
        around = self.page.shaped.around
        inner = (around.get(key, "") for key in self.line.keys)
        return self._toggle(self.line.toggles or next(filter(None, inner), ""))

    def _toggle(self, key: str) -> bool:
        if not key:
            return False
        self.follow = False  # else the cursor would be off to the last line
        self.shape = toggled(self._shape, key, self.page.shaped.closed)
        self.follow = self.cursor >= self._last
        self.post_message(self.Toggled(key))
        return True

    def toggle_all(self) -> None:
        """Unfold everything, or fold every branch."""
        self.shape = all_toggled(self._shape, self._lanes)
        self.post_message(self.Toggled(""))

    def toggle_service(self, number: int) -> bool:
        """Hide or show the calls of a service, by its number from 1."""
        services = self.page.services
        if len(services) < 2 or not 1 <= number <= len(services):  # noqa: PLR2004
            return False
        service = services[number - 1]
        hidden = self._shape.hidden_services ^ {service}
        self.shape = replace(self._shape, hidden_services=hidden)
        self.post_message(self.Toggled(service))
        return True

    # -- finding -------------------------------------------------------------------

    def select_key(self, key: str) -> bool:
        """Put the cursor on a row, an event or a fold, if it is shown."""
        place = self.page.positions.get(key)
        if place is None:
            return False
        self.select(place)
        self._wanted = key
        return True

    def search(
        self, found: Callable[[Row], bool] | None, direction: Literal[-1, 0, 1] = 1
    ) -> bool:
        """Mark what is found and go to the next of it; direction 0 stays if it may."""
        self._found = found
        self._hits.clear()
        self.refresh()
        if found is None:
            return False
        place = next_found(self.page.lines, self.cursor, found, direction)
        if place is not None:
            self.select(place)
        return place is not None

    # -- moving --------------------------------------------------------------------

    def watch_follow(self, follow: bool) -> None:  # noqa: FBT001
        if follow:
            self.unseen = 0
            self._settle(None)
        else:
            self.post_message(self.Moved())

    @property
    def _last(self) -> int:
        return stop(self.page.lines, len(self.page.lines) - 1, -1)

    def select(self, place: int) -> None:
        """Put the cursor on a line and bring it into view."""
        lines = self.page.lines
        self._go_to(stop(lines, place, 1 if place > self.cursor else -1))
        self.follow = self.cursor >= self._last
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if self.follow:
            self._scroll(len(lines))
        elif self.cursor <= stop(lines, 0, 1):
            self._scroll(0)
        elif self.cursor < top:
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
        if place >= len(self.page.lines):
            return
        line = self.page.lines[place]
        self.select(place)
        twice = event.chain == 2  # noqa: PLR2004
        fold = twice and not line.rows
        if line.toggles and (fold or marker_at(self._pieces(place), event.x)):
            self.toggle()
        elif twice and line.keys:
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
