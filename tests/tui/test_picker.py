"""The picker: choosing executions or recordings, whatever AWS says."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from sfnwatch.errors import RefusedError, SfnwatchError
from sfnwatch.model.execution_list import (
    LeftOut,
    ListedBy,
    ListedExecution,
    ListFilter,
    Listing,
)
from sfnwatch.recording.library import ListedRecording
from sfnwatch.tui.looks import Looks
from sfnwatch.tui.picker import PickerApp
from sfnwatch.tui.picker_choices import choice_has
from sfnwatch.tui.picker_list import ListExecutions, PickerSource
from sfnwatch.tui.screen_settings import ScreenSettings
from tests.builders import HEAD, at
from tests.sources.clocks import ManualClock
from tests.tui.conftest import drawn
from tests.tui.screens import Screen

HOSTILE = "\x1b]0;x\x07[red]\u202egnp"


def execution(
    name: str, status: str = "SUCCEEDED", begin: float = 0, machine: str = "import"
) -> ListedExecution:
    arn, end = f"{HEAD}:execution:{machine}:{name}", at(begin + 60)
    times = at(begin), None if status == "RUNNING" else end
    return ListedExecution(arn, machine, name, status, *times)


def recording(name: str, begin: float = 0, **more: Any) -> ListedRecording:
    path = Path(f"/recordings/{name}.sfnwatch.jsonl.gz")
    more.setdefault("statuses", ((f"{HEAD}:execution:import:{name}", "FAILED"),))
    return ListedRecording(path, 1000, at(begin), seconds=61.0, **more)


EXECUTIONS = (
    execution("old"),
    execution("newest", "FAILED", 100),
    execution("running", "RUNNING", 50, machine="nightly"),
)
RECORDINGS = (recording("tape", 5), recording("tape-2", 9))


def listed(
    *pages: Sequence[ListedExecution] | Listing | SfnwatchError,
    wait: asyncio.Event | None = None,
) -> ListExecutions:
    """List some pages, one a step; or be refused."""

    async def ask() -> AsyncGenerator[Listing, None]:
        for number, page in enumerate(pages, 1):
            if wait is not None:
                await wait.wait()
            if isinstance(page, SfnwatchError):
                raise page
            if isinstance(page, Listing):
                yield page
            else:
                yield Listing(tuple(page), asked=number, known=len(pages))

    return ask


REFUSED = listed(RefusedError("No credentials found.", hint="Run aws configure sso."))


@asynccontextmanager
async def picking(
    ask: ListExecutions | None = None,
    size: tuple[int, int] = (100, 24),
    *,
    recordings: Sequence[ListedRecording] = RECORDINGS,
    **more: Any,
) -> AsyncIterator[tuple[PickerApp, Screen]]:
    async def read() -> AsyncGenerator[Sequence[ListedRecording], None]:
        yield recordings

    ask = ask or listed(EXECUTIONS)
    clock = ManualClock(at(130))
    source = PickerSource(ask, clock, region="eu-west-1", recordings=read, **more)
    app = PickerApp(source, ScreenSettings(theme="sfnwatch-dark"))
    app.animation_level = "none"
    async with app.run_test(size=size) as pilot:
        screen = Screen(app, pilot)
        await screen.settle()
        yield app, screen


def names(screen: Screen) -> list[str]:
    """Read which executions and recordings are listed, from above."""
    known = ["old", "newest", "running", "tape-2", "tape", "child-1", "child-2"]
    words = [row.split() for row in screen.rows[2:]]
    return [name for row in words for name in known if name in row]


async def test_which_executions_are_asked_for_is_told() -> None:
    only = ListFilter(("FAILED", "TIMED_OUT"), at(0)).words
    async with picking(listed(()), only=only) as (_, screen):
        asked = f"only failed or timed out, since {at(0):%Y-%m-%d %H}"
        none = "No executions that are failed or timed out"
        await screen.shows(asked, none, "Choose another --region", "--since")
        await screen.pilot.resize_terminal(40, 24)
        await screen.shows("!choose an")


async def test_what_runs_comes_first_then_the_newest_then_recordings() -> None:
    async with picking() as (app, screen):
        head = "choose an execution eu-west-1 3 executions of 1 state machine"
        await screen.shows(head, "⏺ recordings 2 replayed without AWS")
        assert names(screen) == ["running", "newest", "old", "tape-2", "tape"]
        assert re.search("● running .* 01:20", screen.row_with("nightly"))
        await screen.press("enter")
    assert app.return_value == (EXECUTIONS[2].arn,)


async def test_a_cursor_that_was_moved_stays_while_more_comes() -> None:
    async with picking() as (app, screen):
        await screen.press("down", "r", "enter")
    assert app.return_value == (EXECUTIONS[1].arn,)


async def test_nor_does_it_jump_once_it_was_moved_back_to_where_it_was() -> None:
    first, second = (execution(n, "RUNNING", b) for n, b in (("a", 50), ("b", 5)))
    newer, older = execution("newer", "RUNNING", 100), execution("older")
    more = asyncio.Semaphore(0)

    async def ask() -> AsyncGenerator[Listing, None]:
        yield Listing((first, second), asked=1, known=3)
        for asked, each in ((2, newer), (3, older)):
            await more.acquire()
            yield Listing((each,), asked=asked, known=3)

    async with picking(ask) as (app, screen):
        for key in ("down", "up"):
            await screen.press(key)
            more.release()
            await screen.settle()
        await screen.press("enter")
    assert app.return_value == (first.arn,)


async def test_several_are_marked_of_one_kind_and_taken_in_their_order() -> None:
    async with picking() as (app, screen):
        await screen.steps(
            ("down space space", "2 marked: enter watches them"),
            # A mark on a recording leaves the executions unmarked.
            ("space space", "2 marked: enter replays them"),
        )
        await screen.press("enter")
    assert app.return_value == (RECORDINGS[0].path, RECORDINGS[1].path)


async def test_tab_goes_to_the_recordings_and_back() -> None:
    async with picking() as (app, screen):
        await screen.steps(("tab", "⏎ Replay"), ("tab", "⏎ Watch"))
        await screen.press("shift+tab", "enter")
    assert app.return_value == (RECORDINGS[1].path,)


async def test_the_mouse_selects_marks_and_takes() -> None:
    async with picking() as (app, screen):
        rows = screen.rows
        y = next(n for n, row in enumerate(rows) if "newest" in row)
        await screen.pilot.click(offset=(0, y))
        await screen.steps(("", "1 marked"), ("escape", "!marked"))
        await screen.click(30, y + 1, times=2)
    assert app.return_value == (EXECUTIONS[0].arn,)


async def test_what_is_typed_is_found_in_both_at_once() -> None:
    async with picking() as (app, screen):
        # What is typed in one go with the slash is looked for; keys are letters then.
        await screen.steps(("/ 'tape'", "No execution has “tape”."))
        assert names(screen)[:2] == ["tape-2", "tape"]
        await screen.press("escape")
        assert len(names(screen)) == 5
        await screen.press("slash", *"rt fai", "down", "enter")
    assert app.return_value == (RECORDINGS[1].path,)


@pytest.mark.parametrize("keys", [("q",), ("escape",), ("slash", "x", *["escape"] * 2)])
async def test_one_can_leave_without_choosing(keys: tuple[str, ...]) -> None:
    async with picking(listed(EXECUTIONS, wait=asyncio.Event())) as (app, screen):
        await screen.press(*keys)
    assert app.return_value == ()
    assert app.return_code == 0


async def test_without_credentials_recordings_are_there_and_the_demo_is_named() -> None:
    async with picking(REFUSED) as (app, screen):
        why = "No credentials found.", "Run aws configure sso."
        await screen.shows(*why, "sfnwatch demo watches a simulated account")
        assert names(screen) == ["tape-2", "tape"]
        await screen.press("enter")
    assert app.return_value == (RECORDINGS[1].path,)


async def test_enter_takes_no_recording_while_executions_are_awaited() -> None:
    wait = asyncio.Event()
    async with picking(listed(EXECUTIONS, wait=wait)) as (app, screen):
        await screen.steps(("", "Asking for executions …"), ("enter",))
        assert names(screen) == ["tape-2", "tape"]
        wait.set()
        await screen.settle()
        await screen.press("enter")
    assert app.return_value == (EXECUTIONS[2].arn,)


async def test_more_is_asked_only_when_it_is_wanted() -> None:
    spent = Listing(EXECUTIONS[:1], asked=1, known=2, spent=True)
    async with picking(listed(spent, EXECUTIONS[1:2])) as (_, screen):
        assert "asked 1 of 2 state machines: + asks more" in screen.rows[0]
        assert names(screen)[0] == "old"
        await screen.press("plus")
        assert names(screen)[:2] == ["newest", "old"]


async def test_asking_again_leaves_out_what_is_gone() -> None:
    pages = [EXECUTIONS, EXECUTIONS[:1]]

    async def ask() -> AsyncGenerator[Listing, None]:
        yield Listing(tuple(pages.pop(0)), asked=1, known=1)

    async with picking(ask, recordings=()) as (_, screen):
        assert len(names(screen)) == 3
        await screen.press("r")
        assert names(screen) == ["old"]


async def test_the_children_of_map_runs_are_listed_failures_first() -> None:
    children = (execution("child-1", begin=9), execution("child-2", "FAILED"))
    ask = listed(Listing(children, asked=1, known=1, by=ListedBy.MAP_RUN))
    async with picking(ask) as (_, screen):
        assert names(screen)[:2] == ["child-2", "child-1"]


async def test_what_is_left_out_is_told_and_why_there_is_nothing() -> None:
    left_out = LeftOut("secret", "AccessDenied"), LeftOut("fast", "", express=True)
    async with picking(listed(Listing((), left_out, asked=2, known=2))) as (_, screen):
        out = (
            "▲ Left out: secret. AccessDenied",
            "fast. AWS lists no Express executions",
        )
        none = "AWS lists those of the last 90 days", "sfnwatch MACHINE --next"
        await screen.shows(*out, *none)


async def test_a_bad_file_says_why_and_is_not_taken() -> None:
    bad = recording("tape", statuses=(), trouble="line 3 is not JSON")
    async with picking(REFUSED, (120, 24), recordings=[bad]) as (app, screen):
        await screen.shows("▲ bad file", "line 3 is not JSON")
        await screen.press("enter", "q")
    assert app.return_value == ()


async def test_names_are_masked_and_can_not_be_found_then() -> None:
    async with picking() as (_, screen):
        await screen.steps(("m", "execution-"))
        assert names(screen) == ["running"]  # which is a status
        await screen.steps(("/ 'newest'", "No execution has"))


@pytest.mark.parametrize("size", [(20, 5), (44, 14), (200, 50)])
async def test_it_works_at_any_size_and_names_do_nothing(size: tuple[int, int]) -> None:
    bad = [execution(HOSTILE, machine=HOSTILE)]
    async with picking(listed(bad), size) as (app, screen):
        assert all(len(row) <= size[0] for row in screen.rows)
        assert not set("\x1b\x07\u202e") & set(screen.words)
        await screen.press("enter")
    assert app.return_value == (bad[0].arn,)


async def test_the_picker_looks_as_it_did(picture: SnapshotAssertion) -> None:
    async with picking() as (app, screen):
        await screen.press("space")
        assert drawn(app.export_screenshot(simplify=True)) == picture


@pytest.mark.parametrize(
    ("words", "found"),
    [("imp new", True), ("NEWEST", False), ("FAILED", True), ("old", False)],
)
def test_all_words_must_be_there_and_capitals_count_where_typed(
    words: str, *, found: bool
) -> None:
    assert choice_has(EXECUTIONS[1], words, Looks()) is found
