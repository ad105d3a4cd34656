"""The app: what comes in goes to the widgets, what is pressed to their actions."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

import rich
from rich.segment import Segments
from rich.traceback import Traceback
from textual import on, work
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.screen import Screen
from textual.widgets import Footer

from sfnwatch.clock import Clock
from sfnwatch.errors import SfnwatchError
from sfnwatch.sources.feed import Watch
from sfnwatch.trace.events import Batch, HealthState
from sfnwatch.trace.lanes import Lanes, build_lanes, complete_to
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.bars import Banner, LaneNames, StatusLine
from sfnwatch.tui.detail import Detail
from sfnwatch.tui.help import Help, key_entries
from sfnwatch.tui.intake import Intake, size_of
from sfnwatch.tui.lanes import LanesView
from sfnwatch.tui.layout import Hints, Layout, lay_out
from sfnwatch.tui.status import Mode, View, quiet_words, troubles

LARGE = 2_000
"""With more records than these the lanes are laid out in a thread, off the keys."""


@dataclass(frozen=True, slots=True)
class Page:
    """A trace, laid out."""

    trace: Trace
    lanes: Lanes
    hints: Hints
    layout: Layout


def make_page(trace: Trace, *, folded: bool, ended: bool) -> Page:
    """Lay a trace out; pure, so that a thread may do it."""
    health = trace.health.get("lookup")
    over = health is None or health.state is HealthState.ENDED
    hints = Hints(
        states="no state transitions" if ended else "waiting for the first event…",
        calls=quiet_words(trace, ended=ended),
        complete_to=None if over else complete_to(trace),
    )
    lanes = build_lanes(trace)
    return Page(trace, lanes, hints, lay_out(lanes, folded=folded, hints=hints))


class SfnwatchApp(App[None]):
    """Shows one watch, live or replayed, until it is quit."""

    TITLE = "sfnwatch"
    CSS_PATH = "sfnwatch.tcss"
    # Textual annotates these as neither class nor instance variables.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (160, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (12, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pause", "Pause", id="pause"),
        Binding("f", "follow", "Follow", id="follow"),
        Binding("enter,d", "detail", "Detail", id="detail", key_display="enter"),
        Binding("x", "end_drain", "End draining", id="drain.end"),
        Binding("question_mark,f1", "help", "Help", id="help", key_display="?"),
        Binding("q", "quit", "Quit", id="quit"),
        Binding("escape", "close", "Close the detail pane", id="close", show=False),
        # A screen's own ctrl+c copies text; here it must end the program.
        Binding("ctrl+c", "quit", "Quit", id="interrupt", show=False, priority=True),
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
    ) -> None:
        super().__init__()
        self._watch = watch
        self._time = clock
        self._headline = title
        self._mode: Mode = mode
        self._recording = recording
        self._end_drain = end_drain
        self._intake = Intake(time.monotonic)
        self._page = Page(Trace(), Lanes(), Hints(), Layout())
        self._refusals: tuple[SfnwatchError, ...] = ()
        self._ended = False
        self._paused = False
        self._laying_out = False
        self._drains = False
        # Held, not looked up: a timer may still fire when they are unmounted.
        self._status = StatusLine()
        self._banner = Banner()
        self._names = LaneNames()
        self._lanes = LanesView()
        self._detail = Detail()

    @property
    def trace(self) -> Trace:
        """All that has come in so far, in view or not."""
        return self._intake.trace

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
        """True when the screen shows all that has come in."""
        done = self._page.trace is self.trace and not self._laying_out
        return done and not self._intake.pending

    def compose(self) -> ComposeResult:
        yield self._status
        yield self._banner
        with Container(id="body"):
            with Vertical(id="lanes"):
                yield self._names
                yield self._lanes
            yield self._detail
        yield Footer()

    def on_mount(self) -> None:
        self._tick()
        self.set_interval(1, self._tick)
        self._lay_out()
        self._lanes.focus()
        # AWS's SDK takes longer to import than the first frame to draw.
        self.call_after_refresh(self._feed)

    # -- intake --------------------------------------------------------------------

    @work(group="feed", exclusive=True)
    async def _feed(self) -> None:
        try:
            await self._watch(self._receive)
        except* SfnwatchError as refused:
            self._refusals = tuple(_leaves(refused))
        self._ended = True
        self._intake.fold()
        self._lay_out()
        self._tick()

    def _receive(self, batch: Batch) -> None:
        due = self._intake.take(batch)
        if due is not None:
            self.set_timer(max(due, 0.001), self._fold)

    def _fold(self) -> None:
        if self._intake.fold():
            self._lay_out()
            self._tick()

    def _lay_out(self) -> None:
        """Show what has come in, unless the view is frozen."""
        if self._paused or self._laying_out:
            return
        if size_of(self.trace) > LARGE:
            self._laying_out = True
            self._lay_out_apart()
            return
        begun = time.monotonic()
        self._show(make_page(self.trace, folded=self._folded, ended=self._ended))
        self._intake.spent(time.monotonic() - begun)

    @work(group="lay-out")
    async def _lay_out_apart(self) -> None:
        """Lay out in a thread, again as long as more has come in meanwhile."""
        try:
            while True:
                trace, ended = self.trace, self._ended
                page = await asyncio.to_thread(
                    make_page, trace, folded=self._folded, ended=ended
                )
                if self._paused:
                    return
                self._show(page)
                if trace is self.trace and ended == self._ended:
                    return
        finally:
            self._laying_out = False

    @property
    def _folded(self) -> bool:
        return self._lanes.folded

    def _show(self, page: Page) -> None:
        self._page = page
        self._lanes.show(page.lanes, page.hints, page.layout)

    # -- what is shown -------------------------------------------------------------

    def _tick(self) -> None:
        """Say how things stand; the clock ticks though nothing comes in."""
        self._status.show(self.trace, self._view())
        refusals = (_refusal(error) for error in self._refusals)
        self._banner.show([*refusals, *troubles(self.trace)])
        if self._drains != self._draining:
            # Costly: the footer is composed anew.
            self._drains = self._draining
            self.refresh_bindings()

    def _view(self) -> View:
        behind = size_of(self.trace) - size_of(self._page.trace)
        now = self._time.now()
        if self._ended and self._mode == "replay" and self._intake.latest:
            now = self._intake.latest
        return View(
            now=now,
            mode=self._mode,
            title=self._headline,
            recording=self._recording is not None,
            paused=self._paused,
            ended=self._ended,
            fresh=behind if self._paused else self._lanes.unseen,
        )

    @on(LanesView.Moved)
    def _moved(self) -> None:
        self._names.show(self._lanes.page)
        if self._detail.display:
            self._detail.show(self._lanes.line.rows, self._page.trace)
        self._tick()

    @on(LanesView.Opened)
    def _opened(self) -> None:
        self.action_detail()

    # -- keys ----------------------------------------------------------------------

    def action_pause(self) -> None:
        """Freeze or free the view; what comes in is taken in all the same."""
        self._paused = not self._paused
        self._lay_out()
        self._tick()

    def action_follow(self) -> None:
        self._lanes.follow = not self._lanes.follow

    def action_detail(self) -> None:
        self._detail.display = not self._detail.display
        if not self._detail.display:
            self._lanes.focus()
        self._moved()

    def action_close(self) -> None:
        if self._detail.display:
            self.action_detail()

    def action_end_drain(self) -> None:
        if self._end_drain is not None:
            self._end_drain()

    def action_help(self) -> None:
        entries = key_entries([*self.BINDINGS, *LanesView.BINDINGS, *App.BINDINGS])
        self.push_screen(Help(entries, self._recording))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        if action == "end_drain":
            return self._end_drain is not None and self._draining
        return True

    @property
    def _draining(self) -> bool:
        states = {health.state for health in self.trace.health.values()}
        return HealthState.DRAINING in states

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer every action in the palette too."""
        yield from super().get_system_commands(screen)
        for title, text, action in (
            ("Pause", "Freeze or free the view", self.action_pause),
            ("Follow", "Stay at the newest line, or stop", self.action_follow),
            ("Detail", "Show or hide the selected line in full", self.action_detail),
            ("Help", "All keys and signs", self.action_help),
        ):
            yield SystemCommand(title, text, action)
        if self.check_action("end_drain", ()):
            yield SystemCommand(
                "End draining", "Wait no longer for late calls", self.action_end_drain
            )

    def _fatal_error(self) -> None:
        # Textual prints local variables with a crash: they would hold payloads.
        self.bell()
        traceback = Traceback(show_locals=False, width=None, suppress=[rich])
        self._exit_renderables.append(
            Segments(self.console.render(traceback, self.console.options))
        )
        self._close_messages_no_wait()


def _leaves(group: BaseExceptionGroup[SfnwatchError]) -> Iterable[SfnwatchError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _refusal(error: SfnwatchError) -> tuple[Piece, ...]:
    return (
        (f"✘ {clean(error.message, 600)}", Tone.BAD),
        (f"  {clean(error.hint, 600)}" if error.hint else "", Tone.PLAIN),
    )
