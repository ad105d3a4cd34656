"""The detail pane and the help screen, by their keys."""

import pytest

from sfnwatch.tui.actions import ACTIONS, SEVERAL
from sfnwatch.tui.detail import Detail
from sfnwatch.tui.help import Help
from sfnwatch.tui.lanes import LanesView
from tests.builders import ARN, sync_history, sync_run
from tests.tui.conftest import (
    Script,
    lanes_of,
    running,
    words_on,
)
from tests.tui.runs import (
    live_run,
)


async def test_a_click_selects_and_a_second_opens_the_detail() -> None:
    async with running(Script(sync_run())) as (app, pilot):
        await pilot.click(LanesView, offset=(5, 3))
        assert lanes_of(app).cursor == 3
        await pilot.click(LanesView, offset=(5, 3), times=2)
        await pilot.pause()
        assert app.query_one(Detail).display


@pytest.mark.parametrize("key", ["enter", "d"])
async def test_the_detail_pane_shows_facts_and_record(key: str) -> None:
    async with running(Script(sync_run(denied=True)), size=(140, 60)) as (app, pilot):
        await pilot.press("home", *["down"] * 4, key)
        await pilot.pause()
        screen = words_on(app)
        assert "exactly: it names the attempt's own task ARN" in screen
        assert "appeared 1m 40s after it happened" in screen
        assert "DescribeTasks #1  +55 s  ✘ AccessDenied  = task ARN ─" in screen
        await pilot.press("tab", "end")
        await pilot.pause()
        assert "eventVersion: " in words_on(app)
        await pilot.press("escape")
        assert not app.query_one(Detail).display


async def test_the_detail_pane_has_a_cursor_of_its_own() -> None:
    async with running(Script(sync_run()), size=(100, 24)) as (app, pilot):
        await pilot.press("home", *["down"] * 3, "enter")
        await pilot.pause()
        await pilot.press("tab", "j", "j", "j")
        await pilot.pause()
        assert app.query_one(Detail).cursor == 3
        assert lanes_of(app).cursor == 3
        await pilot.press("k")
        await pilot.pause()
        assert app.query_one(Detail).cursor == 2


async def test_another_line_is_shown_from_its_beginning() -> None:
    async with running(Script(sync_run()), size=(100, 24)) as (app, pilot):
        await pilot.press("home", "enter")
        await pilot.pause()
        detail = app.query_one(Detail)
        detail.scroll_to(y=4, animate=False, immediate=True)
        await pilot.press("down")
        await pilot.pause()
        assert detail.scroll_offset.y == 0


async def test_the_detail_of_a_huge_payload_says_what_is_left_out() -> None:
    records = sync_history()
    details = {"input": "x" * 300_000, "roleArn": "r"}
    data = {**records[0].data, "executionStartedEventDetails": details}
    records[0] = type(records[0])(records[0].at, records[0].source, ARN, data)
    async with running(Script(records)) as (app, pilot):
        await pilot.press("home", "enter")
        await pilot.pause()
        app.query_one(Detail).scroll_end(animate=False, immediate=True)
        await pilot.pause()
        assert "KiB more" in words_on(app)


async def test_help_lists_every_key_and_what_the_signs_mean() -> None:
    async with running(Script(sync_run()), size=(120, 320)) as (app, pilot):
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, Help)
        screen = words_on(app)
        for action in ACTIONS:
            told = action.words[:40] in screen
            assert told is (action.id not in SEVERAL), action.id
        for said in ("enter d", "? n candidates", "~s", "▸ ▾ ⋯"):
            assert said in screen
        assert "an estimate, measured" in screen
        await pilot.press("escape")
        assert not isinstance(app.screen, Help)


async def test_help_scrolls_where_it_does_not_fit() -> None:
    async with running(Script(sync_run()), size=(80, 15)) as (app, pilot):
        await pilot.press("f1")
        await pilot.pause()
        before = words_on(app)
        await pilot.press("j", "j", "k")
        await pilot.pause()
        assert words_on(app) != before
        await pilot.press("q")
        assert not isinstance(app.screen, Help)
        assert app.is_running


async def test_ctrl_c_quits_from_the_help_screen_too() -> None:
    async with running(Script(live_run())) as (app, pilot):
        await pilot.press("question_mark")
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert not app.is_running


async def test_a_wide_screen_has_the_detail_at_its_right() -> None:
    async with running(Script(sync_run()), size=(180, 40)) as (app, pilot):
        await pilot.press("enter")
        await pilot.pause()
        detail = app.query_one(Detail).region
        assert detail.x > 100
        await pilot.resize_terminal(140, 40)
        await pilot.pause()
        assert app.query_one(Detail).region.x == 0


async def test_a_call_on_its_states_line_repeats_none_of_its_facts() -> None:
    async with running(Script(sync_run()), size=(140, 70)) as (app, pilot):
        await pilot.press("home", *["down"] * 3, "enter")
        await pilot.pause()
        assert words_on(app).count("runs  ") == 1
