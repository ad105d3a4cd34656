"""The explanation and the end card: what they say, and the lines that rests on."""

import asyncio

import pytest

from sfnwatch.model.times import iso
from sfnwatch.tui import player
from tests.builders import at, call, health, sync_run
from tests.tui.screens import Screen, ScriptedSession, live, recorded, replayed

# -- the explanation -------------------------------------------------------------------


async def test_each_sentence_says_how_sure_it_is_and_unfolds_its_evidence() -> None:
    async with replayed("demo-sync-denied", (100, 40)) as (_, screen):
        inferred = "▸ ~ inference Every poll for ECS RunTask was denied (5 of 5)"
        told = "✔ SUCCEEDED after 5m 11s.", "Where the time went", inferred
        known = "▸ = fact While ECS RunTask waited"
        await screen.steps(("e", *told, "1 event, 5 calls", known), ("down enter",))
        first = screen.row_with("→ 13:32:16")
        assert "DescribeTasks #1  +1m 00s  ✘ AccessDenied  = task ARN" in first
        # It leads to the lanes, to the line that it is about.
        there = ("down enter", "STEP FUNCTIONS")
        await screen.steps(there, ("enter", "▾ DescribeTasks #1"))


def without_scrollbar(screen: Screen) -> list[str]:
    """Read the rows; the bar grows as more rows of the list are measured."""
    return [row[:136].rstrip() for row in screen.rows]


async def test_evidence_and_executions_fold() -> None:
    async with replayed("demo-three-ways", (140, 40), "e") as (app, screen):
        whole = without_scrollbar(screen)
        await screen.steps(("Z", "→ 13:3"), ("Z",))
        assert without_scrollbar(screen) == whole
        await screen.press("home", "z")
        # What is folded keeps its name, and an execution its verdict.
        heading, verdict = screen.row_with(" ▸ "), screen.row_with("✔ SUCCEEDED after")
        assert heading.startswith(" ▸ In short ──")
        assert verdict.endswith("after 5m 09s.")
        # A click opens it again, and copying gives a sentence as it is told.
        y = screen.rows.index(heading)
        await screen.click(2, y)
        assert without_scrollbar(screen) == whole
        await screen.press("down", "y")
        assert app.clipboard.startswith(("fact: ", "inference: "))


async def test_more_is_found_while_it_is_looked_at_and_the_cursor_stays() -> None:
    records = sync_run(denied=True)
    async with live(records[:6], (100, 40), seconds=30) as (_, screen, session):
        await screen.steps(("e", "RUNNING"))
        session.push(*records[6:])
        await screen.until("SUCCEEDED after")
        await screen.until("Every poll")


async def test_calls_without_a_history_are_explained_and_nothing_at_all_too() -> None:
    async with live([call("RunTask", 1, key="run")], (100, 30)) as (_, screen, _):
        await screen.steps(("e", "RunTask"))
    async with live([], (100, 30)) as (_, screen, _):
        await screen.steps(("e down enter y", "Nothing has come yet"))


# -- the end card ----------------------------------------------------------------------


async def test_what_failed_comes_first() -> None:
    async with replayed("demo-failure", (100, 30)) as (_, screen):
        first = "1 Import: exit 1, container import-orders"
        await screen.steps(("E", "✘ F A I L E D", first))
        assert "✘ Import: exit 1, container import-orders" in screen.rows[1]
    async with replayed("demo-pipeline", (140, 40)) as (_, screen):
        made_of = "10 states · 3 lambda:invoke, 2 ecs:runTask.sync and 1 states"
        first = "1 Charge card: CardDeclined, and a Catch handled it"
        await screen.steps(("E m", made_of, "1 retried · 1 caught", first))


async def test_a_finding_is_copied_and_leads_to_the_lines_that_it_rests_on() -> None:
    async with replayed("demo-sync-denied", (100, 30), "E", "y") as (app, screen):
        assert "enter Show lines escape Lanes" in screen.prose
        assert app.clipboard.startswith("inference: Every poll for ECS RunTask was")
        await screen.steps(("down enter", "STEP FUNCTIONS", "13:36:26.998"))
        assert app.views.lanes.line is not None
        await screen.steps(("E escape", "!S U C C"))
        assert app.views.current == "lanes"


async def test_at_a_moment_before_the_end_it_does_not_tell_the_end() -> None:
    async with replayed("demo-failure", (100, 30)) as (_, screen):
        await screen.steps(("1 E", "R U N N I N G", "!F A I L E D"))


# -- when it comes by itself -----------------------------------------------------------


async def played(*keys: str) -> str:
    """Play a recording to its end, pressing keys before; give the view shown then."""
    session = ScriptedSession(recorded("demo-sync"), ends=True)
    async with live(session=session, size=(80, 24), mode="replay") as (app, screen, _):
        await screen.pilot.press(*keys)
        span = app.screen_state.playback.span
        assert span is not None
        app.screen_state.playback.seek(span[1])
        while app.screen_state.playback.playing:
            await screen.pilot.pause(0.02)
        await screen.settle()
        return app.views.current


@pytest.mark.parametrize(
    ("keys", "seconds", "view"),
    [
        ((), 0, "end"),
        ((), 60, "lanes"),
        (("c", "5", "down", "space"), 0, "lanes"),
        (("~", "~", "e", "enter"), 0, "lanes"),
    ],
)
async def test_it_comes_when_a_recording_was_played_to_its_end_by_who_only_watched(
    keys: tuple[str, ...],
    seconds: float,
    view: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(player, "GLIMPSE", seconds)
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
    async with live(session=session, size=(100, 30)) as (app, screen, _):
        session.push(*run[:3])
        await screen.settle()
        session.push(*run, health("lookup", "draining", 700, until=iso(at(1200))))
        await screen.settle()
        assert app.views.current == "lanes"
        await screen.steps(("E", "x Stop waiting"), ("escape x",))
        assert session.drain_ended
        assert app.views.current == "end"


async def test_an_execution_that_was_over_before_brings_no_card() -> None:
    session = ScriptedSession(sync_run(), ends=True)
    async with live(session=session, size=(100, 30)) as (app, _, _):
        assert app.views.current == "lanes"
