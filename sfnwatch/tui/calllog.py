"""The call log: every request sfnwatch itself sent, and how much of the quota it took.

The budget stays on top; below it the requests, of which only those in view are drawn.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection
from datetime import UTC, datetime, tzinfo
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scrollbar import ScrollTo
from textual.strip import Strip

from sfnwatch.trace.budget import Operation, budget
from sfnwatch.trace.requests import Request
from sfnwatch.trace.timeline import Trace
from sfnwatch.tui.actions import moves
from sfnwatch.tui.calllines import (
    BUDGET,
    REQUESTS,
    Look,
    Pieces,
    budget_rows,
    nothing,
    promise,
    table_head,
    table_line,
    zone_title,
)
from sfnwatch.tui.cells import pad
from sfnwatch.tui.resizing import Resizing
from sfnwatch.tui.toned import TONE_CLASSES

Ranked = tuple[int, Pieces]
"""A line of the head; where there is little room, high ranks go first."""


class CallLog(Resizing, can_focus=True):
    """The budget, and the requests with a cursor, the newest last."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *TONE_CLASSES,
        "calllog--cursor",
        "calllog--head",
    }
    DEFAULT_CSS = """
    CallLog {
        height: 1fr;
        background: $background;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        scrollbar-color: $thumb-color;

        .calllog--cursor { background: $cursor-background; color: $cursor-color; }
        .calllog--head { background: $surface; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = moves()

    follow = reactive(True, repaint=False, init=False)
    """True while new requests pull the view along."""
    cursor = reactive(0, repaint=False, init=False)
    """The request the cursor is on."""
    mask: reactive[Callable[[str], str]] = reactive(lambda: str, init=False)
    """Applied to every text that is shown."""
    zone: reactive[tzinfo | None] = reactive(None, init=False)
    """Whose time of day is shown; None: UTC."""
    replaying = reactive(False, init=False)
    """True when what is shown was recorded: then nothing is sent."""

    class Moved(Message):
        """The cursor is on another request, or what is out of view has changed."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, CallLog.Moved)

    class Opened(Message):
        """A request was clicked twice: it is wanted in full."""

    def __init__(
        self,
        allowed: Collection[Operation],
        *,
        id: str | None = None,  # noqa: A002 - Textual's word
    ) -> None:
        super().__init__(id=id)
        self.unseen = 0
        """How many requests came in since the view stopped following."""
        self._allowed = allowed
        """Every operation this tool may send."""
        self._trace = Trace()
        self._now = datetime.min.replace(tzinfo=UTC)
        self._requests: tuple[Request, ...] = ()
        self._head: tuple[Pieces, ...] = ()
        self._look = Look()

    @property
    def breadth(self) -> int:
        """The cells of a line: the scrollbar's column is none of them."""
        return self.scrollable_content_region.width

    @property
    def selected(self) -> Request | None:
        """The request the cursor is on."""
        found = self._requests[self.cursor : self.cursor + 1]
        return found[0] if found else None

    # -- what is shown -------------------------------------------------------------

    def show(self, trace: Trace, now: datetime) -> None:
        """Show another trace, or how the rates stand by now; what is in view stays."""
        selected, old = self.selected, self._requests
        requests = trace.ordered_requests
        self._trace, self._now, self._requests = trace, now, requests
        if self.follow or selected is None:
            self._settle()
            return
        self.unseen += max(0, len(requests) - len(old))
        # One that was sent earlier may be told later, by the other source.
        place = bisect_left(requests, selected.order(), key=Request.order)
        moved = place - self.cursor
        self.cursor = place
        self._settle()
        if moved:
            self._scroll(self.scroll_offset.y + moved)

    def _settle(self) -> None:
        self._lay_out()
        lines = len(self._head) + max(1, len(self._requests))
        self.virtual_size = Size(self.breadth, lines)
        if self.follow:
            self.cursor = len(self._requests) - 1
            self._scroll(lines)
        self.refresh()
        self.post_message(self.Moved())

    def _lay_out(self) -> None:
        zone = self.zone or UTC
        arns = {request.execution_arn for request in self._requests}
        self._look = Look(zone, self.mask, executions=len(arns) > 1)
        self._head = fitting(tuple(self._lines()), self.size.height)

    def _lines(self) -> list[Ranked]:
        """Draw all that the head could have, each with its rank."""
        width, look = self.breadth, self._look
        rows = budget_rows(budget(self._trace, self._now), self._allowed)
        words = promise(
            self._allowed,
            others=any(row.operation not in self._allowed for row in rows),
            count=len(self._requests),
            replaying=self.replaying,
        )
        lines: list[Ranked] = [(4, words), (3, table_head(BUDGET, width, ""))]
        scarce = max((row.share for row in rows), default=0.0)
        for row in rows:
            rank = 0 if row.share == scarce > 0 else 1 if row.sent else 5
            lines.append((rank, table_line(BUDGET, row, width, look, selected=False)))
        zone = zone_title(look.zone, self._now)
        lines.append((6, ()))
        lines.append((2, table_head(REQUESTS, width, zone)))
        return lines

    def _scroll(self, y: int) -> None:
        # Without force the first overflow does not scroll: the bar is not there yet.
        self.scroll_to(y=y, animate=False, immediate=True, force=True)

    def resized(self) -> None:
        self._settle()

    def _looked_otherwise(self) -> None:
        self._settle()

    watch_mask = watch_zone = watch_replaying = _looked_otherwise

    # -- moving --------------------------------------------------------------------

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self._requests) - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        self.refresh_line(len(self._head) + old)
        self.refresh_line(len(self._head) + new)

    def watch_follow(self, follow: bool) -> None:  # noqa: FBT001
        if follow:
            self.unseen = 0
            self._settle()
        else:
            self.post_message(self.Moved())

    @property
    def _rows(self) -> int:
        """How many requests there is room for."""
        return max(1, self.size.height - len(self._head))

    def select(self, place: int) -> None:
        """Put the cursor on a request and bring it into view."""
        self.cursor = place
        self.follow = self.cursor >= len(self._requests) - 1
        top = self.scroll_offset.y
        if self.cursor < top:
            self._scroll(self.cursor)
        elif self.cursor >= top + self._rows:
            self._scroll(self.cursor - self._rows + 1)
        self.post_message(self.Moved())

    def action_move(self, lines: int) -> None:
        self.select(self.cursor + lines)

    def action_page(self, pages: int) -> None:
        self.select(self.cursor + pages * max(1, self._rows - 1))

    def action_first(self) -> None:
        self.select(0)

    def action_last(self) -> None:
        self.select(len(self._requests) - 1)

    def on_click(self, event: events.Click) -> None:
        place = self.scroll_offset.y + event.y - len(self._head)
        if event.y >= len(self._head) and place < len(self._requests):
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

    def render_line(self, y: int) -> Strip:
        if y < len(self._head):
            return self._strip(self._head[y], "head")
        place = self.scroll_offset.y + y - len(self._head)
        if place < len(self._requests):
            selected = place == self.cursor
            pieces = table_line(
                REQUESTS,
                self._requests[place],
                self.breadth,
                self._look,
                selected=selected,
            )
            return self._strip(pieces, "cursor" if selected else "")
        if place == 0:
            return self._strip(nothing(replaying=self.replaying), "")
        return self._strip((), "")

    def _strip(self, pieces: Pieces, part: str) -> Strip:
        over = Style()
        if part:
            style = self.get_component_rich_style(f"calllog--{part}")
            over = Style(bgcolor=style.bgcolor, reverse=style.reverse)
        segments = [
            Segment(text, self.get_component_rich_style(f"tone--{tone}") + over)
            for text, tone in pad(pieces, self.breadth)
            if text
        ]
        return Strip(segments, self.breadth)


def fitting(lines: tuple[Ranked, ...], height: int) -> tuple[Pieces, ...]:
    """Leave out of the head what would take more than half of the height."""
    kept = list(lines)
    while len(kept) > max(1, height // 2):
        # Of equals the last one goes.
        worst = max(range(len(kept)), key=lambda place: (kept[place][0], place))
        del kept[worst]
    return tuple(pieces for _, pieces in kept)
