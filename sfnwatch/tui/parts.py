"""The parts of the screen, and how all of them show names and times.

What the first picture shows is made at once. The rest is loaded and made when it is
first wanted: to import it all takes as long as the first picture.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Collection
from datetime import UTC
from importlib import import_module
from typing import TYPE_CHECKING, Any

from textual import work
from textual.app import App
from textual.containers import Container, Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from sfnwatch.trace.budget import Operation
from sfnwatch.trace.text import clean
from sfnwatch.tui.bars import Banner, FilterLine, LaneNames, StatusLine
from sfnwatch.tui.caption import Caption, KeyCaps
from sfnwatch.tui.lane_frame import Look
from sfnwatch.tui.lanes import LanesView
from sfnwatch.tui.late import Late
from sfnwatch.tui.looks import Looks
from sfnwatch.tui.scrubber import Scrubber
from sfnwatch.tui.views import LANES

if TYPE_CHECKING:
    from sfnwatch.tui.calllog import CallLog
    from sfnwatch.tui.children import ChildrenHead, ChildrenView
    from sfnwatch.tui.compare import CompareView
    from sfnwatch.tui.detail import Detail
    from sfnwatch.tui.explain import ExplainView
    from sfnwatch.tui.finding import FindBar
    from sfnwatch.tui.timeline import TimelineView


AT_LEISURE = 1.0
"""Seconds in which the first rows are here as a rule, or the rest of them."""
_OTHERS = (
    "sfnwatch.tui.detail",
    "sfnwatch.tui.timeline",
    "sfnwatch.tui.explain",
    "sfnwatch.tui.compare",
    "sfnwatch.tui.help",
    "sfnwatch.tui.records",
    "sfnwatch.tui.children",
    "sfnwatch.tui.calllog",
    "sfnwatch.trace.sentences",
    "sfnwatch.trace.aliases",
)


class Parts(App[None]):
    """Holds the parts: a timer may still fire when they are unmounted."""

    def __init__(
        self, looks: Looks, allowed: Collection[Operation], *, replaying: bool
    ) -> None:
        # Without colour Textual would still send greys, unless it leaves all of them
        # to the terminal.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self._looks, self._allowed, self._replaying = looks, allowed, replaying
        self._is_ready = False
        self._status, self._scrubber = StatusLine(), Scrubber()
        self._names, self._lanes = LaneNames(), LanesView()
        self._caption, self._caps = Caption(), KeyCaps()
        self._views = ContentSwitcher(id="views", initial=LANES)
        self._body = Container(id="body")
        self._timeline = Late(self._new_timeline, self._join_view("timeline"))
        self._explain = Late(self._new_explain, self._join_view("explain"))
        self._compare = Late(self._new_compare, self._join_view("compare"))
        self._begun = Late(self._new_children, self._join_children)
        self._map_runs = Late(self._new_map_runs, self._join_map_runs)
        self._requests = Late(self._new_requests, self._join_view("requests"))
        self._detail = Late(self._new_detail, self._join_detail)
        self._banner = Late(Banner, self._join_banner)
        self._filter_line = Late(FilterLine, self._join_filter_line)
        self._find = Late(self._new_find, self._join_find)
        self._aside = Late(lambda: Horizontal(id="aside"), self._join_aside)

    # -- what is made when it is wanted --------------------------------------------

    def _new_timeline(self) -> "TimelineView":
        from sfnwatch.tui.timeline import TimelineView

        return TimelineView()

    def _new_explain(self) -> "ExplainView":
        from sfnwatch.tui.explain import ExplainView

        return ExplainView()

    def _new_compare(self) -> "CompareView":
        from sfnwatch.tui.compare import CompareView

        return CompareView()

    def _new_children(self) -> "ChildrenView":
        from sfnwatch.tui.children import ChildrenView

        return ChildrenView()

    def _new_map_runs(self) -> "ChildrenHead":
        from sfnwatch.tui.children import ChildrenHead

        return ChildrenHead()

    def _new_requests(self) -> "CallLog":
        from sfnwatch.tui.calllog import CallLog

        requests = CallLog(self._allowed)
        requests.replaying = self._replaying
        return requests

    def _new_detail(self) -> "Detail":
        from sfnwatch.tui.detail import Detail

        return Detail()

    def _new_find(self) -> "FindBar":
        from sfnwatch.tui.finding import FindBar

        return FindBar()

    def _join_view(self, name: str) -> Callable[[Widget], None]:
        def join(view: Widget) -> None:
            box = Vertical(id=name)
            box.display = name == self._views.current
            # One after the other: what a box is made with comes a message later.
            self._views.mount(box)
            box.mount(view)
            self._show_looks()

        return join

    def _join_children(self, view: Widget) -> None:
        self._join_view("children")(view)
        # With its head, or it would be laid out twice.
        self._map_runs()

    def _join_map_runs(self, head: Widget) -> None:
        self._views.get_child_by_id("children").mount(head, before=0)

    def _join_detail(self, detail: Widget) -> None:
        self._body.mount(detail)
        self._show_looks()

    @property
    def _is_up(self) -> bool:
        """True while there is a screen to put something on: not at the very end."""
        return bool(self.screen_stack) and self.screen_stack[0].is_attached

    # Each has its place, whichever of them comes first.

    def _join_banner(self, banner: Widget) -> None:
        self.screen_stack[0].mount(banner, after=self._status)

    def _join_filter_line(self, line: Widget) -> None:
        self.screen_stack[0].mount(line, after=self._body)

    def _join_find(self, find: Widget) -> None:
        above = self._filter_line.made or self._body
        self.screen_stack[0].mount(find, after=above)

    def _join_aside(self, aside: Widget) -> None:
        self.screen_stack[0].mount(aside, before=self._scrubber)
        aside.mount(self._caption, self._caps)

    def _make_ready(self) -> None:
        """Make what is typed into, or told of keys: no key must wait for that."""
        if self._is_up and not self._is_ready:
            self._is_ready = True
            self._find()
            self._aside()
            self.set_timer(AT_LEISURE, self._load_others)

    @work(group="load")
    async def _load_others(self) -> None:
        """Load what may be wanted next, so that it is there at once."""
        for name in _OTHERS:
            if name not in sys.modules:
                await asyncio.to_thread(import_module, name)

    # -- looks ---------------------------------------------------------------------

    def _show_looks(self) -> None:
        """Have every part show names and times the same way."""
        looks = self._looks
        look = Look(zone=None if looks.zone is UTC else looks.zone, mask=looks.mask)
        self._lanes.look = look
        self._names.show(self._lanes.page, look)
        told = (self._timeline, self._requests, self._detail, self._explain)
        for part in (self._scrubber, *(late.made for late in told)):
            if part is not None:
                part.mask, part.zone = look.mask, look.zone
        if (compare := self._compare.made) is not None:
            compare.mask = look.mask
        if (begun := self._begun.made) is not None:
            begun.mask, begun.zone = looks.mask, looks.zone
        if (timeline := self._timeline.made) is not None:
            timeline.clock, timeline.aligned = looks.local, self._lanes.aligned

    def _say(self, words: str, **more: Any) -> None:
        """Say something in passing, in place of what was said before."""
        self.clear_notifications()
        more.setdefault("timeout", 3)
        self.notify(clean(self._looks.mask(words), 400), markup=False, **more)
