"""The views, how they stand on the screen, and what is kept of how one looked."""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.filter import LineFilter
from textual.screen import Screen

from sfnwatch.clock import Clock
from sfnwatch.config import Config
from sfnwatch.errors import SfnwatchError
from sfnwatch.recording.views import SavedView
from sfnwatch.sources.allowed import ALLOWED
from sfnwatch.sources.feed import Watch
from sfnwatch.trace.budget import Operation
from sfnwatch.trace.events import Batch
from sfnwatch.trace.shape import Shape
from sfnwatch.trace.timeline import Trace
from sfnwatch.tui.actions import Group
from sfnwatch.tui.ascii import Ascii
from sfnwatch.tui.bars import Keys
from sfnwatch.tui.contrast import tone_variables
from sfnwatch.tui.finder import Finder
from sfnwatch.tui.intake import Intake
from sfnwatch.tui.looks import Looks
from sfnwatch.tui.page import Page
from sfnwatch.tui.painting import PaintedScreen
from sfnwatch.tui.parts import Parts
from sfnwatch.tui.playing import Playing
from sfnwatch.tui.status import Mode
from sfnwatch.tui.themes import register
from sfnwatch.tui.views import LANES, DeckView


class Deck(Parts):
    """The parts of the screen, and what they have in common."""

    TITLE = "sfnwatch"
    CSS_PATH = "sfnwatch.tcss"
    # Textual annotates these as neither class nor instance variables.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (160, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-low"),
        (12, "-middling"),
        (20, "-high"),
        (30, "-tall"),
    ]

    def __init__(
        self,
        watch: Watch,
        first: Batch = (),
        *,
        clock: Clock,
        title: str = "",
        mode: Mode = "live",
        recording: str | None = None,
        end_drain: Callable[[], None] | None = None,
        follow: Callable[[str], bool] | None = None,
        speed: float = 1.0,
        span: tuple[datetime, datetime] | None = None,
        allowed: Collection[Operation] = ALLOWED,
        config: Config | None = None,
        saved: SavedView | None = None,
    ) -> None:
        self._config = config or Config()
        replay = mode == "replay"
        self._playing = Playing(clock, replay=replay, speed=speed, span=span)
        self._playing.take(first)
        looks = Looks(local=self._config.time == "local")
        super().__init__(looks, allowed, replaying=replay)
        self._watch = watch
        self._headline = title
        self._mode: Mode = mode
        self._recording = recording
        self._end_drain = end_drain
        self._follow_child = follow
        # The course of a recording is another with each batch: it is played by one.
        fold = None if replay else self._playing.fold
        self._intake = Intake(self._playing.take, time.monotonic, fold)
        self._page = Page()
        self._refusals: tuple[SfnwatchError, ...] = ()
        self._finder = Finder()
        self._screen = PaintedScreen(id="_default")
        self._saved = saved or SavedView()
        self._table = {view.name: view for view in self._all_views()}
        self._ascii = Ascii()
        register(self, self._config)
        if self.no_color:
            self.theme = "ansi-dark"

    def get_default_screen(self) -> Screen[Any]:
        return self._screen

    # -- what others may ask -------------------------------------------------------

    @property
    def trace(self) -> Trace:
        """All that has come in so far, in view or not."""
        return self._playing.whole

    @property
    def playing(self) -> Playing:
        return self._playing

    @property
    def refusals(self) -> tuple[SfnwatchError, ...]:
        """Why the watch could not begin, or had to end."""
        return self._refusals

    @property
    def folds(self) -> int:
        """How many times what came in was folded."""
        return self._intake.folds

    @property
    def view(self) -> SavedView:
        """What a viewer did to this recording, to be found again next time."""
        shape = self._lanes.shape
        return SavedView(
            filter=self._finder.filtered,
            search=self._finder.search,
            folded=tuple(sorted(shape.folded)),
            opened=tuple(sorted(shape.opened)),
            hidden_services=tuple(sorted(shape.hidden_services)),
            squeeze=self._playing.transport.squeeze,
            aligned=self._lanes.aligned,
            view=self._views.current or "",
        )

    # -- views ---------------------------------------------------------------------

    def _all_views(self) -> Sequence[DeckView]:
        """Say which views there are; the first is shown at the start."""
        return (
            DeckView(
                LANES,
                lambda: self._lanes,
                (Group.MOVE, Group.LANES, Group.VIEWS),
                keyed=lambda: self._lanes,
            ),
            DeckView(
                "timeline",
                self._timeline,
                (Group.TIMELINE, Group.MOVE, Group.PLAYER),
                action="view.timeline",
                keyed=self._timeline,
                folding=self._timeline,
                show=self._show_timeline,
            ),
            DeckView(
                "explain",
                self._explain,
                (Group.EXPLAIN, Group.MOVE, Group.VIEWS),
                action="view.explain",
                keyed=self._explain,
                folding=self._explain,
                show=self._show_explained,
                slow=True,
            ),
            DeckView(
                "compare",
                self._compare,
                (Group.COMPARE, Group.MOVE, Group.VIEWS),
                action="view.compare",
                keyed=self._compare,
                folding=self._compare,
                show=self._show_compared,
                slow=True,
            ),
            DeckView(
                "children",
                self._begun,
                (Group.MOVE, Group.VIEWS),
                action="view.children",
                show=self._show_children,
                slow=True,
            ),
            DeckView(
                "requests",
                self._requests,
                (Group.MOVE, Group.VIEWS),
                action="view.requests",
                show=self._show_requests,
                slow=True,
            ),
        )

    @property
    def _shown(self) -> DeckView:
        """The view that is shown."""
        return self._table[self._views.current or LANES]

    def _focus_view(self) -> None:
        self._shown.widget().focus()

    def _show_timeline(self) -> None:
        playing, page = self._playing, self._page
        self._timeline().set_playhead(playing.position)
        self._timeline().show(page.trace, playing.now, page.chart)

    def _show_explained(self) -> None:
        page, now = self._page, self._playing.now
        self._explain().show(page.trace, now, self._looks.mask, lanes=page.lanes)

    def _show_compared(self) -> None:
        self._compare().show(self._page.trace, self._playing.now, self._looks.mask)

    def _show_children(self) -> None:
        trace, words, begun = self._page.trace, self._finder.search, self._begun()
        begun.show_children(trace, self._playing.now, words)
        shown = len(begun.rows)
        self._map_runs().show(trace, words, shown, self._looks.mask)

    def _show_requests(self) -> None:
        self._requests().show(self.trace, self._playing.now)

    # -- composing -----------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield self._status
        with self._body, self._views, Vertical(id=LANES):
            yield self._names
            yield self._lanes
        yield self._scrubber
        # Eight keys are what one takes in; the palette's is in the help.
        yield Keys(show_command_palette=False)

    def _fit(self) -> None:
        """Take on the size there is: Textual tells of it once all is laid out."""
        for length, breakpoints in (
            (self.size.width, self.HORIZONTAL_BREAKPOINTS),
            (self.size.height, self.VERTICAL_BREAKPOINTS),
        ):
            name = [name for least, name in breakpoints if length >= least][-1]
            self.screen_stack[0].add_class(name, update=False)

    def _restore(self, saved: SavedView) -> None:
        """Show a recording as it was last looked at."""
        self._finder = self._finder.filtering(saved.filter).searching(saved.search)
        self._lanes.shape = Shape(
            keep=self._finder.keep,
            folded=frozenset(saved.folded),
            opened=frozenset(saved.opened),
            hidden_services=frozenset(saved.hidden_services),
        )
        self._lanes.aligned = saved.aligned
        if saved != SavedView() and saved.squeeze != self._playing.transport.squeeze:
            self._playing.squeeze()
        if saved.view in self._table:
            self._table[saved.view].widget()
            self._views.current = saved.view

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = super().get_line_filters()
        return (*filters, self._ascii) if self._config.ascii else filters

    def get_css_variables(self) -> dict[str, str]:
        variables = super().get_css_variables()
        return {**variables, **tone_variables(self.current_theme)}
