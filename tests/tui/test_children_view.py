"""Child executions in a table: failures first, read or not, searched, gone to."""

from collections.abc import Iterable

from sfnwatch.model.records import Received
from tests.builders import History, map_child, photos
from tests.tui.screens import (
    ScriptedSession,
    live,
    press,
    prose_on,
    replayed,
    rows_of,
    until,
    words_on,
)


class Following(ScriptedSession):
    """A session that can read what somebody wants to see."""

    def __init__(self, records: Iterable[Received]) -> None:
        super().__init__(records)
        self.wanted: list[str] = []

    def follow(self, execution_arn: str) -> bool:
        self.wanted.append(execution_arn)
        return True


async def test_enter_leads_to_the_lanes_and_names_are_masked() -> None:
    async with replayed("demo-distributed", (120, 30), "C", "enter") as (app, pilot):
        assert "STEP FUNCTIONS" in words_on(app)
        assert "93dc5163" in words_on(app)
        await press(pilot, "C", "m")
        assert "resize-photos" not in words_on(app)


async def test_words_are_searched_for() -> None:
    async with replayed("demo-distributed", (120, 30), "C") as (app, pilot):
        await press(pilot, "slash", *"failed", "enter")
        assert "3 of 41 child executions with “failed”" in words_on(app)
        assert "not read" not in words_on(app)
        assert "not found" not in words_on(app)
        await press(pilot, "escape", "slash", *"unread", "enter")
        assert "not read" in words_on(app)


async def test_at_a_moment_of_event_time_what_ran_then_runs() -> None:
    keys = ("c", "shift+left", "shift+left", "C")
    async with replayed("demo-distributed", (100, 40), *keys) as (app, _):
        states = [row.split()[:2] for row in rows_of(app)]
        assert states.count(["●", "running"]) == 8
        assert ["○", "ended"] not in states
        assert states.count(["✘", "failed"]) == 2


async def test_one_that_is_not_read_is_read_and_then_shown() -> None:
    session = Following(photos(4, failing=1, read=2))
    async with live(size=(120, 30), session=session) as (app, pilot, _):
        await press(pilot, "C", "home", "down", "enter")
        assert session.wanted == [map_child(3)]
        assert "4 child executions, 2 read" in words_on(app)
        child = History(map_child(3), begin=1.3).start().state("Resize").end()
        session.push(*child.records)
        await until(pilot, "▾ 00000003")
        assert "child executions, " not in words_on(app)


async def test_where_it_can_not_be_read_it_is_told_how_to_watch_it() -> None:
    async with live(photos(4, failing=1, read=2), (120, 30)) as (app, pilot, _):
        await press(pilot, "C", "home", "down", "enter")
        words = prose_on(app).replace("▌ ", "")
        assert "is not in these records. sfnwatch" in words
        assert "watches it." in words
