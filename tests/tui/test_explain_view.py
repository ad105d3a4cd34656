"""The explanation: sentences with how sure they are, and what they rest on."""

from tests.builders import call, sync_run
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


async def test_each_sentence_says_how_sure_it_is_and_unfolds_its_evidence() -> None:
    async with replayed("demo-sync-denied", (100, 40), "e") as (app, pilot):
        words = prose_on(app)
        assert "✔ SUCCEEDED after 5m 11s." in words
        assert "▄ working 5m 09s, 99 %" in words
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


async def test_a_failure_is_told_with_its_state_and_its_reason() -> None:
    async with replayed("demo-failure", (120, 40), "e", "m") as (app, _):
        words = prose_on(app)
        assert "✘ FAILED after 3m 51s" in words
        assert "States.TaskFailed" in words
        assert "Import" in words
        # Names are masked, here too.
        assert "import-orders" not in words


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


async def test_a_filter_keeps_what_is_told_of_the_states_that_it_keeps() -> None:
    async with replayed("demo-pipeline", (100, 30), "end") as (app, pilot):
        await press(pilot, "tilde", *"declined", "enter", "e")
        assert "Charge card failed with CardDeclined" in prose_on(app)
        assert "Render invoice" not in prose_on(app)
