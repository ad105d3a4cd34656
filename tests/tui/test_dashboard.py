"""The first screen of a large terminal: the timeline above the lanes, one cursor."""

import pytest

from sfnwatch.tui.app import SfnwatchApp
from sfnwatch.tui.shown import Pace
from sfnwatch.tui.timeline_view import TimelineView
from tests.builders import history
from tests.tui.screens import (
    ScriptedSession,
    live,
    press,
    prose_on,
    replayed,
    rows_of,
    settle,
    words_on,
)


def timeline_of(app: SfnwatchApp) -> TimelineView:
    return app.query_one(TimelineView)


def bars_and_lines(app: SfnwatchApp) -> tuple[list[str], list[str]]:
    """Divide the screen where the lanes begin, and leave out what is around both."""
    rows = rows_of(app)
    head = next(n for n, row in enumerate(rows) if row.startswith(" STEP FUNCTIONS"))
    axis = next((n for n, row in enumerate(rows) if row.startswith(" elapsed")), head)
    return rows[axis:head], rows[head:-2]


async def test_the_timeline_stands_above_the_lanes_from_120_by_30_on() -> None:
    async with replayed("demo-sync", (120, 30)) as (app, pilot):
        bars, lines = bars_and_lines(app)
        assert "ECS RunTask  ecs:runTask.sync" in bars[1]
        assert "█" in bars[1]
        assert any("submitted" in row for row in lines)
        for narrow in ((119, 30), (120, 29)):
            await pilot.resize_terminal(*narrow)
            await settle(pilot)
            assert bars_and_lines(app)[0] == []
        await pilot.resize_terminal(120, 30)
        await settle(pilot)
        assert bars_and_lines(app)[0] == bars


async def test_the_timeline_takes_the_whole_screen_and_gives_it_back() -> None:
    async with replayed("demo-pipeline", (140, 40), "end") as (app, pilot):
        before = rows_of(app)
        await press(pilot, "t")
        assert "STEP FUNCTIONS" not in words_on(app)
        assert timeline_of(app).size.height > 30
        await press(pilot, "escape")
        assert rows_of(app) == before
        assert app.deck.view is app.deck.lanes
        # Where it gets tight what went well is folded, and what had trouble says so.
        assert "[2] Label" in "".join(bars_and_lines(app)[0])
        await pilot.resize_terminal(140, 30)
        await settle(pilot)
        bars = bars_and_lines(app)[0]
        assert len(bars) <= 12
        assert "▸ ✔ Prepare" in "".join(bars)
        assert "OutOfPaper" in "".join(bars)


async def test_a_line_of_the_lanes_marks_its_bar() -> None:
    async with replayed("demo-pipeline", (140, 40), "home") as (app, pilot):
        timeline = timeline_of(app)
        # No state has begun yet.
        marks = [timeline.bars.marked]
        await press(pilot, "down")
        assert [*marks, timeline.bars.marked] == [False, True]
        assert timeline.bars.selected_key == app.deck.selected_key
        await press(pilot, *["down"] * 5)
        line, bar = app.deck.lanes.line, timeline.bars.entry
        assert line is not None
        assert bar is not None
        assert line.call is not None
        assert "RunTask" in line.call.name[0].text
        assert bar.bar.name == "Render invoice"
        assert app.focused is app.deck.lanes
        # From call to call it goes by the bar, and the lanes go along.
        await press(pilot, ")", ")")
        line = app.deck.lanes.line
        assert line is not None
        assert line.call is not None
        assert line.call.name[0].text == "DescribeTasks #1"
        assert timeline.selected_key == app.deck.selected_key


async def test_a_bar_that_is_chosen_takes_the_lanes_along() -> None:
    async with replayed("demo-pipeline", (140, 40), "home") as (app, pilot):
        await press(pilot, "shift+tab", "end", "up", "up", "up", "up")
        bar, lanes = timeline_of(app).bars.entry, app.deck.lanes
        assert app.focused is timeline_of(app).entries
        assert bar is not None
        assert bar.bar.name == "Charge card"
        assert lanes.selected_key == bar.bar.key
        assert any("Charge card  lambda" in row for row in bars_and_lines(app)[1])
        rows = rows_of(app)
        y = next(n for n, row in enumerate(rows) if "submitted" in row)
        await pilot.click(offset=(20, y))
        await settle(pilot)
        assert app.focused is lanes


async def test_many_bars_take_two_fifths_of_the_height_and_follow_the_cursor() -> None:
    states = [f"State {number}" for number in range(60)]
    events = [f"PassState{what} {s}" for s in states for what in ("Entered", "Exited")]
    run = history("ExecutionStarted", *events)
    async with live(run, (140, 40)) as (app, pilot, _):
        bars, lines = bars_and_lines(app)
        assert len(bars) == 16
        assert "State 59" in bars[-2]
        assert "State 59" in "".join(lines)
        await press(pilot, "home", "down")
        assert "State 0 " in bars_and_lines(app)[0][1]


async def test_while_only_time_passes_bars_are_drawn_seldom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = history("ExecutionStarted", "WaitStateEntered Rest")
    session = ScriptedSession(run)
    async with live(session=session, size=(140, 40), seconds=3600) as (app, pilot, _):
        for _ in range(3):
            # On a slow machine what has come in is drawn a little later.
            app.repaint(time_has_passed=True)
            await settle(pilot)
        timeline, drawn = timeline_of(app), list[None]()
        monkeypatch.setattr(timeline, "show", lambda: drawn.append(None))
        rested: list[bool] = [False]
        monkeypatch.setattr(Pace, "has_rested", lambda *_: rested[0])
        for _ in range(5):
            app.repaint(time_has_passed=True)
        assert drawn == []
        session.push(*history("ExecutionStarted", "WaitStateEntered Rest", "X"))
        await settle(pilot)
        assert drawn
        drawn.clear()
        rested[0] = True
        app.repaint(time_has_passed=True)
        await settle(pilot)
        assert drawn


async def test_a_line_that_was_folded_away_has_its_room_once_it_is_gone_to() -> None:
    keys = ("C", "slash", *"fail", "enter", "n", "n", "enter")
    async with replayed("demo-distributed", (120, 30), *keys) as (app, pilot):
        shown = bars_and_lines(app)
        await pilot.resize_terminal(120, 31)
        await pilot.resize_terminal(120, 30)
        await settle(pilot)
        assert bars_and_lines(app) == shown


async def test_back_from_another_view_all_is_where_it_was() -> None:
    async with replayed("demo-three-ways", (140, 40)) as (app, pilot):
        shown = rows_of(app)
        for keys in (("M", "M"), ("t", "t"), ("e", "escape")):
            await press(pilot, *keys)
            assert rows_of(app) == shown


# -- nothing is cut --------------------------------------------------------------------

WHOLE = {
    "demo-three-ways": (
        "denied: 5 of 5 polls denied, yet completion detected in 1.6 s, by event",
        "DescribeTasks #1 +1m 00s ✘ AccessDenied = task ARN",
        "submitted ──▶ RunTask task eea29992 = request ID",
        "3 more polls, about every 60 s ✘ all denied",
    ),
    "demo-pipeline": (
        "1 error caught: Charge card · 1 retry: OutOfPaper",
        "✘ failed CardDeclined",
        "The bank declined the card",
        "DescribeTasks #1 +56 s = task ARN",
        "StartExecution execution 62799efa = request ID",
        "event 1.4 s after the execution stopped, with no DescribeExecution call in",
    ),
    "demo-sync-denied": (
        "✘ AccessDenied",
        "1.6 s after the task stopped, with no DescribeTasks call in between",
    ),
    "demo-failure": (
        "1 retry: States.TaskFailed",
        "Essential container in task exited",
        "Execution failed States.TaskFailed",
        "event 1.4 s after the task stopped, with no DescribeTasks call in",
    ),
    "demo-redrive": (
        "redriven 6m 08s after States.TaskFailed",
        "event 1.7 s after the task stopped, with no DescribeTasks call in between",
    ),
}
"""What must be read in full, on whichever page it stands."""


@pytest.mark.parametrize(
    ("name", "size", "pages"),
    [
        ("demo-three-ways", (140, 40), 1),
        ("demo-pipeline", (100, 30), 3),
        ("demo-sync-denied", (80, 24), 1),
        ("demo-sync-denied", (128, 36), 1),
        ("demo-sync-denied", (200, 60), 1),
        ("demo-failure", (80, 24), 1),
        ("demo-redrive", (100, 30), 1),
    ],
)
async def test_nothing_that_is_told_is_cut_while_there_is_room(
    name: str, size: tuple[int, int], pages: int
) -> None:
    async with replayed(name, size, "home") as (app, pilot):
        told = ""
        for page in range(pages):
            await press(pilot, *["pagedown"][:page])
            assert [row for row in rows_of(app)[1:-2] if "…" in row] == []
            told += prose_on(app)
        assert [words for words in WHOLE[name] if words not in told] == []
