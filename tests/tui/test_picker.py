"""Choosing an execution: by its keys, by the mouse, at any size, whatever comes in."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Iterable,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from sfnwatch.clock import ServerClock, SystemClock
from sfnwatch.config import Config
from sfnwatch.demo.account import Account
from sfnwatch.demo.plans import Scenario
from sfnwatch.demo.server import CREDENTIALS, DemoServer
from sfnwatch.errors import RefusedError
from sfnwatch.settings import AwsOptions
from sfnwatch.starting import children_of, recent
from sfnwatch.trace.listed import Asked, LeftOut, Listed, Listing
from sfnwatch.trace.words import plain
from sfnwatch.tui.calllines import Look, table_head, table_line
from sfnwatch.tui.cells import cells
from sfnwatch.tui.picker_app import PickerApp
from sfnwatch.tui.picker_lines import EXECUTIONS, Line
from sfnwatch.tui.picker_list import ExecutionList
from sfnwatch.tui.picker_parts import OneLine
from sfnwatch.tui.picker_rows import Gathered, has, head_words, left_out_words
from tests.demo.photos import FEW_PHOTOS
from tests.test_zones import TOKYO, living_in
from tests.trace.test_text import HOSTILE, safe
from tests.tui import conftest
from tests.tui.conftest import harmless, in_themes, until
from tests.tui.runs import HOSTILE as HOSTILE_NAME
from tests.tui.runs import WIDE

drawn: Callable[[Any], str] = conftest.drawn
words_on: Callable[[Any], str] = conftest.words_on

NOW = datetime(2023, 11, 15, 0, 33, tzinfo=UTC)
REGION = "ap-northeast-1"
HEAD = f"arn:aws:states:{REGION}:123456789012"
SIZES = [(20, 5), (40, 14), (60, 16), (80, 24), (140, 40), (300, 80), (1, 1)]


class Stopped:
    """A clock that only a test moves."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def execution(
    name: str,
    status: str = "SUCCEEDED",
    ago: float = 600,
    took: float | None = 309.2,
    machine: str = "nightly-report",
) -> Listed:
    started = NOW - timedelta(seconds=ago)
    ended = None if status == "RUNNING" or took is None else took
    return Listed(
        f"{HEAD}:execution:{machine}:{name}",
        machine,
        name,
        status,
        started,
        None if ended is None else started + timedelta(seconds=ended),
    )


def some(count: int) -> tuple[Listed, ...]:
    return tuple(execution(f"run-{n:03}", ago=600 * n + 400) for n in range(count))


MIXED = (
    execution("run-7f3a", "RUNNING", 276),
    execution("8f41b0f2-5a3f-4bb6-9a53", "RUNNING", 41, machine="order-pipeline"),
    execution("attempt-2", "FAILED", 900, 231.4, "import-orders"),
    execution("0aa2", "SUCCEEDED", 1200, 12.3, "resize-photos/EachPhoto"),
    execution("spring-sale", "TIMED_OUT", 4000, 600, "warm-cache"),
    execution("by-hand", "ABORTED", 90_000, 0.61, "send-newsletter"),
    *some(30),
)
EXPRESS = LeftOut("web", "web is an Express state machine: …", express=True)
DENIED = LeftOut(
    "payments",
    "ListExecutions on payments: AccessDeniedException. Allow states:ListExecutions"
    " (see sfnwatch iam-policy), or choose another --profile.",
)


class Script:
    """A list that goes on when a test tells it to."""

    def __init__(self, *listings: Listing | Exception, paced: bool = False) -> None:
        self.listings: list[Listing | Exception] = list(listings)
        self.begun = self.closed = 0
        self._paced = paced
        self._steps = asyncio.Semaphore(0)

    def step(self) -> None:
        self._steps.release()

    async def __call__(self) -> AsyncGenerator[Listing, None]:
        self.begun += 1
        try:
            for listing in self.listings:
                if self._paced:
                    await self._steps.acquire()
                if isinstance(listing, Exception):
                    raise listing
                yield listing
        finally:
            self.closed += 1


def whole(*executions: Listed, machines: int = 7, **more: Any) -> Script:
    return Script(Listing(executions, asked=machines, machines=machines, **more))


@asynccontextmanager
async def running(
    script: Any, *, size: tuple[int, int] = (80, 24), **more: Any
) -> AsyncIterator[tuple[PickerApp, Pilot[Any]]]:
    more.setdefault("clock", Stopped())
    app = PickerApp(script, region="ap-northeast-1", **more)
    app.animation_level = "none"
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.pause()
        yield app, pilot


def list_of(app: PickerApp) -> ExecutionList:
    return app.screen.query_one(ExecutionList)


def names(app: PickerApp) -> list[str]:
    """Read the executions' names from the screen, in their order."""
    view = list_of(app)
    lines = [view.render_line(y).text for y in range(view.head, view.size.height)]
    return [line.split()[-1] for line in lines if line.strip()]


def at(app: PickerApp) -> str:
    """Name the execution under the cursor, which must be in view and marked so."""
    view = list_of(app)
    lines = [view.render_line(y).text for y in range(view.size.height)]
    (line,) = [line for line in lines if line.startswith("▌")]
    assert view.selected
    assert view.selected.name.startswith(line.split()[-1].rstrip("…"))
    return view.selected.name


# -- what is chosen ----------------------------------------------------------------


async def test_enter_takes_what_the_cursor_is_on() -> None:
    async with running(whole(*MIXED)) as (app, pilot):
        await pilot.press("down", "enter")
    assert app.return_value == (MIXED[0].arn,)


async def test_what_runs_comes_first_and_then_the_newest() -> None:
    async with running(whole(*MIXED)) as (app, _):
        assert names(app)[:4] == [
            "8f41b0f2-5a3f-4bb…",
            "run-7f3a",
            "run-000",
            "attempt-2",
        ]
        assert "36 executions of 7 state machines" in words_on(app)


async def test_space_marks_several_and_enter_takes_them_in_their_order() -> None:
    async with running(whole(*MIXED)) as (app, pilot):
        await pilot.press("down", "down", "space", "home", "space", "space")
        assert "3 marked: enter watches" in words_on(app)
        await pilot.press("up", "space")
        await pilot.pause()
        assert "2 marked" in words_on(app)
        await pilot.press("end", "enter")
    assert app.return_value == (MIXED[1].arn, some(1)[0].arn)


@pytest.mark.parametrize("keys", [("q",), ("escape",), ("ctrl+c",)])
async def test_one_can_leave_without_choosing(keys: tuple[str, ...]) -> None:
    script = whole(*MIXED)
    async with running(script) as (app, pilot):
        await pilot.press(*keys)
        await pilot.pause()
    assert app.return_value == ()
    assert app.interrupted == ("ctrl+c" in keys)
    assert script.closed == script.begun == 1


async def test_leaving_does_not_wait_for_the_list() -> None:
    script = Script(Listing(MIXED), Listing(), paced=True)
    script.step()
    async with running(script) as (app, pilot):
        await pilot.press("q")
    assert app.return_value == ()
    assert script.closed == 1


async def test_escape_undoes_one_thing_at_a_time() -> None:
    async with running(whole(*MIXED)) as (app, pilot):
        await pilot.press("space", "slash", *"sale", "escape")
        await pilot.pause()
        assert len(names(app)) > 6, "no longer searched for"
        assert app.focused is list_of(app)
        assert "1 marked" in words_on(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "marked" not in words_on(app)
        assert app.is_running
        await pilot.press("escape")
    assert app.return_value == ()


async def test_a_click_selects_and_a_second_takes() -> None:
    async with running(whole(*MIXED)) as (app, pilot):
        await pilot.click(ExecutionList, offset=(20, 3))
        assert at(app) == "run-000"
        await pilot.click(ExecutionList, offset=(20, 0))
        assert at(app) == "run-000", "the head is no execution"
        await pilot.click(ExecutionList, offset=(20, 2), times=2)
    assert app.return_value == (MIXED[0].arn,)


async def test_a_click_at_the_left_marks() -> None:
    async with running(whole(*MIXED)) as (app, pilot):
        for line in (2, 3, 2):
            await pilot.click(ExecutionList, offset=(1, line))
        await pilot.press("enter")
    assert app.return_value == (some(1)[0].arn,)


async def test_a_click_below_the_last_line_is_of_none() -> None:
    async with running(whole(*MIXED[:2])) as (app, pilot):
        await pilot.click(ExecutionList, offset=(20, 9), times=2)
        await pilot.press("q")
    assert app.return_value == ()


# -- looking for one ---------------------------------------------------------------


async def test_what_is_typed_takes_effect_at_once() -> None:
    async with running(whole(*MIXED), size=(140, 40)) as (app, pilot):
        await pilot.press("slash", *"sale")
        await pilot.pause()
        assert names(app) == ["spring-sale"]
        assert "1 of 36" in words_on(app)
        await pilot.press("enter")
    assert app.return_value == (MIXED[4].arn,)


async def test_keys_of_the_list_are_letters_while_one_types() -> None:
    async with running(whole(*MIXED)) as (app, pilot):
        await pilot.press("slash", *"rq", "space", "m", "plus", "slash")
        await pilot.pause()
        assert app.screen.query_one(Input).value == "rq m+/"
        assert "No execution has “rq m+/”." in words_on(app)
        assert "escape shows all of them" in words_on(app)
        await pilot.press("enter")
        assert app.is_running, "there was nothing to take"
        await pilot.press("escape")
        await pilot.pause()
        assert len(names(app)) > 6


async def test_what_is_typed_in_one_go_with_the_slash_is_looked_for() -> None:
    async with running(whole(*MIXED), size=(140, 40)) as (app, pilot):
        for character in "/sale":
            key = "slash" if character == "/" else character
            app.post_message(events.Key(key, character))
        await until(pilot, lambda: names(app) == ["spring-sale"])
        assert app.screen.query_one(Input).value == "sale"


async def test_the_arrows_move_the_list_while_one_types() -> None:
    async with running(whole(*MIXED)) as (app, pilot):
        await pilot.press("slash", *"run-0", "down", "down", "up")
        assert at(app) == "run-001"
        await pilot.press("pagedown")
        assert at(app) != "run-001"
        await pilot.press("1")
        await pilot.pause()
        assert at(app) == "run-010", "other words begin at the top"


async def test_tab_keeps_the_words_and_goes_to_the_list() -> None:
    async with running(whole(*MIXED)) as (app, pilot):
        await pilot.press("slash", *"run-00", "tab", "j", "space", "space")
        await pilot.pause()
        assert "2 marked" in words_on(app)
        assert len(names(app)) == 10
        await pilot.press("tab", "backspace", "backspace", "backspace", "2")
        await pilot.pause()
        assert "8f41b0f2" not in words_on(app)
        await pilot.press("tab", "enter")
    rows = some(3)
    assert app.return_value == (rows[1].arn, rows[2].arn), "marked, in view or not"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("night", True),
        ("RUN", False),
        ("NIGHT", False),
        ("run succ", True),
        ("report 7f3a", True),
        ("7f3a pipeline", False),
        ("", True),
        ("   ", True),
    ],
)
def test_all_words_must_be_there_and_capitals_count_where_typed(
    words: str, *, found: bool
) -> None:
    assert has(execution("run-7f3a"), words) == found


def test_what_is_masked_can_not_be_found_by_its_name() -> None:
    def mask(text: str) -> str:
        return text.replace("nightly-report", "machine-1")

    assert has(execution("x"), "machine-1", mask)
    assert not has(execution("x"), "nightly", mask)


# -- what comes in -----------------------------------------------------------------


async def test_the_first_frame_waits_for_nothing() -> None:
    script = Script(Listing(MIXED, asked=1, machines=1), paced=True)
    async with running(script) as (app, pilot):
        assert "Asking for executions …" in words_on(app)
        assert "asking …" in words_on(app)
        await pilot.press("enter", "space", "down", "slash", *"x", "escape")
        assert app.is_running, "keys are heard meanwhile"
        script.step()
        await until(pilot, lambda: bool(app.picker.gathered.executions))
        await pilot.pause()
        assert "run-7f3a" in words_on(app)
        assert app.focused is list_of(app)


async def test_the_cursor_keeps_to_its_execution_while_others_come() -> None:
    script = Script(
        Listing(some(30), asked=4, machines=9),
        Listing(MIXED[:6], asked=9, machines=9),
        paced=True,
    )
    script.step()
    async with running(script) as (app, pilot):
        await pilot.pause()
        assert "asking, 4 of 9 state machines …" in words_on(app)
        await pilot.press(*["down"] * 12)
        before = list_of(app).cursor - list_of(app).scroll_offset.y
        assert at(app) == "run-012"
        script.step()
        await until(pilot, lambda: not app.picker.gathered.asking)
        await pilot.pause()
        assert at(app) == "run-012"
        assert list_of(app).cursor - list_of(app).scroll_offset.y == before


async def test_an_untouched_cursor_stays_at_the_top() -> None:
    script = Script(Listing(some(3)), Listing(MIXED[:2]), paced=True)
    script.step()
    async with running(script) as (app, pilot):
        await pilot.pause()
        assert at(app) == "run-000"
        script.step()
        await until(pilot, lambda: not app.picker.gathered.asking)
        await pilot.pause()
        assert at(app).startswith("8f41b0f2")


async def test_r_asks_again_and_what_is_gone_goes_at_the_end() -> None:
    script = Script(Listing(some(5), asked=1, machines=1), paced=True)
    script.step()
    async with running(script) as (app, pilot):
        await until(pilot, lambda: not app.picker.gathered.asking)
        script.listings = [Listing((*some(2), *MIXED[:1]), asked=1, machines=1)]
        await pilot.press("r")
        await pilot.pause()
        assert len(names(app)) == 5, "still there while it is asked for"
        assert "asking" in words_on(app)
        script.step()
        await until(pilot, lambda: not app.picker.gathered.asking)
        await pilot.pause()
        assert names(app) == ["run-7f3a", "run-000", "run-001"]
        assert script.begun == script.closed == 2


async def test_an_execution_that_ends_is_told_anew() -> None:
    script = whole(MIXED[0])
    async with running(script) as (app, pilot):
        assert "RUNNING" in words_on(app)
        script.listings = [Listing((execution("run-7f3a", "FAILED", 276),))]
        await pilot.press("r")
        await pilot.pause()
        assert "✘ FAILED" in words_on(app)
        assert "RUNNING" not in words_on(app)


async def test_more_is_asked_only_when_it_is_wanted() -> None:
    far: dict[str, Any] = {"machines": 100, "more": True}
    script = Script(
        Listing(some(3), asked=60, spent=True, **far),
        Listing(MIXED[:2], asked=70, machines=70),
    )
    async with running(script) as (app, pilot):
        assert "asked 60 of 100+ state machines: + asks more" in words_on(app)
        assert "+ More" in words_on(app)
        assert len(names(app)) == 3
        await pilot.press("plus")
        await until(pilot, lambda: not app.picker.gathered.asking)
        await pilot.pause()
        assert len(names(app)) == 5
        assert "+ More" not in words_on(app)
        assert "5 executions of 70 state machines" in words_on(app)


async def test_time_goes_on_for_what_runs() -> None:
    clock = Stopped()
    async with running(whole(MIXED[0]), clock=clock) as (app, pilot):
        assert "4m 36s" in words_on(app)
        clock.at += timedelta(seconds=7)
        app.picker._tick()
        await pilot.pause()
        assert "4m 43s" in words_on(app)


# -- the children of Map Runs --------------------------------------------------------

PHOTO = "resize-photos/EachPhoto"
CHILDREN = (
    execution("0aa2", "SUCCEEDED", 1200, 12.3, PHOTO),
    execution("1bb3", "RUNNING", 41, machine=PHOTO),
    execution("2cc4", "FAILED", 1300, 3.5, PHOTO),
    execution("3dd5", "SUCCEEDED", 600, 31.0, PHOTO),
    execution("4ee6", "TIMED_OUT", 1250, 600, PHOTO),
)


class Inner:
    """Lists the children of whatever execution is asked for."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[str] = []

    def __call__(self, arn: str) -> Script:
        self.asked.append(arn)
        return self.script


def mapped(*children: Listed, runs: int = 1, **more: Any) -> Inner:
    listing = Listing(children, asked=runs, machines=runs, of=Asked.MAP_RUN, **more)
    return Inner(Script(listing))


async def test_c_lists_the_children_those_that_failed_first() -> None:
    inner = mapped(*CHILDREN)
    async with running(whole(*MIXED), children=inner) as (app, pilot):
        assert "c Children" in words_on(app)
        await pilot.press("down", "c")
        await pilot.pause()
        await pilot.pause()
        assert inner.asked == [MIXED[0].arn]
        assert names(app) == ["4ee6", "2cc4", "1bb3", "3dd5", "0aa2"]
        assert "children of run-7f3a" in words_on(app)
        assert "5 executions of 1 Map Run" in words_on(app)
        await pilot.press("enter")
    assert app.return_value == (CHILDREN[4].arn,)


async def test_several_children_are_marked_and_searched_as_any() -> None:
    async with running(whole(*MIXED), children=mapped(*CHILDREN)) as (app, pilot):
        await pilot.press("c")
        await pilot.pause()
        await pilot.press("slash", *"succ", "tab", "space", "space")
        await pilot.pause()
        assert "2 of 5" in words_on(app)
        assert "2 marked: enter watches" in words_on(app)
        await pilot.press("enter")
    assert app.return_value == (CHILDREN[3].arn, CHILDREN[0].arn)


@pytest.mark.parametrize("key", ["escape", "backspace"])
async def test_back_goes_to_the_list_as_it_was_left(key: str) -> None:
    script = whole(*MIXED)
    async with running(script, children=mapped(*CHILDREN)) as (app, pilot):
        await pilot.press("slash", *"run-00", "tab", "down", "space", "c")
        await pilot.pause()
        assert "children of run-002" in words_on(app)
        await pilot.press(key)
        await pilot.pause()
        assert at(app) == "run-002"
        assert "1 marked" in words_on(app)
        assert "10 of 36" in words_on(app)
        assert script.begun == 1, "nothing is asked again"
        await pilot.press("backspace", "backspace")
        assert app.is_running, "there is nothing above it"
        await pilot.press("q")
    assert app.return_value == ()


async def test_q_leaves_from_within_too() -> None:
    inner = mapped(*CHILDREN)
    async with running(whole(*MIXED), children=inner) as (app, pilot):
        await pilot.press("c")
        await pilot.pause()
        await pilot.press("c")
        await pilot.pause()
        assert inner.asked == [MIXED[1].arn, CHILDREN[4].arn], "a child has them too"
        await pilot.press("q")
        await pilot.pause()
    assert app.return_value == ()
    assert inner.script.closed == inner.script.begun == 2


async def test_a_name_masked_within_stays_masked_outside() -> None:
    async with running(whole(*MIXED), children=mapped(*CHILDREN)) as (app, pilot):
        await pilot.press("down", "c")
        await pilot.pause()
        await pilot.press("m")
        await pilot.pause()
        assert "run-7f3a" not in words_on(app)
        assert "children of execution-" in words_on(app)
        assert "resize-photos" not in words_on(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "run-7f3a" not in words_on(app)
        assert "nightly-report" not in words_on(app)


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        (
            mapped(runs=0),
            [
                "AWS lists no Map Run of this execution.",
                "A Distributed Map state starts one. escape goes back.",
            ],
        ),
        (mapped(), ["AWS lists no executions that a Map Run has started."]),
        (Inner(Script(RefusedError("ListMapRuns on it: no."))), ["✘ ListMapRuns on"]),
    ],
)
async def test_where_there_are_no_children_it_says_why(
    inner: Inner, said: list[str]
) -> None:
    async with running(whole(*MIXED), children=inner) as (app, pilot):
        await pilot.press("c")
        await pilot.pause()
        await pilot.pause()
        for words in (*said, "r asks again, q leaves."):
            assert words in words_on(app)
        await pilot.press("c", "enter", "space", "r")
        assert app.is_running
        assert len(inner.asked) == 1, "of nothing there are no children"
        await pilot.press("escape")
        await pilot.pause()
        assert at(app).startswith("8f41b0f2")


async def test_a_letter_typed_is_no_key() -> None:
    inner = mapped(*CHILDREN)
    async with running(whole(*MIXED), children=inner) as (app, pilot):
        await pilot.press("slash", "c")
        await pilot.pause()
        assert inner.asked == []
        assert app.screen.query_one(Input).value == "c"


async def test_without_a_way_to_ask_there_is_no_such_key() -> None:
    async with running(whole(*MIXED)) as (app, pilot):
        assert "Children" not in words_on(app)
        await pilot.press("c")
        assert app.is_running


# -- nothing to choose from --------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            whole(machines=0),
            [
                "There is no state machine in ap-northeast-1, for this account.",
                "Choose another --region or --profile, or try sfnwatch demo.",
            ],
        ),
        (
            whole(machines=12),
            [
                "No executions. AWS lists those of the last 90 days, and no Express",
                "sfnwatch MACHINE --next waits for one to start.",
            ],
        ),
        (
            Script(RefusedError(DENIED.words, hint="Or ask.")),
            ["✘ ListExecutions on payments: AccessDeniedException.", "Or ask."],
        ),
    ],
)
async def test_where_there_is_nothing_it_says_why(
    script: Script, said: list[str]
) -> None:
    async with running(script) as (app, pilot):
        for words in (*said, "r asks again, q leaves."):
            assert words in words_on(app)
        await pilot.press("enter", "space", "up", "end")
        assert app.is_running
        script.listings = [Listing(MIXED)]
        await pilot.press("r")
        await pilot.pause()
        await pilot.press("enter")
    assert app.return_value == (MIXED[1].arn,)


async def test_trouble_half_way_leaves_what_there_is() -> None:
    script = Script(Listing(MIXED, machines=9), RefusedError("The login has expired."))
    async with running(script) as (app, pilot):
        assert "✘ The login has expired." in words_on(app)
        assert "run-7f3a" in words_on(app)
        await pilot.press("enter")
    assert app.return_value


async def test_what_is_left_out_is_told() -> None:
    async with running(whole(*MIXED, left_out=(EXPRESS, DENIED))) as (app, _):
        screen = words_on(app)
        assert "▲ Left out: payments. ListExecutions on payments: Access" in screen
        assert "Left out: web. AWS lists no Express executions." in screen


def test_of_many_left_out_one_is_told_and_the_rest_counted() -> None:
    many = {f"m{n}": LeftOut(f"m{n}", f"No {n}.") for n in range(9)}
    (told,) = left_out_words(many)
    assert plain(told) == "▲ Left out: m0. No 0. And 8 more."
    assert left_out_words({"web": EXPRESS}) == ()


# -- at any size, in any looks -----------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_it_works_at_any_size(size: tuple[int, int]) -> None:
    odd = execution(HOSTILE_NAME, "RUNNING", machine=WIDE)
    script = whole(odd, *MIXED, left_out=(EXPRESS, DENIED))
    async with running(script, size=size) as (app, pilot):
        view = list_of(app)
        for y in range(view.size.height):
            assert view.render_line(y).cell_length == view.breadth
        await pilot.press("end", "home", "pagedown", "slash", *"7f3a")
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert at(app) == "run-7f3a"
        await pilot.resize_terminal(*size)
        await pilot.press("enter")
    assert app.return_value == (MIXED[0].arn,)


async def test_the_smallest_screen_shows_some_executions_and_how_far_it_is() -> None:
    script = whole(*MIXED, left_out=(EXPRESS, DENIED))
    async with running(script, size=(20, 5)) as (app, pilot):
        assert len(names(app)) == 2
        assert app.screen.query_one(OneLine).size.height == 1
        await pilot.press("down", "down", "down")
        assert at(app) == "attempt-2"


async def test_hostile_names_are_shown_and_do_nothing() -> None:
    rows = [execution(name, machine=name) for name in (HOSTILE_NAME, WIDE, *HOSTILE)]
    left_out = LeftOut(HOSTILE_NAME, f"No {HOSTILE_NAME}")
    script = whole(*rows, left_out=(left_out,))
    async with running(script, size=(140, 40)) as (app, pilot):
        assert harmless(words_on(app).replace("\n", ""))
        assert "[b]bold[/b]" in words_on(app)
        await pilot.press("slash", *"夜間")
        await pilot.pause()
        assert len(names(app)) == 1


async def test_names_are_masked_for_a_talk() -> None:
    config = Config(present=True)
    async with running(whole(*MIXED), size=(140, 40), config=config) as (app, pilot):
        screen = words_on(app)
        assert "nightly-report" not in screen
        assert "run-7f3a" not in screen
        assert "machine-1" in screen
        assert app.theme == "high-contrast"
        await pilot.press("m")
        await pilot.pause()
        assert "nightly-report" in words_on(app)
        await pilot.press("m", "slash", *"execution-1")
        await pilot.pause()
        await pilot.press("enter")
    assert app.return_value
    assert str(app.return_value[0]).startswith(HEAD), "the true one"


async def test_times_are_told_where_the_viewer_is() -> None:
    with living_in(TOKYO):
        config = Config(time="local")
        async with running(whole(*MIXED), config=config) as (app, pilot):
            assert "started JST" in words_on(app)
            assert "11-15 09:28:24" in words_on(app)
            await pilot.press("u")
            await pilot.pause()
            assert "started UTC" in words_on(app)
            assert "11-15 00:28:24" in words_on(app)


async def test_it_can_be_drawn_with_ascii_alone() -> None:
    config = Config(ascii=True)
    async with running(whole(*MIXED), config=config) as (app, _):
        assert drawn(app).count("●") == 0
        assert "* RUNNING" in drawn(app).replace("&#160;", " ")


SMALL, LARGE = (80, 24), (140, 40)
FAR: dict[str, Any] = {"asked": 60, "machines": 100, "more": True}
SCENES: dict[str, tuple[Script, tuple[str, ...]]] = {
    "list": (whole(*MIXED, left_out=(EXPRESS,)), ("down", "down", "down", "space")),
    "search": (whole(*MIXED), ("slash", *"report run", "down")),
    "more": (Script(Listing(MIXED, (DENIED,), spent=True, **FAR)), ()),
    "empty": (whole(machines=0), ()),
    "denied": (Script(RefusedError(DENIED.words)), ()),
}


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "140x40"])
async def test_children_look_as_they_did(
    size: tuple[int, int], picture: SnapshotAssertion
) -> None:
    more = (execution(f"{n:04}", ago=700 + n, machine=PHOTO) for n in range(30))
    children = mapped(*CHILDREN, *more)
    async with running(whole(*MIXED), size=size, children=children) as (app, pilot):
        await pilot.press("down", "c")
        await pilot.pause()
        await pilot.press("down", "space")
        await pilot.pause()
        await pilot.pause()
        assert drawn(app) == picture


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "140x40"])
@pytest.mark.parametrize("name", SCENES)
async def test_the_picker_looks_as_it_did(
    name: str, size: tuple[int, int], picture: SnapshotAssertion
) -> None:
    script, keys = SCENES[name]
    async with running(script, size=size) as (app, pilot):
        app.screen.query_one(Input).cursor_blink = False
        await pilot.press(*keys)
        await pilot.pause()
        name = f"{name}-{size[0]}x{size[1]}"
        await in_themes(app, pilot, picture, name)


async def test_the_picker_can_be_read_without_colour(
    picture: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(whole(*MIXED)) as (app, pilot):
        await pilot.press("down", "space")
        await pilot.pause()
        assert app.no_color
        assert drawn(app) == picture


# -- lines and lists by themselves -------------------------------------------------

hostile = st.sampled_from(HOSTILE) | st.text(max_size=30)


@settings(max_examples=80, deadline=None)
@given(hostile, hostile, hostile, st.integers(0, 320), st.booleans())
def test_a_line_is_as_wide_as_asked_and_harmless(
    name: str,
    machine: str,
    status: str,
    width: int,
    marked: bool,  # noqa: FBT001
) -> None:
    row = execution(name, status, machine=machine)
    line = Line(row, marked, NOW)
    for drawn_line in (
        table_head(EXECUTIONS, width, "UTC"),
        table_line(EXECUTIONS, line, width, Look(), selected=True),
    ):
        assert cells(drawn_line) == max(1, width)
        assert safe(plain(drawn_line))


@pytest.mark.parametrize("width", [56, 72, 79, 99, 108, 139])
def test_of_the_columns_only_names_are_cut(width: int) -> None:
    statuses = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
    for status in statuses:
        for took in (0.2, 59.9, 3599, 359_940):
            row = execution("e", status, took, took, "m")
            line = table_line(
                EXECUTIONS, Line(row, True, NOW), width, Look(), selected=False
            )
            assert "…" not in plain(line)


steps = st.lists(
    st.lists(st.sampled_from(MIXED), max_size=6).map(lambda e: Listing(tuple(e))),
    max_size=6,
)


@given(steps, st.randoms())
def test_a_list_is_the_same_in_whatever_order_it_comes(
    listings: list[Listing], random: Any
) -> None:
    def gathered(steps: Sequence[Listing]) -> Iterable[Listed]:
        result = Gathered().begun()
        for step in steps:
            result = result.taken(step)
        return result.ended(whole=True).rows("")

    shuffled = [*listings, *listings[:2]]
    random.shuffle(shuffled)
    assert gathered(shuffled) == gathered(listings)


@given(st.integers(0, 200), st.integers(0, 9), st.text(max_size=40))
def test_the_head_keeps_what_counts_most(width: int, marked: int, region: str) -> None:
    gathered = Gathered().begun().taken(Listing(MIXED, asked=3, machines=90))
    within = "the-parent" * (width % 2)
    told = plain(head_words(gathered, region, marked, width, within))
    assert "asking, 3 of 90 state machines" in told
    assert (f"{marked} marked" in told) == bool(marked)
    assert safe(told)


# -- all of it together ------------------------------------------------------------


@dataclass(frozen=True)
class World:
    account: Account
    options: AwsOptions


@pytest.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """An account in which a Map Run has been for a while."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", CREDENTIALS[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CREDENTIALS[1])
    clock = SystemClock()
    epoch = clock.now() - timedelta(seconds=40)
    plans: list[str | Scenario] = ["sync", "failure", FEW_PHOTOS]
    account = Account(plans, clock=clock, epoch=epoch, seed=7)
    async with DemoServer(account) as server:
        yield World(account, AwsOptions(None, REGION, server.endpoint_url))


async def test_the_executions_of_a_real_list_are_picked_over_http(
    served: World,
) -> None:
    clock = ServerClock()
    fetch = recent(served.options, REGION, clock)
    async with running(fetch, clock=clock, size=(140, 40)) as (app, pilot):
        await until(pilot, lambda: not app.picker.gathered.asking)
        await pilot.pause()
        assert "9 executions of 3 state machines" in words_on(app)
        assert words_on(app).count("● RUNNING") == 3
        await pilot.press("slash", *"nightly", "enter")
    assert app.return_value == (served.account.executions["sync"],)


async def test_the_children_of_a_real_map_run_are_picked_over_http(
    served: World,
) -> None:
    clock = ServerClock()
    children = children_of(served.options, clock)
    fetch = recent(served.options, REGION, clock)
    more: dict[str, Any] = {"clock": clock, "size": LARGE, "children": children}
    async with running(fetch, **more) as (app, pilot):
        await until(pilot, lambda: not app.picker.gathered.asking)
        await pilot.press("slash", *"RUNNING resize", "tab", "c")
        await until(pilot, lambda: "of 1 Map Run" in words_on(app))
        found = names(app)
        assert "children of few-photos-" in words_on(app)
        assert "● RUNNING" in words_on(app)
        await pilot.press("enter")
    (arn,) = app.return_value or ()
    assert ":execution:resize-photos/EachPhoto:" in str(arn)
    assert len(found) >= 2
