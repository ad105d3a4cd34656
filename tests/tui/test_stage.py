"""The whole stage as a person uses it: player, views, filter, search, presenter."""

from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from sfnwatch.config import Config
from sfnwatch.recording.views import SavedView
from sfnwatch.trace.moments import Reading
from sfnwatch.tui.app import SfnwatchApp
from sfnwatch.tui.caption import KeyCaps
from sfnwatch.tui.detail import Detail
from sfnwatch.tui.finding import FindBar
from sfnwatch.tui.scrubber import Scrubber
from sfnwatch.tui.timeline import TimelineView
from tests.builders import ARN, START, describe, event, sync_run
from tests.tui.conftest import Script, lanes_of, running, settled, until, words_on
from tests.tui.runs import branching_run, live_run


def replaying(**more: Any) -> Any:
    return running(Script(sync_run(), ends=True), mode="replay", **more)


async def typed(pilot: Pilot[None], text: str) -> None:
    names = {" ": "space", "~": "tilde", "!": "exclamation_mark", "&": "ampersand"}
    await pilot.press(*(names.get(letter, letter) for letter in text))
    await pilot.pause()


async def press(app: SfnwatchApp, pilot: Pilot[None], *keys: str) -> str:
    """Press keys and read the screen when it has followed them."""
    await pilot.press(*keys)
    await settled(app, pilot)
    return words_on(app)


def said(app: SfnwatchApp) -> list[str]:
    """What was said in passing; a test's terminal shows none of it."""
    return [note.message for note in app._notifications]


async def seek(app: SfnwatchApp, pilot: Pilot[None], seconds: float) -> None:
    app.post_message(Scrubber.Sought(START + timedelta(seconds=seconds), final=True))
    await pilot.pause()
    await settled(app, pilot)


# -- player --------------------------------------------------------------------------


async def test_a_replay_begins_at_the_beginning_and_plays() -> None:
    async with replaying() as (app, pilot):
        assert app.playing.running
        course = app.playing.course
        assert course is not None
        assert app.playing.position is not None
        assert app.playing.position - course.begin < timedelta(seconds=30)
        screen = await press(app, pilot, "space")
        assert not app.playing.running
        assert "paused" in screen


async def test_it_plays_to_its_end_and_stops_there() -> None:
    async with replaying(speed=600.0) as (app, pilot):
        await until(pilot, lambda: app.playing.ended and not app.playing.running)
        await settled(app, pilot)
        assert "ended, q to quit" in words_on(app)
        assert "Execution succeeded" in words_on(app)
        await pilot.press("space")
        assert app.playing.running
        assert not app.playing.ended


async def test_events_are_stepped_through_both_ways() -> None:
    async with replaying() as (app, pilot):
        first = await press(app, pilot, "space", "0")
        assert "Execution started" not in first.replace("◆ Execution started", "", 1)
        shown = [len(lanes_of(app).page.positions)]
        for _ in range(4):
            await press(app, pilot, "full_stop")
            shown.append(len(lanes_of(app).page.positions))
        assert shown == sorted(shown)
        assert shown[-1] > shown[0]
        for count in reversed(shown[1:-1]):
            await press(app, pilot, "comma")
            assert len(lanes_of(app).page.positions) == count


async def test_states_and_chapters_are_stepped_through() -> None:
    async with replaying() as (app, pilot):
        screen = await press(app, pilot, "space", "0", "right_square_bracket")
        assert "ECS RunTask" in screen
        assert "submitted" not in screen
        await press(app, pilot, "l", "left_curly_bracket")
        assert not app.playing.ended
        last = app.playing.position
        await press(app, pilot, "left_curly_bracket")
        assert app.playing.position != last
        await press(app, pilot, "right_curly_bracket")
        assert app.playing.position == last


async def test_speed_squeeze_and_loop_are_said() -> None:
    async with replaying(speed=20.0) as (app, pilot):
        await press(app, pilot, "space")
        assert "20×" in words_on(app)
        assert "60×" in await press(app, pilot, "plus")
        assert "10×" in await press(app, pilot, "minus", "minus")
        assert "loop" in await press(app, pilot, "L")
        squeezed = app.playing.transport.squeeze
        await press(app, pilot, "g")
        assert app.playing.transport.squeeze is not squeezed


async def test_as_it_happened_calls_are_there_at_their_own_time() -> None:
    """As it was seen CloudTrail is minutes late: the same moment is without them."""
    async with replaying() as (app, pilot):
        await press(app, pilot, "space")
        await seek(app, pilot, 100)
        assert "DescribeTasks #1" not in words_on(app)
        screen = await press(app, pilot, "c")
        assert app.playing.reading is Reading.HAPPENED
        assert "as it happened" in screen
        await seek(app, pilot, 100)
        assert "DescribeTasks #1" in words_on(app)
        assert "Execution succeeded" not in words_on(app)


async def test_the_end_is_noticed_by_event_by_either_clock() -> None:
    async with replaying() as (app, pilot):
        seen = await press(app, pilot, "l")
        happened = await press(app, pilot, "c", "l")
        for screen in (seen, happened):
            assert "by event" in screen


async def test_a_live_watch_can_be_scrubbed_back_and_is_live_again_by_one_key() -> None:
    script = Script(live_run())
    async with running(script) as (app, pilot):
        whole = len(lanes_of(app).page.positions)
        screen = await press(app, pilot, "1")
        assert "in the past, l for live" in screen
        assert len(lanes_of(app).page.positions) < whole
        script.push(event(7, "TaskSucceeded", 290, resourceType="ecs", output="{}"))
        await pilot.pause()
        assert f"{ARN}#7" not in lanes_of(app).page.positions
        screen = await press(app, pilot, "l")
        assert "in the past" not in screen
        assert f"{ARN}#7" in lanes_of(app).page.positions


async def test_digits_go_to_tenths_where_there_is_one_lane() -> None:
    async with replaying() as (app, pilot):
        await press(app, pilot, "space", "g", "5")
        course = app.playing.course
        assert course is not None
        assert app.playing.position == course.begin + (course.end - course.begin) / 2


async def test_the_scrubber_is_clicked_to_go_there() -> None:
    async with replaying() as (app, pilot):
        await press(app, pilot, "space", "0")
        before = app.playing.position
        await pilot.click(Scrubber, offset=(100, 0))
        await settled(app, pilot)
        assert app.playing.position is not None
        assert before is not None
        assert app.playing.position > before


# -- views ---------------------------------------------------------------------------


async def test_the_timeline_and_the_lanes_share_their_cursor() -> None:
    async with running(Script(branching_run())) as (app, pilot):
        lanes_of(app).select_key(f"{ARN}#8")
        await press(app, pilot, "t")
        timeline = app.query_one(TimelineView)
        assert timeline.selected_key == f"{ARN}#8"
        await press(app, pilot, "up")
        wanted = timeline.selected_key
        await press(app, pilot, "t")
        assert wanted is not None
        assert app.selected_key in {wanted, lanes_of(app).selected_key}
        assert lanes_of(app).page.positions[wanted] == lanes_of(app).cursor


async def test_the_detail_follows_either_cursor_and_a_link_is_jumped_to() -> None:
    async with running(Script(sync_run())) as (app, pilot):
        await press(app, pilot, "home", "down", "down", "down", "enter")
        detail = app.query_one(Detail)
        assert detail.display
        app.post_message(Detail.Jumped("call#poll-3"))
        await settled(app, pilot)
        assert [row.key for row in detail.rows][:1] != []
        place = lanes_of(app).page.positions["call#poll-3"]
        assert lanes_of(app).cursor == place


async def test_who_noticed_the_end_is_in_the_detail_and_in_the_sentence() -> None:
    async with running(Script(sync_run())) as (app, pilot):
        screen = await press(app, pilot, "end", "up", "up", "enter")
        assert screen.count("noticed by event, 1.9 s after the task stopped") > 1
        screen = await press(app, pilot, "escape", "p")
        assert "by event" in screen.splitlines()[-4]


async def test_the_requests_are_listed_and_left_again() -> None:
    async with running(Script(live_run())) as (app, pilot):
        screen = await press(app, pilot, "r")
        assert app.focused is not lanes_of(app)
        assert "sfnwatch only reads" in screen
        await press(app, pilot, "escape")
        assert lanes_of(app).has_focus


# -- filter and search ---------------------------------------------------------------


async def test_a_filter_takes_effect_while_it_is_typed_and_stays() -> None:
    async with running(Script(sync_run())) as (app, pilot):
        await pilot.press("tilde")
        await typed(pilot, "~k call")
        assert "6 of 13 rows" in words_on(app)
        await pilot.press("enter")
        await settled(app, pilot)
        assert not app.query_one(FindBar).display
        assert "Execution started" not in words_on(app)
        assert lanes_of(app).has_focus
        screen = await press(app, pilot, "escape")
        assert "Execution started" in screen
        assert "rows" not in screen.splitlines()[-3]


async def test_a_wrong_filter_says_where_and_what_there_is_and_is_not_kept() -> None:
    async with running(Script(sync_run())) as (app, pilot):
        await pilot.press("tilde")
        await typed(pilot, "~k nonsense ")
        screen = words_on(app)
        assert "✘ at 4" in screen or "✘ at 3" in screen
        await pilot.press("enter")
        assert app.query_one(FindBar).display
        await pilot.press("escape")
        await settled(app, pilot)
        assert "Execution started" in words_on(app)


async def test_what_is_typed_is_completed() -> None:
    async with running(Script(sync_run())) as (app, pilot):
        await pilot.press("tilde")
        await typed(pilot, "~s E")
        await pilot.press("tab")
        await pilot.pause()
        assert "ECS RunTask" in app.query_one(Input).value


async def test_a_search_goes_from_hit_to_hit_and_round() -> None:
    async with running(Script(sync_run())) as (app, pilot):
        await press(app, pilot, "home", "slash")
        await typed(pilot, "describetasks")
        await pilot.press("enter")
        await settled(app, pilot)
        first = lanes_of(app).cursor
        places = []
        for _ in range(3):
            await press(app, pilot, "n")
            places.append(lanes_of(app).cursor)
        assert len({first, *places}) > 1
        await press(app, pilot, "N")
        assert lanes_of(app).cursor in {first, *places}


async def test_what_a_viewer_did_is_kept_and_found_again() -> None:
    async with running(Script(sync_run())) as (app, pilot):
        await pilot.press("tilde")
        await typed(pilot, "~k call")
        await pilot.press("enter")
        await settled(app, pilot)
        view = app.view
    assert view.filter == "~k call"
    async with running(Script(sync_run()), saved=view) as (app, pilot):
        assert "Execution started" not in words_on(app)
        assert "6 of 13 rows" in words_on(app)


async def test_a_kept_filter_that_no_longer_reads_is_left_out() -> None:
    async with running(Script(sync_run()), saved=SavedView(filter="~q (")) as (app, _):
        assert "Execution started" in words_on(app)


# -- on stage ------------------------------------------------------------------------


async def test_presenting_masks_explains_and_shows_keys_and_then_all_is_as_before() -> (
    None
):
    async with running(Script(sync_run()), size=(100, 30)) as (app, pilot):
        before, theme = words_on(app), app.theme
        screen = await press(app, pilot, "home", "down", "p", "down")
        assert app.theme == "high-contrast"
        assert "nightly-report" not in screen
        assert "run-7f3a" not in screen
        assert "machine-1" in screen or "execution-1" in screen
        assert app.query_one(KeyCaps).shown == ("↓",)
        assert "Step Functions" in screen
        screen = await press(app, pilot, "p", "end")
        assert app.theme == theme
        assert screen == before


async def test_the_configuration_can_begin_on_stage_in_local_time_and_ascii() -> None:
    config = Config(present=True, time="local", ascii=True)
    async with running(Script(sync_run()), config=config) as (app, pilot):
        screen = await press(app, pilot)
        assert "run-7f3a" not in screen
        shown = app.export_screenshot(simplify=True)
        glyphs = set("┌│└─▶◀✔●◆") & set(shown)
        assert not glyphs


async def test_every_view_keeps_its_selection_at_any_size() -> None:
    async with running(Script(branching_run())) as (app, pilot):
        lanes_of(app).select_key(f"{ARN}#8")
        for keys in (("t",), ("enter",), ("escape", "t"), ("p",), ("p",)):
            await press(app, pilot, *keys)
            for size in ((20, 5), (40, 12), (300, 80), (80, 24), (140, 40)):
                await pilot.resize_terminal(*size)
                await settled(app, pilot)
                assert app.selected_key in {f"{ARN}#8", f"{ARN}#9"}, size


async def test_the_end_of_a_watch_is_told_once_and_not_that_of_an_old_one() -> None:
    script = Script(live_run())
    async with running(script) as (app, pilot):
        script.push(event(9, "ExecutionSucceeded", 309, output="{}"))
        script.push(describe("SUCCEEDED"))
        await until(pilot, lambda: not app.trace.running)
        await settled(app, pilot)
        assert len(app._notifications) == 1
    async with running(Script(sync_run())) as (app, _):
        assert not app._notifications


async def test_the_palette_goes_to_a_state_by_its_name_hostile_or_not() -> None:
    script = Script(branching_run("[b]Thumb[/b] [/]"), ends=True)
    async with running(script, mode="replay") as (app, pilot):
        await press(app, pilot, "space", "0")
        await pilot.press("colon")
        await pilot.pause()
        await typed(pilot, "index entered")
        await until(pilot, lambda: "Go to: Index entered" in words_on(app))
        await pilot.press("enter")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await settled(app, pilot)
        assert f"{ARN}#8" in lanes_of(app).page.positions
        await pilot.press("colon")
        await typed(pilot, "thumb")
        await until(pilot, lambda: "[b]Thumb[/b] [/] entered" in words_on(app))


def two_services() -> list[Any]:
    """Build a run whose role also assumed itself: two lanes of calls."""
    return branching_run()


async def test_a_digit_hides_a_lane_and_shows_it_again_and_never_seeks() -> None:
    async with running(Script(two_services())) as (app, pilot):
        before = app.playing.position
        hidden = []
        for _ in range(2):
            await press(app, pilot, "1")
            hidden.append(bool(lanes_of(app).shape.hidden_services))
        assert hidden == [True, False]
        await press(app, pilot, "7")
        assert app.playing.position == before
        assert said(app) == ["there is no lane 7"]


async def test_a_search_that_finds_nothing_says_so_and_one_that_does_counts() -> None:
    async with running(Script(sync_run())) as (app, pilot):
        await pilot.press("slash")
        await typed(pilot, "zzz")
        assert "no row has it" in words_on(app)
        await pilot.press("escape", "slash")
        await typed(pilot, "describetasks")
        await pilot.press("enter")
        await settled(app, pilot)
        assert "of 5" in words_on(app)


async def test_n_without_a_search_says_what_to_do() -> None:
    async with running(Script(sync_run())) as (app, pilot):
        await press(app, pilot, "n")
        assert said(app) == ["nothing is searched for: / begins a search"]


async def test_a_wrong_filter_is_explained_when_it_is_to_be_kept() -> None:
    async with running(Script(sync_run())) as (app, pilot):
        await pilot.press("tilde")
        await typed(pilot, "~e (")
        await pilot.press("enter")
        await pilot.pause()
        assert "✘ at 4" in words_on(app) or "✘ at 5" in words_on(app)
        assert app.query_one(FindBar).display


async def test_nothing_that_is_said_in_passing_leaks_a_masked_name(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    record = "/home/me/nightly-report.run-7f3a.jsonl"
    async with running(Script(sync_run()), recording=record) as (app, pilot):
        await press(app, pilot, "m")
        for key in ("s", "b", "question_mark"):
            screen = await press(app, pilot, key)
            assert "run-7f3a" not in screen, key
            assert "run-7f3a" not in " ".join(said(app)), key
        assert [path.stat().st_mode & 0o777 for path in tmp_path.glob("*.json")] == [
            0o600
        ]
