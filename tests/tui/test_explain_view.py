"""The explanation and the end card: what they say, and the lines that rests on."""

import asyncio

import pytest

from sfnwatch.model.values import iso
from tests.builders import at, call, health, sync_run
from tests.tui.screens import (
    ScriptedSession,
    live,
    press,
    prose_on,
    recorded,
    replayed,
    row_with,
    rows_of,
    settle,
    until,
    words_on,
)

# -- the explanation -------------------------------------------------------------------


async def test_each_sentence_says_how_sure_it_is_and_unfolds_its_evidence() -> None:
    async with replayed("demo-sync-denied", (100, 40), "e") as (app, pilot):
        words = prose_on(app)
        assert "✔ SUCCEEDED after 5m 11s." in words
        assert "Where the time went" in words
        assert "▸ ~ inference Every poll for ECS RunTask was denied (5 of 5)" in words
        assert "1 event, 5 calls" in words
        assert "▸ = fact While ECS RunTask waited" in words
        await press(pilot, "down", "enter")
        first = row_with(app, "→ 13:32:16")
        assert "DescribeTasks #1  +1m 00s  ✘ AccessDenied  = task ARN" in first
        # It leads to the lanes, to the line that it is about.
        await press(pilot, "down", "enter")
        assert "STEP FUNCTIONS" in words_on(app)
        await press(pilot, "enter")
        assert "▾ DescribeTasks #1" in words_on(app)


async def test_evidence_and_executions_fold() -> None:
    async with replayed("demo-three-ways", (140, 40), "e") as (app, pilot):
        whole = words_on(app)
        await press(pilot, "Z")
        assert "→ 13:3" in words_on(app)
        await press(pilot, "Z")
        assert words_on(app) == whole
        await press(pilot, "home", "z")
        # What is folded keeps its name, and an execution its verdict.
        heading, verdict = row_with(app, " ▸ "), row_with(app, "✔ SUCCEEDED after")
        assert heading.startswith(" ▸ In short ──")
        assert verdict.endswith("after 5m 09s.")
        # A click opens it again, and copying gives a sentence as it is told.
        y = rows_of(app).index(heading)
        await pilot.click(offset=(2, y))
        await settle(pilot)
        assert words_on(app) == whole
        await press(pilot, "down", "y")
        assert app.clipboard.startswith(("fact: ", "inference: "))


async def test_more_is_found_while_it_is_looked_at_and_the_cursor_stays() -> None:
    records = sync_run(denied=True)
    async with live(records[:6], (100, 40), seconds=30) as (app, pilot, session):
        await press(pilot, "e")
        assert "RUNNING" in words_on(app)
        session.push(*records[6:])
        await until(pilot, "SUCCEEDED after")
        await until(pilot, "Every poll")


async def test_calls_without_a_history_are_explained_and_nothing_at_all_too() -> None:
    async with live([call("RunTask", 1, key="run")], (100, 30)) as (app, pilot, _):
        await press(pilot, "e")
        assert "RunTask" in words_on(app)
    async with live([], (100, 30)) as (app, pilot, _):
        await press(pilot, "e", "down", "enter", "y")
        assert "Nothing has come yet" in words_on(app)


# -- the end card ----------------------------------------------------------------------


async def test_what_failed_comes_first() -> None:
    async with replayed("demo-failure", (100, 30), "E") as (app, _):
        words = prose_on(app)
        assert "✘ F A I L E D" in words
        assert "1 Import failed with States.TaskFailed: Essential container" in words
    async with replayed("demo-pipeline", (140, 40), "E", "m") as (app, _):
        words = prose_on(app)
        assert "10 states · 3 lambda:invoke, 2 ecs:runTask.sync and 1 states" in words
        assert "1 retried · 1 caught" in words
        assert "1 Charge card failed with CardDeclined" in words


async def test_a_finding_is_copied_and_leads_to_the_lines_that_it_rests_on() -> None:
    async with replayed("demo-sync-denied", (100, 30), "E", "y") as (app, pilot):
        assert "enter Its lines escape Lanes" in prose_on(app)
        assert app.clipboard.startswith("inference: Every poll for ECS RunTask was")
        await press(pilot, "down", "enter")
        assert "STEP FUNCTIONS" in words_on(app)
        assert "13:36:26.998" in words_on(app)
        line = app.deck.lanes.line
        assert line is not None
        await press(pilot, "E", "escape")
        assert "S U C C" not in words_on(app)
        assert app.deck.current == "lanes"


async def test_at_a_moment_before_the_end_it_does_not_tell_the_end() -> None:
    async with replayed("demo-failure", (100, 30), "1", "E") as (app, _):
        words = words_on(app)
        assert "R U N N I N G" in words
        assert "F A I L E D" not in words


# -- when it comes by itself -----------------------------------------------------------


async def played(*keys: str) -> str:
    """Play a recording to its end, pressing keys before; give the view shown then."""
    session = ScriptedSession(recorded("demo-sync"), ends=True)
    async with live(session=session, size=(80, 24), mode="replay") as (app, pilot, _):
        await pilot.press(*keys)
        span = app.shown.playback.span
        assert span is not None
        app.shown.playback.seek(span[1])
        while app.shown.playback.playing:
            await pilot.pause(0.02)
        await settle(pilot)
        return app.deck.current


@pytest.mark.parametrize(
    ("keys", "view"),
    [
        ((), "end"),
        (("c", "5", "down", "space"), "lanes"),
        (("~", "~", "e", "enter"), "lanes"),
    ],
)
async def test_it_comes_when_a_recording_was_played_to_its_end_by_who_only_watched(
    keys: tuple[str, ...], view: str
) -> None:
    assert await played(*keys) == view


class DrainedSession(ScriptedSession):
    """A session that is over once nobody waits for late records any more."""

    def __init__(self) -> None:
        super().__init__()
        self._ended = asyncio.Event()

    async def run(self) -> None:
        await self._ended.wait()

    def end_drain(self) -> None:
        super().end_drain()
        self._ended.set()


async def test_live_it_comes_once_all_calls_are_here() -> None:
    run, session = sync_run(), DrainedSession()
    async with live(session=session, size=(100, 30)) as (app, pilot, _):
        session.push(*run[:3])
        await settle(pilot)
        session.push(*run, health("lookup", "draining", 700, until=iso(at(1200))))
        await settle(pilot)
        assert app.deck.current == "lanes"
        await press(pilot, "E")
        assert "x Stop waiting" in prose_on(app)
        await press(pilot, "escape", "x")
        assert session.drain_ended
        assert app.deck.current == "end"


async def test_an_execution_that_was_over_before_brings_no_card() -> None:
    session = ScriptedSession(sync_run(), ends=True)
    async with live(session=session, size=(100, 30)) as (app, _, _):
        assert app.deck.current == "lanes"
