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
from textual.timer import Timer
from textual.widget import Widget

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
_PATIENCE, _PATIENCE_OF_BARS = 4, 16
"""What took long to show stays so many times as long, while more comes."""
_SLOW, _SLOW_BARS, _VERY_SLOW = 1 / 60, 1 / 200, 1 / 30
"""Seconds from which on showing takes long: what must be, and bars beside it."""
_FRAME = 1 / 60
_NEAR = 50
"""Lines above one without a bar among which the nearest with one is looked for."""
_REST = 500
"""While nothing comes in but the time, bars are at rest for so many times as long as it
takes to draw them: a quiet watch costs next to nothing."""


class Pace:
    """Shows something again and again, but less often where that takes long."""

    def __init__(
        self,
        widget: Widget,
        show: Callable[[], None],
        *,
        slow: float = _SLOW,
        patience: int = _PATIENCE,
    ) -> None:
        """`slow` are the seconds from which on it takes long."""
        self._widget, self._show, self._slow = widget, show, slow
        self.patience = patience
        """What took long stays so many times as long."""
        self._due = 0.0
        """When what is slow to show may be shown again."""
        self._took = 0.0
        self._later: Timer | None = None

    def show(self) -> None:
        """Show it now or, if that was done just before, a little later.

        What takes very long waits until all else that has changed is painted.
        """
        wait = self._due - time.monotonic()
        if self._took > _VERY_SLOW:
            wait = max(wait, _FRAME)
        if wait <= 0:
            self._show_now()
        elif self._later is None:
            self._later = self._widget.set_timer(wait, self._show_now)

    def hurry(self) -> None:
        """Wait for nothing with the next one."""
        self._due = self._took = 0.0

    @property
    def is_waiting(self) -> bool:
        """True while something waits to be shown, as the last took long to."""
        return self._later is not None

    def _show_now(self) -> None:
        if self._later is not None:
            self._later.stop()
            self._later = None
        begun = time.monotonic()
        self._show()
        took = self._took = time.monotonic() - begun
        self._due = begun + self.patience * took if took > self._slow else 0.0


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
        self._lines = Pace(self, self.lanes.changed)
        self._bars = Pace(
            self, self._show_bars, slow=_SLOW_BARS, patience=_PATIENCE_OF_BARS
        )
        self._drawn: object = None
        """What the bars were drawn of last."""
        self._rested_at = 0.0
        """When they may be drawn again though nothing is new."""
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
        self._bars.patience = _PATIENCE if alone else _PATIENCE_OF_BARS
        self._drawn, self._cursors = None, (None, None)
        if alone and self.timeline is None:
            self._load()
        if alone and self.timeline is not None:
            self.timeline.limit(None)
            self.timeline.display = True
        self._bars.hurry()
        self._lines.hurry()

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
        self._lines.show()
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
        coming = self.has_both and timeline is not None and not timeline.is_laid_out
        waiting = self._lines.is_waiting or self._bars.is_waiting
        return self._is_loading or coming or waiting

    def _show_news(self) -> None:
        """Have bars drawn if there is more to tell than that sfnwatch asked again."""
        shown, playback = self._shown, self._shown.playback
        where = playback.position, playback.clock, self.size
        drawn = (shown.news, shown.outline.options, shown.looks, *where)
        if drawn != self._drawn or time.monotonic() >= self._rested_at:
            self._drawn = drawn
            self._bars.show()
        self.keep_together()

    def _show_bars(self) -> None:
        timeline = self.timeline
        if timeline is None:
            return
        begun = time.monotonic()
        if not self.is_timeline:
            height = self.size.height
            # What the lanes would leave blank may be taken as well.
            spare = height - 1 - self.lanes.rows_of_all(height)
            share = round(_SHARE * self.app.size.height)
            timeline.limit(max(share, spare), spare)
        timeline.show()
        timeline.display = self.is_timeline or timeline.bars.count > 0
        took = time.monotonic() - begun
        self._rested_at = begun + max(timeline.seconds_of_a_cell, _REST * took)
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
