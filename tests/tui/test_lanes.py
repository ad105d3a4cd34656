"""The first screen: the lanes at every width; on a large one the timeline, too."""

import re
from datetime import timedelta

import pytest

from sfnwatch.tui.app import SfnwatchApp
from sfnwatch.tui.highlights import CALL_SECONDS, SLIDE_SECONDS
from sfnwatch.tui.pace import Pace
from sfnwatch.tui.timeline_view import TimelineView
from sfnwatch.view.outline_items import Fold
from tests.builders import START, api_call, history, lookup, sync_run
from tests.tui.screens import Screen, call_at_cursor, live, replayed

CONCLUSION = "1.6 s after the task stopped, with no DescribeTasks call in between"


def lines_of(screen: Screen) -> list[str]:
    """Give the rows that have a time of day."""
    return [row for row in screen.rows if re.search(r"\d\d:\d\d:\d\d", row)]


# -- one execution ---------------------------------------------------------------------


async def test_without_calls_their_lane_gives_its_room_away() -> None:
    run = history("ExecutionStarted", "FailStateEntered Stop")
    async with live(run) as (_, screen, _):
        assert "none yet: CloudTrail is minutes behind" in screen.words
        row = screen.row_with("Execution started")
        assert len(row) < 60


async def test_a_fold_counts_what_had_come_by_a_moment_and_stays_selected() -> None:
    async with replayed("demo-sync") as (app, screen):

        async def shown_at(minute: int, second: int) -> str:
            start = app.screen_state.roots[0].started_at
            assert start is not None
            app.screen_state.playback.seek(start.replace(minute=minute, second=second))
            app.repaint()
            await screen.settle()
            return screen.words

        assert "more poll" not in await shown_at(37, 5)
        assert screen.words.count("DescribeTasks #") == 2
        assert "1+ more poll" in await shown_at(38, 0)
        fold = next(item for item in app.screen_state.items if isinstance(item, Fold))
        app.views.go_to(fold.key)
        assert "2 more polls" in await shown_at(38, 50)
        assert app.views.selected_key == fold.key
        assert "3 more polls" in await shown_at(39, 30)


async def test_a_fold_counts_calls_on_lines_of_states_and_lasts_until_its_end() -> None:
    async with replayed("moto-map", (140, 40), "Z") as (_, screen):
        row = screen.row_with("▸ Each[1]")
        assert "✔ succeeded 0.93 s  Work  5 calls" in row


async def test_a_click_on_its_sign_opens_a_fold() -> None:
    async with replayed("demo-pipeline", (140, 60)) as (_, screen):
        rows = screen.rows
        y = next(y for y, row in enumerate(rows) if "▸ ship-parcel" in row)
        await screen.pilot.click(offset=(rows[y].index("▸"), y))
        await screen.shows("▾ ship-parcel", "On the road")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(600, "⋮ 10m 00s"), (90_000, f"{START + timedelta(days=1):%Y-%m-%d}")],
)
async def test_a_long_silence_is_named_and_a_new_day_dated(
    seconds: int, words: str
) -> None:
    rest = "WaitStateEntered Rest", f"WaitStateExited+{seconds} Rest"
    async with live(history("ExecutionStarted", *rest)) as (_, screen, _):
        assert words in screen.words


# -- several executions ----------------------------------------------------------------


@pytest.mark.parametrize("width", [128, 184])
async def test_executions_stand_side_by_side_with_short_names(width: int) -> None:
    async with replayed("demo-three-ways", (width, 40)) as (_, screen):
        head = screen.row_with(" UTC ")
        assert re.search(r"sync .*async .*sdk .*denied ", head)
        assert "✔ 5m 11s" in head
        left = head.index("denied")
        rows = screen.rows[screen.rows.index(head) :]
        column = " ".join(row[left:].replace("╹", " ") for row in rows)
        assert CONCLUSION in " ".join(column.replace("┃", " ").split())
        assert "✘ AccessDenied" in column


async def test_the_cursor_goes_from_execution_to_execution() -> None:
    async with replayed("demo-three-ways", (140, 40), "home") as (app, screen):
        names = ("ctrl+right", "async"), (";", "sdk"), ("ctrl+left", "async")
        for key, name in names:
            await screen.pilot.press(key)
            assert f"three-ways-{name}" in str(app.views.selected_key)


# -- sizes and what comes late ---------------------------------------------------------


@pytest.mark.parametrize("width", [80, 140])
async def test_a_late_call_slides_in_and_says_for_a_moment_how_late_it_is(
    width: int,
) -> None:
    now = 100.0
    async with live(sync_run(), (width, 40)) as (app, screen, session):
        app.animation_level, lanes = "full", app.views.lanes
        lanes.seconds = lambda: now
        session.push(lookup(api_call("ListTasks", 40, key="late"), lag=200))
        await screen.shows("!ListTasks")
        columns = []
        for seconds in (0.15, SLIDE_SECONDS, CALL_SECONDS):
            now = 100 + seconds
            lanes.fade()
            await screen.pilot.pause()
            others = [row for row in lines_of(screen)[:-1] if "List" not in row]
            columns.append((screen.row_with("List").index("List"), others))
        (first, passed), (last, there), (stays, after) = columns
        assert first > last == stays
        assert passed == there == after
        assert "late" not in screen.row_with("ListTasks")


async def test_without_animations_late_calls_are_in_their_places_at_once() -> None:
    async with live(sync_run()) as (app, screen, session):
        for level in ("none", "basic"):
            app.animation_level = level
            session.push(lookup(api_call("ListTasks", 40, key=level), lag=200))
            await screen.shows("ListTasks")
        assert "3m 20s late" in screen.words
        # More than a screenful would be restless.
        app.animation_level = "full"
        many = (api_call("TagResource", n, key=f"tag-{n}") for n in range(41, 91))
        session.push(*(lookup(call, lag=200) for call in many))
        await screen.shows("TagResource")


async def test_wide_letters_keep_their_columns() -> None:
    run = history("ExecutionStarted", "PassStateEntered お支払いを受け付ける")
    async with live(run, (60, 12)) as (_, screen, _):
        assert "お支払いを受け付ける" in screen.words.replace(" ", "")


async def test_a_call_beside_another_s_line_takes_rows_before_it_is_left_out() -> None:
    async with replayed("demo-three-ways", (140, 40), "end", "a", "home") as (
        _,
        screen,
    ):
        words = screen.words
        assert words.count("RunTask  task") == 4
        assert "0.85 s…" not in words


# -- the timeline above them, one cursor -----------------------------------------------


def timeline_of(app: SfnwatchApp) -> TimelineView:
    return app.query_one(TimelineView)


def bars_and_lines(screen: Screen) -> tuple[list[str], list[str]]:
    """Divide the screen where the lanes begin, and leave out what is around both."""
    rows = screen.rows
    head = next(n for n, row in enumerate(rows) if row.startswith(" STEP FUNCTIONS"))
    axis = next((n for n, row in enumerate(rows) if row.startswith(" elapsed")), head)
    return rows[axis:head], rows[head:-2]


async def test_the_timeline_stands_above_the_lanes_from_120_by_30_on() -> None:
    async with replayed("demo-sync", (120, 30)) as (_, screen):
        bars, lines = bars_and_lines(screen)
        assert "ECS RunTask  ecs:runTask.sync" in bars[1]
        assert "█" in bars[1]
        assert any("submitted" in row for row in lines)
        for narrow in ((119, 30), (120, 29)):
            await screen.resize(*narrow)
            assert bars_and_lines(screen)[0] == []
        await screen.resize(120, 30)
        assert bars_and_lines(screen)[0] == bars


async def test_the_timeline_takes_the_whole_screen_and_gives_it_back() -> None:
    async with replayed("demo-pipeline", (140, 40), "end") as (app, screen):
        before = screen.rows
        await screen.press("t")
        assert "STEP FUNCTIONS" not in screen.words
        assert timeline_of(app).size.height > 30
        await screen.press("escape")
        assert screen.rows == before
        assert app.views.view is app.views.lanes
        # Where it gets tight what went well is folded, and what had trouble says so.
        assert "[2] Label" in "".join(bars_and_lines(screen)[0])
        await screen.resize(140, 30)
        bars = bars_and_lines(screen)[0]
        assert len(bars) <= 12
        assert "▸ ✔ Prepare" in "".join(bars)
        assert "OutOfPaper" in "".join(bars)


async def test_a_line_of_the_lanes_marks_its_bar() -> None:
    async with replayed("demo-pipeline", (140, 40), "home") as (app, screen):
        timeline = timeline_of(app)
        # No state has begun yet.
        marks = [timeline.bars.marked]
        await screen.press("down")
        assert [*marks, timeline.bars.marked] == [False, True]
        assert timeline.bars.selected_key == app.views.selected_key
        await screen.press(*["down"] * 5)
        bar = timeline.bars.entry
        assert bar is not None
        assert "RunTask" in call_at_cursor(app)
        assert bar.name == "Render invoice"
        assert app.focused is app.views.lanes
        # From call to call it goes by the bar, and the lanes go along.
        await screen.press(")", ")")
        assert call_at_cursor(app) == "DescribeTasks #1"
        assert timeline.selected_key == app.views.selected_key


async def test_a_bar_that_is_chosen_takes_the_lanes_along() -> None:
    async with replayed("demo-pipeline", (140, 40), "home") as (app, screen):
        await screen.press("shift+tab", "end", "up", "up", "up", "up")
        bar, lanes = timeline_of(app).bars.entry, app.views.lanes
        assert app.focused is timeline_of(app).entries
        assert bar is not None
        assert bar.name == "Charge card"
        assert lanes.selected_key == bar.key
        assert any("Charge card  lambda" in row for row in bars_and_lines(screen)[1])
        rows = screen.rows
        y = next(n for n, row in enumerate(rows) if "submitted" in row)
        await screen.click(20, y)
        assert app.focused is lanes


async def test_many_bars_take_two_fifths_of_the_height_and_follow_the_cursor() -> None:
    states = [f"State {number}" for number in range(60)]
    events = [f"PassState{what} {s}" for s in states for what in ("Entered", "Exited")]
    run = history("ExecutionStarted", *events)
    async with live(run, (140, 40)) as (_, screen, _):
        bars, lines = bars_and_lines(screen)
        assert len(bars) == 16
        assert "State 59" in bars[-2]
        assert "State 59" in "".join(lines)
        await screen.press("home", "down")
        assert "State 0 " in bars_and_lines(screen)[0][1]


async def test_while_only_time_passes_bars_are_drawn_seldom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = history("ExecutionStarted", "WaitStateEntered Rest")
    async with live(run, (140, 40), seconds=3600) as (app, screen, session):
        for _ in range(3):
            # On a slow machine what has come in is drawn a little later.
            app.repaint(time_has_passed=True)
            await screen.settle()
        timeline, drawn = timeline_of(app), list[None]()
        monkeypatch.setattr(timeline, "show", lambda: drawn.append(None))
        rested: list[bool] = [False]
        monkeypatch.setattr(Pace, "has_rested", lambda *_: rested[0])
        for _ in range(5):
            app.repaint(time_has_passed=True)
        assert drawn == []
        session.push(*history("ExecutionStarted", "WaitStateEntered Rest", "X"))
        await screen.settle()
        assert drawn
        drawn.clear()
        rested[0] = True
        for _ in range(100):
            # What has come in may only be about to be painted.
            app.repaint(time_has_passed=True)
            await screen.settle()
            if drawn:
                break
        assert drawn


async def test_a_line_that_was_folded_away_has_its_room_once_it_is_gone_to() -> None:
    keys = ("C", "slash", *"fail", "enter", "n", "n", "enter")
    async with replayed("demo-distributed", (120, 30), *keys) as (_, screen):
        shown = bars_and_lines(screen)
        await screen.pilot.resize_terminal(120, 31)
        await screen.resize(120, 30)
        assert bars_and_lines(screen) == shown


async def test_back_from_another_view_all_is_where_it_was() -> None:
    async with replayed("demo-three-ways", (140, 40)) as (_, screen):
        shown = screen.rows
        for keys in (("M", "M"), ("t", "t"), ("e", "escape")):
            await screen.press(*keys)
            assert screen.rows == shown


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
    async with replayed(name, size, "home") as (_, screen):
        told = ""
        for page in range(pages):
            await screen.press(*["pagedown"][:page])
            assert [row for row in screen.rows[1:-2] if "…" in row] == []
            told += screen.prose
        assert [words for words in WHOLE[name] if words not in told] == []
