"""The timeline on the screen: what of it is shown, where the cursor is, the mouse.

It draws as `GanttView` does; other keys than those for moving are the app's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.reactive import reactive

from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.values import replace
from sfnwatch.tui.actions import moves
from sfnwatch.tui.gantt_bars import bounds
from sfnwatch.tui.gantt_cursor import Cursor
from sfnwatch.tui.gantt_lens import Lens
from sfnwatch.tui.gantt_ticks import tick_near
from sfnwatch.tui.gantt_tree import Chart, Line, Node, Rows, make_chart
from sfnwatch.tui.gantt_view import GanttView

ZOOM = 1.25
"""How much closer one turn of the wheel comes."""


class TimelineView(GanttView, can_focus=True):
    """A bar for each state, a tick for each call, and a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = moves()

    squeeze = reactive(False, init=False, repaint=False)
    """True where long silences take three columns."""

    class Moved(Message):
        """Another row or call is selected."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, TimelineView.Moved)

    class Opened(Message):
        """A row was clicked twice: it is wanted in full."""

    class Sought(Message):
        """A moment of the axis was clicked."""

        def __init__(self, at: datetime) -> None:
            super().__init__()
            self.at = at

    @dataclass(frozen=True, slots=True)
    class Drag:
        """Where on the axis the mouse was pressed, and what the axis showed."""

        x: int
        lens: Lens
        moved: bool = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._trace: Trace | None = None
        self._chart = Chart()
        self._aligned = False
        self._drag: TimelineView.Drag | None = None

    # -- what is shown -------------------------------------------------------------

    def show(self, trace: Trace, now: datetime, chart: Chart | None = None) -> None:
        """Show a trace as it stands at `now`; what is selected and in view stays.

        A long history's `chart` may be made elsewhere, with `make_chart`.
        """
        self._now = now
        if trace is not self._trace:
            self._trace = trace
            self._chart = chart or make_chart(trace)
            self._settle(self.cursor.over(self._aligned_chart()))
        self._measure()

    @property
    def aligned(self) -> bool:
        """True where all executions are shown as if they had started together."""
        return self._aligned

    @aligned.setter
    def aligned(self, aligned: bool) -> None:
        if aligned != self._aligned:
            self._aligned, self.lens = aligned, None
            self._settle(self.cursor.over(self._aligned_chart()))
            self._measure()

    def _aligned_chart(self) -> Chart:
        several = len(self._chart.roots) > 1
        return self._chart.aligned() if self._aligned and several else self._chart

    def _offset(self, node: Node | None) -> timedelta:
        return self.cursor.chart.offset(node.execution_arn) if node else timedelta()

    def _measure(self) -> None:
        """Take in how far time has come, and which silences are squeezed."""
        if self._now is not None:
            extent = self.cursor.chart.extent(self._now, squeeze=self.squeeze)
            self.lens = self.lens.grown(extent) if self.lens else Lens(extent)
            self._redraw()

    def _settle(self, cursor: Cursor) -> None:
        """Take on other rows; the selected one stays where it is on the screen."""
        offset = self.cursor.place - self.scroll_offset.y
        self.cursor = cursor
        self._resize()
        if 0 <= offset < self._height:
            self._scroll(cursor.place - offset)
        self._redraw()

    def watch_squeeze(self) -> None:
        self._measure()

    def resized(self) -> None:
        self._resize()
        self._redraw()
        self._bring_into_view()

    # -- time ----------------------------------------------------------------------

    def fit(self) -> None:
        """Show the whole of the time."""
        if self.lens is not None:
            self._look(self.lens.fitted())

    def fit_selected(self) -> None:
        """Show the time of the selected row, and a little beside it."""
        if self.lens is not None and self.cursor.node and self._now is not None:
            node, offset = self.cursor.node, self._offset(self.cursor.node)
            begin, end = bounds(node, self._now)
            self._look(self.lens.fitted_to(begin - offset, end - offset))

    def zoom(self, factor: float, around: datetime | None = None) -> None:
        """Come closer or, with a factor below 1, go away; `around` stays in place."""
        if self.lens is not None:
            self._look(self.lens.zoomed(factor, around or self._pivot(self.lens)))

    def pan(self, columns: int) -> None:
        """Move by so many columns to what is later, below 0 to what is earlier."""
        if self.lens is not None and self._frame is not None:
            share = columns / max(1, self._frame.share.chart)
            self._look(self.lens.panned(share))

    def set_playhead(self, at: datetime | None) -> None:
        """Draw a line through the bars at a moment; None: no line."""
        if at != self._playhead:
            self._playhead = at
            self._redraw()

    def _look(self, lens: Lens) -> None:
        if lens != self.lens:
            self.lens = lens
            self._redraw()

    def _pivot(self, lens: Lens) -> datetime:
        """Choose what to zoom around: the call, the moment or the row pointed out."""
        begin, end = lens.shown
        tick, node = self.cursor.tick, self.cursor.node
        at, offset = tick.at if tick else self._playhead, self._offset(node)
        if at is not None and begin <= at - offset <= end:
            return at - offset
        if node is not None and self._now is not None:
            first, last = (side - offset for side in bounds(node, self._now))
            if first <= end and last >= begin:
                begin, end = max(begin, first), min(end, last)
        return begin + (end - begin) / 2

    # -- selection -----------------------------------------------------------------

    @property
    def rows(self) -> Rows:
        """The lines there are, in view or not."""
        return self.cursor.rows

    @property
    def selected_key(self) -> str | None:
        """The lanes' key of the call pointed out, or else of the row's first event."""
        return self.cursor.key

    def select_key(self, key: str) -> bool:
        """Select the row of an event or call; False if none has to do with it."""
        return self._go(self.cursor.to(key))

    def step_call(self, calls: int) -> bool:
        """Point to the next call of the row, or the one before; False at the last."""
        went = self._go(self.cursor.stepped(calls))
        tick, lens = self.cursor.tick, self.lens
        if went and tick and lens:
            at = tick.at - self._offset(self.cursor.node)
            if not lens.shown[0] <= at <= lens.shown[1]:
                self._look(lens.centred(at))
        return went

    def step_execution(self, step: int) -> bool:
        """Go to the next execution, or the one before; False if there is but one."""
        chart = self.cursor.chart
        arns = [root.key for root in chart.roots]
        if len(arns) < 2:  # noqa: PLR2004 - there is no other
            return False
        node = self.cursor.node
        own = arns.index(chart.root_of(node.execution_arn)) if node is not None else 0
        root = arns[(own + step) % len(arns)]
        return self._go(replace(self.cursor, selected=root, call=None))

    def toggle_fold(self) -> None:
        """Fold or unfold the selected row, or else fold what it is in."""
        self._refold(self.cursor.toggled())

    def fold_all(self, *, folded: bool) -> None:
        """Fold all branches and iterations away, or unfold them."""
        self._refold(self.cursor.fold_all(folded=folded))

    def toggle_folds(self) -> None:
        """Fold all branches and iterations away or, if none is open, unfold them."""
        self.fold_all(folded=self.cursor.open)

    def _refold(self, cursor: Cursor) -> None:
        before = self.cursor.key
        self._settle(cursor)
        self._bring_into_view()
        if self.cursor.key != before:
            self.post_message(self.Moved())

    def _go(self, cursor: Cursor | None) -> bool:
        if cursor is None:
            return False
        before, self.cursor = self.cursor, cursor
        if (before.selected, before.call) != (cursor.selected, cursor.call):
            self._bring_into_view()
            self.refresh()
            self.post_message(self.Moved())
        return True

    def _bring_into_view(self) -> None:
        first, top = self.cursor.place, self.scroll_offset.y
        last = first + self.cursor.below
        if first < top:
            self._scroll(first)
        elif last >= top + self._height:
            self._scroll(last - self._height + 1)

    def _scroll(self, y: int) -> None:
        # Without force the first overflow does not scroll: the bar is not there yet.
        self.scroll_to(y=y, animate=False, immediate=True, force=True)

    def action_move(self, lines: int) -> None:
        self._go(self.cursor.moved(lines))

    def action_page(self, pages: int) -> None:
        self._go(self.cursor.moved(pages * max(1, self._height - 1)))

    def action_first(self) -> None:
        self._go(self.cursor.at(0))

    def action_last(self) -> None:
        self._go(self.cursor.at(len(self.cursor.rows.lines) - 1))

    # -- the mouse -----------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        place = self._line_at(event.y)
        if place is None or self._frame is None:
            return
        line = self.cursor.rows.lines[place]
        self._go(self._clicked(line, place, event.x))
        fold = 1 + len(line.rails)
        if line.folded is not None and not line.below and fold <= event.x <= fold + 1:
            self.toggle_fold()
        elif event.chain == 2:  # noqa: PLR2004 - a double click
            self.post_message(self.Opened())

    def _clicked(self, line: Line, place: int, x: int) -> Cursor | None:
        if self._frame is not None and line.calls:
            column = x - self._frame.share.before
            call = tick_near(line.calls, self._frame.of(line).axis, column)
            if call is not None:
                at = self.cursor.at(place)
                return replace(at, call=call.key)
        return self.cursor.at(place)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if self.lens is not None and event.y < self._head:
            self._drag = self.Drag(event.x, self.lens)
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._drag is None or self._frame is None:
            return
        moved = self._drag.moved or event.x != self._drag.x
        self._drag = replace(self._drag, moved=moved)
        share = (self._drag.x - event.x) / max(1, self._frame.share.chart)
        self._look(self._drag.lens.panned(share))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        drag, self._drag = self._drag, None
        if drag is None:
            return
        self.release_mouse()
        at = self._time_at(event.x)
        if at is not None and not drag.moved:
            # Of several starts it is the selected execution's that is meant.
            self.post_message(self.Sought(at + self._offset(self.cursor.node)))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, ZOOM)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, 1 / ZOOM)

    def _wheel(self, event: events.MouseEvent, factor: float) -> None:
        if event.ctrl:
            event.prevent_default()
            event.stop()
            self.zoom(factor, self._time_at(event.x))
