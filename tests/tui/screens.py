"""Screens for tests: a session to a script, a clock that stands still, words on it."""

import asyncio
import html
import re
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.findings import find
from sfnwatch.clock import Clock
from sfnwatch.model.own_requests import Operation
from sfnwatch.model.records import Received
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.trace import Consumer, Mode, Trace
from sfnwatch.recording.recorded_file import RecordedFile
from sfnwatch.recording.recorder import Recorder
from sfnwatch.recording.saved_view import SavedView
from sfnwatch.tui.app import SfnwatchApp
from sfnwatch.tui.screen_settings import ScreenSettings
from sfnwatch.view.time_scale import PlaybackSpan
from tests.builders import at
from tests.sources.clocks import ManualClock

RECORDINGS = Path(__file__).parents[1] / "golden" / "recordings"
_ROUNDS = 6
"""How often widgets have something to do for each other because of one key."""
_CELL = 12.2
"""The width of a cell in a picture that Rich draws."""
_TEXT = re.compile(
    r'<text[^>]* x="([\d.]+)"[^>]*clip-path="[^"]*line-(\d+)\)"[^>]*>([^<]*)<'
)


class ScriptedSession:
    """A session that hands over what a test tells it to."""

    mode: Mode = "live"
    title = ""
    clock: Clock = ManualClock(at(0))
    span: PlaybackSpan | None = None
    allowed: Collection[Operation] = ()
    recorder: Recorder | None = None

    def __init__(self, records: Iterable[Received] = (), *, ends: bool = False) -> None:
        self.trace = Trace()
        self.consumers: list[Consumer] = []
        self.has_run = self.drain_ended = False
        self.failure: Exception | None = None
        self._records, self._ends = list(records), ends

    async def run(self) -> None:
        self.has_run = True
        for first in range(0, len(self._records), 200):
            self.push(*self._records[first : first + 200])
            await asyncio.sleep(0)  # noqa: TID251 - lets the screen have its turn
        self._records = []
        if self.failure is not None:
            raise self.failure
        if not self._ends:
            await asyncio.Event().wait()

    @property
    def has_more(self) -> bool:
        """True until it has handed over what it was made with."""
        return bool(self._records)

    def push(self, *records: Received) -> None:
        changed = self.trace.add(records)
        for consume in self.consumers:
            consume(records, changed)

    async def findings(self, snapshot: Snapshot) -> Sequence[Finding]:
        return find(snapshot)

    def end_drain(self) -> None:
        self.drain_ended = True

    def follow(self, execution_arn: str) -> bool:
        return bool(execution_arn) and False


@cache
def recorded(name: str) -> Sequence[Received]:
    """Read a golden recording."""
    path = RECORDINGS / f"{name}.sfnwatch.jsonl.gz"
    return list(RecordedFile(path).records())


class Screen:
    """An app as a person has it: keys are pressed, and what is shown is read."""

    def __init__(self, app: App[Any], pilot: Pilot[Any]) -> None:
        self.app, self.pilot = app, pilot

    # -- keys ----------------------------------------------------------------------

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other, and let come of it what may."""
        await self.pilot.press(*keys)
        await self.settle()

    async def click(self, x: int, y: int, times: int = 1) -> None:
        """Click a cell."""
        await self.pilot.click(offset=(x, y), times=times)
        await self.settle()

    async def resize(self, width: int, height: int) -> None:
        """Have the terminal be of another size."""
        await self.pilot.resize_terminal(width, height)
        await self.settle()

    async def settle(self) -> None:
        """Let everything that was begun come to its end."""
        app, pilot = self.app, self.pilot
        await pilot.pause(0.02)
        if isinstance(app, SfnwatchApp):
            app.repaint()  # it would be soon, but not how soon on a busy machine
        while isinstance(app, SfnwatchApp) and app.screen_state.items:
            is_done = app.findings_worker.is_up_to_date and not _is_behind(app)
            if is_done or app.screen_state.playback.playing:
                break
            await pilot.pause(0.02)
        # Have all widgets handle what they were sent, and what they sent each other.
        # Pilot's own pause ends when the process takes little of the processor, which
        # on a busy machine says nothing. What is mounted is laid out, and then drawn,
        # and each of these comes by a message.
        for _ in range(_ROUNDS):
            await pilot.pause(0)

    async def steps(self, *told: Sequence[str]) -> None:
        """Press the keys of each step, and look for the words that follow them.

        Keys stand beside each other, what is typed in quotes. Words that begin with `!`
        must not be on the screen, which is read as running text.
        """
        for keys, *each in told:
            self.app.clear_notifications()
            found = re.findall(r"'([^']*)'|(\S+)", keys)
            await self.press(*(k for typed, key in found for k in typed or [key]))
            shown = self.prose.replace("▌ ", "")
            for words in each:
                is_there = words.removeprefix("!") in shown
                assert is_there is not words.startswith("!"), (keys, words, shown)

    async def shows(self, *told: str) -> None:
        """Look for words once all has come to its end, as after a step."""
        await self.steps(("", *told))

    # -- words ---------------------------------------------------------------------

    async def until(self, words: str) -> None:
        """Wait for some words, which a busy machine may take a while to show."""
        for _ in range(3000):
            if words in self.prose:
                return
            await self.pilot.pause(0.05)
        raise AssertionError(f"{words!r} is not on the screen:\n{self.words}")

    @property
    def rows(self) -> list[str]:
        """Read the screen as a person would, row by row."""
        width, height = self.app.size
        rows = [[" "] * width for _ in range(height)]
        for x, row, text in _TEXT.findall(self.app.export_screenshot(simplify=True)):
            shown = html.unescape(text).replace("\xa0", " ")
            for place, character in enumerate(shown, round(float(x) / _CELL)):
                if int(row) < height and place < width:
                    rows[int(row)][place] = character
        return ["".join(row).rstrip() for row in rows]

    @property
    def words(self) -> str:
        """Read the screen as a whole."""
        return "\n".join(self.rows)

    def row_with(self, words: str) -> str:
        """Find the first row that has some words."""
        return next(row for row in self.rows if words in row)

    @property
    def prose(self) -> str:
        """Read the screen as running text, whatever was wrapped where."""
        return " ".join(re.sub("[┃│╎┋╷╵╹]", " ", self.words).split())


def _is_behind(app: SfnwatchApp) -> bool:
    """True while something waits to be shown, as what was shown last took long."""
    views, timeline = app.views, app.views.timeline
    undrawn = views.has_room
    if timeline is not None:
        above = timeline.display and views.current == "lanes"
        undrawn = above and timeline.axis is None
    return undrawn or views.pace.is_waiting or app.bars.scrubber.pace.is_waiting


def call_at_cursor(app: SfnwatchApp) -> str:
    """Name the call on the line of the lanes that the cursor is on; or nothing."""
    line = app.views.lanes.line
    return line.call.name[0].text if line and line.call else ""


@asynccontextmanager
async def live(
    records: Iterable[Received] = (),
    size: tuple[int, int] = (140, 40),
    *,
    session: ScriptedSession | None = None,
    seconds: float = 270,
    **settings: Any,
) -> AsyncIterator[tuple[SfnwatchApp, Screen, ScriptedSession]]:
    """Run a screen on what a session hands over."""
    session = session or ScriptedSession(records)
    session.mode = settings.pop("mode", "live")
    session.title = settings.pop("title", "")
    session.clock = ManualClock(at(seconds))
    given = {"theme": "sfnwatch-dark", **settings}
    app = SfnwatchApp(session, ScreenSettings(**given), SavedView())
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=True) as pilot:
        while session.has_more and app.is_running:
            await pilot.pause(0.02)
        screen = Screen(app, pilot)
        await screen.settle()
        yield app, screen, session


@asynccontextmanager
async def replayed(
    name: str, size: tuple[int, int] = (140, 40), *keys: str, **settings: Any
) -> AsyncIterator[tuple[SfnwatchApp, Screen]]:
    """Run a screen on a golden recording, at its end, and press some keys."""
    session = ScriptedSession(recorded(name), ends=True)
    # On a busy machine it could else have played to its end before the first key.
    given = {"mode": "replay", "speed": 0.001, **settings}
    async with live(size=size, session=session, **given) as (app, screen, _):
        await screen.pilot.press("l")
        app.screen_state.playback.speed = settings.get("speed", 1.0)
        await screen.press(*keys)
        yield app, screen
