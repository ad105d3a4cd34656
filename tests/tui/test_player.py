"""The player's keys, and the minimap."""

from datetime import datetime

import pytest

from sfnwatch.tui.app import SfnwatchApp
from sfnwatch.tui.player import Scrubber
from tests.builders import sync_history
from tests.tui.screens import (
    ScriptedSession,
    live,
    press,
    recorded,
    replayed,
    rows_of,
    settle,
    until,
    words_on,
)


def player(app: SfnwatchApp) -> str:
    """Read the player's line."""
    return rows_of(app)[-2]


def position(app: SfnwatchApp) -> datetime:
    at = app.shown.playback.position
    assert at is not None
    return at


async def test_steps_by_event_state_and_mark() -> None:
    async with replayed("demo-pipeline") as (app, pilot):
        end = position(app)
        await pilot.press("comma")
        assert position(app) < end
        await pilot.press("full_stop")
        await press(pilot, "c", "0", "right_square_bracket")
        assert "Big order?" in words_on(app)
        assert "Prepare  Parallel" not in words_on(app)
        await press(pilot, "right_square_bracket")
        assert "Prepare  Parallel" in words_on(app)
        before = position(app)
        await pilot.press("right_curly_bracket", "left_curly_bracket")
        assert position(app) <= before


async def test_seconds_minutes_and_tenths() -> None:
    async with replayed("demo-sync") as (app, pilot):
        await pilot.press("0")
        start = position(app)
        await pilot.press("right")
        assert (position(app) - start).total_seconds() == 5
        await pilot.press("shift+right", "left")
        assert (position(app) - start).total_seconds() == 60
        await pilot.press("shift+left", "shift+left")
        assert position(app) == start


async def test_playing_goes_on_to_the_end() -> None:
    async with replayed("demo-async") as (app, pilot):
        await pilot.press("g", "space")
        assert "Pause" in rows_of(app)[-1]
        await pilot.press(*["plus"] * 12)
        while app.shown.playback.playing:
            await pilot.pause(0.05)
        await settle(pilot)
        assert "■ end" in player(app)


async def test_in_the_past_one_is_told_the_way_back() -> None:
    session = ScriptedSession(sync_history())
    async with live(session=session) as (app, pilot, _):
        await press(pilot, "shift+left")
        assert "‖ in the past, l for live" in words_on(app)
        assert "behind live" in player(app)
        await press(pilot, "space")
        assert "▶ in the past, l for live" in words_on(app)
        await press(pilot, "escape", "L")
        assert "● live" in player(app)
        assert "only a recording loops" in words_on(app)


@pytest.mark.parametrize("width", [80, 140])
async def test_the_minimap_is_clicked_and_dragged(width: int) -> None:
    async with replayed("demo-sync-denied", (width, 30)) as (app, pilot):
        await pilot.click(Scrubber, offset=(1, 0))
        await settle(pilot)
        assert app.shown.playback.span is not None
        assert position(app) == app.shown.playback.span[0]
        assert player(app)[1] == "▼"
        await pilot.mouse_down(Scrubber, offset=(4, 0))
        await pilot.hover(Scrubber, offset=(12, 0))
        await pilot.mouse_up(Scrubber, offset=(12, 0))
        await settle(pilot)
        assert player(app)[12] == "▼"


async def test_the_minimap_shows_how_it_ended_and_says_what_is_under_the_mouse() -> (
    None
):
    async with replayed("demo-failure") as (app, pilot):
        column = player(app).index("✘")
        await pilot.hover(Scrubber, offset=(column, 0))
        await pilot.pause()
        assert "failed" in str(app.query_one(Scrubber).tooltip)


async def test_while_a_recording_plays_its_newest_lines_are_in_view() -> None:
    session = ScriptedSession(recorded("demo-pipeline"), ends=True)
    async with live(session=session, size=(80, 24), mode="replay") as (app, pilot, _):
        playback = app.shown.playback
        # So that even on a slow machine it is not over before it is looked at.
        playback.speed = 1.0
        marks = app.shown.markers.by(playback.clock)
        entered = next(m for m in marks if m.label == "Charge card entered")
        playback.seek(entered.when(playback.clock))
        await until(pilot, "Charge card lambda:invoke")
        # Whoever stops it looks at the newest line.
        await press(pilot, "space")
        assert app.deck.lanes.cursor == len(app.shown.items) - 1


async def test_a_frame_that_comes_late_leaves_the_view_where_one_went() -> None:
    async with replayed("demo-pipeline", (140, 24)) as (app, pilot):
        await pilot.press("8", "space")
        app.action_do("player.live")
        app.repaint()  # as such a frame does
        await settle(pilot)
        assert "Execution started" in words_on(app)
