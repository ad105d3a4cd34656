"""The timeline on the screen: what is drawn, and what keys and the mouse do to it."""

import re

from sfnwatch.tui.app import SfnwatchApp
from tests.builders import History, at, call, describe
from tests.tui.screens import (
    live,
    press,
    prose_on,
    replayed,
    row_with,
    rows_of,
    settle,
    until,
    words_on,
)

POLLED = re.compile("█")


def place_of(app: SfnwatchApp, words: str, sign: str) -> tuple[int, int]:
    """Find where a sign stands in the row that has some words."""
    rows = rows_of(app)
    row = next(n for n, text in enumerate(rows) if words in text)
    return rows[row].index(sign), row


async def test_bars_stand_below_an_axis_and_their_signs_are_explained() -> None:
    async with replayed("demo-sync", (100, 24), "t") as (app, _):
        axis, bar, calls = rows_of(app)[2:5]
        assert re.search(r"elapsed +0 +\+1m +\+2m +\+3m +\+4m", axis)
        assert "✔ ECS RunTask  ecs:runTask.sync" in bar
        assert len(POLLED.findall(bar)) == 5
        assert re.search(r"█▄┄◀ +5m 09s", bar)
        # There is room, so the calls are named below.
        assert "RunTask  #1 +55 s" in calls
        legend = rows_of(app)[-3]
        assert legend.split("  ") == [
            *(" ▄ working", "█ poll", "◀ learned by event"),
            "┄ completion lag",
        ]


async def test_one_goes_from_call_to_call_and_is_told_how_long_after_the_action() -> (
    None
):
    async with replayed("demo-sync", (100, 24), "t", ")") as (app, pilot):
        assert "RunTask" in rows_of(app)[-3]
        await press(pilot, ")", ")")
        said = rows_of(app)[-3]
        assert "DescribeTasks #2" in said
        assert "+1m 54s after RunTask" in said
        assert "= task ARN" in said
        assert "◆" in row_with(app, "ECS RunTask")
        await press(pilot, "(")
        assert "DescribeTasks #1" in rows_of(app)[-3]
        await press(pilot, *[")"] * 9)
        assert "no more calls" in prose_on(app)


async def test_folds_are_those_of_the_tree_and_one_bar_is_fitted() -> None:
    async with replayed("demo-pipeline", (100, 24), "t", "home", "down") as (
        app,
        pilot,
    ):
        assert "├ ✔ Render invoice" in words_on(app)
        await press(pilot, "z")
        assert "▸ ✔ Prepare" in words_on(app)
        assert "Render invoice" not in words_on(app)
        await press(pilot, "z", "down", "z")
        # A bar without anything inside folds what it is in.
        assert "Render invoice" not in words_on(app)
        await press(pilot, "Z")
        assert "[2] Label" not in words_on(app)
        await press(pilot, "Z")
        assert "▾ ✔ Prepare" in words_on(app)
        assert "[2] Label" in words_on(app)
        # As close as one bar allows: the others are pointed at.
        await press(pilot, "end", "W")
        assert row_with(app, "Done").count("▄") > 20
        assert "‹" in row_with(app, "Big order?")


async def test_a_click_folds_or_points_out_a_call_and_names_are_masked() -> None:
    async with replayed("demo-pipeline", (100, 24), "t") as (app, pilot):
        await pilot.click(offset=place_of(app, "Prepare", "▾"))
        await settle(pilot)
        assert "▸ ✔ Prepare" in words_on(app)
        assert "ship-parcel" in words_on(app)
        await press(pilot, "m")
        assert "ship-parcel" not in words_on(app)
        assert "▸ ✔ machine-" in words_on(app)
    async with replayed("demo-sync", (100, 24), "t") as (app, pilot):
        await pilot.click(offset=place_of(app, "ECS RunTask", "█"))
        await settle(pilot)
        assert "DescribeTasks #1" in rows_of(app)[-3]


async def test_zooming_keeps_what_is_pointed_out_and_leads_back() -> None:
    async with replayed("demo-sync", (100, 24), "t", ")", ")", ")") as (app, pilot):
        whole = row_with(app, "elapsed")
        await press(pilot, "i", "i")
        assert "zoom ×2.3" in row_with(app, "elapsed")
        assert "◆" in row_with(app, "ECS RunTask")
        assert row_with(app, "elapsed").count("‹") == 1
        near = row_with(app, "elapsed")
        await press(pilot, "greater_than_sign")
        assert row_with(app, "elapsed") != near
        await press(pilot, "less_than_sign")
        # How close it is may be rounded otherwise.
        assert row_with(app, "elapsed")[25:] == near[25:]
        await press(pilot, "o", "o")
        assert row_with(app, "elapsed") == whole
        await press(pilot, "i", "w")
        assert row_with(app, "elapsed") == whole


async def test_the_axis_is_dragged_and_a_click_on_it_goes_to_its_moment() -> None:
    async with replayed("demo-sync", (100, 24), "c", "t", "i") as (app, pilot):
        before = row_with(app, "elapsed")
        await pilot.mouse_down(offset=(70, 2))
        await pilot.hover(offset=(60, 2))
        await pilot.mouse_up(offset=(60, 2))
        await settle(pilot)
        assert row_with(app, "elapsed") != before
        await press(pilot, "w")
        x, y = place_of(app, "elapsed", "+2m")
        await pilot.click(offset=(x, y))
        await settle(pilot)
        assert "▼" in row_with(app, "elapsed")
        # What is not yet so is not drawn, and the axis stays that of the whole.
        row = row_with(app, "ECS RunTask")
        assert "2 polls" in row
        assert "◀" not in row
        assert "+4m" in row_with(app, "elapsed")


async def test_idle_time_is_cut_short_and_said_to_be() -> None:
    async with replayed("demo-three-ways", (140, 30), "t", "g") as (app, pilot):
        assert re.search(r"\d\ds \+1m", row_with(app, "elapsed"))
        assert "╱" in row_with(app, "ecs:runTask.sync")
        assert "idle time is cut short" in prose_on(app)
        app.clear_notifications()
        await until(pilot, "╱ idle time, cut short")
        await press(pilot, "g")
        assert "╱" not in row_with(app, "ecs:runTask.sync")


async def test_several_executions_have_a_bar_each_and_are_stepped_through() -> None:
    async with replayed("demo-three-ways", (140, 40), "t", "home") as (app, pilot):
        bars = [row for row in rows_of(app) if row.startswith(" ▸ ✔")]
        assert [row.split()[2] for row in bars] == ["sync", "async", "sdk", "denied"]
        assert "did not wait" in bars[1]
        assert "5 polls denied" in bars[3]
        await press(pilot, "semicolon", "semicolon", "semicolon", "z")
        assert "└ ✔ ECS RunTask" in row_with(app, "ECS RunTask")
        # Each begins when it did, or all at once.
        assert bars[1].index("▄") > bars[0].index("▄")
        await press(pilot, "a")
        assert "since start" in words_on(app)
        bars = [row for row in rows_of(app) if row.startswith(" ▸ ✔")]
        assert bars[1].index("▄") == bars[0].index("▄")


async def test_a_filter_leaves_the_bars_it_is_about() -> None:
    async with replayed("demo-pipeline", (100, 30), "t") as (app, pilot):
        await press(pilot, "tilde", *"~s Label", "enter")
        await until(pilot, "elapsed 0 +1m +2m +3m ▾ ✔ Each parcel")
        bars = [row for row in rows_of(app)[3:] if re.match(r" (  |▾ |├ |└ )✔", row)]
        assert ["Each parcel" in row or "Label" in row for row in bars] == [True] * 5
        await press(pilot, "tilde", "x", "enter")
        await until(pilot, "the filter leaves no state")


async def test_bars_grow_while_nothing_comes_in() -> None:
    run = History().start().task("Import", submitted={}, lasts=900).records[:-2]
    async with live([describe("RUNNING"), *run], (100, 24), seconds=60) as (
        app,
        pilot,
        _,
    ):
        await press(pilot, "t")
        assert "59.9 s" in row_with(app, "Import")
        app.shown.clock.at = at(90)  # type: ignore[attr-defined]
        await until(pilot, "1m 30s")


async def test_calls_without_a_history_are_said_to_be_there() -> None:
    async with live([call("RunTask", 1, key="run")], (100, 24)) as (app, pilot, _):
        await press(pilot, "t")
        assert "history is missing" in words_on(app)
    async with live([], (100, 24)) as (app, pilot, _):
        await press(pilot, "t")
        assert "no state transitions" in words_on(app)
