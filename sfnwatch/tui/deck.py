"""What is shown: the widgets, what comes in, the moment, and its layout."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from textual import work
from textual.app import App, ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.filter import LineFilter
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Footer

from sfnwatch.clock import Clock
from sfnwatch.config import Config, keymap
from sfnwatch.errors import SfnwatchError
from sfnwatch.recording.views import SavedView
from sfnwatch.sources.allowed import ALLOWED
from sfnwatch.sources.feed import Watch
from sfnwatch.trace.chapters import Chapter, chapters
from sfnwatch.trace.course import Course
from sfnwatch.trace.events import Batch, HealthState
from sfnwatch.trace.lanes import Row, complete_to
from sfnwatch.trace.moments import Reading
from sfnwatch.trace.sentences import explain
from sfnwatch.trace.shape import Shape
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Trace
from sfnwatch.tui.ascii import Ascii
from sfnwatch.tui.bars import Banner, FilterLine, LaneNames, StatusLine
from sfnwatch.tui.calllog import CallLog
from sfnwatch.tui.caption import Caption, KeyCaps
from sfnwatch.tui.contrast import tone_variables
from sfnwatch.tui.detail import Detail
from sfnwatch.tui.ending import Ending, ending_words, signal
from sfnwatch.tui.finder import Finder
from sfnwatch.tui.finding import FindBar
from sfnwatch.tui.intake import Intake, size_of
from sfnwatch.tui.lane_frame import Look
from sfnwatch.tui.lanes import LanesView
from sfnwatch.tui.looks import Looks
from sfnwatch.tui.page import Page, make_page
from sfnwatch.tui.playing import Playing
from sfnwatch.tui.refusals import leaves, refusal_pieces
from sfnwatch.tui.scrubber import Scrubber
from sfnwatch.tui.scrubber_words import ScrubberView
from sfnwatch.tui.status import Mode, View, troubles
from sfnwatch.tui.themes import register
from sfnwatch.tui.timeline import TimelineView

LARGE = 2_000
"""With more records than these the lanes are laid out in a thread, off the keys."""
_FRAMES = 20
"""Frames a second while a recording plays."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of all there is, by one of the clocks."""

    whole: Trace
    reading: Reading
    chapters: tuple[Chapter, ...]


class Deck(App[None]):
    """Shows one watch, live or replayed; what is pressed is for others to do."""

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
        *,
        clock: Clock,
        title: str = "",
        mode: Mode = "live",
        recording: str | None = None,
        end_drain: Callable[[], None] | None = None,
        speed: float = 1.0,
        config: Config | None = None,
        saved: SavedView | None = None,
    ) -> None:
        # Without colour Textual would still send greys, unless it leaves all of them
        # to the terminal.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self._config = config or Config()
        self._watch = watch
        self._headline = title
        self._mode: Mode = mode
        self._recording = recording
        self._end_drain = end_drain
        self._playing = Playing(clock, replay=mode == "replay", speed=speed)
        self._intake = Intake(self._playing.take, time.monotonic)
        self._page = Page()
        self._course: Course | None = None
        self._refusals: tuple[SfnwatchError, ...] = ()
        self._ended = self._laying_out = self._drains = False
        self._finder, self._ending = Finder(), Ending()
        self._looks = Looks(local=self._config.time == "local")
        self._saved = saved or SavedView()
        # Held, not looked up: a timer may still fire when they are unmounted.
        self._status, self._banner = StatusLine(), Banner()
        self._names, self._lanes = LaneNames(), LanesView()
        self._timeline, self._requests = TimelineView(), CallLog(ALLOWED)
        self._detail = Detail()
        self._find, self._filter_line = FindBar(), FilterLine()
        self._caption, self._caps = Caption(), KeyCaps()
        self._scrubber = Scrubber()
        self._views = ContentSwitcher(id="views", initial="lanes")
        self._ascii = Ascii()
        register(self, self._config)
        if self.no_color:
            self.theme = "ansi-dark"

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
    def settled(self) -> bool:
        """True when the screen shows all that it should of what has come in."""
        return self._is_shown and not self._laying_out and not self._intake.pending

    @property
    def view(self) -> SavedView:
        """What a viewer did to this recording, to be found again next time."""
        shape = self._lanes.shape
        return SavedView(
            filter=self._finder.filter.text,
            search=self._finder.search,
            folded=tuple(sorted(shape.folded)),
            opened=tuple(sorted(shape.opened)),
            hidden_services=tuple(sorted(shape.hidden_services)),
            squeeze=self._playing.transport.squeeze,
            view=self._views.current or "",
        )

    # -- composing -----------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield self._status
        yield self._banner
        with Container(id="body"):
            with self._views:
                with Vertical(id="lanes"):
                    yield self._names
                    yield self._lanes
                with Vertical(id="timeline"):
                    yield self._timeline
                with Vertical(id="requests"):
                    yield self._requests
            yield self._detail
        yield self._filter_line
        yield self._find
        with Horizontal(id="aside"):
            yield self._caption
            yield self._caps
        yield self._scrubber
        yield Footer()

    def on_mount(self) -> None:
        self.set_keymap(keymap(self._config))
        self._frames = self.set_interval(1 / _FRAMES, self._frame, pause=True)
        self.set_interval(1, self._tick)
        self._restore(self._saved)
        self._requests.replaying = self._playing.replay
        self._show_looks()
        self._lay_out()
        self._focus_view()
        # AWS's SDK takes longer to import than the first frame to draw.
        self.call_after_refresh(self._feed)

    def _focus_view(self) -> None:
        views: Mapping[str, Widget] = {
            "timeline": self._timeline,
            "requests": self._requests,
        }
        views.get(self._views.current or "", self._lanes).focus()

    def _restore(self, saved: SavedView) -> None:
        """Show a recording as it was last looked at."""
        self._finder = self._finder.filtering(saved.filter).searching(saved.search)
        self._lanes.shape = Shape(
            keep=self._finder.keep,
            folded=frozenset(saved.folded),
            opened=frozenset(saved.opened),
            hidden_services=frozenset(saved.hidden_services),
        )
        if saved != SavedView() and saved.squeeze != self._playing.transport.squeeze:
            self._playing.squeeze()
        if saved.view in {"timeline", "requests"}:
            self._views.current = saved.view

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = super().get_line_filters()
        return (*filters, self._ascii) if self._config.ascii else filters

    def get_css_variables(self) -> dict[str, str]:
        variables = super().get_css_variables()
        return {**variables, **tone_variables(self.current_theme)}

    # -- intake --------------------------------------------------------------------

    @work(group="feed", exclusive=True)
    async def _feed(self) -> None:
        try:
            await self._watch(self._receive)
        except* SfnwatchError as refused:
            self._refusals = tuple(leaves(refused))
        self._ended = True
        self._intake.fold()
        self._playing.close()
        self._moved_in_time()

    def _receive(self, batch: Batch) -> None:
        due = self._intake.take(batch)
        if due is not None:
            self.set_timer(max(due, 0.001), self._fold)

    def _fold(self) -> None:
        if self._intake.fold():
            self._moved_in_time()
            self._tell_of_the_end()

    def _tell_of_the_end(self) -> None:
        ended = self._ending.seen(self.trace)
        if ended is None or self._playing.replay:
            return
        words = ending_words(ended, self._looks.mask)
        self._say(words)
        sent = signal(self._config.notify, words, os.environ)
        if sent and self._driver is not None and not self.is_headless:
            self._driver.write(sent)

    # -- time ----------------------------------------------------------------------

    def _moved_in_time(self) -> None:
        """Show another moment, or more of what there is."""
        if self._playing.running:
            self._playing.tick()
            self._frames.resume()
        self._lay_out()
        self._tick()

    def _frame(self) -> None:
        """Let a recording go on."""
        if self._playing.tick():
            self._lay_out()
            self._show_moment()
        if not self._playing.running:
            self._frames.pause()
            self._tick()

    def _tick(self) -> None:
        """Say how things stand; the clock ticks though nothing comes in."""
        self._show_moment()
        mask = self._looks.mask
        refusals = (refusal_pieces(error) for error in self._refusals)
        self._banner.show([*refusals, *troubles(self._page.trace, mask)])
        if self._views.current == "requests":
            self._requests.show(self.trace, self._playing.now)
        if self._drains != self._draining:
            # Costly: the footer is composed anew.
            self._drains = self._draining
            self.refresh_bindings()

    def _show_moment(self) -> None:
        """Say which moment is shown, and how things stood then."""
        now = self._playing.now
        self._status.show(self._page.trace, self._status_view(now))
        transport = self._playing.transport
        self._scrubber.show(
            ScrubberView(
                transport=transport,
                course=self._course,
                chapters=self._playing.known_chapters,
                watermark=None if self._playing.replay else complete_to(self.trace),
                now=None if self._playing.replay else self._playing.clock.now(),
            )
        )
        if self._views.current == "timeline":
            self._timeline.set_playhead(self._playing.position)
            self._timeline.show(self._page.trace, now, self._page.chart)

    def _status_view(self, now: datetime) -> View:
        return View(
            now=now,
            mode=self._mode,
            title=self._headline,
            recording=self._recording is not None,
            paused=self._playing.held,
            ended=self._over,
            fresh=self._behind if self._playing.held else self._lanes.unseen,
            past=self._playing.position is not None and not self._playing.held,
            happened=self._playing.reading is Reading.HAPPENED,
            masked=self._looks.masked,
            zone=self._looks.zone,
            mask=self._looks.mask,
        )

    @property
    def _behind(self) -> int:
        return size_of(self.trace) - size_of(self._page.trace)

    # -- layout --------------------------------------------------------------------

    @property
    def _is_shown(self) -> bool:
        """True if the lanes of the moment are on the screen.

        What sfnwatch itself asked has no row: the lanes need not move for it.
        """
        trace, shown = self._playing.trace(), self._page.trace
        return (
            trace.timelines is shown.timelines
            and trace.calls is shown.calls
            and trace.healths is shown.healths
            and self._page.ended == self._over
        )

    @property
    def _over(self) -> bool:
        """True if nothing comes after what is shown."""
        return self._ended and (self._playing.ended or not self._playing.replay)

    def _lay_out(self) -> None:
        """Lay out the moment, unless it is on the screen already."""
        if self._laying_out:
            return
        if self._is_shown:
            self._catch_up()
            return
        if size_of(self._playing.whole) > LARGE:
            self._laying_out = True
            self._lay_out_apart()
            return
        begun = time.monotonic()
        self._show_page(*self._work()())
        self._intake.spent(time.monotonic() - begun)

    def _catch_up(self) -> None:
        """Know how far it goes by now, though an earlier moment is shown."""
        self._course = self._playing.course
        if size_of(self._playing.whole) <= LARGE:
            self._playing.chapters()

    def _work(self) -> Callable[[], tuple[Page, Marks]]:
        """Say what is to be worked out; all of it is frozen, so that a thread may."""
        trace, whole = self._playing.trace(), self._playing.whole
        reading, ended = self._playing.reading, self._over
        shape, folded = self._lanes.shape, self._lanes.folded

        def done() -> tuple[Page, Marks]:
            page = make_page(trace, shape=shape, folded=folded, ended=ended)
            return page, Marks(whole, reading, chapters(whole, reading))

        return done

    @work(group="lay-out")
    async def _lay_out_apart(self) -> None:
        """Lay out in a thread, again as long as the moment is another meanwhile."""
        try:
            while not self._is_shown:
                self._show_page(*await asyncio.to_thread(self._work()))
        finally:
            self._laying_out = False
        self._tick()

    def _show_page(self, page: Page, marks: Marks) -> None:
        self._page = page
        self._playing.marked(marks.whole, marks.reading, marks.chapters)
        self._course = self._playing.course
        self._learn_names()
        self._lanes.show(page.lanes, page.hints, page.layout, flash=self._flows)

    @property
    def _flows(self) -> bool:
        """True while what comes is new; after a leap nearly everything would be."""
        return self._playing.running or self._playing.live

    def _learn_names(self) -> None:
        """Know new names before they are shown, if they are to be masked."""
        looks = self._looks.learned(self._page.trace)
        if looks != self._looks:
            self._looks = looks
            self._show_looks()

    def _show_looks(self) -> None:
        """Have every part show names and times the same way."""
        looks = self._looks
        look = Look(zone=None if looks.zone is UTC else looks.zone, mask=looks.mask)
        self._lanes.look = look
        self._names.show(self._lanes.page, look)
        for part in (self._timeline, self._requests, self._detail, self._scrubber):
            part.mask, part.zone = look.mask, look.zone
        self._timeline.clock = looks.local
        self._tick()

    @property
    def _draining(self) -> bool:
        states = {health.state for health in self.trace.health.values()}
        return HealthState.DRAINING in states

    # -- what is selected ----------------------------------------------------------

    @property
    def selected_key(self) -> str | None:
        """The key of what the cursor is on, the same in the lanes and the timeline."""
        if self._views.current == "timeline":
            return self._timeline.selected_key
        return self._lanes.selected_key

    @property
    def selected_rows(self) -> tuple[Row, ...]:
        if self._views.current == "requests":
            return ()
        if self._views.current == "lanes":
            # A line's own row has lost what is told in the other lane.
            rows = self._lanes.line.rows
            return tuple(self._page.row(row.key) or row for row in rows)
        row = self._page.row(self.selected_key)
        return () if row is None else (row,)

    def select_key(self, key: str) -> bool:
        """Put the cursor on something, in the view that is shown."""
        if self._views.current == "timeline":
            return self._timeline.select_key(key)
        return self._lanes.select_key(key)

    def _show_selected(self) -> None:
        """Tell about what the cursor is on, wherever something tells about it."""
        self._names.show(self._lanes.page)
        rows = self.selected_rows
        if self._detail.display:
            self._show_in_full(rows)
        if self.screen_stack[0].has_class("-presenting"):
            trace, mask = self._page.trace, self._looks.mask
            self._caption.show(explain(rows[-1], trace, mask) if rows else "")
        self._show_found()
        self._show_moment()

    def _show_in_full(self, rows: tuple[Row, ...]) -> None:
        request = self._requests.selected
        if self._views.current != "requests":
            self._detail.show(rows, self._page.trace)
        elif request is not None:
            self._detail.show_request(request)
        else:
            self._detail.show((), self._page.trace)

    def _show_found(self) -> None:
        """Say what is filtered and searched for."""
        rows = len(self._page.lanes.rows)
        shaped = self._lanes.page.shaped
        shown = rows - shaped.filtered - sum(shaped.unlisted.values())
        hits = self._finder.hits(self._page.lanes.rows, self.selected_key)
        told = self._finder.pieces(shown, rows, hits)
        # What is being typed stands in the line below already.
        self._filter_line.show(() if self._find.open else told)
        if self._find.open:
            self._find.tell(self._finder.counted(self._find.kind, shown, rows, hits))

    def _say(self, words: str, **more: Any) -> None:
        """Say something in passing, in place of what was said before."""
        self.clear_notifications()
        more.setdefault("timeout", 3)
        self.notify(clean(self._looks.mask(words), 400), markup=False, **more)
