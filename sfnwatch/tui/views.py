"""The views, one of which is shown, and the detail of what is selected in it.

The lanes are there from the start. Every other view is loaded when it is first wanted:
to import them all would take as long as the first frame.
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
from sfnwatch.tui.cursor_list import CursorList, EntryList
from sfnwatch.tui.lanes_view import LanesView
from sfnwatch.tui.pace import PATIENCE, Pace
from sfnwatch.tui.paint import Rows
from sfnwatch.tui.screen_state import ScreenState

if TYPE_CHECKING:
    from sfnwatch.tui.detail_view import DetailView
    from sfnwatch.tui.record_actions import RecordActions
    from sfnwatch.tui.timeline_view import TimelineView


LANES = "lanes"
"""The view that is there first, and that the others lead back to."""
_TIMELINE = "timeline"
"""The view that it shares the screen with."""
VIEWS = (_TIMELINE, "graph", "explain", "end", "compare", "children", "requests")
"""The ids of views; module, class, and the group of a view's own actions are named so.

A view is made with what is shown.
"""
WIDE = 120
"""Columns of the screen from which on the timeline is above the lanes."""
TALL = 30
"""Rows of the screen from which on it is."""
_LOW = 18
"""Rows for both: beside a detail there may be fewer, and then the lanes matter more."""
_SHARE_OF_BARS = 0.4
"""The part of the height that the timeline may take, whatever the lanes need."""
_PATIENCE_OF_BARS = 40
"""Bars that took long to draw stay so many times as long, while more comes."""
_REST_OF_BARS = 500
"""While nothing comes in but the time, bars are at rest for so many times as long as it
takes to draw them: a quiet watch costs next to nothing."""
_NEAR = 50
"""Lines above one without a bar among which the nearest with one is looked for."""


class HeadedView(Vertical):
    """Any view but the lanes: a list, with rows of text above and below it."""

    DEFAULT_CSS = "HeadedView Rows { background: $panel; }"
    keyed: ClassVar[bool] = False
    """True where the keys of what the cursor is on are the lanes'."""
    commands: Mapping[str, Command] = {}
    """What it does in its own way, by the ids of actions."""
    enter: ClassVar[str] = ""
    """What enter is called, where that does not show in full what is selected."""

    def __init__(
        self, screen_state: ScreenState, entries: ScrollView, head: Rows | None = None
    ) -> None:
        super().__init__()
        self._made_of: object = None
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
        """Show the moment that is shown by now: asked whenever that is another."""
        raise NotImplementedError

    def mask(self, text: str) -> str:
        """Put other names in the place of those that are not to be seen."""
        return self._screen_state.looks.mask(text)

    def is_other(self, *made_of: object) -> bool:
        """True where what is shown is made of other things than last time."""
        before = self._made_of
        self._made_of = made_of
        return before != made_of

    @property
    def titles(self) -> Mapping[str, str]:
        """What actions are called here, by their ids; empty where they do nothing."""
        listed = self.entries
        if not self.enter or not isinstance(listed, EntryList):
            return {}
        leads = listed.entry is not None and listed.stops_at(listed.cursor)
        return {"view.detail": self.enter if leads else ""}

    @property
    def selected_key(self) -> str | None:
        """The key of what the cursor is on."""
        return None

    def select_key(self, key: str) -> bool:
        """Put the cursor on something; False if it is not shown here."""
        del key
        return False

    def copy_text(self) -> str:
        """Give what the cursor is on as text; empty where its records are copied."""
        return ""

    def focus(self, scroll_visible: bool = True) -> Self:  # noqa: FBT001, FBT002 - Textual's
        """Have the keys go to the list, once it is there."""
        self._wants_focus = not self.entries.is_attached
        if not self._wants_focus:
            self.entries.focus(scroll_visible)
        return self

    def on_mount(self) -> None:
        if self._wants_focus:
            self.entries.focus()
        # Textual tells of no size where it had to lay out early, to find a widget.
        self.call_after_refresh(self.show)

    def on_resize(self) -> None:
        # By then the list knows its width, too.
        self.call_after_refresh(self.show)

    def on_cursor_list_opened(self, event: CursorList.Opened) -> None:
        if self.enter:
            event.stop()
            self.commands["view.detail"]()

    @property
    def width(self) -> int:
        """The cells of a row of the list, without the scrollbar's."""
        return self.entries.scrollable_content_region.width


class Views(Vertical):
    """Switches between views; what is selected goes along.

    First there are the lanes and, where there is room, the timeline above them: what
    is selected in the one is marked in the other. It is the same timeline that takes
    the whole screen when it is asked for.
    """

    def __init__(self, screen_state: ScreenState) -> None:
        super().__init__()
        self._screen_state = screen_state
        self.lanes = LanesView(screen_state)
        self._made: dict[str, HeadedView] = {}
        self.timeline: TimelineView | None = None
        """It is loaded after the first frame, which would take twice as long."""
        self.current = LANES
        """The name of the view that is shown."""
        # By the lanes, see `_show_by_lanes`.
        self.pace = Pace(self.lanes, self._show_made)
        self.detail: DetailView | None = None
        """What shows the selected line in full; None until it was wanted."""
        self._led_to: str | None = None
        """What another view had the cursor on when it was gone to from the lanes."""
        self._drawn: object = None
        """What the bars above the lanes were drawn of last."""
        self._cursors: tuple[str | None, str | None] = None, None
        """What lanes and bars were on when they were together last."""
        self._own: Mapping[str, Command] = {
            **{f"view.{name}": partial(self.show_view, name) for name in VIEWS},
            "view.detail": self.enter,
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
        """The view that the keys go to."""
        if self.current != LANES:
            return self._made[self.current]
        timeline = self.timeline
        return self.lanes if timeline is None or not self._has_keys_above else timeline

    @property
    def _pane(self) -> "HeadedView | LanesView | DetailView":
        """What the keys go to: the view, or the detail of what is selected in it."""
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
        wide = size.width >= WIDE and size.height >= TALL
        return self.current == LANES and wide and self.size.height >= _LOW

    @property
    def _above(self) -> "TimelineView | None":
        """The timeline while it is in view above the lanes."""
        timeline = self.timeline
        if self.current != LANES or timeline is None or not timeline.display:
            return None
        return timeline

    @property
    def commands(self) -> Mapping[str, Command]:
        """What can be done here: by the view with the keys, and for all of them."""
        above = self._above.commands if self._above is not None else {}
        seen = {k: v for k, v in above.items() if k.startswith("timeline.")}
        return {**self._own, **seen, **self.view.commands}

    @property
    def groups(self) -> tuple[Group, ...]:
        """The actions that matter where the keys go just now."""
        if self.detail is not None and self.detail.has_focus:
            return Group.DETAIL, Group.MOVE
        if self.view is self.lanes:
            return Group.MOVE, Group.LANES, Group.VIEWS
        name = _TIMELINE if self.view is self.timeline else self.current
        own = (group for group in Group if group.lower() == name)
        return *own, Group.MOVE, Group.VIEWS

    @property
    def titles(self) -> Mapping[str, str]:
        """What actions are called here, where it is not as everywhere.

        By their ids; empty for what does nothing here.
        """
        away = "Lanes" if self.current != LANES else ""
        close = "Close detail" if self.is_detailed else away
        return {f"view.{self.current}": "", "view.close": close, **self._pane.titles}

    def show_view(self, name: str) -> None:
        """Show a view, or the lanes again; the selection goes along."""
        name = LANES if name == self.current else name
        if name != LANES and name not in self._made:
            self._make(name)
        key = self.selected_key
        # Until the keys go to this view no cursor of another is to be followed.
        self.screen.set_focus(None)
        self.current = name
        self.set_class(name != LANES, "-away")
        for each, view in self._made.items():
            view.display = each == name or (view is self.timeline and self.has_room)
        self._drawn = None
        self._cursors = (None, None)
        self.pace.hurry()
        self.show()
        self._take_along(key)
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

        The lanes have more lines: back in them it is the line that was left, unless
        the cursor was moved meanwhile.
        """
        view = self.view
        if view is not self.lanes:
            view.select_key(key or "")
            self._led_to = view.selected_key
        elif None not in {key, self._led_to} and key != self._led_to:
            view.select_key(key or "")

    def show(self) -> None:
        """Show the moment that is shown by now, in what is in view."""
        if self.current != LANES:
            self.pace.show(PATIENCE)
        else:
            self.lanes.changed()
            self._show_above()
        self.show_selected()

    def pass_time(self) -> None:
        """Show how far time has come, where that can be seen."""
        if self.current != LANES:
            self.show()
        elif self._above is not None and self._screen_state.snapshot.running:
            self._show_above()

    @on(LanesView.LaidOut)
    def _share_room(self) -> None:
        if self.current == LANES:
            self._show_above()

    def _show_above(self) -> None:
        """Show bars where there is room for them.

        They are drawn anew if there is more to tell than that sfnwatch asked again.
        """
        screen_state = self._screen_state
        playback = self._screen_state.playback
        timeline = self.timeline
        if not self.has_room:
            if self._has_keys_above:
                self.lanes.focus()
            if self._above is not None:
                self._above.display = False
                self._drawn = None
        elif timeline is None:
            if screen_state.snapshot.executions:
                self.call_after_refresh(self._make_timeline)
        else:
            # Which rows the lanes need is known once they are laid out.
            sizes = self.size, self.lanes.size.width
            where = playback.position, playback.clock, playback.is_partial, *sizes
            drawn = (
                screen_state.news,
                screen_state.outline.options,
                screen_state.looks,
                *where,
            )
            if drawn != self._drawn or self.pace.has_rested(_REST_OF_BARS):
                self._drawn = drawn
                self.pace.show(_PATIENCE_OF_BARS)
            self.keep_together()

    def _show_made(self) -> None:
        """Show the view that is not the lanes, or else the bars above them."""
        if self.current != LANES:
            if self.timeline is not None:
                self.timeline.limit(None)
            self._made[self.current].show()
            return
        timeline = self.timeline
        height = self.size.height
        if timeline is None or not self.has_room:
            return
        # What the lanes would leave blank may be taken as well.
        spare = height - 1 - self.lanes.rows_of_all(height)
        share = round(_SHARE_OF_BARS * self.app.size.height)
        timeline.limit(max(share, spare), spare)
        timeline.show()
        timeline.display = timeline.bars.count > 0
        if timeline.axis is None:
            # Textual may not tell of its size: see HeadedView.
            self.call_after_refresh(timeline.lay_out)
        if not self._has_keys_above:
            # There may be a bar by now for the line that the cursor is on.
            self._cursors = None, self._cursors[1]
        self.keep_together()

    def on_resize(self) -> None:
        # By then the lanes know their own size.
        self.call_after_refresh(self._show_by_lanes)

    def _show_by_lanes(self) -> None:
        """Show it in the lanes' name.

        Textual ends a message's way at the widget whose code made it: of what is shown
        in the deck's own, as of a cursor that moves, the app would not hear.
        """
        self.lanes.call_next(self.show)

    @on(CursorList.Moved)
    def keep_together(self) -> None:
        """Have the cursors of lanes and bars together, if one of them was moved.

        Bars come and go with the moment and the room there is: their cursor leads only
        while the keys go there.
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
        """Mark the bar of a line; or only go near it, as not every line has one."""
        bars = timeline.bars
        cursor = self.lanes.cursor
        near = range(cursor, max(-1, cursor - _NEAR), -1)
        keys = filter(None, map(self.lanes.key_of, near))
        found = next((each for each in keys if bars.place_of(each) is not None), None)
        if found is not None:
            timeline.select_key(found)
        bars.marked = found == key

    @property
    def selected_key(self) -> str | None:
        """The key of what the cursor is on, the same in every view that has lines."""
        return self.view.selected_key

    def go_to(self, key: str) -> bool:
        """Go to a line of the lanes, opening what it is behind."""
        view = self._made.get(self.current)
        outline = self._screen_state.outline
        if view is not None and view.keyed:
            return view.select_key(key)
        if view is not None:
            self.show_view(LANES)
        while (item := outline.line_of(key)) and self.lanes.select_key(key):
            if item.key == key or item.key not in outline.folds:
                return True
            self._screen_state.toggle(item.key)
            self.show()
        return False

    @property
    def is_detailed(self) -> bool:
        """True while the selected line is shown in full."""
        return self.detail is not None and bool(self.detail.display)

    def enter(self) -> None:
        """Fold or open what the cursor is on, or show it in full, or hide that."""
        if self.view is not self.lanes or not self.lanes.fold_here(around=False):
            self.show_detail(shown=not self.is_detailed)

    def show_detail(self, *, shown: bool) -> None:
        """Show what is selected in full, or no more."""
        if self.detail is None:
            from sfnwatch.tui.detail_view import DetailView  # noqa: PLC0415 - seldom

            self.detail = DetailView(self._screen_state)
            self.screen.query_one("#body").mount(self.detail)
        self.detail.display = shown
        # Where there is no room for both, the detail takes it.
        self.screen.set_class(shown, "-detailed")
        if not shown:
            self.view.focus()
        self.show_selected()
        self.post_message(CursorList.Moved())

    def show_selected(self) -> None:
        """Tell about what the cursor is on, if that is told about."""
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
        told = "following the newest line" if lanes.follow else "no longer following"
        self.app.notify(told)
