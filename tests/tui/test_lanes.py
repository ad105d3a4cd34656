"""The lanes: what is said where, at every width."""

import re
from datetime import timedelta

import pytest

from sfnwatch.tui.app import SfnwatchApp
from sfnwatch.tui.lanes_view import LINGER, SLIDE
from sfnwatch.view.outline import Fold
from tests.builders import START, api_call, history, lookup, sync_run
from tests.tui.screens import (
    ScriptedSession,
    live,
    replayed,
    row_with,
    rows_of,
    settle,
    words_on,
)

CONCLUSION = "1.6 s after the task stopped, with no DescribeTasks call in between"


def lines_of(app: SfnwatchApp) -> list[str]:
    """Give the rows that have a time of day."""
    return [row for row in rows_of(app) if re.search(r"\d\d:\d\d:\d\d", row)]


# -- one execution ---------------------------------------------------------------------


async def test_without_calls_their_lane_gives_its_room_away() -> None:
    run = history("ExecutionStarted", "FailStateEntered Stop")
    async with live(run) as (app, _, _):
        assert "none yet: CloudTrail is minutes behind" in words_on(app)
        row = row_with(app, "Execution started")
        assert len(row) < 60


async def test_a_fold_counts_what_had_come_by_a_moment_and_stays_selected() -> None:
    async with replayed("demo-sync") as (app, pilot):

        async def shown_at(minute: int, second: int) -> str:
            start = app.shown.roots[0].started_at
            assert start is not None
            app.shown.playback.seek(start.replace(minute=minute, second=second))
            app.repaint()
            await settle(pilot)
            return words_on(app)

        assert "more poll" not in await shown_at(37, 5)
        assert words_on(app).count("DescribeTasks #") == 2
        assert "1+ more poll" in await shown_at(38, 0)
        fold = next(item for item in app.shown.items if isinstance(item, Fold))
        app.deck.go_to(fold.key)
        assert "2 more polls" in await shown_at(38, 50)
        assert app.deck.selected_key == fold.key
        assert "3 more polls" in await shown_at(39, 30)


async def test_a_click_on_its_sign_opens_a_fold() -> None:
    async with replayed("demo-pipeline", (140, 60)) as (app, pilot):
        rows = rows_of(app)
        y = next(y for y, row in enumerate(rows) if "▸ ship-parcel" in row)
        await pilot.click(offset=(rows[y].index("▸"), y))
        await settle(pilot)
        assert "▾ ship-parcel" in words_on(app)
        assert "On the road" in words_on(app)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(600, "⋮ 10m 00s"), (90_000, f"{START + timedelta(days=1):%Y-%m-%d}")],
)
async def test_a_long_silence_is_named_and_a_new_day_dated(
    seconds: int, words: str
) -> None:
    rest = "WaitStateEntered Rest", f"WaitStateExited+{seconds} Rest"
    async with live(history("ExecutionStarted", *rest)) as (app, _, _):
        assert words in words_on(app)


# -- several executions ----------------------------------------------------------------


@pytest.mark.parametrize("width", [128, 184])
async def test_executions_stand_side_by_side_with_short_names(width: int) -> None:
    async with replayed("demo-three-ways", (width, 40)) as (app, _):
        head = row_with(app, " UTC ")
        assert re.search(r"sync .*async .*sdk .*denied ", head)
        assert "✔ 5m 11s" in head
        left = head.index("denied")
        rows = rows_of(app)[rows_of(app).index(head) :]
        column = " ".join(row[left:].replace("╹", " ") for row in rows)
        assert CONCLUSION in " ".join(column.replace("┃", " ").split())
        assert "✘ AccessDenied" in column


async def test_the_cursor_goes_from_execution_to_execution() -> None:
    async with replayed("demo-three-ways", (140, 40), "home") as (app, pilot):
        for key, name in (
            ("ctrl+right", "async"),
            (";", "sdk"),
            ("ctrl+left", "async"),
        ):
            await pilot.press(key)
            assert f"three-ways-{name}" in str(app.deck.selected_key)


# -- sizes and what comes late ---------------------------------------------------------


@pytest.mark.parametrize("width", [80, 140])
async def test_a_late_call_slides_in_and_says_for_a_moment_how_late_it_is(
    width: int,
) -> None:
    session, now = ScriptedSession(sync_run()), 100.0
    async with live(session=session, size=(width, 40)) as (app, pilot, _):
        app.animation_level, lanes = "full", app.deck.lanes
        lanes.seconds = lambda: now
        session.push(lookup(api_call("ListTasks", 40, key="late"), lag=200))
        await settle(pilot)
        assert "ListTasks" not in words_on(app)
        columns = []
        for seconds in (0.15, SLIDE, LINGER):
            now = 100 + seconds
            lanes.fade()
            await pilot.pause()
            others = [row for row in lines_of(app)[:-1] if "List" not in row]
            columns.append((row_with(app, "List").index("List"), others))
        (first, passed), (last, there), (stays, after) = columns
        assert first > last == stays
        assert passed == there == after
        assert "late" not in row_with(app, "ListTasks")


async def test_without_animations_late_calls_are_in_their_places_at_once() -> None:
    session = ScriptedSession(sync_run())
    async with live(session=session) as (app, pilot, _):
        for level in ("none", "basic"):
            app.animation_level = level
            session.push(lookup(api_call("ListTasks", 40, key=level), lag=200))
            await settle(pilot)
            assert "ListTasks" in words_on(app)
        assert "3m 20s late" in words_on(app)
        # More than a screenful would be restless.
        app.animation_level = "full"
        many = (api_call("TagResource", n, key=f"tag-{n}") for n in range(41, 91))
        session.push(*(lookup(call, lag=200) for call in many))
        await settle(pilot)
        assert "TagResource" in words_on(app)


async def test_wide_letters_keep_their_columns() -> None:
    run = history("ExecutionStarted", "PassStateEntered お支払いを受け付ける")
    async with live(run, (60, 12)) as (app, _, _):
        assert "お支払いを受け付ける" in words_on(app).replace(" ", "")


async def test_a_call_beside_another_s_line_takes_rows_before_it_is_left_out() -> None:
    async with replayed("demo-three-ways", (140, 40), "end", "a", "home") as (app, _):
        words = words_on(app)
        assert words.count("RunTask  task") == 4
        assert "0.85 s…" not in words
