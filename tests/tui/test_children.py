"""What executions began, on the screen: folded, listed, and read when asked for."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.widgets import Input

from sfnwatch.trace.arns import short_id
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.map_runs import RUNNING_LISTED
from sfnwatch.trace.nests import nest_key
from sfnwatch.trace.shape import Fold, Sort
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.tui.app import SfnwatchApp
from sfnwatch.tui.caption import KeyCaps
from sfnwatch.tui.children import ChildrenHead, ChildrenView, child_rows
from sfnwatch.tui.lanes import LanesView
from tests.builders import ACCOUNT, START, sync_run
from tests.trace.families import (
    Maps,
    Starts,
    described,
    execution,
    history,
    listing,
    run_arn,
)
from tests.tui.begun import FAILING, NESTED, PARENT, READ, RUN, a_map_run, child
from tests.tui.conftest import (
    Script,
    drawn,
    harmless,
    lanes_of,
    running,
    settled,
    until,
    words_on,
)
from tests.tui.runs import HOSTILE
from tests.tui.test_several import press

SIZES = {"80x24": (80, 24), "140x40": (140, 40)}


def app_of(**more: Any) -> Any:
    return running(Script(a_map_run(), ends=True), **more)


def list_of(app: SfnwatchApp) -> ChildrenView:
    return app.query_one(ChildrenView)


def told(app: SfnwatchApp) -> str:
    """Give what was said in passing last: toasts are not drawn in tests."""
    notes = list(app._notifications)
    return notes[-1].message if notes else ""


def folds_of(lanes: LanesView, sort: Sort) -> list[str]:
    rows = lanes.page.shaped.rows
    return [fold.key for fold in rows if isinstance(fold, Fold) and fold.sort is sort]


# -- in the lanes ------------------------------------------------------------------


async def test_what_was_begun_is_folded_until_somebody_opens_it() -> None:
    async with app_of() as (app, pilot):
        lanes, run = lanes_of(app), nest_key(RUN, map_run=True)
        assert folds_of(lanes, Sort.MAP_RUN) == [run]
        assert folds_of(lanes, Sort.CHILD) == [nest_key(NESTED)]
        assert "✘ 3 failed  40 of 40" in words_on(app)
        assert app.select_key(run)
        await press(pilot, "enter")
        assert not folds_of(lanes, Sort.MAP_RUN)
        children = [nest_key(child(number)) for number in range(READ)]
        assert folds_of(lanes, Sort.CHILD) == [*children, nest_key(NESTED)]
        assert app.select_key(children[0])
        await press(pilot, "enter")
        assert children[0] not in folds_of(lanes, Sort.CHILD)
        assert f"{child(0)}#2" in lanes.page.positions
        await press(pilot, "Z", "Z")
        assert folds_of(lanes, Sort.MAP_RUN) == [run]


async def test_a_map_run_s_line_changes_with_its_counts() -> None:
    script = Script(a_map_run(ended=False))
    async with running(script) as (app, pilot):
        assert "✘ 3 failed  23 of 40" in words_on(app)
        assert "● 8 running" in words_on(app)
        script.push(*a_map_run())
        await settled(app, pilot)
        assert "✘ 3 failed  40 of 40" in words_on(app)
        assert "running" not in words_on(app).partition("Map Run")[2].splitlines()[0]


async def test_what_was_begun_is_no_column_of_its_own() -> None:
    async with app_of(size=(200, 50)) as (app, pilot):
        assert not lanes_of(app).page.beside
        await press(pilot, "Z")
        assert not lanes_of(app).page.beside


@pytest.mark.parametrize("size", [(80, 24), (140, 40), (20, 5), (40, 12), (300, 60)])
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_every_view_draws_what_was_begun_on_every_screen(
    size: tuple[int, int],
    ascii_only: bool,  # noqa: FBT001
) -> None:
    from sfnwatch.config import Config

    config = Config(ascii=ascii_only)
    async with app_of(size=size, config=config) as (app, pilot):
        for key in ("Z", "t", "t", "C", "down", "C", "e", "e", "d", "d", "r", "m", "C"):
            await press(pilot, key)
            text = words_on(app)
            assert harmless(text.replace("\n", ""))
            assert all(len(line) <= size[0] for line in text.splitlines())
        if ascii_only:
            # Textual hands the screen to filters when it is sent: see `Ascii`.
            assert "✘" not in drawn(app)


# -- the list ----------------------------------------------------------------------


async def test_the_list_has_failures_first_and_all_that_was_listed() -> None:
    async with app_of() as (app, pilot):
        await press(pilot, "C")
        rows = list_of(app).rows
        assert len(rows) == 41, "and the nested one"
        assert [row.status for row in rows[:4]] == ["FAILED"] * FAILING + ["SUCCEEDED"]
        text = words_on(app)
        assert "Map Run Each 276e5993" in text
        assert "41 executions, the histories of 5 are here" in text
        await press(pilot, "C")
        assert app._shown.name == "lanes"


async def test_the_history_of_one_is_believed_before_a_list() -> None:
    own = history(child(5), None, ended=False)
    late = listing(RUN, (child(5), "FAILED"), at=500)
    for records in ([*a_map_run(), *own, late], [late, *own, *a_map_run()]):
        async with running(Script(records)) as (app, pilot):
            await press(pilot, "C")
            found = {row.arn: row.status for row in list_of(app).rows}
            assert found[child(5)] == "RUNNING"


async def test_words_are_searched_for_in_the_list() -> None:
    async with app_of() as (app, pilot):
        await press(pilot, "C", "slash", *"failed")
        assert {row.status for row in list_of(app).rows} == {"FAILED"}
        assert "3 executions with “failed”" in words_on(app)
        await press(pilot, "enter", "escape")
        assert len(list_of(app).rows) == 41
        await press(pilot, "slash", *"nothing")
        assert list_of(app).rows == ()
        await press(pilot, "enter", "enter")
        assert app._shown.name == "children", "there is nothing to go to"


async def test_enter_goes_to_the_execution_in_the_lanes_and_unfolds_to_it() -> None:
    async with app_of() as (app, pilot):
        await press(pilot, "C", "down")
        assert list_of(app).selected is not None
        await press(pilot, "home", "enter")
        assert app._shown.name == "lanes"
        assert app.focused is lanes_of(app)
        assert app.selected_key == f"{child(0)}#1"
        assert RUN not in folds_of(lanes_of(app), Sort.MAP_RUN)


async def test_a_double_click_does_the_same() -> None:
    async with app_of() as (app, pilot):
        await press(pilot, "C")
        await pilot.click(ChildrenView, offset=(20, 2), times=2)
        await settled(app, pilot)
        assert app.selected_key == f"{child(1)}#1"


async def test_one_that_is_not_here_says_so_and_how_to_watch_it() -> None:
    async with app_of() as (app, pilot):
        await press(pilot, "C", "end")
        chosen = list_of(app).selected
        assert chosen is not None
        await press(pilot, "home", *["down"] * 8, "enter")
        chosen = list_of(app).selected
        assert chosen is not None
        assert app._shown.name == "children"
        assert f"sfnwatch {chosen.arn} watches it" in told(app)


@pytest.fixture
def asked() -> list[str]:
    return []


def following(asked: list[str], *, can: bool = True) -> Callable[[str], bool]:
    def follow(execution_arn: str) -> bool:
        asked.append(execution_arn)
        return can

    return follow


async def test_one_that_is_asked_for_is_shown_when_it_is_here(asked: list[str]) -> None:
    script = Script(a_map_run())
    async with running(script, follow=following(asked)) as (app, pilot):
        await press(pilot, "C", *["down"] * 8)
        chosen = list_of(app).selected
        assert chosen is not None
        await press(pilot, "enter")
        assert asked == [chosen.arn]
        assert app._shown.name == "children"
        assert told(app).startswith(f"reading {short_id(chosen.name)}")
        await press(pilot, "down", "down")
        script.push(*history(chosen.arn, None, begin=3))
        await settled(app, pilot)
        assert app._shown.name == "lanes"
        assert app.selected_key == f"{chosen.arn}#1"


async def test_whoever_has_left_is_not_called_back(asked: list[str]) -> None:
    script = Script(a_map_run())
    async with running(script, follow=following(asked)) as (app, pilot):
        await press(pilot, "C", *["down"] * 8, "enter", "C", "t")
        script.push(*history(asked[0], None, begin=3))
        await settled(app, pilot)
        assert app._shown.name == "timeline"
        await press(pilot, "C")
        await settled(app, pilot)
        assert app._shown.name == "children"


async def test_one_that_can_not_be_read_says_so(asked: list[str]) -> None:
    follow = following(asked, can=False)
    async with running(Script(a_map_run()), follow=follow) as (app, pilot):
        await press(pilot, "C", *["down"] * 8, "enter")
        assert len(asked) == 1
        assert "is not in these records" in told(app)
        assert list_of(app).awaited == ""


async def test_a_filter_that_leaves_it_out_says_so() -> None:
    async with app_of() as (app, pilot):
        await press(pilot, "tilde", "tilde", *"k call", "enter", "C", "enter")
        assert "left out by the filter" in told(app)


async def test_names_are_masked_in_the_list_and_in_its_head() -> None:
    async with app_of() as (app, pilot):
        await press(pilot, "C")
        name = short_id(child(0).rpartition(":")[2])
        assert name in words_on(app)
        await press(pilot, "m")
        await pilot.pause(1.2)
        text = words_on(app)
        for secret in (name, short_id(child(20)), "photos", "job", "276e5993", ACCOUNT):
            assert secret not in text, secret
        await press(pilot, "m")
        await pilot.pause(1.2)
        assert name in words_on(app)


async def test_where_nothing_was_begun_there_is_no_list() -> None:
    async with running(Script(sync_run(), ends=True)) as (app, pilot):
        await press(pilot, "C")
        assert app._shown.name == "lanes"


async def test_many_map_runs_leave_room_for_the_list() -> None:
    records = [described(PARENT)]

    runs = tuple(run_arn(number) for number in range(9))
    records += history(PARENT, *(Maps((run,)) for run in runs))
    records += [listing(run, (execution(5), "FAILED")) for run in runs]
    async with running(Script(records), size=(80, 24)) as (app, pilot):
        await press(pilot, "C")
        assert app.query_one(ChildrenHead).size.height <= 5
        assert "and 6 more Map Runs" in words_on(app)
        assert "1 execution" in words_on(app)


async def test_names_that_would_act_on_a_terminal_are_harmless() -> None:
    arn = f"{execution(7)}{HOSTILE}"
    records = [*a_map_run(), listing(RUN, (arn, "FAILED"), (child(9), HOSTILE))]
    async with running(Script(records)) as (app, pilot):
        for keys in (("Z",), ("C",), ("t",)):
            await press(pilot, *keys)
            assert harmless(words_on(app).replace("\n", ""))


async def test_a_screen_of_ten_thousand_does_not_wait() -> None:
    many = [(child(number), "SUCCEEDED") for number in range(100, 10_100)]
    pages = [listing(RUN, *many[n : n + 1000]) for n in range(0, 10_000, 1000)]
    async with running(Script([*a_map_run(), *pages])) as (app, pilot):
        await press(pilot, "C")
        await until(pilot, lambda: len(list_of(app).rows) >= 10_000)
        await press(pilot, "end", "home")
        assert "10,041 executions, the histories of 5 are here" in words_on(app)


# -- pictures ----------------------------------------------------------------------

SCENES: dict[str, tuple[str, ...]] = {
    "lanes": (),
    "unfolded": ("Z",),
    "list": ("C", "down"),
    "timeline": ("t",),
    "timeline-folded": ("t", "Z"),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCENES)
async def test_the_screen_looks_as_it_did(
    name: str, size: str, picture: SnapshotAssertion
) -> None:
    script = Script(a_map_run(ended=name in {"unfolded", "timeline"}))
    async with running(script, size=SIZES[size]) as (app, pilot):
        for field in app.query(Input):
            field.cursor_blink = False
        await press(pilot, *SCENES[name])
        app.query_one(KeyCaps).clear()
        await settled(app, pilot)
        await pilot.pause()
        assert drawn(app) == picture


@pytest.mark.parametrize("size", [(80, 24), (140, 40), (220, 50)])
async def test_from_a_child_the_next_execution_is_the_one_after_its_parent(
    size: tuple[int, int],
) -> None:
    records = [
        *history(execution(0), Starts(execution(1)), pace=1),
        *history(execution(1), None, begin=4.5),
        *history(execution(2), Starts(execution(3)), begin=5, pace=1),
        *history(execution(3), None, begin=9.5),
    ]
    async with running(Script(records, ends=True), size=size) as (app, pilot):
        await press(pilot, "Z")
        for view in ("lanes", "timeline"):
            if view == "timeline":
                await press(pilot, "t")
            for root in (0, 2):
                assert app.select_key(f"{execution(root + 1)}#2"), view
                await press(pilot, "semicolon")
                assert app.selected_key is not None
                assert app.selected_key.startswith(f"{execution(2 - root)}"), view


# -- what lists say, and when ----------------------------------------------------------


def listed(seconds: float, *names: str, status: str = "RUNNING") -> Received:
    """A list of so many executions of one Map Run, as it came some time after START."""
    executions = [
        {
            "executionArn": f"{PARENT.rpartition(':')[0]}/Each:{name}",
            "mapRunArn": RUN,
            "name": name,
            "status": status,
            "startDate": START.timestamp(),
        }
        for name in names
    ]
    at = START + timedelta(seconds=seconds)
    return Received(at, From.CHILDREN, PARENT, {"executions": executions})


def statuses(*records: Received) -> dict[str, str]:
    rows = child_rows(extend(Trace(), records), "")
    return {row.name: row.status for row in rows}


def test_what_the_newest_list_of_those_that_run_lacks_is_over() -> None:
    first, second = listed(5, "a", "b"), listed(10, "b", "c")
    assert statuses(first) == {"a": "RUNNING", "b": "RUNNING"}
    assert statuses(second, first) == {"a": "ended", "b": "RUNNING", "c": "RUNNING"}
    last = listed(15, "a", "b", "c", status="SUCCEEDED")
    assert set(statuses(first, second, last).values()) == {"SUCCEEDED"}
    assert set(statuses(second, listed(12, "x", status="FAILED")).values()) == {
        "RUNNING",
        "FAILED",
    }


def test_a_list_that_is_full_says_nothing_of_what_it_lacks() -> None:
    full = listed(10, *(f"n{number}" for number in range(RUNNING_LISTED)))
    assert statuses(listed(5, "a"), full)["a"] == "RUNNING"
