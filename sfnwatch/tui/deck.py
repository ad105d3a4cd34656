"""The views, one of which is shown, and the detail of what is selected in it.

The lanes are there from the start. Every other view is loaded when it is first wanted:
to import them all would take as long as the first frame.

Around them are the bars, kept up to date: status, trouble, filter, player, keys.
"""

import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.message import Message
from textual.widgets import ContentSwitcher

from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.tui.actions import FOOTER, Command, Group, key_name
from sfnwatch.tui.cursor_list import HeadedView
from sfnwatch.tui.dashboard import LANES, PATIENCE_ALONE, Dashboard, Pace
from sfnwatch.tui.find_bar import FindBar
from sfnwatch.tui.lanes_view import LanesView
from sfnwatch.tui.paint import Rows, Span, width_of
from sfnwatch.tui.player import Scrubber
from sfnwatch.tui.shown import Shown
from sfnwatch.tui.status import (
    Words,
    fitted,
    headline,
    joined,
    refusal_spans,
    status_rows,
    troubles,
)

# -- views -----------------------------------------------------------------------------

if TYPE_CHECKING:
    from sfnwatch.tui.app import SfnwatchApp
    from sfnwatch.tui.detail_view import DetailView, RecordActions

_TIMELINE = "timeline"
VIEWS = (_TIMELINE, "graph", "explain", "end", "compare", "children", "requests")
"""The ids of views; module, class, and the group of a view's own actions are named so.

A view is made with what is shown.
"""


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
        self.home = Dashboard(shown)
        """The lanes and the timeline, which are one screen where there is room."""
        self.lanes = self.home.lanes
        self._switcher = ContentSwitcher(id="views", initial=LANES)
        self._made: dict[str, HeadedView] = {}
        self.current = LANES
        """The name of the view that is shown."""
        self._pace = Pace(self, self._show_made, PATIENCE_ALONE)
        self.detail: DetailView | None = None
        """What shows the selected line in full; None until it was wanted."""
        self._searched = ""
        self._left: tuple[str | None, bool] = None, False
        """Where the lanes were left for another view: on what, and if following."""
        self._led_to: str | None = None
        """What that was in the other view."""
        self._own: Mapping[str, Command] = {
            **{f"view.{name}": partial(self.show_view, name) for name in VIEWS},
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
        with self._switcher:
            yield self.home

    # -- which view ----------------------------------------------------------------

    @property
    def view(self) -> HeadedView | LanesView:
        """The view that the keys go to."""
        made = self._made.get(self.current)
        return self.home.view if made is None else made

    @property
    def commands(self) -> Mapping[str, Command]:
        """What can be done here: by the view that is shown, and for all of them."""
        made = self._made.get(self.current)
        return {**self._own, **(self.home if made is None else made).commands}

    @property
    def groups(self) -> tuple[Group, ...]:
        """The actions that matter where the keys go just now."""
        if self.detail is not None and self.detail.has_focus:
            return Group.DETAIL, Group.MOVE
        if self.view is self.lanes:
            return Group.MOVE, Group.LANES, Group.VIEWS
        if self.current == LANES:
            return Group.TIMELINE, Group.MOVE, Group.VIEWS
        own = (group for group in Group if group.lower() == self.current)
        return *own, Group.MOVE, Group.VIEWS

    @property
    def titles(self) -> Mapping[str, str]:
        """What actions are called here, where it is not as everywhere.

        By their ids; empty for what does nothing here.
        """
        detail, view, line = self.detail, self.view, self.lanes.line
        titles: Mapping[str, str] = {}
        if detail is not None and detail.has_focus:
            titles = detail.titles
        elif isinstance(view, HeadedView):
            titles = view.titles
        elif line is None:
            titles = {"view.detail": ""}
        elif line.fold is not None:
            titles = {"view.detail": "Fold" if "▾" in line.fold.text else "Unfold"}
        away = "Lanes" if self.current != LANES else ""
        close = "Close detail" if self.is_detailed else away
        return {f"view.{self.current}": "", "view.close": close, **titles}

    def show_view(self, name: str) -> None:
        """Show a view, or the lanes again; the selection goes along."""
        name = LANES if name == self.current else name
        is_home = name in {LANES, _TIMELINE}
        if not is_home and name not in self._made:
            self._make(name)
        key = self.selected_key
        if self.current == LANES:
            self._left = self.lanes.selected_key, self.lanes.follow
        self.current = name
        self._switcher.current = LANES if is_home else name
        self.home.show_timeline(alone=name == _TIMELINE)
        self._pace.hurry()
        self.show()
        self._take_along(key)
        self.view.focus()
        self.post_message(self.Switched())

    def _make(self, name: str) -> None:
        module = import_module(f"sfnwatch.tui.{name}_view")
        view: HeadedView = getattr(module, f"{name.title()}View")(self._shown)
        self._made[name] = view
        view.search_for(self._searched)
        box = Vertical(view, id=name)
        box.display = False
        self._switcher.mount(box)

    def search_for(self, words: str) -> bool:
        """Show what has some words; False where they are looked for in the lanes."""
        self._searched = words
        self.lanes.search_for(words)
        made = {name: view.search_for(words) for name, view in self._made.items()}
        return made.get(self.current, False)

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
        (self._pace if self.current in self._made else self.home).show()
        self.show_selected()

    def _show_made(self) -> None:
        # It may be another by now, where this comes late.
        if self.current in self._made:
            self._made[self.current].show()

    def pass_time(self) -> None:
        """Show how far time has come, where that can be seen."""
        if self.current in self._made:
            self.show()
        else:
            self.home.pass_time()

    @property
    def is_held_back(self) -> bool:
        """True while a moment waits to be shown, as the last one took long to."""
        # What is not in view is laid out once it is.
        if self.current in self._made:
            return self._pace.is_waiting
        return self.home.is_held_back

    # -- what is selected ----------------------------------------------------------

    @property
    def selected_key(self) -> str | None:
        """The key of what the cursor is on, the same in every view that has lines."""
        return self.view.selected_key

    def go_to(self, key: str) -> bool:
        """Go to a line of the lanes, opening what it is behind."""
        view = self.view
        if isinstance(view, HeadedView) and view.keyed and self.current != LANES:
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


# -- bars around them ------------------------------------------------------------------

_REST, _SHARE = 5.0, 20
"""Seconds between two times that all findings are worked out, at most; and how many
times as long as it takes."""
_AGED = 120.0
"""Seconds after which they are worked out though nothing has come but our requests."""
_APART, _CLOSE = 3, 2
"""Cells between two keys, and where there is little room."""
_UNKNOWN, _SAME_END = datetime.min.replace(tzinfo=UTC), timedelta(seconds=1)


class Bars:
    """Holds the lines round the views, and what there is to say in them."""

    def __init__(self, app: "SfnwatchApp") -> None:
        self._app, self._shown, self._finder = app, app.shown, app.finder
        self.status = Rows(
            lambda width: status_rows(self._shown, width, app.size.height), id="status"
        )
        self.banner, self.filter_line = Rows(most=3, id="banner"), Rows(id="filter")
        self.find_bar = FindBar(self._shown, self._finder)
        self.scrubber = Scrubber(self._shown)
        self.key_line = Rows(self._key_rows, id="keys")
        self._offered: Sequence[Words] = ()
        """What can be done, by which key, and how it is called for now."""
        self._found_of: object = None
        """What the findings that are there were worked out of."""
        self._find_again_at, self._is_finding = 0.0, False
        self._seen = 0
        """How many lines there were when the view followed last."""
        self._has_looked = False
        self._over_since: datetime | None = None
        """When the last execution ended; None while one runs."""

    def show(self) -> None:
        """Say how things stand, which time alone may change."""
        shown = self._shown
        self._look_for_findings()
        self.status.redraw()
        self.scrubber.redraw()
        refusals = map(refusal_spans, shown.refusals)
        told = [*refusals, *troubles(shown.moment, shown.looks.mask)]
        is_live = shown.settings.mode == "live"
        if told and shown.over and is_live and not shown.items:
            told.append(
                [Span("Without AWS: sfnwatch demo watches a simulated account.")]
            )
        self.banner.show(*told)
        bad = any(span.look == "role--bad" for spans in told for span in spans)
        self.banner.set_class(bad, "-bad")
        # What is being typed stands in a line of its own.
        said = [] if self.find_bar.display else self._finder.spans()
        self.filter_line.show(*([said] if said else []))
        self._app.deck.lanes.heads.redraw()

    def count_unseen(self, *, following: bool) -> None:
        """Know how many lines came in that nobody looks at."""
        count = len(self._shown.outline.items)
        if following or self._shown.playback.replay:
            self._seen = count
        self._shown.unseen = max(0, count - self._seen)

    def ended(self) -> ExecutionAsOf | None:
        """Give the last execution that ended, each time that all have.

        One that was over before it was watched is no news, nor is one of a recording.
        What is redriven ends once more, and may do so between two looks.
        """
        roots = self._shown.roots
        if not roots or self._shown.playback.replay:
            return None
        last = max(roots, key=lambda each: each.stopped_at or _UNKNOWN)
        running = any(execution.running for execution in roots)
        over_since = None if running else last.stopped_at or _UNKNOWN
        before, self._over_since = self._over_since, over_since
        has_looked, self._has_looked = self._has_looked, True
        if over_since is None or not has_looked:
            return None
        # Of one end DescribeExecution and the history tell at times that differ a bit.
        anew = before is None or over_since - before > _SAME_END
        return last if anew else None

    # -- keys ----------------------------------------------------------------------

    def offer(self) -> None:
        """Offer in the footer what can be done here and now."""
        playback, titles = self._shown.playback, dict(self._app.deck.titles)
        if playback.playing or playback.live:
            titles["player.toggle"] = "Pause"
        if self._shown.moment.running:
            titles["view.end"] = ""  # nothing has ended yet
        if self._finder.active:
            titles["view.close"] = ""  # it clears the filter, which says so itself
        offered = []
        for action in FOOTER:
            title = titles.get(action.id, action.title)
            keys = self._app.settings.keys.get(action.id, action.keys)
            if title and self._app.applies(action.id):
                key = Span(key_name(keys[0]) if keys else "", "look--key", action.id)
                words = Span(f" {title}", "role--dim", action.id)
                # What is called otherwise here stays longest.
                rank = 1 + action.footer * (title == action.title)
                offered.append(Words(rank, [key, words]))
        if offered != self._offered:
            self._offered = offered
            self.key_line.redraw()

    def _key_rows(self, width: int) -> Sequence[Sequence[Span]]:
        """Offer the keys that do something here and now, those that have room."""
        # Rather close together than not at all.
        gap = _CLOSE if width_of(joined(self._offered)) >= width else _APART
        return [[Span(" "), *joined(fitted(self._offered, width - 1, gap), gap)]]

    # -- the headline --------------------------------------------------------------

    @property
    def is_up_to_date(self) -> bool:
        """True once the headline tells of what is shown."""
        return self._found_of == self._told()

    def _told(self) -> object:
        """Give what they depend on; as time goes by they tell of more of it."""
        shown = self._shown
        where = shown.playback.position, shown.playback.clock
        age = time.monotonic() // _AGED
        return shown.news, shown.outline.options, *where, age

    def _look_for_findings(self) -> None:
        """Know what is worth a headline, as often as there is time for it."""
        due = time.monotonic() >= self._find_again_at
        if not self.is_up_to_date and due and not self._is_finding:
            self._is_finding = True
            work: Callable[[], Awaitable[None]] = self._work_out_findings
            self._app.run_worker(work, group="findings")

    async def _work_out_findings(self) -> None:
        told, begun = self._told(), time.monotonic()
        try:
            findings = await self._app.session.findings(self._shown.moment)
            self._shown.findings = findings
        finally:
            self._is_finding = False
        now = time.monotonic()
        rest = min(_REST, _SHARE * (now - begun))
        self._found_of, self._find_again_at = told, now + rest
        self._shown.headline = headline(self._shown)
        self._app.repaint(time_has_passed=True)
        if not self.is_up_to_date:
            self._app.set_timer(rest, self._look_for_findings)
