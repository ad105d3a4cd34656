"""The views, one of which is shown, and the detail of what is selected in it.

The lanes are there from the start. Every other view is loaded when it is first wanted:
to import them all would take as long as the first frame.
"""

import os
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import ContentSwitcher

from sfnwatch.tui.actions import Command, Group
from sfnwatch.tui.cursor_list import HeadedView
from sfnwatch.tui.lanes_view import LanesView
from sfnwatch.tui.shown import Shown

if TYPE_CHECKING:
    from sfnwatch.tui.detail_view import DetailView, RecordActions

LANES = "lanes"
"""The view that is there first, and that the others lead back to."""
VIEWS: Mapping[str, tuple[str, tuple[Group, ...]]] = {
    "timeline": ("TimelineView", (Group.TIMELINE,)),
    "explain": ("ExplainView", (Group.EXPLAIN,)),
    "compare": ("CompareView", (Group.COMPARE,)),
    "children": ("ChildrenView", ()),
    "requests": ("RequestsView", ()),
}
"""A view by its id, to its class, and the actions that help tells of first.

The module is named after the view, the class is made with what is shown.
"""
_PATIENCE, _SLOW = 4, 1 / 60
"""What took long to show stays so many times as long, while more comes."""


class Deck(Container):
    """Switches between views; what is selected goes along."""

    DEFAULT_CSS = """
    Deck {
        height: 1fr;
        layout: vertical;

        #views, #views > Vertical { height: 1fr; width: 1fr; }
    }
    """

    class Switched(Message):
        """Another view is shown, or the detail has come or gone."""

    def __init__(self, shown: Shown) -> None:
        super().__init__(id="body")
        self._shown = shown
        self.lanes = LanesView(shown)
        self._switcher = ContentSwitcher(id="views", initial=LANES)
        self._made: dict[str, HeadedView] = {}
        self.detail: DetailView | None = None
        """What shows the selected line in full; None until it was wanted."""
        self._left: tuple[str | None, bool] = None, False
        """Where the lanes were left for another view: on what, and if following."""
        self._led_to: str | None = None
        """What that was in the other view."""
        self._due = 0.0
        """When what is slow to show may be shown again."""
        self._later: Timer | None = None
        self._own: Mapping[str, Command] = {
            **{f"view.{name}": self._shower(name) for name in VIEWS},
            "view.detail": self.enter,
            "lanes.fold": self._fold,
            "lanes.execution": lambda: self._step_execution(1),
            "lanes.execution_back": lambda: self._step_execution(-1),
            "move.follow": self._follow,
            "record.copy": lambda: self._records.copy(self._own_text()),
            "record.save": lambda: self._records.save(Path.cwd()),
            "record.console": lambda: self._records.console(os.environ),
        }

    def compose(self) -> ComposeResult:
        with self._switcher, Vertical(id=LANES):
            yield self.lanes.heads
            yield self.lanes

    # -- which view ----------------------------------------------------------------

    @property
    def current(self) -> str:
        """The name of the view that is shown."""
        return self._switcher.current or LANES

    @property
    def view(self) -> HeadedView | LanesView:
        """The view that is shown."""
        return self.lanes if self.current == LANES else self._made[self.current]

    @property
    def commands(self) -> Mapping[str, Command]:
        """What can be done here: by the view that is shown, and for all of them."""
        return {**self._own, **self.view.commands}

    @property
    def groups(self) -> tuple[Group, ...]:
        """The actions that matter where the keys go just now."""
        if self.detail is not None and self.detail.has_focus:
            return Group.DETAIL, Group.MOVE
        if self.current == LANES:
            return Group.MOVE, Group.LANES, Group.VIEWS
        return *VIEWS[self.current][1], Group.MOVE, Group.VIEWS

    def _shower(self, name: str) -> Command:
        return lambda: self.show_view(name)

    def show_view(self, name: str) -> None:
        """Show a view, or the lanes again; the selection goes along."""
        name = LANES if name == self.current else name
        if name != LANES and name not in self._made:
            self._make(name)
        key = self.selected_key
        if self.current == LANES:
            self._left = self.lanes.selected_key, self.lanes.follow
        self._switcher.current = name
        self._due = 0.0
        self.show()
        self._take_along(key)
        self.view.focus()
        self.post_message(self.Switched())

    def _make(self, name: str) -> None:
        module = import_module(f"sfnwatch.tui.{name}_view")
        view: HeadedView = getattr(module, VIEWS[name][0])(self._shown)
        self._made[name] = view
        box = Vertical(view, id=name)
        box.display = False
        self._switcher.mount(box)

    def _take_along(self, key: str | None) -> None:
        """Select in this view what was selected in the other.

        The lanes have more lines: back in them it is the line that was left, unless
        the cursor was moved meanwhile.
        """
        view = self.view
        if view is not self.lanes:
            view.select_key(key or "")
            self._led_to = view.selected_key
            return
        left, follow = self._left
        if key is not None and self._led_to is not None and key != self._led_to:
            self.lanes.select_key(key)
        elif left is not None:
            self.lanes.select_key(left)
            self.lanes.follow = follow

    def show(self) -> None:
        """Show the moment that is shown by now, in what is in view."""
        begun = time.monotonic()
        if begun < self._due:
            if self._later is None:
                self._later = self.set_timer(self._due - begun, self._show_late)
            return
        self.view.show()
        self.show_selected()
        took = time.monotonic() - begun
        self._due = begun + _PATIENCE * took if took > _SLOW else 0.0

    def _show_late(self) -> None:
        self._later = None
        self.show()

    # -- what is selected ----------------------------------------------------------

    @property
    def selected_key(self) -> str | None:
        """The key of what the cursor is on, the same in every view that has lines."""
        return self.view.selected_key

    def go_to(self, key: str) -> bool:
        """Go to a line of the lanes, opening what it is behind."""
        view = self.view
        if isinstance(view, HeadedView) and view.keyed:
            return view.select_key(key)
        if self.current != LANES:
            self.show_view(LANES)
        return self._reveal(key)

    def _reveal(self, key: str) -> bool:
        while True:
            item = self._shown.outline.line_of(key)
            if item is None or not self.lanes.select_key(key):
                return False
            if item.key == key or item.key not in self._shown.outline.folds:
                return True
            self._shown.toggle(item.key)
            self.lanes.changed()

    # -- the detail ----------------------------------------------------------------

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

            self.detail = DetailView(self._shown)
            self.mount(self.detail)
        self.detail.display = shown
        # Where there is no room for both, the detail takes it.
        self.screen.set_class(shown, "-detailed")
        if not shown:
            self.view.focus()
        self.show_selected()
        self.post_message(self.Switched())

    def show_selected(self) -> None:
        """Tell about what the cursor is on, if that is told about."""
        if self.detail is not None and self.is_detailed:
            self.detail.show_key(self.selected_key)

    @property
    def _records(self) -> "RecordActions":
        from sfnwatch.tui.detail_view import RecordActions  # noqa: PLC0415 - seldom

        return RecordActions(self.app, self._shown, self.selected_key)

    def _own_text(self) -> str:
        """Give the text of what the keys go to, where it has one of its own."""
        if self.detail is not None and self.detail.has_focus:
            return self.detail.copy_text()
        return self.view.copy_text()

    # -- keys of the lanes -----------------------------------------------------------

    def _fold(self) -> None:
        if not self.lanes.fold_here(around=True):
            self.app.notify("nothing to fold here")

    def _step_execution(self, step: int) -> None:
        if not self.lanes.step_execution(step):
            self.app.notify("there is one execution only")

    def _follow(self) -> None:
        follow = not self.lanes.follow
        self.lanes.follow = follow
        if follow:
            self.lanes.action_last()
        words = "following the newest line" if follow else "no longer following"
        self.app.notify(words)
