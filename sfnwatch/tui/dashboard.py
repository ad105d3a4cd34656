"""The first screen: the lanes and, where there is room, the timeline above them.

One cursor goes through both: what is selected in the one is marked in the other. It is
the same timeline that takes the whole screen when it is asked for.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message_pump import MessagePump
from textual.timer import Timer

from sfnwatch.tui.actions import Command
from sfnwatch.tui.cursor_list import CursorList
from sfnwatch.tui.lanes_view import LanesView
from sfnwatch.tui.shown import Shown

if TYPE_CHECKING:
    from sfnwatch.tui.timeline_view import TimelineView

LANES = "lanes"
"""The view that is there first, and that the others lead back to."""
WIDE, TALL = 120, 30
"""Cells of the screen from which on both are shown."""
_LOW = 18
"""Rows for both: beside a detail there may be fewer, and then the lanes matter more."""
_SHARE = 0.4
"""The part of the height that the timeline may take, whatever the lanes need."""
_PATIENCE, PATIENCE_ALONE = 20, 4
"""What took long to show stays so many times as long, while more comes; what has the
whole screen for itself, less long."""
_SLOW, _FRAME = 1 / 200, 1 / 60
"""Seconds from which on showing takes long: it waits until all else that has changed is
painted."""
_NEAR = 50
"""Lines above one without a bar among which the nearest with one is looked for."""
_REST = 500
"""While nothing comes in but the time, bars are at rest for so many times as long as it
takes to draw them: a quiet watch costs next to nothing."""


class Pace:
    """Shows something again and again, but less often where that takes long."""

    def __init__(
        self,
        node: MessagePump,
        show: Callable[[], None],
        patience: int = _PATIENCE,
        most: float = 60.0,
    ) -> None:
        """It stays `patience` times as long as it took, but `most` so many seconds."""
        self._node, self._show, self.patience = node, show, patience
        self._most = most
        self._begun = self._took = 0.0
        """When it was shown last, and how long that took."""
        self._later: Timer | None = None

    def show(self) -> None:
        """Show it now or, where that takes long, a little later."""
        rest = min(self.patience * self._took, self._most)
        wait = self._begun + rest - time.monotonic()
        if self._took > _SLOW:
            wait = max(wait, _FRAME)
        if wait <= 0:
            self._show_now()
        elif self._later is None:
            self._later = self._node.set_timer(wait, self._show_now)

    def hurry(self) -> None:
        """Wait for nothing with the next one."""
        self._took = 0.0

    def has_rested(self, times: int) -> bool:
        """True once it was shown so many times as long ago as that took."""
        return time.monotonic() - self._begun >= times * self._took

    @property
    def is_waiting(self) -> bool:
        """True while something waits to be shown, as the last took long to."""
        return self._later is not None

    def _show_now(self) -> None:
        if self._later is not None:
            self._later.stop()
            self._later = None
        self._begun = time.monotonic()
        self._show()
        self._took = time.monotonic() - self._begun


class Dashboard(Vertical):
    """Holds the lanes and the timeline, and keeps their cursors together."""

    DEFAULT_CSS = """
    Dashboard {
        height: 1fr;
        width: 1fr;

        &.-timeline LaneHeads, &.-timeline LanesView { display: none; }
    }
    """

    def __init__(self, shown: Shown) -> None:
        super().__init__(id=LANES)
        self._shown = shown
        self.lanes = LanesView(shown)
        self.timeline: TimelineView | None = None
        """It is loaded after the first frame, which would take twice as long."""
        self.is_timeline = False
        """True while the timeline has the whole screen."""
        self._is_loading = False
        self._bars = Pace(self, self._show_bars)
        self._drawn: object = None
        """What the bars were drawn of last."""
        self._cursors: tuple[str | None, str | None] = None, None
        """What both were on when they were together last."""

    def compose(self) -> ComposeResult:
        yield self.lanes.heads
        yield self.lanes

    # -- which of them is shown ----------------------------------------------------

    @property
    def has_both(self) -> bool:
        """True while both are in view."""
        timeline = self.timeline
        shown = timeline is not None and timeline.display
        return shown and not self.is_timeline

    @property
    def _has_room(self) -> bool:
        size = self.app.size
        wide = size.width >= WIDE and size.height >= TALL
        return wide and self.size.height >= _LOW

    @property
    def view(self) -> "LanesView | TimelineView":
        """The one that the keys go to."""
        timeline = self.timeline
        if timeline is None or not (self.is_timeline or self._has_keys_above):
            return self.lanes
        return timeline

    @property
    def _has_keys_above(self) -> bool:
        timeline = self.timeline
        return timeline is not None and self.screen.focused is timeline.entries

    @property
    def commands(self) -> Mapping[str, Command]:
        """What both do in their own way, those of the one with the keys first."""
        timeline = self.timeline
        if timeline is None or not self.has_both:
            return self.view.commands
        seen = {k: v for k, v in timeline.commands.items() if k.startswith("timeline.")}
        return {**seen, **self.view.commands}

    def show_timeline(self, *, alone: bool) -> None:
        """Give the timeline the whole screen, or have the lanes below it again."""
        if self.is_timeline and not alone and self._has_keys_above:
            # Until the keys go to another view none of its cursors is to be followed.
            self.screen.set_focus(None)
        self.is_timeline = alone
        self.set_class(alone, "-timeline")
        self._drawn, self._cursors = None, (None, None)
        if alone and self.timeline is None:
            self._load()
        if alone and self.timeline is not None:
            self.timeline.limit(None)
            self.timeline.display = True
        self._bars.patience = PATIENCE_ALONE if alone else _PATIENCE
        self._bars.hurry()

    def _load(self) -> None:
        from sfnwatch.tui.timeline_view import TimelineView  # noqa: PLC0415 - later

        self._is_loading = False
        if self.timeline is None and self.is_attached:
            timeline = self.timeline = TimelineView(self._shown)
            timeline.display = self.is_timeline
            self.mount(timeline, before=0)
            self.show()

    # -- what is shown -------------------------------------------------------------

    def show(self) -> None:
        """Show the moment that is shown by now."""
        if self.is_timeline:
            self._bars.show()
            return
        self.lanes.changed()
        if not self._has_room:
            self._hide_bars()
        elif self.timeline is not None:
            self._show_news()
        elif self._shown.moment.executions and not self._is_loading:
            self._is_loading = True
            self.call_after_refresh(self._load)

    def pass_time(self) -> None:
        """Show how far time has come, where a bar is longer by a cell."""
        if self.is_timeline:
            self._bars.show()
        elif self.has_both and any(each.running for each in self._shown.roots):
            self._show_news()

    @property
    def is_held_back(self) -> bool:
        """True while a moment waits to be shown, as the last one took long to."""
        timeline = self.timeline
        drawn = timeline is None or timeline.bars.canvas is not None
        coming = self._is_loading or (self.has_both and not drawn)
        return coming or self._bars.is_waiting

    def _show_news(self) -> None:
        """Have bars drawn if there is more to tell than that sfnwatch asked again."""
        shown, playback = self._shown, self._shown.playback
        where = playback.position, playback.clock, self.size
        drawn = (shown.news, shown.outline.options, shown.looks, *where)
        if drawn != self._drawn or self._bars.has_rested(_REST):
            self._drawn = drawn
            self._bars.show()
        self.keep_together()

    def _show_bars(self) -> None:
        timeline = self.timeline
        if timeline is None:
            return
        if not self.is_timeline:
            height = self.size.height
            # What the lanes would leave blank may be taken as well.
            spare = height - 1 - self.lanes.rows_of_all(height)
            share = round(_SHARE * self.app.size.height)
            timeline.limit(max(share, spare), spare)
        timeline.show()
        timeline.display = self.is_timeline or timeline.bars.count > 0
        if not self._has_keys_above:
            # There may be a bar by now for the line that the cursor is on.
            self._cursors = None, self._cursors[1]
        self.keep_together()

    def _hide_bars(self) -> None:
        if self.timeline is not None and self.timeline.display:
            if self._has_keys_above:
                self.lanes.focus()
            self.timeline.display = False
            self._drawn = None

    def on_resize(self) -> None:
        # By then the lanes know their own size.
        self.call_after_refresh(self.show)

    # -- one cursor ----------------------------------------------------------------

    @on(CursorList.Moved)
    def keep_together(self) -> None:
        """Have each cursor on what the other is on, if one of them was moved.

        Bars come and go with the moment and the room there is: their cursor leads only
        while the keys go there.
        """
        timeline = self.timeline
        if timeline is None or not self.has_both:
            return
        line, bar = self.lanes.selected_key, timeline.selected_key
        line_before, bar_before = self._cursors
        if bar != bar_before and self._has_keys_above:
            self.lanes.select_key(bar or "")
        elif line != line_before or bar != bar_before:
            self._mark_bar_of(line or "", timeline)
        self._cursors = self.lanes.selected_key, timeline.selected_key

    def _mark_bar_of(self, key: str, timeline: "TimelineView") -> None:
        """Mark the bar of a line; or only go near it, as not every line has one."""
        bars, cursor = timeline.bars, self.lanes.cursor
        near = range(cursor, max(-1, cursor - _NEAR), -1)
        keys = filter(None, map(self.lanes.key_of, near))
        found = next((each for each in keys if bars.place_of(each) is not None), None)
        if found is not None:
            timeline.select_key(found)
        bars.marked = found == key
