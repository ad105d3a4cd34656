"""The graph on the screen: lit, gone through by keys, folded, followed, masked."""

from typing import Any

from sfnwatch.tui.app import SfnwatchApp
from sfnwatch.tui.graph_view import GraphView
from tests.builders import LAMBDA, History, definition, photos
from tests.tui.screens import live, press, prose_on, replayed, row_with, words_on

SIZE = (100, 24)
STATES: dict[str, Any] = {
    "One": {"Type": "Pass", "Next": "Two"},
    "Two": {"Type": "Task", "Resource": "r", "Next": "Three"},
    "Three": {"Type": "Succeed"},
}


def view_of(app: SfnwatchApp) -> GraphView:
    assert isinstance(app.deck.view, GraphView)
    return app.deck.view


def selected(app: SfnwatchApp) -> str:
    return view_of(app).canvas.placed.box.name


async def test_the_keys_lead_through_the_machine_and_each_state_is_told_of() -> None:
    async with replayed("demo-pipeline", (100, 50), "M", "home") as (app, pilot):
        gone = []
        for key in ("down", "down", "down", "right", "left", "down", "down", "down"):
            await pilot.press(key)
            gone.append(selected(app))
        assert gone == [
            *("Big order?", "Prepare", "Render invoice", "Build index"),
            *("Render invoice", "Each parcel", "Label", "Charge card"),
        ]
        words = prose_on(app)
        assert "↷ Charge card lambda:invoke caught 2.05 s CardDeclined" in words
        assert "→ Ship" in words
        assert "→ Ask for another card CardDeclined" in words
        await press(pilot, "end", "left")
        assert "no box there" in words_on(app)


async def test_a_step_in_time_goes_to_what_was_entered_last() -> None:
    keys = ("M", "home", "[", "[", "[")
    async with replayed("demo-pipeline", (100, 50), *keys) as (app, pilot):
        assert "ship-parcel" in row_with(app, "not taken")
        assert selected(app) == "On the road"
        await press(pilot, "]")
        assert "order-pipeline" in row_with(app, "not taken")
        assert selected(app) == "End"


async def test_enter_shows_the_last_visit_and_escape_leads_to_its_line() -> None:
    async with replayed("demo-pipeline", SIZE) as (app, pilot):
        root = app.shown.roots[0]
        visit = next(visit for visit in root.visits if visit.name == "Label")
        app.deck.lanes.select_key(f"{root.arn}#{visit.id}")
        await press(pilot, "M")
        assert selected(app) == "Label"
        await press(pilot, "home", "down", "enter")
        assert row_with(app, "▾ Big order?  Choice → Prepare")
        key = app.deck.selected_key
        await press(pilot, "escape", "escape")
        assert app.deck.current == "lanes"
        assert app.deck.lanes.selected_key == key


async def test_frames_fold_and_open() -> None:
    keys = ("M", "home", "down", "down", "z")
    async with replayed("demo-pipeline", SIZE, *keys) as (app, pilot):
        assert "Render invoice" not in words_on(app)
        assert "✔ Prepare" in row_with(app, "▸│")
        await press(pilot, "enter", "down")
        assert selected(app) == "Render invoice"
        await press(pilot, "z")
        assert selected(app) == "Prepare"


async def test_a_long_chain_is_one_box_until_it_is_opened() -> None:
    states = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(499)}
    states["S499"] = {"Type": "Succeed"}
    run = History(pace=0.01).start()
    for number in range(40):
        run.state(f"S{number}", "Pass")
    async with live([definition(states), *run.records], SIZE) as (app, pilot, _):
        await press(pilot, "M")
        assert "39 of 498" in row_with(app, "Chain")
        assert selected(app) == "498 states"
        await press(pilot, "enter", "down", "down")
        assert selected(app) == "S2"
        await press(pilot, "end")
        assert selected(app) == "End"


async def test_it_follows_what_is_entered_until_the_cursor_is_moved() -> None:
    run = History().start().state("One", "Pass")
    async with live([definition(STATES), *run.records], SIZE) as (app, pilot, session):
        await press(pilot, "M")
        assert selected(app) == "One"
        assert "· Two" in words_on(app)
        count = len(run.records)
        run.add("TaskStateEntered", name="Two")
        session.push(*run.records[count:])
        await press(pilot)
        assert selected(app) == "Two"
        assert "● Two" in words_on(app)
        await press(pilot, "up", "f")
        assert selected(app) == "Two"
        await press(pilot, "down", "enter")
        assert "not reached" in words_on(app)
        assert app.deck.selected_key is None
        placed = next(
            p for p in view_of(app).canvas.picture.boxes if p.box.name == "One"
        )
        canvas = view_of(app).canvas
        canvas.action_first()
        left = (canvas.size.width - canvas.picture.width) // 2
        await pilot.click(canvas, offset=(left + placed.x + 2, placed.y + 1))
        assert selected(app) == "One"


async def test_without_a_definition_it_says_what_it_was_inferred_from() -> None:
    run = History().start().state("Check", "Choice").task("Work", LAMBDA).end()
    async with live((), SIZE) as (app, pilot, session):
        await press(pilot, "M", "down", "right", "enter", "z", "f", "end")
        assert "nothing has happened yet" in words_on(app)
        session.push(*run.records)
        await press(pilot)
        assert "inferred from the history" in prose_on(app)
        assert "✔ Check" in words_on(app)
        assert "✔ Work" in words_on(app)


async def test_a_map_runs_execution_is_shown_in_the_graph_of_its_parent() -> None:
    async with live(photos(4, failing=1, read=2), SIZE) as (app, pilot, _):
        root, child = app.shown.roots[0].arn, next(iter(app.shown.moment.children))
        await press(pilot, "M")
        assert view_of(app).select_key(f"{child}#2")
        assert "Map" in prose_on(app)
        assert (view_of(app).selected_key or "").partition("#")[0] in {root, child}


async def test_names_are_masked_and_hostile_ones_do_nothing() -> None:
    bad = "Evil\x1b]0;x\x07[red]\u202e"
    states = {bad: {"Type": "Pass", "Next": "Two"}, "Two": {"Type": "Succeed"}}
    records = [definition(states), *History().start().state(bad, "Pass").records]
    async with live(records, SIZE) as (app, pilot, _):
        await press(pilot, "M")
        assert "Evil" in words_on(app)
        assert not set("\x1b\x07\u202e") & set(words_on(app))
        assert "nightly-report" in row_with(app, "taken")
        await press(pilot, "m")
        assert "nightly-report" not in words_on(app)
