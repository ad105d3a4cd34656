"""Two executions beside each other: what it comes to, and where they differ."""

from sfnwatch.model.records import Received
from tests.builders import ARN, OTHER_ARN, History, describe, sync_run
from tests.tui.screens import (
    live,
    press,
    replayed,
    rows_of,
    settle,
    words_on,
)


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
