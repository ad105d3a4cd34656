"""Several executions on the screen: moving between them, aligning, and pictures."""

import re
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from sfnwatch.recording.views import SavedView
from sfnwatch.trace.events import Received
from sfnwatch.tui.app import SfnwatchApp
from sfnwatch.tui.bars import LaneNames
from sfnwatch.tui.caption import Caption
from sfnwatch.tui.timeline import TimelineView
from tests.builders import event, sync_run
from tests.tui.conftest import Script, in_themes, lanes_of, running, settled, words_on
from tests.tui.runs import seconds
from tests.tui.several import ASYNC, SDK, SYNC, THREE, three_live, three_runs

REPLAY: dict[str, Any] = {"mode": "replay", "speed": 20.0}
SIZES = {"80x24": (80, 24), "140x40": (140, 40), "200x50": (200, 50)}


def app_of(records: Any = None, **more: Any) -> Any:
    script = Script(three_runs() if records is None else records, ends=True)
    return running(script, **more)


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await pilot.pause()


def at(app: SfnwatchApp) -> str:
    return app.selected_key or ""


def noted(app: SfnwatchApp) -> list[str]:
    return [note.message for note in app._notifications]


# -- moving ------------------------------------------------------------------------


async def test_up_and_down_stay_in_a_column() -> None:
    async with app_of() as (app, pilot):
        assert app.select_key(f"{ASYNC}#1")
        seen = []
        for _ in range(4):
            await press(pilot, "down")
            seen.append(at(app))
        assert seen == [f"{ASYNC}#{n}" for n in (2, 3, 5, 6)]


@pytest.mark.parametrize("size", [(140, 40), (80, 24)])
async def test_keys_go_from_execution_to_execution_and_round(
    size: tuple[int, int],
) -> None:
    async with app_of(size=size) as (app, pilot):
        assert app.select_key(f"{SYNC}#1")
        seen = []
        for key in ("ctrl+right", "semicolon", "ctrl+right", "ctrl+left"):
            await press(pilot, key)
            seen.append(lanes_of(app).line.execution_arn)
        assert seen == [ASYNC, SDK, SYNC, SDK]


async def test_a_click_selects_in_its_column() -> None:
    async with app_of() as (app, pilot):
        lanes = lanes_of(app)
        await press(pilot, "home", "a")
        column = lanes.frame.cells[0].width + 12
        await pilot.click(lanes, offset=(column + 4, 0))
        assert at(app) == f"{ASYNC}#1"
        assert words_on(app).splitlines()[3].count("▌") == 1
        await pilot.click(lanes, offset=(14, 0))
        assert at(app) == f"{SYNC}#1"
        assert words_on(app).splitlines()[3].startswith(" +0 s      ▌◆")


async def test_polls_are_unfolded_in_their_column() -> None:
    async with app_of() as (app, pilot):
        assert app.select_key(f"{SYNC}#3~polls0")
        await press(pilot, "enter")
        assert app.select_key("call#poll-2")
        assert "DescribeTasks #3" in words_on(app)
        await press(pilot, "z")
        assert at(app) == f"{SYNC}#3~polls0"


async def test_end_and_home_go_to_the_last_and_first_of_all() -> None:
    async with app_of() as (app, pilot):
        assert app.select_key(f"{SDK}#1")
        await press(pilot, "end")
        assert at(app) == f"{SYNC}#8"
        assert lanes_of(app).follow
        await press(pilot, "home")
        assert at(app) == f"{SYNC}#1"
        assert not lanes_of(app).follow


async def test_the_newest_line_is_followed_into_its_column() -> None:
    script = Script([r for r in three_live() if r.source != "lookup"])
    async with running(script) as (app, pilot):
        await press(pilot, "end")
        assert at(app) == f"{SDK}#7"
        for record in three_runs():
            if record.data.get("type") == "TaskSucceeded":
                script.push(record)
        await settled(app, pilot)
        assert at(app) == f"{SYNC}#6"


async def test_a_shared_call_can_be_selected_from_every_column() -> None:
    async with app_of() as (app, pilot):
        for arn in THREE:
            assert app.select_key(f"{arn}#1")
            lanes = lanes_of(app)
            lanes.select(lanes.page.positions["call#role"])
            assert at(app) == "call#role"
        await press(pilot, "enter")
        assert "AssumeRole" in words_on(app)


async def test_what_is_searched_for_is_found_in_every_column() -> None:
    async with app_of() as (app, pilot):
        await press(pilot, "home", "slash", *"runtask", "enter")
        seen = {at(app)}
        for _ in range(12):
            await press(pilot, "n")
            seen.add(at(app))
        assert {arn for arn in THREE for key in seen if key.startswith(arn)} == {*THREE}


async def test_the_filter_knows_executions() -> None:
    async with app_of() as (app, pilot):
        await press(pilot, "tilde", "tilde", "x", "space", *"sdk", "enter")
        rows = {row.execution_arn for row in lanes_of(app).rows_in_view}
        assert rows == {SDK}


async def test_an_event_that_has_no_row_of_its_own_leads_to_the_one_it_is_in() -> None:
    async with app_of() as (app, _):
        app.go_to_row(f"{SDK}#4")
        assert lanes_of(app).line.keys == (f"{SDK}#3",)
        assert lanes_of(app).column == THREE.index(SDK)


async def test_what_comes_in_late_stands_out_in_its_column() -> None:
    late = [r for r in three_runs() if r.data.get("EventId") == "run-sdk"]
    rest = [r for r in three_runs() if r not in late]
    script = Script(rest)
    async with running(script) as (app, pilot):
        app.animation_level = "full"
        script.push(*late)
        await settled(app, pilot)
        lanes = lanes_of(app)
        place = lanes.page.positions["call#run-sdk"]
        assert lanes._lit == {(place, THREE.index(SDK)): "appeared 2m 10s late"}


# -- aligned -------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(140, 40), (80, 24), (100, 30)])
async def test_the_selection_survives_aligning_and_every_width(
    size: tuple[int, int],
) -> None:
    async with app_of(size=size) as (app, pilot):
        for key in (f"{SDK}#5", "call#poll-0", "call#role"):
            assert app.select_key(key)
            await press(pilot, "a")
            assert at(app) == key
            for width in (80, 140, 200, 60, size[0]):
                await pilot.resize_terminal(width, size[1])
                await pilot.pause()
                assert at(app) == key
                lanes = lanes_of(app)
                top = lanes.scroll_offset.y
                assert top <= lanes.cursor < top + lanes.size.height
            await press(pilot, "a")
            assert at(app) == key


async def test_aligned_starts_are_kept_in_the_view() -> None:
    async with app_of() as (app, pilot):
        assert not app.view.aligned
        await press(pilot, "a")
        assert app.view.aligned
        assert noted(app) == ["all starts are put together"]
    async with app_of(saved=SavedView(aligned=True)) as (app, _):
        assert app.view.aligned
        assert "+0 s" in words_on(app)


async def test_help_tells_of_it_only_where_there_are_several() -> None:
    for records, told in ((three_runs(), True), (sync_run(), False)):
        async with app_of(records, size=(100, 60)) as (app, pilot):
            await press(pilot, "question_mark")
            assert ("as if all had started at once" in words_on(app)) is told


async def test_one_execution_can_not_be_aligned() -> None:
    async with app_of(sync_run()) as (app, pilot):
        before = words_on(app)
        await press(pilot, "a", "semicolon")
        assert words_on(app) == before
        assert not app.view.aligned


async def test_the_detail_pane_tells_real_times_in_any_case() -> None:
    async with app_of(size=(200, 50)) as (app, pilot):
        assert app.select_key(f"{SDK}#5")
        await press(pilot, "enter", "a")
        assert "00:29:26.802" in words_on(app)
        assert "nightly-report › sdk-33a086, +0.70 s from its start" in words_on(app)


async def test_the_timeline_is_aligned_too() -> None:
    async with app_of() as (app, pilot):
        assert app.select_key(f"{SDK}#5")
        await press(pilot, "t")
        view = app.query_one(TimelineView)
        apart = view.lens.extent if view.lens else None
        first = bar_of(app, "sdk-33a086")
        await press(pilot, "a")
        assert "from start" in words_on(app)
        assert bar_of(app, "sdk-33a086") < first
        assert bar_of(app, "sdk-33a086") == bar_of(app, "sync-3b6962")
        assert app.selected_key == f"{SDK}#2"
        assert apart is not None
        assert view.lens is not None
        assert view.lens.extent.begin == apart.begin
        await press(pilot, "W")
        begin, end = view.lens.shown
        assert begin <= seconds(0.03)
        assert end < seconds(5)


def bar_of(app: SfnwatchApp, name: str) -> int:
    line = next(line for line in words_on(app).splitlines() if f"› {name}" in line)
    return min(place for glyph in "┝━" if (place := line.find(glyph)) >= 0)


async def test_in_the_timeline_the_keys_go_to_the_next_execution() -> None:
    async with app_of() as (app, pilot):
        await press(pilot, "t", "home", "ctrl+right")
        assert at(app) == f"{ASYNC}#1"
        await press(pilot, "ctrl+left", "ctrl+left")
        assert at(app) == f"{SDK}#1"


async def test_a_click_on_an_aligned_axis_means_the_selected_execution() -> None:
    async with app_of(**REPLAY) as (app, pilot):
        await press(pilot, "l", "t", "a")
        view = app.query_one(TimelineView)
        assert view.select_key(f"{SDK}#2")
        frame = view._frame
        assert frame is not None
        await pilot.click(view, offset=(frame.share.before, 1))
        position = app.playing.position
        assert position is not None
        assert abs((position - seconds(62)).total_seconds()) < 5


# -- what is said --------------------------------------------------------------------


async def test_a_narrow_screen_says_of_each_row_whose_it_is() -> None:
    async with app_of(size=(80, 24)) as (app, pilot):
        await press(pilot, "home")
        lines = words_on(app).splitlines()
        assert "sync ✔ succeeded 5m 09s   async ✔ succeeded" in lines[1]
        row = next(line for line in lines if "DescribeTasks #1" in line)
        assert row.split()[0] == "sync"
        assert app.select_key("call#role")
        await pilot.pause()
        lines = words_on(app).splitlines()
        row = next(line for line in lines if "AssumeRole" in line)
        assert not row.startswith((" sync", " async", " sdk"))


async def test_the_head_counts_up_while_one_runs() -> None:
    async with running(Script(three_live()), seconds=270) as (app, pilot):
        assert "● running 04:30" in words_on(app)
        app.playing.clock.at = seconds(275)  # type: ignore[attr-defined]
        app._tick()
        await pilot.pause()
        assert "● running 04:35" in words_on(app)
        assert "3 executions   ● 1 RUNNING  ✔ 2 SUCCEEDED" in words_on(app)


async def test_the_head_takes_a_second_line_only_for_several() -> None:
    async with app_of(sync_run()) as (app, pilot):
        assert app.query_one(LaneNames).size.height == 1
    script = Script(sync_run())
    async with running(script) as (app, pilot):
        assert app.query_one(LaneNames).size.height == 1
        script.push(event(1, "ExecutionStarted", 3, arn=SDK))
        await settled(app, pilot)
        assert app.query_one(LaneNames).size.height == 2


async def test_on_stage_a_sentence_names_its_execution_by_its_alias() -> None:
    async with app_of() as (app, pilot):
        assert app.select_key(f"{SDK}#7")
        await press(pilot, "p")
        said = app.query_one(Caption)._words
        assert "sdk-33a086" not in words_on(app)
        told = r"execution-\d: The execution has succeeded after 0\.75 s\."
        assert re.fullmatch(told, said)


async def test_marks_say_which_execution_they_are_of() -> None:
    async with app_of(**REPLAY) as (app, _):
        labels = [mark.label for mark in app.chapters()]
        assert "execution succeeded · sdk-33a086" in labels


async def test_no_size_crashes_several() -> None:
    for size in ((20, 5), (1, 1), (7, 3), (300, 80)):
        async with app_of(size=size) as (app, pilot):
            await press(pilot, "home", "a", "down", "semicolon", "enter", "t", "end")
            assert len(words_on(app).splitlines()) <= size[1]


def five_starts() -> list[Received]:
    return [
        event(1, "ExecutionStarted", n, arn=f"{SYNC}-{word}")
        for n, word in enumerate(("one", "two", "three", "four", "five"))
    ]


async def test_five_share_a_lane_where_there_is_no_room_for_three() -> None:
    async with app_of(five_starts(), size=(120, 40)) as (app, pilot):
        await press(pilot, "home", "ctrl+right", "ctrl+right")
        assert at(app) == f"{SYNC}-three#1"
        assert not lanes_of(app).page.beside


async def test_of_five_beside_each_other_those_round_the_cursor_are_in_view() -> None:
    async with app_of(five_starts()) as (app, pilot):
        await press(pilot, "home")
        for key, shown, told in (
            ("home", "one two three", "UTC 2›"),
            ("ctrl+right", "one two three", "UTC 2›"),
            ("ctrl+right", "one two three", "UTC 2›"),
            ("ctrl+right", "two three four", "UTC ‹1 1›"),
            ("end", "three four five", "UTC ‹2"),
            ("ctrl+left", "three four five", "UTC ‹2"),
            ("home", "one two three", "UTC 2›"),
        ):
            await press(pilot, key)
            who, what = words_on(app).splitlines()[1:3]
            assert re.findall(r"sync-3b6962-([a-z]+)", who) == shown.split()
            assert what.split("  ")[0].strip() == told
        await pilot.click(lanes_of(app), offset=(70, 1))
        assert at(app) == f"{SYNC}-two#1"


# -- pictures ------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scene", ["apart", "aligned", "live", "timeline"])
async def test_three_runs_look_as_they_did(
    scene: str, size: str, picture: SnapshotAssertion
) -> None:
    live = scene == "live"
    script = Script(three_live() if live else three_runs(), ends=not live)
    more = {} if live else REPLAY
    keys = {"apart": ["l"], "aligned": ["l", "a"], "timeline": ["l", "a", "t"]}
    async with running(script, size=SIZES[size], **more) as (app, pilot):
        await press(pilot, *keys.get(scene, []))
        app.clear_notifications()
        await settled(app, pilot)
        await in_themes(app, pilot, picture, f"{scene}-{size}")
