"""What comes in, the moment shown of it, and the page that is made of that."""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec import Struct
from textual import work

from sfnwatch.clock import SystemClock
from sfnwatch.config import keymap
from sfnwatch.errors import SfnwatchError
from sfnwatch.trace.chapters import Chapter, chapters
from sfnwatch.trace.course import Course
from sfnwatch.trace.events import Batch, HealthState
from sfnwatch.trace.growing_lanes import GrowingLanes
from sfnwatch.trace.lanes import measured_to
from sfnwatch.trace.moments import Reading
from sfnwatch.trace.timeline import Trace
from sfnwatch.tui.deck import Deck
from sfnwatch.tui.ending import Ending, ending_words, signal
from sfnwatch.tui.intake import FRAME, Pace, Paging, size_of
from sfnwatch.tui.laying import Laying
from sfnwatch.tui.page import Page, make_page
from sfnwatch.tui.refusals import leaves, refusal_pieces
from sfnwatch.tui.scrubber_words import ScrubberView
from sfnwatch.tui.status import View, troubles
from sfnwatch.tui.trimming import give_back

LARGE = 500
"""With more records than these the lanes are laid out in a thread, off the keys."""
_MANY = 2_000
"""So many new records the garbage collector is spared at once."""
_FRAMES = 20
"""Frames a second while a recording plays."""
_SELDOM = 2 * FRAME
"""Seconds between two folds of what is large: a page of it takes longer than a frame,
and to paint how the sources do meanwhile, longer than the fold."""
_PAGING, _MARKING = 2.0, 20.0
"""A page that took long, and the marks of all there is, are followed by so many times
as long without one, while more comes in."""
_TURN = 0.001
"""Seconds after which a thread that works for long lets the loop have the interpreter.
A key needs it some four times before it is painted."""
_YOUNG = 10_000
"""Objects made before the garbage collector looks: a page has sequences of all rows,
which it would go through ten times as often as the next page replaces them."""
_MACHINE = SystemClock()
"""By which frames go, whatever clock the watch has."""


class Marks(Struct, frozen=True):
    """The marks of all there is, by one of the clocks."""

    whole: Trace
    reading: Reading
    chapters: tuple[Chapter, ...]


class Flow(Deck):
    """Keeps the screen at its moment, while more comes in and time goes on."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._course: Course | None = None
        self._growing, self._laying = GrowingLanes(), Laying()
        self._ending = Ending()
        self._ended = self._laying_out = self._drains = self._telling = False
        self._frozen = 0
        """How many records there were when the collector was told to let them be."""

    @property
    def settled(self) -> bool:
        """True when the screen shows all that it should of what has come in."""
        return self._is_shown and not self._laying_out and not self._intake.pending

    def on_mount(self) -> None:
        sys.setswitchinterval(_TURN)
        if not self.is_headless:
            gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
        self.set_keymap(keymap(self._config))
        self._frames = self.set_interval(1 / _FRAMES, self._frame, pause=True)
        self.set_interval(1, self._tick)
        self._fit()
        self._restore(self._saved)
        self._show_looks()
        self._tick()
        self._lay_out()
        self._focus_view()
        if not self._playing.replay:
            # AWS's SDK takes longer to import than the first frame to draw.
            self.call_after_refresh(self._feed)

    def on_ready(self) -> None:
        if self._playing.replay:
            # Nothing is drawn yet, and how wide the lanes are is known.
            self._moved_in_time()
            self._feed()
        self._screen.begin()

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
        if due:
            self.set_timer(due, self._fold)
        elif due is not None:
            # What is due needs no timer, which would wake the loop once more.
            self.call_later(self._fold)

    def _fold(self) -> None:
        begun = time.monotonic()
        if self._intake.fold():
            self._moved_in_time()
            self._tell_of_the_end()
            # Only now what came in is put together, and maybe laid out.
            least = _SELDOM if self._is_large else FRAME
            self._intake.spent(time.monotonic() - begun, least)

    def _tell_of_the_end(self) -> None:
        ended = self._ending.seen(self._known)
        if ended is None or self._playing.replay:
            return
        words = ending_words(ended, self._looks.mask)
        self._say(words)
        sent = signal(self._config.notify, words, os.environ)
        if sent and self._driver is not None and not self.is_headless:
            self._driver.write(sent)

    @property
    def _known(self) -> Trace:
        """All that has come in; of very much, what is shown of it at the live edge.

        Who began whom, for one, takes a look at all of a history.
        """
        live = self._playing.live and self._is_large
        return self._page.trace if live else self.trace

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
        told = [*refusals, *troubles(self._page.trace, mask)]
        if self._banner.made is not None or (told and self._is_up):
            self._banner().show(told)
        if self._shown.slow and self._shown.show is not None:
            self._shown.show()
        if self._drains != self._draining:
            # Costly: the footer is composed anew.
            self._drains = self._draining
            self.refresh_bindings()

    def _show_moment(self) -> None:
        """Say which moment is shown, and how things stood then."""
        now = self._playing.now
        self._status.show(self._page.trace, self._status_view(now))
        self._names.tick(now)
        transport = self._playing.transport
        self._scrubber.show(
            ScrubberView(
                transport=transport,
                course=self._course,
                chapters=self._playing.known_chapters,
                watermark=None if self._playing.replay else measured_to(self.trace),
                now=None if self._playing.replay else self._playing.clock.now(),
            )
        )
        if self._shown.show is not None and not self._shown.slow:
            self._shown.show()

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
        # Of an earlier moment what came since the last fold may be shown as well.
        return max(0, size_of(self.trace) - size_of(self._page.trace))

    # -- layout --------------------------------------------------------------------

    @property
    def _is_shown(self) -> bool:
        """True if the lanes of the moment are on the screen.

        What sfnwatch itself asked has no row: the lanes need not move for it.
        """
        trace, shown = self._playing.trace(), self._page.trace
        return trace.tells_as(shown) and self._page.ended == self._over

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
        if self._is_large:
            self._laying_out = True
            self._lay_out_apart()
            return
        self._show_page(self._work()())
        self._playing.chapters()

    def _catch_up(self) -> None:
        """Know how far it goes by now, though an earlier moment is shown."""
        self._learn_course()
        if not self._is_large:
            self._playing.chapters()

    def _learn_course(self) -> None:
        playing = self._playing
        self._course = playing.known_course if self._is_large else playing.course

    @property
    def _is_large(self) -> bool:
        return size_of(self._playing.whole) > LARGE

    def _work(self) -> Callable[[], Page]:
        """Say what is to be worked out; frozen, or locked, so that a thread may."""
        trace, ended = self._playing.trace(), self._over
        shape, plan = self._lanes.shape, self._lanes.plan
        growing, laying = self._growing, self._laying
        large = self._is_large

        def page() -> Page:
            if large:
                give_back()  # what the page before has left
            # Who began whom takes a look at all of a history.
            return make_page(
                trace,
                shape=shape,
                plan=plan(len(trace.timelines)),
                ended=ended,
                growing=growing,
                laying=laying,
            )

        return page

    def _marks(self) -> Callable[[], Marks]:
        """Say what the player's marks are worked out from, for a thread as well."""
        whole, reading = self._playing.whole, self._playing.reading

        def marks() -> Marks:
            self._playing.tape.lay(whole, reading)
            return Marks(whole, reading, chapters(whole, reading))

        return marks

    @work(group="lay-out")
    async def _lay_out_apart(self) -> None:
        """Lay out in a thread, again as long as the moment is another meanwhile.

        While more and more comes in no page is the last one: they take a part of the
        time only, and so do the marks of all there is. The last page comes before them.
        """
        pages, marks = Paging(_PAGING), Pace(_MARKING)
        try:
            while not self._is_shown:
                with pages.working():
                    self._show_page(await asyncio.to_thread(self._work()))
                self._tell_of_the_end()
                self._leave_out_of_collections()
                while self._comes_in and not self._is_due(pages):
                    await _MACHINE.sleep(FRAME)
                await self._mark_if_due(marks)
        finally:
            self._laying_out = False
        self._tick()

    def _is_due(self, pages: Paging) -> bool:
        return pages.is_due(size_of(self._page.trace), self._behind)

    def _leave_out_of_collections(self) -> None:
        """Have the garbage collector look no more at what is kept for good.

        Of a long history all records are: to go through them takes longer than a frame.
        """
        size = size_of(self._page.trace)
        if size - self._frozen >= _MANY and not self.is_headless:
            self._frozen = size
            gc.freeze()

    async def _mark_if_due(self, pace: Pace) -> None:
        """Know the marks of all there is, unless another page is to come before."""
        if not self._is_shown and not (self._comes_in and pace.is_due):
            return
        with pace.working():
            if not self._playing.is_marked:
                marks = await asyncio.to_thread(self._marks())
                self._playing.marked(marks.whole, marks.reading, marks.chapters)
                self._learn_course()

    @property
    def _comes_in(self) -> bool:
        """True while what a page of what is live shows is soon not all there is."""
        return self._playing.live and not self._intake.quiet

    def _show_page(self, page: Page) -> None:
        self._page = page
        self._learn_course()
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
            self._tick()

    # -- what is told ----------------------------------------------------------------

    def _show_explained(self) -> None:
        if self._is_long and not self._explain().page.tells_of(self._page.trace):
            self._tell_apart(self._explained())
        else:
            super()._show_explained()

    def _show_compared(self) -> None:
        trace, now = self._page.trace, self._playing.now
        pair = self._compare().pair_of(trace)
        if self._is_long and pair and not self._compare().tells_of(trace, now):
            self._tell_apart(self._compared(trace, pair, now))
        else:
            super()._show_compared()

    @property
    def _is_long(self) -> bool:
        return size_of(self._page.trace) > LARGE

    def _explained(self) -> Callable[[], Callable[[], None]]:
        from sfnwatch.tui.explain_page import explained

        page, now = self._page, self._playing.now

        def told() -> Callable[[], None]:
            found = explained(page.trace, now, page.lanes)
            return lambda: self._explain().show_page(found, self._looks.mask)

        return told

    def _compared(
        self, trace: Trace, pair: tuple[str, str], now: datetime
    ) -> Callable[[], Callable[[], None]]:
        from sfnwatch.trace.compare import compare

        def told() -> Callable[[], None]:
            found = compare(trace, *pair, now)
            return lambda: self._compare().show(trace, now, self._looks.mask, found)

        return told

    def _tell_apart(self, told: Callable[[], Callable[[], None]]) -> None:
        """Have something long worked out in a thread, one thing at a time."""
        if not self._telling:
            self._telling = True
            self._tell(told)

    @work(group="tell")
    async def _tell(self, told: Callable[[], Callable[[], None]]) -> None:
        try:
            show = await asyncio.to_thread(told)
        finally:
            self._telling = False
        show()

    @property
    def _draining(self) -> bool:
        states = {health.state for health in self.trace.health.values()}
        return HealthState.DRAINING in states
