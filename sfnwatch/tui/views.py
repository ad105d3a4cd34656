"""The views, of which one is shown, and the detail of the selected line.

The lanes are there from the start. Every other view is loaded when it is first needed:
importing them all would take as long as the first frame.
"""

import os
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.scroll_view import ScrollView

from sfnwatch.tui.actions import Command, Group
from sfnwatch.tui.cursor_list import CursorList
from sfnwatch.tui.entry_list import EntryList
from sfnwatch.tui.lanes_view import LanesView
from sfnwatch.tui.last_inputs import LastInputs
from sfnwatch.tui.pace import PATIENCE, Pace
from sfnwatch.tui.rows import Rows
from sfnwatch.tui.screen_state import ScreenState

if TYPE_CHECKING:
    from sfnwatch.tui.detail_view import DetailView
    from sfnwatch.tui.record_actions import RecordActions
    from sfnwatch.tui.timeline_view import TimelineView


LANES = "lanes"
"""The first view, to which the others lead back."""
_TIMELINE = "timeline"
"""The view that the lanes share the screen with."""
VIEWS = (_TIMELINE, "graph", "explain", "end", "compare", "children", "requests")
"""The ids of the other views. Module, class and group of actions are named after them.

A view is made with the state of the screen.
"""
WIDE_FROM_CELLS = 120
"""From this many columns of the screen on the timeline stands above the lanes."""
TALL = 30
"""It does so only from this many rows on."""
_LOW = 18
"""Least rows for both: beside a detail there may be fewer, and then the lanes matter
more."""
_SHARE_OF_BARS = 0.4
"""The share of the height that the timeline may take, whatever the lanes need."""
_PATIENCE_OF_BARS = 40
"""While more comes, bars stay this many times as long as they took to draw."""
_REST_OF_BARS = 500
"""While only time passes, bars rest this many times as long as they took to draw: a
quiet watch costs next to nothing."""
_NEAR = 50
"""Lines above a line without a bar, searched for the nearest line with one."""


class HeadedView(Vertical):
    """Any view but the lanes: a list, with rows of text above and below it."""

    DEFAULT_CSS = "HeadedView Rows { background: $panel; }"
    keyed: ClassVar[bool] = False
    """True if the keys of its entries are those of lines in the lanes."""
    commands: Mapping[str, Command] = {}
    """Actions that the view does in its own way, by their ids."""
    enter: ClassVar[str] = ""
    """The title of enter, where enter does not show the selected entry in full."""

    def __init__(
        self, screen_state: ScreenState, entries: ScrollView, head: Rows | None = None
    ) -> None:
        super().__init__()
        self._inputs = LastInputs()
        self._screen_state = screen_state
        self.entries = entries
        self.head = head or Rows()
        self.foot = Rows(id="foot")
        self._wants_focus = False

    def compose(self) -> ComposeResult:
        yield self.head
        yield self.entries
        yield self.foot

    def show(self) -> None:
        """Show the current moment; called whenever that has changed."""
        raise NotImplementedError

    def mask(self, text: str) -> str:
        """Return the text with names masked, while they must not be seen."""
        return self._screen_state.looks.mask(text)

    def is_other(self, *made_of: object) -> bool:
        """True if the view is made of other things than at the last call."""
        return self._inputs.renew(*made_of)

    @property
    def titles(self) -> Mapping[str, str]:
        """The titles that actions have here, by id; empty where they do nothing."""
        listed = self.entries
        if not self.enter or not isinstance(listed, EntryList):
            return {}
        leads = listed.entry is not None and listed.stops_at(listed.cursor)
        return {"view.detail": self.enter if leads else ""}

    @property
    def selected_key(self) -> str | None:
        """The key of the selected entry; None if the view has none."""
        return None

    def select_key(self, key: str) -> bool:
        """Select the entry of a key; False if it is not shown here."""
        del key
        return False

    def copy_text(self) -> str:
        """Return the selected entry as text; empty where its records are copied."""
        return ""

    def focus(self, scroll_visible: bool = True) -> Self:  # noqa: FBT001, FBT002 - Textual's
        """Focus the list, as soon as it is there."""
        self._wants_focus = not self.entries.is_attached
        if not self._wants_focus:
            self.entries.focus(scroll_visible)
        return self

    def on_mount(self) -> None:
        if self._wants_focus:
            self.entries.focus()
        # Textual reports no size if it had to lay out early, to find a widget.
        self.call_after_refresh(self.show)

    def on_resize(self) -> None:
        # After the refresh the list knows its width, too.
        self.call_after_refresh(self.show)

    def on_cursor_list_opened(self, event: CursorList.Opened) -> None:
        if self.enter:
            event.stop()
            self.commands["view.detail"]()

    @property
    def width(self) -> int:
        """The cells of a row of the list, without the scrollbar."""
        return self.entries.scrollable_content_region.width


class Views(Vertical):
    """Switches between views; the selection goes along.

    At first there are the lanes and, where there is room, the timeline above them: what
    is selected in one is marked in the other. The same timeline takes the whole screen
    when the user asks for it.
    """

    def __init__(self, screen_state: ScreenState) -> None:
        super().__init__()
        self._screen_state = screen_state
        self.lanes = LanesView(screen_state)
        self._made: dict[str, HeadedView] = {}
        self.timeline: TimelineView | None = None
        """Loaded after the first frame, which would otherwise take twice as long."""
        self.current = LANES
        """The id of the view that is shown."""
        # Through the lanes: see `_show_by_lanes`.
        self.pace = Pace(self.lanes, self._show_made)
        self.detail: DetailView | None = None
        """The pane with the selected line in full; None until it is first needed."""
        self._led_to: str | None = None
        """The key that another view had selected right after the switch to it."""
        self._bars_inputs = LastInputs()
        """What the bars above the lanes were last drawn from."""
        self._cursors: tuple[str | None, str | None] = None, None
        """The keys that lanes and bars had selected when they last agreed."""
        self._own: Mapping[str, Command] = {
            **{f"view.{name}": partial(self.show_view, name) for name in VIEWS},
            "view.detail": self.enter,
            "view.changes": self._show_changes,
            "move.follow": self._follow,
            "record.copy": lambda: self._records.copy(self._pane.copy_text()),
            "record.save": lambda: self._records.save(Path.cwd()),
            "record.console": lambda: self._records.console(os.environ),
        }

    def compose(self) -> ComposeResult:
        yield self.lanes.heads
        yield self.lanes

    @property
    def view(self) -> HeadedView | LanesView:
        """The view that hears the keys."""
        if self.current != LANES:
            return self._made[self.current]
        timeline = self.timeline
        return self.lanes if timeline is None or not self._has_keys_above else timeline

    @property
    def _pane(self) -> "HeadedView | LanesView | DetailView":
        """The view or detail that hears the keys."""
        detail = self.detail
        return self.view if detail is None or not detail.has_focus else detail

    @property
    def _has_keys_above(self) -> bool:
        timeline = self.timeline
        return timeline is not None and self.screen.focused is timeline.entries

    @property
    def has_room(self) -> bool:
        """True where the timeline has room above the lanes."""
        size = self.app.size
        wide = size.width >= WIDE_FROM_CELLS and size.height >= TALL
        return self.current == LANES and wide and self.size.height >= _LOW

    @property
    def _above(self) -> "TimelineView | None":
        """The timeline, while it is in view above the lanes; else None."""
        timeline = self.timeline
        if self.current != LANES or timeline is None or not timeline.display:
            return None
        return timeline

    @property
    def commands(self) -> Mapping[str, Command]:
        """The commands that work here: general ones, and those of what hears keys."""
        above = self._above.commands if self._above is not None else {}
        for_timeline = {k: do for k, do in above.items() if k.startswith("timeline.")}
        return {**self._own, **for_timeline, **self.view.commands}

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups of actions that matter to what hears the keys now."""
        if self.detail is not None and self.detail.has_focus:
            return Group.DETAIL, Group.MOVE
        if self.view is self.lanes:
            return Group.MOVE, Group.LANES, Group.VIEWS
        name = _TIMELINE if self.view is self.timeline else self.current
        own = (group for group in Group if group.lower() == name)
        return *own, Group.MOVE, Group.VIEWS

    @property
    def titles(self) -> Mapping[str, str]:
        """The titles of actions that are not called here as everywhere, by id.

        Empty for an action that does nothing here.
        """
        close = ""
        if self.is_detailed:
            close = "Close detail"
        elif self.current != LANES:
            close = "Lanes"
        return {f"view.{self.current}": "", "view.close": close, **self._pane.titles}

    def show_view(self, name: str) -> None:
        """Show a view or, if it is shown, the lanes again; the selection goes along."""
        name = LANES if name == self.current else name
        if name != LANES and name not in self._made:
            self._make(name)
        selected_key = self.selected_key
        # Until this view hears the keys, no other view's cursor must be followed.
        self.screen.set_focus(None)
        self.current = name
        self.set_class(name != LANES, "-away")
        for other_name, view in self._made.items():
            is_above = view is self.timeline and self.has_room
            view.display = other_name == name or is_above
        self._bars_inputs.forget()
        self._cursors = (None, None)
        self.pace.hurry()
        self.show()
        self._take_along(selected_key)
        self.view.focus()
        self.post_message(CursorList.Moved())

    def _make(self, name: str) -> None:
        module = import_module(f"sfnwatch.tui.{name}_view")
        view: HeadedView = getattr(module, f"{name.title()}View")(self._screen_state)
        self._made[name] = view
        view.display = False
        is_timeline = name == _TIMELINE
        if is_timeline:
            self.timeline = cast("TimelineView", view)
        self.mount(view, before=self.lanes.heads if is_timeline else None)

    def _make_timeline(self) -> None:
        if self.timeline is None and self.is_attached:
            self._make(_TIMELINE)
            self._show_by_lanes()

    def _take_along(self, key: str | None) -> None:
        """Select in this view what was selected in the other.

        The lanes have more lines than other views: back in them, the line that was left
        stays selected, unless the cursor was moved meanwhile.
        """
        view = self.view
        if view is not self.lanes:
            view.select_key(key or "")
            self._led_to = view.selected_key
        elif None not in {key, self._led_to} and key != self._led_to:
            view.select_key(key or "")

    def show(self) -> None:
        """Show the current moment in the views that are visible."""
        if self.current != LANES:
            self.pace.show(PATIENCE)
        else:
            self.lanes.changed()
            self._show_above()
        self.show_selected()

    def pass_time(self) -> None:
        """Show that time has passed, where that is visible."""
        if self.current != LANES:
            self.show()
        elif self._above is not None and self._screen_state.snapshot.running:
            self._show_above()

    @on(LanesView.LaidOut)
    def _share_room(self) -> None:
        if self.current == LANES:
            self._show_above()

    def _show_above(self) -> None:
        """Show bars above the lanes, if there is room for them.

        They are drawn again if more has changed than sfnwatch's own requests.
        """
        screen_state = self._screen_state
        playback = self._screen_state.playback
        timeline = self.timeline
        if not self.has_room:
            if self._has_keys_above:
                self.lanes.focus()
            if self._above is not None:
                self._above.display = False
                self._bars_inputs.forget()
        elif timeline is None:
            if screen_state.snapshot.executions:
                self.call_after_refresh(self._make_timeline)
        else:
            # The rows that the lanes need are known once they are laid out.
            are_outdated = self._bars_inputs.renew(
                screen_state.news,
                screen_state.outline.options,
                screen_state.looks,
                playback.position,
                playback.clock,
                playback.is_partial,
                self.size,
                self.lanes.size.width,
            )
            if are_outdated or self.pace.has_rested(_REST_OF_BARS):
                self.pace.show(_PATIENCE_OF_BARS)
            self.keep_together()

    def _show_made(self) -> None:
        """Show the current view or, if that is the lanes, the bars above them."""
        if self.current != LANES:
            if self.timeline is not None:
                self.timeline.limit(None)
            self._made[self.current].show()
            return
        timeline = self.timeline
        height = self.size.height
        if timeline is None or not self.has_room:
            return
        # Rows that the lanes would leave blank may be taken as well.
        spare = height - 1 - self.lanes.rows_of_all(height)
        share = round(_SHARE_OF_BARS * self.app.size.height)
        timeline.limit(max(share, spare), spare)
        timeline.show()
        timeline.display = timeline.bars.count > 0
        if timeline.axis is None:
            # Textual may not report its size: see HeadedView.
            self.call_after_refresh(timeline.lay_out)
        if not self._has_keys_above:
            # By now there may be a bar for the line that the cursor is on.
            self._cursors = None, self._cursors[1]
        self.keep_together()

    def on_resize(self) -> None:
        # After the refresh the lanes know their own size.
        self.call_after_refresh(self._show_by_lanes)

    def _show_by_lanes(self) -> None:
        """Show the current moment from a callback of the lanes.

        Textual does not pass a message on beyond the widget whose code posted it. So
        the app would not hear of messages, such as a moved cursor, that are posted
        while this widget's own code shows something.
        """
        self.lanes.call_next(self.show)

    @on(CursorList.Moved)
    def keep_together(self) -> None:
        """Bring the cursors of lanes and bars together, if one of them was moved.

        Bars come and go with the moment and the room: their cursor leads only while the
        bars hear the keys.
        """
        timeline = self._above
        if timeline is None:
            return
        line = self.lanes.selected_key
        bar = timeline.selected_key
        line_before, bar_before = self._cursors
        if bar != bar_before and self._has_keys_above:
            self.lanes.select_key(bar or "")
        elif line != line_before or bar != bar_before:
            self._mark_bar_of(line or "", timeline)
        self._cursors = self.lanes.selected_key, timeline.selected_key

    def _mark_bar_of(self, key: str, timeline: "TimelineView") -> None:
        """Mark the bar of a line; if the line has none, only go near it."""
        near_key = self._nearest_key_with_bar(timeline)
        if near_key is not None:
            timeline.select_key(near_key)
        timeline.bars.marked = near_key == key

    def _nearest_key_with_bar(self, timeline: "TimelineView") -> str | None:
        """Return the key of the cursor's line or, if it has no bar, of one above it."""
        cursor = self.lanes.cursor
        for place in range(cursor, max(-1, cursor - _NEAR), -1):
            key = self.lanes.key_of(place)
            if key and timeline.bars.place_of(key) is not None:
                return key
        return None

    @property
    def selected_key(self) -> str | None:
        """The key of the selected entry; the same in every view that has lines."""
        return self.view.selected_key

    def go_to(self, key: str) -> bool:
        """Go to a line, opening the folds that hide it; False if it is not shown."""
        view = self._made.get(self.current)
        outline = self._screen_state.outline
        if view is not None and view.keyed:
            return view.select_key(key)
        if view is not None:
            self.show_view(LANES)
        while True:
            line = outline.line_of(key)
            if line is None or not self.lanes.select_key(key):
                return False
            if line.key == key or line.key not in outline.folds:
                return True
            self._screen_state.toggle(line.key)
            self.show()

    @property
    def is_detailed(self) -> bool:
        """True while the selected line is shown in full."""
        return self.detail is not None and bool(self.detail.display)

    def enter(self) -> None:
        """Fold or open the selected line, or else show or hide its detail."""
        if self.view is not self.lanes or not self.lanes.fold_here(around=False):
            self.show_detail(shown=not self.is_detailed)

    def show_detail(self, *, shown: bool) -> None:
        """Show or hide the detail of what is selected."""
        if self.detail is None:
            from sfnwatch.tui.detail_view import DetailView  # noqa: PLC0415 - seldom

            self.detail = DetailView(self._screen_state)
            self.screen.query_one("#body").mount(self.detail)
        self.detail.display = shown
        self.detail.put_first("")
        # If there is no room for both, the detail takes all of it.
        self.screen.set_class(shown, "-detailed")
        if not shown:
            self.view.focus()
        self.show_selected()
        self.post_message(CursorList.Moved())

    def _show_changes(self) -> None:
        """Show or hide what the selected state changed, at the top of the detail."""
        from sfnwatch.tui.detail_sections import CHANGES  # noqa: PLC0415 - seldom

        detail = self.detail
        if detail is not None and self.is_detailed and detail.has_first(CHANGES):
            self.show_detail(shown=False)
            return
        self.show_detail(shown=True)
        if self.detail is not None:
            self.detail.put_first(CHANGES)
            if not self.detail.has_first(CHANGES):
                self.app.notify("this line belongs to no state that changes anything")

    def show_selected(self) -> None:
        """Update the detail for the selected line, if the detail is shown."""
        if self.detail is not None and self.is_detailed:
            self.detail.show_key(self.selected_key)

    @property
    def _records(self) -> "RecordActions":
        from sfnwatch.tui.record_actions import RecordActions  # noqa: PLC0415

        return RecordActions(self.app, self._screen_state, self.selected_key)

    def _follow(self) -> None:
        lanes = self.lanes
        if lanes.follow:
            lanes.follow = False
        else:
            lanes.action_last()
        if lanes.follow:
            self.app.notify("following the newest line")
        else:
            self.app.notify("no longer following")
