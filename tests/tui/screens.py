"""Screens for tests: a session to a script, a clock that stands still, words on it."""

import asyncio
import html
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.findings import find
from sfnwatch.model.moment import Moment
from sfnwatch.model.records import Received
from sfnwatch.model.trace import Trace
from sfnwatch.recording.format import RecordedFile
from sfnwatch.tui.app import Consumer, ScreenSettings, SfnwatchApp
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

    async def findings(self, moment: Moment) -> Sequence[Finding]:
        return find(moment)

    def end_drain(self) -> None:
        self.drain_ended = True

    def follow(self, execution_arn: str) -> bool:
        return bool(execution_arn) and False


@cache
def recorded(name: str) -> Sequence[Received]:
    """Read a golden recording."""
    path = RECORDINGS / f"{name}.sfnwatch.jsonl.gz"
    return list(RecordedFile(path).records())


@asynccontextmanager
async def live(
    records: Iterable[Received] = (),
    size: tuple[int, int] = (140, 40),
    *,
    session: ScriptedSession | None = None,
    seconds: float = 270,
    **settings: Any,
) -> AsyncIterator[tuple[SfnwatchApp, Pilot[None], ScriptedSession]]:
    """Run a screen on what a session hands over."""
    session = session or ScriptedSession(records)
    given = {"theme": "sfnwatch-dark", **settings}
    app = SfnwatchApp(
        session, clock=ManualClock(at(seconds)), settings=ScreenSettings(**given)
    )
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=True) as pilot:
        while session.has_more and app.is_running:
            await pilot.pause(0.02)
        await settle(pilot)
        yield app, pilot, session


@asynccontextmanager
async def replayed(
    name: str, size: tuple[int, int] = (140, 40), *keys: str, **settings: Any
) -> AsyncIterator[tuple[SfnwatchApp, Pilot[None]]]:
    """Run a screen on a golden recording, at its end, and press some keys."""
    session = ScriptedSession(recorded(name), ends=True)
    # On a busy machine it could else have played to its end before the first key.
    given = {"mode": "replay", "speed": 0.001, **settings}
    async with live(size=size, session=session, **given) as running:
        app, pilot, _ = running
        await pilot.press("l")
        app.shown.playback.speed = settings.get("speed", 1.0)
        await pilot.press(*keys)
        await settle(pilot)
        yield app, pilot


async def settle(pilot: Pilot[Any]) -> None:
    """Let everything that was begun come to its end."""
    app = pilot.app
    await pilot.pause(0.02)
    if isinstance(app, SfnwatchApp):
        app.repaint()  # it would be soon, but not how soon on a busy machine
    while isinstance(app, SfnwatchApp) and app.shown.items:
        behind = app.deck.is_held_back or app.bars.scrubber.is_behind
        if (app.bars.is_up_to_date and not behind) or app.shown.playback.playing:
            break
        await pilot.pause(0.02)
    while any(w.is_running and w.group == "compare" for w in app.workers):
        await pilot.pause(0.02)
    await _come_through(pilot)


async def _come_through(pilot: Pilot[Any]) -> None:
    """Have all widgets handle what they were sent, and what they sent each other.

    Pilot's own pause ends when the process takes little of the processor, which on a
    busy machine says nothing. What is mounted is laid out, and then drawn, and each
    of these comes by a message.
    """
    for _ in range(_ROUNDS):
        await pilot.pause(0)


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys, one after the other, and let come of it what may."""
    await pilot.press(*keys)
    await settle(pilot)


async def until(pilot: Pilot[Any], words: str) -> None:
    """Wait for some words, which a busy machine may take a while to show."""
    for _ in range(3000):
        if words in prose_on(pilot.app):
            return
        await pilot.pause(0.05)
    raise AssertionError(f"{words!r} is not on the screen:\n{words_on(pilot.app)}")


def rows_of(app: App[Any]) -> list[str]:
    """Read the screen as a person would, row by row."""
    width, height = app.size
    rows = [[" "] * width for _ in range(height)]
    for x, row, text in _TEXT.findall(app.export_screenshot()):
        shown = html.unescape(text).replace("\xa0", " ")
        for place, character in enumerate(shown, round(float(x) / _CELL)):
            if int(row) < height and place < width:
                rows[int(row)][place] = character
    return ["".join(row).rstrip() for row in rows]


def words_on(app: App[Any]) -> str:
    """Read the screen as a whole."""
    return "\n".join(rows_of(app))


def row_with(app: App[Any], words: str) -> str:
    """Find the first row that has some words."""
    return next(row for row in rows_of(app) if words in row)


def prose_on(app: App[Any]) -> str:
    """Read the screen as running text, whatever was wrapped where."""
    return " ".join(re.sub("[┃│╎┋╷╵╹]", " ", words_on(app)).split())
