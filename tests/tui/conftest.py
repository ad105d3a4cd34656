"""A clock that stands still, a watch to a script, and pictures that stay the same."""

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation
from syrupy.types import SnapshotIndex
from textual.app import App
from textual.pilot import Pilot

from sfnwatch.sources.feed import Consumer
from sfnwatch.trace.events import Received
from sfnwatch.tui.app import SfnwatchApp
from sfnwatch.tui.contrast import tone_variables
from sfnwatch.tui.lanes import LanesView
from tests.builders import START

THEMES = ("textual-dark", "textual-light")


class StoppedClock:
    """A clock that only a test moves."""

    def __init__(self, seconds: float = 270) -> None:
        self.at = START + timedelta(seconds=seconds)

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Script:
    """A watch that hands over what a test tells it to."""

    def __init__(self, records: Iterable[Received] = (), *, ends: bool = False) -> None:
        self._records = tuple(records)
        self._ends = ends
        self._consume: Consumer | None = None

    async def __call__(self, consume: Consumer) -> None:
        self._consume = consume
        consume(self._records)
        if not self._ends:
            await asyncio.Event().wait()

    def push(self, *records: Received) -> None:
        assert self._consume is not None
        self._consume(records)


def make_app(watch: Any, *, seconds: float = 270, **more: Any) -> SfnwatchApp:
    app = SfnwatchApp(watch, clock=StoppedClock(seconds), **more)
    app.animation_level = "none"
    return app


@asynccontextmanager
async def running(
    watch: Any, *, size: tuple[int, int] = (140, 40), **more: Any
) -> AsyncIterator[tuple[SfnwatchApp, Pilot[None]]]:
    """Run an app until it shows what its watch hands over at the start."""
    app = make_app(watch, **more)
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        yield app, pilot


async def settled(app: SfnwatchApp, pilot: Pilot[None]) -> None:
    await pilot.pause()
    await until(pilot, lambda: app.settled)
    await pilot.pause()


async def until(pilot: Pilot[None], true: Callable[[], bool]) -> None:
    """Let the app work until something is so; a test's timeout is the end of it."""
    while not true():
        await pilot.pause()


class ThemedApp(App[None]):
    """An app for one widget, which has the colours that the whole app gives it."""

    def get_css_variables(self) -> dict[str, str]:
        variables = super().get_css_variables()
        return {**variables, **tone_variables(self.current_theme)}


class SvgExtension(SingleFileSnapshotExtension):
    """Screens as pictures, a file each."""

    file_extension = "svg"
    _write_mode = WriteMode.TEXT

    @classmethod
    def get_snapshot_name(
        cls, *, test_location: PyTestLocation, index: SnapshotIndex = 0
    ) -> str:
        """Call a picture that is given a name by that, in place of the parameters."""
        if isinstance(index, str):
            return f"{test_location.methodname}[{index}]"
        return super().get_snapshot_name(test_location=test_location, index=index)

    @classmethod
    def matches_test_location(
        cls, *, test_location: PyTestLocation, snapshot_location: str
    ) -> bool:
        """Know a picture for that of a test whose parameters are not all in its id."""
        path = Path(snapshot_location)
        if path.parent.name != test_location.basename:
            return False
        return path.stem.startswith(f"{test_location.methodname}[") or (
            super().matches_test_location(
                test_location=test_location, snapshot_location=snapshot_location
            )
        )


@pytest.fixture
def picture(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(SvgExtension)


async def in_themes(
    app: App[Any],
    pilot: Pilot[Any],
    picture: SnapshotAssertion,
    name: str,
    themes: Sequence[str] = THEMES,
) -> None:
    """Compare a screen with its pictures: one app, since starting it costs most.

    A single theme is left as it is: the app has it, or one made of it.
    """
    for theme in themes:
        if len(themes) > 1:
            app.theme = theme
        await pilot.pause()
        await pilot.pause()
        assert drawn(app) == picture(name=f"{name}-{theme}")


def drawn(app: App[Any]) -> str:
    """Draw the screen; Rich numbers each drawing at random, and names a font's host."""
    svg = app.export_screenshot(simplify=True)
    svg = re.sub(r",?\s*url\(\"https?://[^)]*\)\s*format\(\"[^\"]*\"\)", "", svg)
    return re.sub(r"terminal-\d+", "terminal", svg)


def words_on(app: SfnwatchApp) -> str:
    """Read the screen as a person would, without its colours."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


def harmless(text: str) -> bool:
    """True for text with nothing in it that a terminal could act on."""
    unshown = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return not any(unicodedata.category(character) in unshown for character in text)


def lanes_of(app: SfnwatchApp) -> LanesView:
    return app.query_one(LanesView)
