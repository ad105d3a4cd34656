"""The graph on the screen: lit, gone through by keys, folded, followed, masked."""

from typing import Any

from sfnwatch.tui.app import SfnwatchApp
from sfnwatch.tui.graph_view import GraphView
from tests.builders import LAMBDA, History, definition, photos
from tests.tui.screens import live, replayed

SIZE = (100, 24)
STATES: dict[str, Any] = {
    "One": {"Type": "Pass", "Next": "Two"},
    "Two": {"Type": "Task", "Resource": "r", "Next": "Three"},
    "Three": {"Type": "Succeed"},
}


def view_of(app: SfnwatchApp) -> GraphView:
    assert isinstance(app.views.view, GraphView)
    return app.views.view


def selected(app: SfnwatchApp) -> str:
    return view_of(app).canvas.placed.box.name


async def test_the_keys_lead_through_the_machine_and_each_state_is_told_of() -> None:
    async with replayed("demo-pipeline", (100, 50), "M", "home") as (app, screen):
        gone = []
        for key in ("down", "down", "down", "right", "left", "down", "down", "down"):
            await screen.pilot.press(key)
            gone.append(selected(app))
        assert gone == [
            *("Big order?", "Prepare", "Render invoice", "Build index"),
            *("Render invoice", "Each parcel", "Label", "Charge card"),
        ]
        told = "↷ Charge card lambda:invoke caught 2.05 s CardDeclined"
        ways = "→ Ship", "→ Ask for another card CardDeclined"
        await screen.steps(("", told, *ways), ("end left", "no box there"))


async def test_a_step_in_time_goes_to_what_was_entered_last() -> None:
    keys = ("M", "home", "[", "[", "[")
    async with replayed("demo-pipeline", (100, 50), *keys) as (app, screen):
        assert "ship-parcel" in screen.row_with("not taken")
        assert selected(app) == "On the road"
        await screen.press("]")
        assert "order-pipeline" in screen.row_with("not taken")
        assert selected(app) == "End"


async def test_enter_shows_the_last_visit_and_escape_leads_to_its_line() -> None:
    async with replayed("demo-pipeline", SIZE) as (app, screen):
        root = app.screen_state.roots[0]
        visit = next(visit for visit in root.visits if visit.name == "Label")
        app.views.lanes.select_key(f"{root.arn}#{visit.id}")
        await screen.press("M")
        assert selected(app) == "Label"
        await screen.press("home", "down", "enter")
        assert screen.row_with("▾ Big order?  Choice → Prepare")
        key = app.views.selected_key
        await screen.press("escape", "escape")
        assert app.views.current == "lanes"
        assert app.views.lanes.selected_key == key


async def test_frames_fold_and_open() -> None:
    keys = ("M", "home", "down", "down", "z")
    async with replayed("demo-pipeline", SIZE, *keys) as (app, screen):
        await screen.shows("!Render invoice")
        assert "✔ Prepare" in screen.row_with("▸│")
        await screen.press("enter", "down")
        assert selected(app) == "Render invoice"
        await screen.press("z")
        assert selected(app) == "Prepare"


async def test_it_follows_what_is_entered_until_the_cursor_is_moved() -> None:
    run = History().start().state("One", "Pass")
    async with live([definition(STATES), *run.records], SIZE) as (app, screen, session):
        await screen.steps(("M", "· Two"))
        assert selected(app) == "One"
        count = len(run.records)
        run.add("TaskStateEntered", name="Two")
        session.push(*run.records[count:])
        await screen.shows("● Two")
        assert selected(app) == "Two"
        await screen.press("up", "f")
        assert selected(app) == "Two"
        await screen.steps(("down enter", "not reached"))
        assert app.views.selected_key is None
        canvas = view_of(app).canvas
        placed = next(p for p in canvas.picture.boxes if p.box.name == "One")
        canvas.action_first()
        left = (canvas.size.width - canvas.picture.width) // 2
        await screen.pilot.click(canvas, offset=(left + placed.x + 2, placed.y + 1))
        assert selected(app) == "One"


async def test_without_a_definition_it_says_what_it_was_inferred_from() -> None:
    run = History().start().state("Check", "Choice").task("Work", LAMBDA).end()
    async with live((), SIZE) as (_, screen, session):
        keys = "M down right enter z f end"
        await screen.steps((keys, "nothing has happened yet"))
        session.push(*run.records)
        await screen.shows("inferred from the history", "✔ Check", "✔ Work")


async def test_a_map_runs_execution_is_shown_in_the_graph_of_its_parent() -> None:
    async with live(photos(4, failing=1, read=2), SIZE) as (app, screen, _):
        root, child = (
            app.screen_state.roots[0].arn,
            next(iter(app.screen_state.snapshot.children)),
        )
        await screen.press("M")
        assert view_of(app).select_key(f"{child}#2")
        await screen.shows("Map")
        assert (view_of(app).selected_key or "").partition("#")[0] in {root, child}


async def test_names_are_masked_and_hostile_ones_do_nothing() -> None:
    bad = "Evil\x1b]0;x\x07[red]\u202e"
    states = {bad: {"Type": "Pass", "Next": "Two"}, "Two": {"Type": "Succeed"}}
    records = [definition(states), *History().start().state(bad, "Pass").records]
    async with live(records, SIZE) as (_, screen, _):
        await screen.steps(("M", "Evil"))
        assert not set("\x1b\x07\u202e") & set(screen.words)
        assert "nightly-report" in screen.row_with("taken")
        await screen.steps(("m", "!nightly-report"))
