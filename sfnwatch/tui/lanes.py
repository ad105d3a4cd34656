"""The lanes as somebody moves in them: a cursor, folds, and the end to follow."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.scrollbar import ScrollTo

from sfnwatch.trace.lanes import Row
from sfnwatch.trace.shape import all_toggled, toggled
from sfnwatch.trace.values import replace
from sfnwatch.tui.actions import moves
from sfnwatch.tui.lane_line import Line
from sfnwatch.tui.lane_pages import LanePages
from sfnwatch.tui.lane_places import (
    beside,
    marker_at,
    nearest_of,
    next_found,
    side_of,
    stop,
)


class LanesView(LanePages):
    """States, times and calls, a line each, with a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = moves()

    class Opened(Message):
        """A line was clicked twice: it is wanted in full."""

    @dataclass
    class Toggled(Message):
        """Something was folded or unfolded; the view shows it already."""

        key: str

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
        self.select(place, self.page.columns.get(key))
        self._wanted = key
        return True

    def reveal(self, key: str) -> bool:
        """Put the cursor on a row or an event, and unfold whatever it is behind."""
        while self.select_key(key):
            shaped = self.page.shaped
            stand = shaped.stands.get(key, key)
            # A fold is around itself; a row never is.
            if stand == key or shaped.around.get(stand) != stand:
                return True
            self._toggle(stand)
        return False

    def search(
        self, found: Callable[[Row], bool] | None, direction: Literal[-1, 0, 1] = 1
    ) -> bool:
        """Mark what is found and go to the next of it; direction 0 stays if it may."""
        self._found = found
        self._hits.clear()
        self.refresh()
        if found is None:
            return False
        spot = next_found(self.page, (self.cursor, self._side), found, direction)
        if spot is not None:
            self.select(*spot)
        return spot is not None

    # -- moving --------------------------------------------------------------------

    def select(self, place: int, column: int | None = None) -> None:
        """Put the cursor on a line, perhaps in another column; bring it into view."""
        lines = self.page.lines
        self.column = self._side if column is None else column
        self._go_to(stop(lines, place, 1 if place > self.cursor else -1, self._side))
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
        self._select_of_all(stop(self.page.lines, 0, 1))

    def action_last(self) -> None:
        self._select_of_all(self._last)

    def _select_of_all(self, place: int) -> None:
        """Put the cursor on a line, in whichever column has something there."""
        line = self.page.lines[place] if self.page.lines else Line()
        self.select(place, None if line.cell(self._side).keys else side_of(line))

    def step_execution(self, step: int) -> bool:
        """Go to the next execution, or the one before; False if there is but one.

        Beside each other it is the next column, else the nearest line of the next.
        """
        count = len(self.page.heads)
        if count < 2:  # noqa: PLR2004 - there is no other
            return False
        if self.page.beside:
            column = (self._side + step) % count
            place = beside(self.page.lines, self.cursor, column)
            if place is not None:
                self.select(place, column)
            return place is not None
        arns = [head.execution_arn for head in self.page.heads]
        own = arns.index(arn) if (arn := self.line.execution_arn) in arns else 0
        place = nearest_of(self.page.lines, self.cursor, arns[(own + step) % count])
        if place is not None:
            self.select(place)
        return place is not None

    def on_click(self, event: events.Click) -> None:
        place = self.scroll_offset.y + event.y
        if place >= len(self.page.lines):
            return
        self.select(place, self.frame.column_at(event.x))
        line = self.line
        twice = event.chain == 2  # noqa: PLR2004
        fold = twice and not line.rows
        if line.toggles and (fold or self._at_marker(place, event.x)):
            self.toggle()
        elif twice and line.keys:
            self.post_message(self.Opened())

    def _at_marker(self, place: int, x: int) -> bool:
        if not self.page.beside:
            return marker_at(self._pieces(place), x)
        drawn = self._columns(place, self.page.lines[place])
        return marker_at((piece for pieces, _, _ in drawn for piece in pieces), x)

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
