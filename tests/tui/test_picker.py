"""The picker: choosing executions or recordings, whatever AWS says."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from sfnwatch.errors import RefusedError, SfnwatchError
from sfnwatch.model.children import (
    LeftOut,
    ListedBy,
    ListedExecution,
    ListFilter,
    Listing,
)
from sfnwatch.recording.library import ListedRecording
from sfnwatch.tui.app import ScreenSettings
from sfnwatch.tui.paint import Looks
from sfnwatch.tui.picker import (
    ListExecutions,
    PickerApp,
    PickerSource,
    has,
)
from tests.builders import HEAD, at
from tests.sources.clocks import ManualClock
from tests.tui.conftest import drawn
from tests.tui.screens import (
    press,
    prose_on,
    row_with,
    rows_of,
    settle,
    words_on,
)

HOSTILE = "\x1b]0;x\x07[red]\u202egnp"


def execution(
    name: str, status: str = "SUCCEEDED", begin: float = 0, machine: str = "import"
) -> ListedExecution:
    return ListedExecution(
        arn=f"{HEAD}:execution:{machine}:{name}",
        machine=machine,
        name=name,
        status=status,
        started_at=at(begin),
        stopped_at=None if status == "RUNNING" else at(begin + 60),
    )


def recording(name: str, begin: float = 0, **more: Any) -> ListedRecording:
    given_ = {
        "size": 1000,
        "written_at": at(begin),
        "statuses": ((f"{HEAD}:execution:import:{name}", "FAILED"),),
        "seconds": 61.0,
        **more,
    }
    return ListedRecording(Path(f"/recordings/{name}.sfnwatch.jsonl.gz"), **given_)


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
) -> AsyncIterator[tuple[PickerApp, Pilot[Any]]]:
    async def read() -> AsyncGenerator[Sequence[ListedRecording], None]:
        yield recordings

    ask = ask or listed(EXECUTIONS)
    clock = ManualClock(at(130))
    source = PickerSource(ask, clock, region="eu-west-1", recordings=read, **more)
    app = PickerApp(source, ScreenSettings(theme="sfnwatch-dark"))
    app.animation_level = "none"
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        yield app, pilot


def names(app: PickerApp) -> list[str]:
    """Read which executions and recordings are listed, from above."""
    known = ["old", "newest", "running", "tape-2", "tape", "child-1", "child-2"]
    known.append("later")
    words = [row.split() for row in rows_of(app)[2:]]
    return [name for row in words for name in known if name in row]


async def test_which_executions_are_asked_for_is_told() -> None:
    only = ListFilter(("FAILED", "TIMED_OUT"), at(0)).words
    async with picking(listed(()), only=only) as (app, pilot):
        assert f"only failed or timed out, since {at(0):%Y-%m-%d %H}" in words_on(app)
        assert "No executions that are failed or timed out" in prose_on(app)
        assert "Choose another --status or --since." in prose_on(app)
        await pilot.resize_terminal(40, 24)
        await settle(pilot)
        assert "choose an" not in words_on(app)


async def test_what_runs_comes_first_then_the_newest_then_recordings() -> None:
    async with picking() as (app, pilot):
        assert (
            "choose an execution  eu-west-1  3 executions of 1 state machine"
            in (rows_of(app)[0])
        )
        assert names(app) == ["running", "newest", "old", "tape-2", "tape"]
        assert "● running" in row_with(app, "nightly")
        assert "01:20" in row_with(app, "nightly")
        assert "⏺ recordings  2  replayed without AWS" in words_on(app)
        await press(pilot, "enter")
    assert app.return_value == (EXECUTIONS[2].arn,)


async def test_several_are_marked_of_one_kind_and_taken_in_their_order() -> None:
    async with picking() as (app, pilot):
        await press(pilot, "down", "space", "space")
        assert "2 marked: enter watches them" in rows_of(app)[0]
        # A mark on a recording leaves the executions unmarked.
        await press(pilot, "space", "space")
        assert "2 marked: enter replays them" in rows_of(app)[0]
        await press(pilot, "enter")
    assert app.return_value == (RECORDINGS[0].path, RECORDINGS[1].path)


async def test_tab_goes_to_the_recordings_and_back() -> None:
    async with picking() as (app, pilot):
        await press(pilot, "tab")
        assert "⏎ Replay" in prose_on(app)
        await press(pilot, "tab")
        assert "⏎ Watch" in prose_on(app)
        await press(pilot, "shift+tab", "enter")
    assert app.return_value == (RECORDINGS[1].path,)


async def test_the_mouse_selects_marks_and_takes() -> None:
    async with picking() as (app, pilot):
        rows = rows_of(app)
        y = next(n for n, row in enumerate(rows) if "newest" in row)
        await pilot.click(offset=(0, y))
        await settle(pilot)
        assert "1 marked" in rows_of(app)[0]
        await press(pilot, "escape")
        assert "marked" not in rows_of(app)[0]
        await pilot.click(offset=(30, y + 1), times=2)
        await settle(pilot)
    assert app.return_value == (EXECUTIONS[0].arn,)


async def test_what_is_typed_is_found_in_both_at_once() -> None:
    async with picking() as (app, pilot):
        # What is typed in one go with the slash is looked for; keys are letters then.
        await press(pilot, "slash", *"tape")
        assert names(app)[:2] == ["tape-2", "tape"]
        assert "No execution has “tape”." in words_on(app)
        await press(pilot, "escape")
        assert len(names(app)) == 5
        await press(pilot, "slash", *"rt fai", "down", "enter")
    assert app.return_value == (RECORDINGS[1].path,)


@pytest.mark.parametrize("keys", [("q",), ("escape",), ("slash", "x", *["escape"] * 2)])
async def test_one_can_leave_without_choosing(keys: tuple[str, ...]) -> None:
    async with picking(listed(EXECUTIONS, wait=asyncio.Event())) as (app, pilot):
        await press(pilot, *keys)
    assert app.return_value == ()
    assert not app.interrupted


async def test_without_credentials_recordings_are_there_and_the_demo_is_named() -> None:
    async with picking(REFUSED) as (app, pilot):
        words = prose_on(app)
        assert "No credentials found." in words
        assert "Run aws configure sso." in words
        assert "sfnwatch demo watches a simulated account" in words
        assert names(app) == ["tape-2", "tape"]
        await press(pilot, "enter")
    assert app.return_value == (RECORDINGS[1].path,)


async def test_enter_takes_no_recording_while_executions_are_awaited() -> None:
    wait = asyncio.Event()
    async with picking(listed(EXECUTIONS, wait=wait)) as (app, pilot):
        assert "Asking for executions …" in words_on(app)
        await press(pilot, "enter")
        assert names(app) == ["tape-2", "tape"]
        wait.set()
        await settle(pilot)
        await press(pilot, "enter")
    assert app.return_value == (EXECUTIONS[2].arn,)


async def test_more_is_asked_only_when_it_is_wanted() -> None:
    spent = Listing(EXECUTIONS[:1], asked=1, known=2, spent=True)
    async with picking(listed(spent, EXECUTIONS[1:2])) as (app, pilot):
        assert "asked 1 of 2 state machines: + asks more" in rows_of(app)[0]
        assert names(app)[0] == "old"
        await press(pilot, "plus")
        assert names(app)[:2] == ["newest", "old"]


async def test_asking_again_leaves_out_what_is_gone() -> None:
    pages = [EXECUTIONS, EXECUTIONS[:1]]

    async def ask() -> AsyncGenerator[Listing, None]:
        yield Listing(tuple(pages.pop(0)), asked=1, known=1)

    async with picking(ask, recordings=()) as (app, pilot):
        assert len(names(app)) == 3
        await press(pilot, "r")
        assert names(app) == ["old"]


async def test_children_are_listed_failures_first_and_one_goes_back() -> None:
    children = (execution("child-1", begin=9), execution("child-2", "FAILED"))
    asked: list[str] = []

    def of(arn: str) -> ListExecutions:
        asked.append(arn)
        return listed(Listing(children, asked=1, known=1, by=ListedBy.MAP_RUN))

    async with picking(children=of) as (app, pilot):
        await press(pilot, "down", "c")
        assert asked == [EXECUTIONS[1].arn]
        assert "children of newest" in rows_of(app)[0]
        assert names(app) == ["child-2", "child-1"]
        await press(pilot, "backspace")
        assert len(names(app)) == 5
        await press(pilot, "c", "enter")
    assert app.return_value == (children[1].arn,)


async def test_what_is_left_out_is_told_and_why_there_is_nothing() -> None:
    left_out = LeftOut("secret", "AccessDenied"), LeftOut("fast", "", express=True)
    async with picking(listed(Listing((), left_out, asked=2, known=2))) as (app, _):
        words = prose_on(app)
        assert "▲ Left out: secret. AccessDenied" in words
        assert "fast. AWS lists no Express executions." in words
        assert "AWS lists those of the last 90 days" in words
        assert "sfnwatch MACHINE --next" in words


async def test_a_bad_file_says_why_and_is_not_taken() -> None:
    bad = recording("tape", statuses=(), trouble="line 3 is not JSON")
    async with picking(REFUSED, (120, 24), recordings=[bad]) as (app, pilot):
        assert "▲ bad file" in words_on(app)
        assert "line 3 is not JSON" in words_on(app)
        await press(pilot, "enter", "q")
    assert app.return_value == ()


async def test_names_are_masked_and_can_not_be_found_then() -> None:
    async with picking() as (app, pilot):
        await press(pilot, "m")
        assert names(app) == ["running"]  # which is a status
        assert "execution-" in words_on(app)
        await press(pilot, "slash", *"newest")
        assert "No execution has" in words_on(app)


@pytest.mark.parametrize("size", [(20, 5), (44, 14), (200, 50)])
async def test_it_works_at_any_size_and_names_do_nothing(size: tuple[int, int]) -> None:
    bad = [execution(HOSTILE, machine=HOSTILE)]
    async with picking(listed(bad), size) as (app, pilot):
        assert all(len(row) <= size[0] for row in rows_of(app))
        assert not set("\x1b\x07\u202e") & set(words_on(app))
        await press(pilot, "enter")
    assert app.return_value == (bad[0].arn,)


async def test_the_picker_looks_as_it_did(picture: SnapshotAssertion) -> None:
    async with picking() as (app, pilot):
        await press(pilot, "space")
        assert drawn(app.export_screenshot(simplify=True)) == picture


@pytest.mark.parametrize(
    ("words", "found"),
    [("imp new", True), ("NEWEST", False), ("FAILED", True), ("old", False)],
)
def test_all_words_must_be_there_and_capitals_count_where_typed(
    words: str, *, found: bool
) -> None:
    assert has(EXECUTIONS[1], words, Looks()) is found
