"""The app as a person uses it: real keys, a scripted watch."""

import asyncio
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Footer, Input

from sfnwatch.config import Config
from sfnwatch.errors import RefusedError
from sfnwatch.sources.feed import Consumer
from sfnwatch.trace.shape import Shape
from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.times import iso
from sfnwatch.tui.actions import ACTIONS, SEVERAL
from sfnwatch.tui.app import SfnwatchApp
from sfnwatch.tui.bars import Banner
from sfnwatch.tui.detail import Detail
from sfnwatch.tui.flow import LARGE
from sfnwatch.tui.intake import size_of
from sfnwatch.tui.page import Page, make_page
from sfnwatch.tui.timeline import TimelineView
from sfnwatch.tui.views import LANES
from tests.builders import health, sync_history, sync_run
from tests.tui.conftest import (
    Script,
    StoppedClock,
    harmless,
    lanes_of,
    make_app,
    running,
    settled,
    until,
    words_on,
)
from tests.tui.runs import (
    HOSTILE,
    branching_run,
    live_run,
    long_run,
    seconds,
    stormy_run,
)


def steps_on(app: SfnwatchApp) -> list[str]:
    """Read the states in the lanes; the last is the scrubber's."""
    return re.findall(r"Step \d+", words_on(app))[:-1]


def selected(app: SfnwatchApp) -> tuple[str, ...]:
    return lanes_of(app).line.keys


async def test_the_watch_starts_after_the_first_frame() -> None:
    frames: list[bool] = []
    app = make_app(None)

    async def watch(consume: Consumer) -> None:
        frames.append("STEP FUNCTIONS" in words_on(app))

    app._watch = watch
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: bool(frames))
    assert frames == [True]


async def test_states_and_calls_come_side_by_side() -> None:
    async with running(Script(sync_run())) as (app, _):
        screen = words_on(app)
    assert "submitted ───" in screen
    assert "──▶ RunTask  task 9f018ef6  = request id" in screen
    assert "✔ SUCCEEDED 5m 09s" in screen


async def test_ten_thousand_records_are_folded_a_bounded_number_of_times() -> None:
    records = long_run(5_000)[:10_000]
    batches = [tuple(records[at : at + 10]) for at in range(0, 10_000, 10)]

    async def watch(consume: Consumer) -> None:
        for batch in batches:
            consume(batch)
            await turn()

    async with running(watch) as (app, pilot):
        await until(pilot, lambda: size_of(app.trace) == 10_000)
        await settled(app, pilot)
        assert app.folds < 60
        assert len(lanes_of(app).page.lines) == 5_001


async def turn() -> None:
    """Let the loop run once."""
    event = asyncio.Event()
    asyncio.get_running_loop().call_soon(event.set)
    await event.wait()


async def test_a_large_trace_is_laid_out_off_the_keys_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads: dict[int, threading.Thread] = {}

    def watched(trace: Trace, **more: Any) -> Page:
        threads[size_of(trace)] = threading.current_thread()
        return make_page(trace, **more)

    monkeypatch.setattr("sfnwatch.tui.flow.make_page", watched)
    async with running(Script(long_run(LARGE))):
        pass
    assert threads.pop(0) is threading.main_thread()
    assert threads
    assert threading.main_thread() not in threads.values()


async def test_keys_reach_every_line_of_a_long_trace() -> None:
    async with running(Script(long_run(LARGE)), size=(100, 20)) as (app, pilot):
        lanes = lanes_of(app)
        assert lanes.cursor == len(lanes.page.lines) - 1
        await pilot.press("home")
        assert lanes.cursor == 0
        assert "Step 3" in words_on(app)
        await pilot.press("pagedown", "down")
        assert lanes.cursor == lanes.size.height
        assert "▌" in words_on(app)
        await pilot.press("G")
        assert f"Step {LARGE - 1}" in words_on(app)


async def test_only_lines_in_view_are_drawn() -> None:
    async with running(Script(long_run(3_000)), size=(100, 20)) as (app, _):
        assert 0 < len(lanes_of(app)._strips) < 100


async def test_pause_freezes_the_view_and_not_the_intake() -> None:
    script = Script(sync_history()[:4])
    async with running(script) as (app, pilot):
        await pilot.press("space")
        script.push(*sync_history()[4:])
        await until(pilot, lambda: size_of(app.trace) == 8)
        await pilot.pause()
        assert "submitted" not in words_on(app)
        assert "‖ paused, 4 new" in words_on(app)
        await pilot.press("space")
        assert "submitted" in words_on(app)
        assert "paused" not in words_on(app)


async def test_new_lines_pull_the_view_along_only_from_the_end() -> None:
    history = long_run(60)
    script = Script(history[:61])
    async with running(script, size=(100, 20)) as (app, pilot):
        assert lanes_of(app).is_vertical_scroll_end
        await pilot.press("up")
        top = lanes_of(app).scroll_offset.y
        kept = selected(app)
        script.push(*history[61:])
        await until(pilot, lambda: size_of(app.trace) == len(history))
        await settled(app, pilot)
        assert lanes_of(app).scroll_offset.y == top
        assert selected(app) == kept
        assert "↓ 30 new" in words_on(app)
        await pilot.press("f")
        await pilot.pause()
        assert lanes_of(app).is_vertical_scroll_end
        assert "new" not in words_on(app)


async def test_late_calls_slide_into_their_place_and_keep_the_selection() -> None:
    records = [r for r in sync_run() if r.data.get("EventId") != "poll-1"]
    late = next(r for r in sync_run() if r.data.get("EventId") == "poll-1")
    script = Script(records)
    async with running(script) as (app, pilot):
        lanes_of(app).shape = Shape(polls_folded=False)
        await pilot.press("up", "up", "up")
        kept, place = selected(app), lanes_of(app).cursor
        script.push(late)
        await until(pilot, lambda: "call#poll-1" in lanes_of(app).page.positions)
        assert selected(app) == kept
        assert lanes_of(app).cursor == place + 1


async def test_what_comes_in_flashes_unless_animation_is_off() -> None:
    for level, flashes in (("none", False), ("full", True)):
        script = Script(sync_history()[:4])
        app = make_app(script)
        app.animation_level = "full" if level == "full" else "none"
        async with app.run_test(size=(140, 40)) as pilot:
            await until(pilot, lambda app=app: size_of(app.trace) == 4)  # type: ignore[misc]
            await settled(app, pilot)
            assert not lanes_of(app)._fresh.keys
            script.push(*sync_history()[4:6])
            await until(pilot, lambda app=app: size_of(app.trace) == 6)  # type: ignore[misc]
            assert bool(lanes_of(app)._fresh.keys) is flashes


async def test_so_much_at_once_that_nothing_stands_out_does_not_flash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sfnwatch.tui.lane_pages._FLASHED", 3)
    script = Script(long_run(1))
    app = make_app(script)
    app.animation_level = "full"
    async with app.run_test(size=(140, 40)) as pilot:
        await settled(app, pilot)
        for count, flashes in ((5, False), (7, True)):
            script.push(*long_run(count)[size_of(app.trace) :])
            await until(
                pilot,
                lambda app=app, count=count: size_of(app.trace) == 1 + 2 * count,  # type: ignore[misc]
            )
            assert bool(lanes_of(app)._fresh.keys) is flashes


async def test_what_comes_in_below_the_view_leaves_it_as_it_is() -> None:
    records = long_run(80)
    script = Script(records[:80])
    async with running(script, size=(100, 20)) as (app, pilot):
        lanes, last = lanes_of(app), steps_on(app)
        await pilot.press("home")
        first, drawn = steps_on(app), lanes._in_view
        script.push(*records[80:])
        await until(pilot, lambda: lanes.unseen > 0)
        await settled(app, pilot)
        assert lanes._in_view == drawn
        assert lanes.virtual_size.height == len(lanes.page.lines)
        assert lanes.vertical_scrollbar.window_virtual_size == len(lanes.page.lines)
        assert steps_on(app) == first
        await pilot.press("end")
        assert lanes.is_vertical_scroll_end
        assert steps_on(app) not in (first, last)


async def test_the_wheel_stops_following_and_the_end_starts_it_again() -> None:
    async with running(Script(long_run(60)), size=(100, 20)) as (app, pilot):
        lanes = lanes_of(app)
        lanes.scroll_to(y=10, animate=False, immediate=True)
        lanes.on_mouse_scroll_up()
        await until(pilot, lambda: not lanes.follow)
        await pilot.press("end")
        assert lanes.follow
        assert lanes.is_vertical_scroll_end


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_these_keys_quit(key: str) -> None:
    async with running(Script(live_run())) as (app, pilot):
        await pilot.press(key)
        await pilot.pause()
        assert not app.is_running
    assert app.trace.running


async def test_x_ends_the_drain_and_is_there_only_while_it_lasts() -> None:
    ended: list[bool] = []
    script = Script(live_run())
    async with running(script, end_drain=lambda: ended.append(True)) as (app, pilot):
        await pilot.press("x")
        assert not ended
        assert "End draining" not in words_on(app)
        until_ = iso(seconds(390))
        script.push(health("lookup", "draining", 271, until=until_))
        await until(pilot, lambda: app._draining)
        await settled(app, pilot)
        assert "draining, 02:00 left" in words_on(app)
        assert "End draining" in words_on(app)
        await pilot.press("x")
        assert ended == [True]


async def test_the_end_is_said_and_the_app_stays_open() -> None:
    replay = Script(sync_run(), ends=True)
    async with running(replay, mode="replay") as (app, pilot):
        await pilot.press("l")
        await pilot.pause()
        assert "ended, q to quit" in words_on(app)
        assert "REPLAY" in words_on(app)
        assert app.is_running


async def test_a_replay_that_stops_midway_does_not_count_on() -> None:
    script = Script(live_run(), ends=True)
    async with running(script, mode="replay", seconds=9_999) as (app, pilot):
        await pilot.press("l")
        await pilot.pause()
        assert "RUNNING 04:20" in words_on(app)


async def test_the_clock_ticks_though_nothing_comes_in() -> None:
    async with running(Script(live_run())) as (app, pilot):
        assert "RUNNING 04:30" in words_on(app)
        clock = app.playing.clock
        assert isinstance(clock, StoppedClock)
        await clock.sleep(5)
        await until(pilot, lambda: "RUNNING 04:35" in words_on(app))


async def test_a_refusal_is_shown_with_its_hint_and_the_app_stays_open() -> None:
    async def watch(consume: Consumer) -> None:
        raise RefusedError("No such execution: run-7f3a.", hint="Check the ARN.")

    async with running(watch) as (app, _):
        assert "✘ No such execution: run-7f3a.  Check the ARN." in words_on(app)
        assert app.is_running


async def test_a_refusal_out_of_a_task_group_is_shown_just_the_same() -> None:
    async def refuse() -> None:
        raise RefusedError("AWS said no.")

    async def watch(consume: Consumer) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(refuse())

    async with running(watch) as (app, _):
        assert "✘ AWS said no." in words_on(app)


async def test_other_exceptions_crash_and_print_no_local_variable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def watch(consume: Consumer) -> None:
        payload = "secret".upper()
        raise ValueError(len(payload))

    app = make_app(watch)
    with pytest.raises(Exception, match="6"):
        async with app.run_test(size=(140, 40)) as pilot:
            await until(pilot, lambda: not app.is_running)
    report = capsys.readouterr().err
    assert "ValueError: 6" in report
    assert "SECRET" not in report


async def test_a_source_in_trouble_has_a_banner_until_it_recovers() -> None:
    script = Script(stormy_run())
    async with running(script) as (app, pilot):
        assert app.query_one(Banner).display
        assert "Allow cloudtrail:LookupEvents" in words_on(app)
        assert "no calls: CloudTrail denied" in words_on(app)
        script.push(health("lookup", "live", 260))
        await until(pilot, lambda: not app.query_one(Banner).display)
        assert "Allow cloudtrail" not in words_on(app)


async def test_resizing_to_next_to_nothing_and_back_keeps_the_selection() -> None:
    async with running(Script(sync_run()), size=(140, 40)) as (app, pilot):
        await pilot.press("home", *["down"] * 6)
        kept = selected(app)
        for width, height in ((20, 5), (1, 1), (99, 10), (140, 40)):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            assert selected(app) == kept
            words_on(app)
        lanes = lanes_of(app)
        assert not lanes.page.folded
        top = lanes.scroll_offset.y
        assert top <= lanes.cursor < top + lanes.size.height


@pytest.mark.parametrize("size", [(20, 5), (7, 3), (1, 1), (300, 80)])
async def test_no_size_crashes_any_screen(size: tuple[int, int]) -> None:
    async with running(Script(stormy_run()), size=size) as (app, pilot):
        for keys in (["enter"], ["escape"], ["question_mark"], ["escape"], ["home"]):
            await pilot.press(*keys)
            await pilot.pause()
        lines = words_on(app).splitlines()
        assert len(lines) <= size[1]


async def test_the_lanes_fold_under_a_hundred_columns() -> None:
    async with running(Script(sync_run()), size=(100, 20)) as (app, pilot):
        assert "──▶ RunTask" in words_on(app)
        await pilot.resize_terminal(99, 20)
        await pilot.pause()
        assert "→ RunTask" in words_on(app)


async def test_hostile_names_reach_neither_strips_nor_pictures() -> None:
    async with running(Script(branching_run(HOSTILE))) as (app, pilot):
        await pilot.press("home", *["down"] * 4, "enter")
        await pilot.pause()
        picture, screen = app.export_screenshot(), words_on(app)
    assert "owned" in screen
    assert "[b]bold[/b]" in screen
    assert harmless(screen.replace("\n", ""))
    assert harmless(picture.replace("\n", ""))


async def test_the_last_line_stays_in_view_while_a_line_opens_below() -> None:
    async with running(Script(branching_run()), size=(80, 24)) as (app, pilot):
        lanes = lanes_of(app)
        for key in ("tilde", "escape", "slash", "escape", "p", "p"):
            await pilot.press(key)
            await pilot.pause()
            await pilot.pause()
            assert lanes.follow
            assert lanes.scroll_offset.y == lanes.max_scroll_y


async def test_the_footer_has_eight_keys_at_most() -> None:
    script = Script([*live_run(), health("lookup", "draining", 300)])
    async with running(script, end_drain=lambda: None) as (app, _):
        keys = app.query_one(Footer).query("FooterKey")
        assert 6 <= len(keys) <= 8


async def test_every_action_is_in_the_command_palette() -> None:
    script = Script([*live_run(), health("lookup", "draining", 300)])
    async with running(script, end_drain=lambda: None) as (app, pilot):
        await pilot.press("slash", "x", "enter")
        titles = set()
        for view in ("t", "e"):
            await pilot.press(view)
            await pilot.pause()
            found = app.get_system_commands(app.screen)
            titles |= {command.title for command in found}
    # A live watch has no end to begin again from, one execution no other, and this one
    # began none.
    absent = {"player.loop", "view.children", *SEVERAL}
    wanted = {action.title for action in ACTIONS if action.id not in absent}
    assert wanted <= titles


async def test_every_view_but_the_lanes_has_an_action_that_shows_it() -> None:
    async with running(Script(sync_run())) as (app, pilot):
        for view in app._table.values():
            assert (view.name == LANES) is (not view.action)
            if view.action:
                app.action_do(view.action)
                await pilot.pause()
                assert app.focused is view.widget()
                app.action_do(view.action)
                await pilot.pause()
            assert app.focused is lanes_of(app)


@pytest.mark.parametrize("mode", ["live", "replay"])
async def test_every_action_can_be_done_by_its_key_and_breaks_nothing(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    script = Script(live_run(), ends=mode == "replay")
    async with running(script, mode=mode, size=(100, 30)) as (app, pilot):
        for action in ACTIONS:
            if action.id != "program.quit":
                await pilot.press(*action.keys[:1])
                await pilot.pause()
                assert app.is_running, action.id
                await pilot.press(*["escape"] * (len(app.screen_stack) > 1))
                await pilot.press(*["escape"] * 3)


async def test_bindings_can_be_remapped_by_their_ids() -> None:
    config = Config(keys={"view.detail": ("K",), "move.down": ("J",)})
    async with running(Script(sync_run()), config=config) as (app, pilot):
        await pilot.press("K", "home", "J")
        assert app.query_one(Detail).display
        assert lanes_of(app).cursor == 1


def test_colours_are_the_themes_and_only_in_the_css() -> None:
    room = Path(__file__).parents[2] / "sfnwatch" / "tui"
    colour = re.compile(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bansi_(?!color)")
    # Themes are where colours are made, and contrast where they are measured.
    themes = {"themes.py", "contrast.py", "gantt_view.py", "compare_view.py"}
    paths = [*room.glob("*.py"), *room.glob("*.tcss")]
    for path in (path for path in paths if path.name not in themes):
        assert not colour.search(path.read_text()), path.name
    css = (room / "sfnwatch.tcss").read_text()
    for value in re.findall(r"(?:color|background)[a-z-]*: ([^;]+);", css):
        assert value.startswith("$")


# -- what is made late -----------------------------------------------------------------


async def test_a_view_is_made_when_it_is_first_shown() -> None:
    async with running(Script(sync_run())) as (app, pilot):
        assert not app.query(TimelineView)
        await pilot.press("t")
        await pilot.pause()
        view = app.query_one(TimelineView)
        assert app.focused is view
        await pilot.press("t", "t")
        await pilot.pause()
        assert app.query_one(TimelineView) is view


async def test_what_is_made_late_is_masked_as_the_rest_is() -> None:
    async with running(Script(sync_run())) as (app, pilot):
        await pilot.press("m", "enter")
        await pilot.pause()
        detail = app.query_one(Detail)
        assert detail.mask("nightly-report") != "nightly-report"


async def test_a_search_can_be_typed_before_anything_is_here() -> None:
    async with running(Script()) as (app, pilot):
        await pilot.press("slash", "a", "b")
        await pilot.pause()
        assert app.query_one(Input).value == "ab"


async def test_the_keys_are_made_anew_only_when_they_are_others() -> None:
    async with running(Script(sync_run())) as (app, pilot):
        keys = list(app.query("FooterKey"))
        assert keys
        app.refresh_bindings()
        await pilot.pause()
        assert list(app.query("FooterKey")) == keys
        await pilot.press("slash")
        await pilot.pause()
        assert list(app.query("FooterKey")) != keys
