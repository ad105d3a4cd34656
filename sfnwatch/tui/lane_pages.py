"""The lanes' pages as more comes in: what is selected and in view stays in its place.

Where the cursor is put, and why, is for `LanesView` to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from sfnwatch.trace.aligned import origin
from sfnwatch.trace.lanes import Lanes, Row
from sfnwatch.trace.shape import Shape
from sfnwatch.trace.values import replace
from sfnwatch.tui.arrange import Plan, arrange
from sfnwatch.tui.lane_dates import dated
from sfnwatch.tui.lane_fresh import FLASH, LINGER, Fresh, came_in, new_rows
from sfnwatch.tui.lane_places import nearest, side_of, stop
from sfnwatch.tui.lane_strips import LaneStrips
from sfnwatch.tui.layout import Hints, Layout

_FLASHED = 500
"""More rows than these do not stand out from others by themselves."""


class LanePages(LaneStrips):
    """Shows one page after the other, whatever comes in between and above."""

    follow = reactive(True, repaint=False, init=False)
    """True while new lines pull the view along."""

    class Moved(Message):
        """The cursor is on other rows, or what is out of view has changed."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LanePages.Moved)

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
        self._seen: object = None
        """What was in view when last settled."""
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

    @property
    def aligned(self) -> bool:
        """True where all executions are shown as if they had started together."""
        return self._aligned

    @aligned.setter
    def aligned(self, aligned: bool) -> None:
        anchor = self._anchor()
        self._aligned = aligned
        self._fit()
        self._settle(anchor)

    def show(
        self, lanes: Lanes, hints: Hints, page: Layout, *, flash: bool = True
    ) -> None:
        """Show other lanes; the selection and what is in view stay where they are.

        With `flash` what is new stands out for a moment, unless that is nearly all.
        """
        anchor = self._anchor()
        before = self._lanes
        came = new_rows(before, lanes)
        self._lanes, self._hints = lanes, hints
        self.page = dated(page, self._look)
        self._fit()
        if not self.follow:
            self.unseen += len(self._shown(came))
        few = flash and before.rows and len(came) <= _FLASHED
        if few and self.app.animation_level != "none":
            self._flash(came_in(before, self._shown(came)))
        self._settle(anchor)

    def _shown(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Give those that are on a line, or behind one."""
        return [row for row in rows if row.key in self.page.positions]

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
        self._lit = self._fresh.places(self.page.positions, self.page.columns)
        self._take_size(Size(self.breadth, len(lines)))
        if self.follow:
            self._go_to(self._last)
            self._scroll(len(lines))
        else:
            self.column = self.page.columns.get(self._wanted or "", self.column)
            self.cursor = self._place(self._wanted, self.cursor)
            self._bring_column()
            if anchor is not None:
                offset = min(anchor.offset, max(0, self.size.height - 1))
                self._scroll(self._place(anchor.key, self.cursor) - offset)
        self._height = self.size.height
        before, self._seen = self._seen, self._in_view
        if self._seen != before:
            self.refresh()
        self.post_message(self.Moved())

    def _take_size(self, size: Size) -> None:
        """Take on the size of a page; while its bar stays, all else stays as well."""
        before, least = self.virtual_size, self.container_size.height
        if (
            self.show_vertical_scrollbar
            and size.width == before.width
            and size.height >= before.height > least
        ):
            # Set as usual it has the whole screen laid out, and all lines drawn anew.
            self.set_reactive(Widget.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height
        else:
            self.virtual_size = size

    @property
    def _in_view(self) -> object:
        """All that is drawn but for the cursor, which has its lines drawn by itself."""
        top, page = self.scroll_offset.y, self.page
        seen = range(top, top + self.size.height)
        lit = {spot: said for spot, said in self._lit.items() if spot[0] in seen}
        lines = page.lines[seen.start : seen.stop]
        return top, lines, lit, self.frame, self._look, page.heads

    def _place(self, key: str | None, otherwise: int) -> int:
        """Find the line of a key, or the nearest if it is filtered away."""
        place = nearest(self.page, self._lanes, key)
        place = otherwise if place is None else place
        return stop(self.page.lines, place, -1, self._side)

    def _scroll(self, y: int) -> None:
        # Without force the first overflow does not scroll: the bar is not there yet.
        self.scroll_to(y=y, animate=False, immediate=True, force=True)

    @property
    def _side(self) -> int:
        """The column that the cursor is in, of those there are."""
        return min(self.column, self.page.column_count - 1)

    def _go_to(self, place: int) -> None:
        """Put the cursor on a line, in another column if it has nothing in this."""
        self.cursor, self.column = place, self._side
        if not self.line.keys and self.page.lines:
            side = side_of(self.page.lines[place])
            self.column = self.column if side is None else side
        self._bring_column()
        self._wanted = self.selected_key or self._wanted

    def _bring_column(self) -> None:
        """Bring the cursor's column into view."""
        shown, side = self.frame, self._side
        count = len(shown.cells)
        first = max(side - count + 1, min(shown.first, side)) if count else 0
        if first != self.page.first:
            self.page = replace(self.page, first=first)
            self.refresh()

    def _flash(self, fresh: Fresh) -> None:
        """Let what came in stand out, and what came in late for longer."""
        self._fresh = self._fresh | fresh
        late = fresh.late.keys()
        for keys, seconds in ((fresh.keys - late, FLASH), (late, LINGER)):
            if keys:
                self.set_timer(seconds, lambda gone=frozenset(keys): self._dim(gone))

    def _dim(self, keys: frozenset[str]) -> None:
        self._fresh = self._fresh - keys
        self._lit = self._fresh.places(self.page.positions, self.page.columns)
        self.refresh()

    def resized(self) -> None:
        """Lay out anew where the lanes fold; else only the width has changed."""
        anchor = self._anchor()
        self._fit()
        self._settle(anchor)

    def _fit(self) -> None:
        """Lay out anew what was laid out for another width, or in another shape."""
        page, plan = self.page, self.plan(len(self._lanes.heads))
        made = Plan(page.folded, page.beside, page.origin is not None)
        timeless = plan.aligned and origin(self._lanes.heads) is None
        if timeless:
            plan = replace(plan, aligned=False)
        if made != plan or page.shape != self._shape:
            page = arrange(self._lanes, plan, self._hints, self._shape)
            self.page = dated(page, self._look)

    def look_changed(self) -> None:
        """Put the dates where they are in another zone."""
        anchor = self._anchor()
        self.page = dated(self.page, self._look)
        self._settle(anchor)

    def watch_follow(self, follow: bool) -> None:  # noqa: FBT001
        if follow:
            self.unseen = 0
            self._settle(None)
        else:
            self.post_message(self.Moved())

    @property
    def _last(self) -> int:
        return stop(self.page.lines, len(self.page.lines) - 1, -1)
