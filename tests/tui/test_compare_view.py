"""Two executions beside each other: what it comes to, and where they differ."""

from sfnwatch.model.records import Received
from tests.builders import ARN, OTHER_ARN, History, describe, sync_run
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


async def test_the_verdict_stands_above_the_states_of_both() -> None:
    async with replayed("demo-three-ways", (140, 40), "v") as (app, pilot):
        await until(pilot, "First difference")
        a, b, verdict = rows_of(app)[1:4]
        assert a.split()[:2] == ["▸A", "sync"]
        assert a.endswith("✔ succeeded  5m 09s")
        assert b.split()[:2] == ["B", "async"]
        assert verdict.strip().startswith("First difference: ECS RunTask runs")
        assert "The definitions differ in ECS RunTask" in prose_on(app)
        state = row_with(app, "≠ ▾ ECS RunTask")
        # A bar is as long as its side took; how much longer the other was is dotted.
        assert state.count("▄") > 35
        assert state.count("┈") > 30
        assert state.split()[-2:] == ["08s", "×0.0027"]
        runs = row_with(app, "≠     runs")
        assert runs.split()[2:] == ["ecs:runTask.sync", "ecs:runTask"]
        assert "5 polls, every 60 s" in row_with(app, "DescribeTasks")


async def test_other_pairs_are_chosen_swapped_and_pointed_at() -> None:
    async with replayed("demo-three-ways", (140, 40), "v") as (app, pilot):
        await press(pilot, "V")
        assert "sdk" in rows_of(app)[2]
        await press(pilot, "X")
        assert "sdk" in rows_of(app)[1]
        assert "sync" in rows_of(app)[2]
        assert rows_of(app)[1].startswith(" ▸A")
        await press(pilot, "semicolon")
        assert rows_of(app)[2].startswith(" ▸B")
        # The line of the side pointed to is shown in the lanes.
        await press(pilot, "home", "enter", "enter")
        assert "▾ ECS RunTask  ecs:runTask.sync" in words_on(app)
        await press(pilot, "escape", "v")
        assert rows_of(app)[2].startswith(" ▸B")


async def test_lines_fold_and_the_mouse_chooses_a_side() -> None:
    async with replayed("demo-three-ways", (140, 40), "v", "home", "z") as (app, pilot):
        assert "≠ ▸ ECS RunTask" in words_on(app)
        y = next(n for n, row in enumerate(rows_of(app)) if "≠ ▸ ECS" in row)
        await pilot.click(offset=(3, y))
        await settle(pilot)
        assert "≠ ▾ ECS RunTask" in words_on(app)
        await pilot.click(offset=(90, y))
        await settle(pilot)
        assert rows_of(app)[2].startswith(" ▸B")
        await press(pilot, "m")
        assert "three-ways-" not in words_on(app)
        assert rows_of(app)[1].split()[1:3] == ["sync", "execution-1"]


async def test_what_is_alike_is_folded_and_opened() -> None:
    def run(arn: str, last: float) -> list[Received]:
        written = History(arn).start()
        for number in range(40):
            written.state(f"State {number}")
        return written.state("Last", "Wait", wait=last).end().records

    records = [describe(), *run(ARN, 1), describe(arn=OTHER_ARN), *run(OTHER_ARN, 9)]
    async with live(records, (100, 30)) as (app, pilot, _):
        await press(pilot, "v")
        assert "▸ ⋯ 40 states alike" in words_on(app)
        assert "Last" in words_on(app)
        await press(pilot, "home", "z")
        assert "▾ ⋯ 40 states alike" in words_on(app)
        assert "State 3" in words_on(app)
        await press(pilot, "z", "Z")
        assert "alike" not in words_on(app)


async def test_one_alone_has_nothing_to_be_compared_with() -> None:
    async with live(sync_run(), (100, 24)) as (app, pilot, _):
        await press(pilot, "v")
        assert "there is one execution only" in words_on(app)


async def test_what_still_runs_grows() -> None:
    first = History().start().task("Import", submitted={}, lasts=900).records[:-2]
    other = History(OTHER_ARN).start().task("Import", submitted={}, lasts=9).end()
    records = [describe("RUNNING"), *first, *other.records]
    async with live(records, (120, 30), seconds=60) as (app, pilot, _):
        await press(pilot, "v")
        assert "● running" in rows_of(app)[2] or "● running" in rows_of(app)[1]
        assert "Import" in words_on(app)
