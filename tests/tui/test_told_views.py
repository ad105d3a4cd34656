"""Explain and compare in the app: shown by a key, followed to the rows, and back."""

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from sfnwatch.recording.views import SavedView
from sfnwatch.tui import explain_page, flow
from sfnwatch.tui.app import SfnwatchApp
from sfnwatch.tui.compare import CompareView
from sfnwatch.tui.detail import Detail
from sfnwatch.tui.explain import ExplainView
from sfnwatch.tui.explain_page import explained
from tests.builders import sync_run
from tests.tui.conftest import Script, in_themes, lanes_of, running, settled, words_on
from tests.tui.runs import branching_run, live_run
from tests.tui.several import ASYNC, SDK, SYNC, three_live, three_runs
from tests.tui.test_several import press

REPLAY: dict[str, Any] = {"mode": "replay", "speed": 20.0}
SIZES = {"80x24": (80, 24), "140x40": (140, 40)}
DENIED = "5 polls were denied"


def app_of(records: Any, **more: Any) -> Any:
    return running(Script(records, ends=True), **more)


def explain_of(app: SfnwatchApp) -> ExplainView:
    return app.query_one(ExplainView)


def compare_of(app: SfnwatchApp) -> CompareView:
    return app.query_one(CompareView)


# -- explain -------------------------------------------------------------------------


async def test_one_key_explains_and_the_same_key_goes_back() -> None:
    async with app_of(sync_run(denied=True)) as (app, pilot):
        await press(pilot, "e")
        assert DENIED in words_on(app)
        assert app.focused is explain_of(app)
        await press(pilot, "e")
        assert DENIED not in words_on(app)
        assert app._shown.name == "lanes"


async def test_a_finding_leads_to_its_evidence_in_the_lanes() -> None:
    async with app_of(sync_run(denied=True)) as (app, pilot):
        await press(pilot, "e", "home")
        view = explain_of(app)
        while "polled 5 times" not in view.copy_text():
            await press(pilot, "down")
        await press(pilot, "enter", "down", "down")
        key = view.selected_key
        assert key is not None
        assert key.startswith("call#poll")
        await press(pilot, "enter")
        assert app.focused is lanes_of(app)
        assert app.selected_key == key
        # And back: it is where it was left.
        await press(pilot, "e")
        assert view.selected_key == key
        assert view.scroll_offset.y == 0


async def test_what_is_explained_grows_with_what_comes_in() -> None:
    whole = sync_run()
    script = Script(live_run())
    async with running(script) as (app, pilot):
        await press(pilot, "e")
        assert "RUNNING" in words_on(app).splitlines()[4]
        script.push(*(r for r in whole if r not in live_run()))
        await settled(app, pilot)
        await pilot.pause(1.2)
        await settled(app, pilot)
        assert "SUCCEEDED after 5 min" in words_on(app)


async def test_a_replay_explains_what_was_known_by_then() -> None:
    async with app_of(sync_run(denied=True), **REPLAY) as (app, pilot):
        await press(pilot, "space", "0", "e")
        assert DENIED not in words_on(app)
        await press(pilot, "l")
        await settled(app, pilot)
        await pilot.pause(1.2)
        assert DENIED in words_on(app)


async def test_names_are_masked_in_what_is_explained_and_copied() -> None:
    async with app_of(sync_run()) as (app, pilot):
        await press(pilot, "e", "m")
        assert "nightly-report" not in words_on(app)
        assert "machine-1 › execution-1" in words_on(app)
        await press(pilot, "home", "y")
        assert app.clipboard
        assert "nightly-report" not in app.clipboard


async def test_the_detail_pane_shows_what_is_selected_in_it() -> None:
    async with app_of(sync_run(denied=True)) as (app, pilot):
        await press(pilot, "e", "d")
        assert app.query_one(Detail).display
        assert app.focused is explain_of(app)
        await press(pilot, "home", "down", "enter", "down")
        await pilot.pause()
        assert explain_of(app).selected_key is not None
        assert app.selected_key == explain_of(app).selected_key


async def test_how_late_calls_came_is_no_thing_that_was_not_seen() -> None:
    async with app_of(sync_run(denied=True), size=(140, 60)) as (app, pilot):
        await press(pilot, "e")
        text = words_on(app)
        assert (
            "CloudTrail showed 6 calls" in text.partition("How late CloudTrail was")[2]
        )
        assert "Not seen, and why" not in text


async def test_folds_are_its_own() -> None:
    async with app_of(branching_run()) as (app, pilot):
        folded = lanes_of(app).shape.folded
        await press(pilot, "e", "Z")
        assert "▾" in words_on(app)
        await press(pilot, "z", "Z")
        assert lanes_of(app).shape.folded == folded


async def test_a_long_history_is_explained_in_a_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flow, "LARGE", 1)
    told = []

    def watched(*args: Any) -> Any:
        told.append(args)
        return explained(*args)

    monkeypatch.setattr(explain_page, "explained", watched)
    async with app_of(sync_run(denied=True)) as (app, pilot):
        await press(pilot, "e")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert DENIED in words_on(app)
        await pilot.pause(1.2)
        assert len(told) == 1


# -- compare -------------------------------------------------------------------------


async def test_one_key_compares_and_the_same_key_goes_back() -> None:
    async with app_of(three_runs()) as (app, pilot):
        await press(pilot, "v")
        assert "Where they part" in words_on(app)
        assert app._shown.name == "compare"
        assert app.focused is compare_of(app)
        await press(pilot, "v")
        assert app._shown.name == "lanes"


async def test_one_execution_is_not_compared() -> None:
    async with app_of(sync_run()) as (app, pilot):
        await press(pilot, "v")
        assert app.focused is lanes_of(app)
    async with app_of(sync_run(), saved=SavedView(view="compare")) as (app, pilot):
        await press(pilot, "home", "down")
        assert len(words_on(app).splitlines()) > 3


async def test_the_next_pair_the_other_side_and_the_other_way_round() -> None:
    async with app_of(three_runs()) as (app, pilot):
        await press(pilot, "v")
        assert compare_of(app).pair == (SYNC, ASYNC)
        await press(pilot, "V")
        assert compare_of(app).pair == (SYNC, SDK)
        await press(pilot, "X")
        assert compare_of(app).pair == (SDK, SYNC)
        before = app.selected_key
        await press(pilot, "ctrl+right")
        assert app.selected_key != before
        assert (app.selected_key or "").startswith(SYNC)


async def test_a_line_leads_to_its_row_in_the_lanes() -> None:
    async with app_of(three_runs()) as (app, pilot):
        await press(pilot, "v", "home", "ctrl+right")
        key = app.selected_key
        await press(pilot, "enter")
        assert app._shown.name == "lanes"
        assert app.selected_key == key
        assert lanes_of(app).line.execution_arn == ASYNC


async def test_names_are_masked_in_what_is_compared() -> None:
    async with app_of(three_runs()) as (app, pilot):
        await press(pilot, "v", "m")
        assert "async-ac879f" not in words_on(app)
        assert "execution-2" in words_on(app)


async def test_two_long_ones_are_compared_in_a_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flow, "LARGE", 1)
    async with app_of(three_runs()) as (app, pilot):
        await press(pilot, "v")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "Where they part" in words_on(app)


# -- both ----------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["explain", "compare"])
async def test_a_recording_opens_in_what_it_was_left_in(view: str) -> None:
    async with app_of(three_runs(), saved=SavedView(view=view)) as (app, pilot):
        await settled(app, pilot)
        assert app.view.view == view
        assert app._shown.name == view


@pytest.mark.parametrize("key", ["e", "v"])
async def test_no_size_crashes_it(key: str) -> None:
    for size in ((20, 5), (1, 1), (7, 3), (300, 80)):
        async with app_of(three_runs(), size=size) as (app, pilot):
            await press(pilot, key, "down", "Z", "end", "z", "pageup", "enter")
            assert len(words_on(app).splitlines()) <= size[1]


@pytest.mark.parametrize("key", ["e", "v"])
async def test_with_nothing_there_it_is_empty(key: str) -> None:
    async with running(Script()) as (app, pilot):
        await press(pilot, key, "down", "enter", "y", "Z", "z", "end")
        assert app.is_running


SCENES = {
    "explain": (sync_run(denied=True), ("l", "e", "down", "enter", "down")),
    "explain-several": (three_runs(), ("l", "e")),
    "explain-live": (three_live(), ("e",)),
    "compare": (three_runs(denied=True), ("l", "v")),
    "compare-live": (three_live(), ("v",)),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCENES)
async def test_what_is_told_looks_as_it_did(
    name: str, size: str, picture: SnapshotAssertion
) -> None:
    records, keys = SCENES[name]
    live = name.endswith("live")
    script = Script(records, ends=not live)
    more = {} if live else REPLAY
    async with running(script, size=SIZES[size], **more) as (app, pilot):
        await press(pilot, *keys)
        await settled(app, pilot)
        await in_themes(app, pilot, picture, f"{name}-{size}")
