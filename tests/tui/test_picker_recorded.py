"""Choosing a recording: beside the executions, or where AWS gives none of them."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot
from textual.widgets import Input

from sfnwatch.config import Config
from sfnwatch.errors import RefusedError, UsageError
from sfnwatch.naming_executions import named
from sfnwatch.recorded import reading
from sfnwatch.recording.naming import SUFFIX
from sfnwatch.recording.shelf import Shelved
from sfnwatch.recording.writer import Recorder
from sfnwatch.trace.listed import Listing
from sfnwatch.trace.words import plain
from sfnwatch.tui.calllines import Look, table_head, table_line
from sfnwatch.tui.cells import cells
from sfnwatch.tui.looks import Looks
from sfnwatch.tui.picker_app import PickerApp
from sfnwatch.tui.picker_lines import Line
from sfnwatch.tui.picker_list import ExecutionList, RecordingList
from sfnwatch.tui.picker_recorded import RECORDINGS, Recorded
from sfnwatch.tui.picker_shelf import ShelfPane
from tests.builders import ARN, START, sync_history
from tests.test_zones import TOKYO, living_in
from tests.trace.test_text import HOSTILE, safe
from tests.tui import conftest
from tests.tui.conftest import harmless, in_themes, until
from tests.tui.runs import HOSTILE as HOSTILE_NAME
from tests.tui.runs import WIDE
from tests.tui.test_picker import (
    DENIED,
    EXPRESS,
    HEAD,
    LARGE,
    MIXED,
    NOW,
    SIZES,
    SMALL,
    Script,
    running,
    whole,
)

picture = conftest.picture
words_on: Callable[[Any], str] = conftest.words_on
NO_REGION = UsageError(
    "No Region is set in which to look for state machines.",
    hint="Give --region, or set AWS_REGION.",
)


def recording(
    name: str = "run-7f3a",
    status: str = "SUCCEEDED",
    days: float = 1,
    machine: str = "nightly-report",
    *,
    others: int = 0,
    **more: Any,
) -> Shelved:
    """Give one that was begun so many days ago; `others` were watched with it."""
    arns = [f"{HEAD}:execution:{machine}:{name}"]
    arns += [f"{HEAD}:execution:{machine}:other-{n}" for n in range(others)]
    statuses = tuple((arn, status) for arn in arns)
    begun = NOW - timedelta(days=days)
    made = {"created": begun, "statuses": statuses, "seconds": 309.2, **more}
    path = Path(f"/recordings/{machine}.{name}{SUFFIX}")
    return Shelved(path, 60_000, begun, named=len(arns), **made)


DAMAGED = Shelved(
    Path(f"/recordings/half-copied{SUFFIX}"),
    12,
    NOW - timedelta(days=3),
    trouble="not the header of a recording",
)
KEPT = (
    recording("run-7f3a", others=2),
    recording("attempt-1", "FAILED", 2, "import-orders", seconds=None),
    DAMAGED,
    recording("left-early", "RUNNING", 4, "order-pipeline"),
    recording("spring-sale", "TIMED_OUT", 5, "warm-cache"),
    *(recording(f"old-{n:02}", days=10 + n) for n in range(20)),
)


class Shelf:
    """Recordings that are read when a test says so."""

    def __init__(self, *steps: tuple[Shelved, ...], paced: bool = False) -> None:
        self.steps = list(steps)
        self.begun = 0
        self._paced = paced
        self._steps = asyncio.Semaphore(0)

    def step(self) -> None:
        self._steps.release()

    async def __call__(self) -> AsyncGenerator[tuple[Shelved, ...], None]:
        self.begun += 1
        for step in self.steps:
            if self._paced:
                await self._steps.acquire()
            yield step


def lines_of(view: RecordingList | ExecutionList) -> list[str]:
    return [view.render_line(y).text for y in range(view.head, view.size.height)]


def names(app: PickerApp) -> list[str]:
    """Read the recordings' names from a screen of 80 columns, in their order."""
    lines = lines_of(app.screen.query_one(RecordingList))
    return [line[61:].strip() for line in lines if line.strip()]


def pointed(app: PickerApp) -> tuple[str, str]:
    """Name the list that has the cursor, and what it is on: one line has it at all."""
    found = [
        (type(view).__name__, view.selected)
        for view in app.screen.query("ExecutionList, RecordingList")
        if isinstance(view, ExecutionList | RecordingList) and view.display
        for line in lines_of(view)
        if line.startswith("▌")
    ]
    ((kind, row),) = found
    name = row.statuses[0][0] if isinstance(row, Shelved) else row.name if row else ""
    return kind, name.rpartition(":")[2]


async def ready(app: PickerApp, pilot: Pilot[Any]) -> None:
    shelf = app.screen.query_one(ShelfPane)
    await until(pilot, lambda: not shelf.recorded.reading)
    await pilot.pause()
    await pilot.pause()


# -- what is chosen ----------------------------------------------------------------


async def test_they_stand_below_the_executions_the_newest_first() -> None:
    mixed = Shelf(tuple(reversed(KEPT)))
    async with running(whole(*MIXED), recordings=mixed) as (app, pilot):
        await ready(app, pilot)
        assert names(app)[0].startswith("run-7f3a and 2 mo")
        assert "⏺ recordings  25  replayed without AWS" in words_on(app)
        assert "36 executions of 7 state machines" in words_on(app)
        assert pointed(app) == ("ExecutionList", "8f41b0f2-5a3f-4bb6-9a53")
        await pilot.press("enter")
    assert app.return_value == (MIXED[1].arn,)


@pytest.mark.parametrize("way", [("tab",), ("end", "down"), ("end", "pagedown")])
async def test_one_goes_from_list_to_list_and_enter_replays(
    way: tuple[str, ...],
) -> None:
    async with running(whole(*MIXED), recordings=Shelf(KEPT)) as (app, pilot):
        await ready(app, pilot)
        assert "Recordings" in words_on(app)
        await pilot.press(*way)
        await pilot.pause()
        assert pointed(app) == ("RecordingList", "run-7f3a")
        assert "Replay" in words_on(app)
        assert "Watch" not in words_on(app)
        assert "Children" not in words_on(app)
        await pilot.press("down", "enter")
    assert app.return_value == (KEPT[1].path,)


async def test_up_leads_back_and_down_not_beyond_the_end() -> None:
    async with running(whole(*MIXED), recordings=Shelf(KEPT[:2])) as (app, pilot):
        await ready(app, pilot)
        await pilot.press("end", "down", "down", "down", "down")
        await pilot.pause()
        assert pointed(app) == ("RecordingList", "attempt-1")
        await pilot.press("up", "up")
        await pilot.pause()
        assert pointed(app) == ("ExecutionList", "by-hand"), "where the cursor was"
        await pilot.press("home", "up")
        await pilot.pause()
        assert pointed(app) == ("ExecutionList", "8f41b0f2-5a3f-4bb6-9a53")


async def test_each_list_has_marks_of_its_own() -> None:
    async with running(whole(*MIXED), recordings=Shelf(KEPT)) as (app, pilot):
        await ready(app, pilot)
        await pilot.press("space", "tab", "down", "space", "home", "space")
        await pilot.pause()
        assert "2 marked: enter replays" in words_on(app)
        await pilot.press("tab")
        await pilot.pause()
        assert "1 marked: enter watches" in words_on(app)
        await pilot.press("tab", "enter")
    assert app.return_value == (KEPT[0].path, KEPT[1].path)


async def test_escape_unmarks_both() -> None:
    async with running(whole(*MIXED), recordings=Shelf(KEPT)) as (app, pilot):
        await ready(app, pilot)
        await pilot.press("space", "tab", "space", "escape")
        await pilot.pause()
        assert "marked" not in words_on(app)
        await pilot.press("tab", "enter")
    assert app.return_value == (MIXED[0].arn,)


async def test_to_mark_the_last_execution_does_not_leave_the_list() -> None:
    async with running(whole(*MIXED), recordings=Shelf(KEPT)) as (app, pilot):
        await ready(app, pilot)
        await pilot.press("end", "space", "space")
        await pilot.pause()
        assert pointed(app) == ("ExecutionList", "by-hand")
        assert "marked" not in words_on(app)


async def test_a_click_goes_to_the_list_and_a_second_takes() -> None:
    async with running(whole(*MIXED), recordings=Shelf(KEPT)) as (app, pilot):
        await ready(app, pilot)
        await pilot.click(RecordingList, offset=(1, 2))
        await pilot.pause()
        assert "1 marked: enter replays" in words_on(app)
        await pilot.click(ExecutionList, offset=(20, 2))
        await pilot.pause()
        assert pointed(app) == ("ExecutionList", "run-7f3a")
        await pilot.click(RecordingList, offset=(1, 2))
        await pilot.click(RecordingList, offset=(20, 1), times=2)
    assert app.return_value == (KEPT[0].path,)


async def test_what_can_not_be_read_is_told_and_not_taken() -> None:
    async with running(whole(*MIXED), recordings=Shelf(KEPT), size=LARGE) as (
        app,
        pilot,
    ):
        await ready(app, pilot)
        assert "▲ bad file" in words_on(app)
        assert "half-copied  not the header of a recording" in words_on(app)
        await pilot.press("tab", "down", "down", "enter")
        assert app.is_running
        await pilot.press("space", "space", "enter")
    assert app.return_value == (KEPT[3].path,), "of what is marked the rest"


# -- looking for one ---------------------------------------------------------------


async def test_a_search_finds_both() -> None:
    shelf = Shelf(KEPT)
    async with running(whole(*MIXED), recordings=shelf, size=LARGE) as (app, pilot):
        await ready(app, pilot)
        await pilot.press("slash", *"sale")
        await pilot.pause()
        assert words_on(app).count("spring-sale") == 2
        assert "1 of 36" in words_on(app)
        assert "⏺ recordings  1 of 25" in words_on(app)
        await pilot.press("down", "enter")
    assert app.return_value == (KEPT[4].path,)


@pytest.mark.parametrize("words", ["left-early", "order RUNNING left", "half-cop"])
async def test_what_only_a_recording_has_is_taken_by_enter(words: str) -> None:
    async with running(whole(*MIXED), recordings=Shelf(KEPT)) as (app, pilot):
        await ready(app, pilot)
        await pilot.press("slash")
        app.screen.query_one(Input).value = words
        await pilot.pause()
        assert "⏺ recordings  1 of 25" in words_on(app)
        assert "No execution has" in words_on(app)
        await pilot.press("enter")
        await pilot.pause()
    readable = words != "half-cop"
    assert app.return_value == ((KEPT[3].path,) if readable else None)


async def test_it_is_found_by_any_execution_in_it() -> None:
    async with running(whole(*MIXED), recordings=Shelf(KEPT)) as (app, pilot):
        await ready(app, pilot)
        await pilot.press("slash", *"other-1")
        await pilot.pause()
        await pilot.press("enter")
    assert app.return_value == (KEPT[0].path,)


async def test_tab_goes_between_the_words_and_what_they_found() -> None:
    async with running(whole(*MIXED), recordings=Shelf(KEPT)) as (app, pilot):
        await ready(app, pilot)
        await pilot.press("slash", *"early", "tab")
        await pilot.pause()
        assert isinstance(app.focused, RecordingList)
        await pilot.press("tab")
        assert isinstance(app.focused, Input)
        await pilot.press("escape")
        await pilot.pause()
        assert pointed(app)[0] == "ExecutionList", "as before"


# -- without AWS -------------------------------------------------------------------


@pytest.mark.parametrize("refused", [NO_REGION, RefusedError(DENIED.words)])
async def test_they_are_there_whatever_aws_says(refused: Exception) -> None:
    async with running(Script(refused), recordings=Shelf(KEPT)) as (app, pilot):
        await ready(app, pilot)
        assert f"✘ {str(refused)[:40]}" in words_on(app)
        assert "r asks again, q leaves." in words_on(app)
        assert pointed(app) == ("RecordingList", "run-7f3a")
        assert len(names(app)) > 10, "they have the room that executions need not"
        await pilot.press("enter")
    assert app.return_value == (KEPT[0].path,)


async def test_enter_takes_none_of_them_while_executions_are_awaited() -> None:
    script = Script(Listing(MIXED), paced=True)
    async with running(script, recordings=Shelf(KEPT)) as (app, pilot):
        await ready(app, pilot)
        assert "Asking for executions …" in words_on(app)
        await pilot.press("enter")
        assert app.is_running, "nobody pointed at it"
        script.step()
        await until(pilot, lambda: not app.picker.gathered.asking)
        await pilot.pause()
        assert pointed(app)[0] == "ExecutionList"


async def test_whoever_went_to_them_stays_there_while_executions_come() -> None:
    script = Script(Listing(MIXED), paced=True)
    async with running(script, recordings=Shelf(KEPT)) as (app, pilot):
        await ready(app, pilot)
        await pilot.press("down", "down")
        await pilot.pause()
        script.step()
        await until(pilot, lambda: not app.picker.gathered.asking)
        await pilot.pause()
        assert pointed(app) == ("RecordingList", "attempt-1")
        await pilot.press("enter")
    assert app.return_value == (KEPT[1].path,)


async def test_they_come_while_it_is_looked_at_and_the_cursor_stays() -> None:
    shelf = Shelf(KEPT[5:9], KEPT[:5], paced=True)
    async with running(Script(NO_REGION), recordings=shelf) as (app, pilot):
        await pilot.pause()
        assert "recordings" not in words_on(app), "there may be none"
        shelf.step()
        await until(pilot, lambda: "reading …" in words_on(app))
        await pilot.press("down")
        assert pointed(app)[1] == "old-01"
        shelf.step()
        await ready(app, pilot)
        assert pointed(app)[1] == "old-01"
        assert names(app)[0].startswith("run-7f3a")


async def test_r_reads_them_again_and_what_is_gone_is_gone() -> None:
    shelf = Shelf(KEPT)
    async with running(Script(NO_REGION), recordings=shelf) as (app, pilot):
        await ready(app, pilot)
        shelf.steps = [KEPT[1:]]
        await pilot.press("r")
        await until(pilot, lambda: "⏺ recordings  24" in words_on(app))
        await ready(app, pilot)
        assert shelf.begun == 2
        await pilot.press("enter")
    assert app.return_value == (KEPT[1].path,)


async def test_without_any_it_looks_as_if_there_could_be_none() -> None:
    async with running(whole(*MIXED), recordings=Shelf()) as (app, pilot):
        await ready(app, pilot)
        assert "recordings" not in words_on(app)
        assert "Recordings" not in words_on(app)
        await pilot.press("tab", "end", "down", "enter")
    assert app.return_value == (MIXED[5].arn,)


# -- at any size, in any looks -----------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_it_works_at_any_size(size: tuple[int, int]) -> None:
    odd = recording(HOSTILE_NAME, machine=WIDE, days=0.1)
    shelf = Shelf((odd, *KEPT))
    script = whole(*MIXED, left_out=(EXPRESS, DENIED))
    async with running(script, recordings=shelf, size=size) as (app, pilot):
        await ready(app, pilot)
        view = app.screen.query_one(RecordingList)
        await pilot.press("tab")
        await pilot.pause()
        for y in range(view.size.height):
            assert view.render_line(y).cell_length == view.breadth
        await pilot.press("end", "home", "pagedown", "slash", *"early")
        await pilot.resize_terminal(*SMALL)
        await pilot.pause()
        assert pointed(app) == ("RecordingList", "left-early")
        await pilot.resize_terminal(*size)
        await pilot.press("enter")
    assert app.return_value == (KEPT[3].path,)


async def test_a_low_screen_shows_the_list_that_the_keys_are_for() -> None:
    shelf = Shelf(KEPT)
    async with running(whole(*MIXED), recordings=shelf, size=(40, 8)) as (app, pilot):
        await ready(app, pilot)
        assert "run-7f3a" in words_on(app)
        assert "attempt-1" not in words_on(app)
        await pilot.press("tab")
        await pilot.pause()
        assert "attempt-1" in words_on(app)
        assert "run-000" not in words_on(app)
        await pilot.press("enter")
    assert app.return_value == (KEPT[0].path,)


async def test_hostile_names_are_shown_and_do_nothing() -> None:
    rows = [recording(name, machine=name) for name in (HOSTILE_NAME, WIDE)]
    rows += [
        Shelved(Path(f"/x/{n}"), 1, NOW, trouble=name)
        for n, name in enumerate((HOSTILE_NAME, *HOSTILE))
    ]
    async with running(Script(NO_REGION), recordings=Shelf(tuple(rows))) as (
        app,
        pilot,
    ):
        await ready(app, pilot)
        assert harmless(words_on(app).replace("\n", ""))


async def test_names_are_masked_and_those_of_files_not_shown() -> None:
    shelf, config = Shelf(KEPT), Config(present=True)
    more: dict[str, Any] = {"recordings": shelf, "config": config, "size": LARGE}
    async with running(whole(*MIXED), **more) as (app, pilot):
        await ready(app, pilot)
        for name in ("nightly-report", "run-7f3a", "attempt-1", "half-copied"):
            assert name not in words_on(app)
        assert "⏺ recordings  24" in words_on(app)
        await pilot.press("m")
        await pilot.pause()
        assert "attempt-1" in words_on(app)
        assert "half-copied" in words_on(app)


async def test_times_are_told_where_the_viewer_is() -> None:
    with living_in(TOKYO):
        more: dict[str, Any] = {
            "recordings": Shelf(KEPT),
            "config": Config(time="local"),
        }
        async with running(Script(NO_REGION), **more) as (app, pilot):
            await ready(app, pilot)
            assert "recorded JST" in words_on(app)
            assert "11-14 09:33:00" in words_on(app)


SCENES: dict[str, tuple[Script, tuple[str, ...]]] = {
    "list": (whole(*MIXED, left_out=(EXPRESS,)), ("down",)),
    "recordings": (whole(*MIXED), ("tab", "down", "space", "down")),
    "search": (whole(*MIXED), ("slash", *"report run", "down")),
    "offline": (Script(NO_REGION), ("down",)),
}


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "140x40"])
@pytest.mark.parametrize("name", SCENES)
async def test_recordings_in_the_picker_look_as_they_did(
    name: str, size: tuple[int, int], picture: SnapshotAssertion
) -> None:
    script, keys = SCENES[name]
    async with running(script, recordings=Shelf(KEPT), size=size) as (app, pilot):
        app.screen.query_one(Input).cursor_blink = False
        await ready(app, pilot)
        await pilot.press(*keys)
        await pilot.pause()
        await in_themes(app, pilot, picture, f"{name}-{size[0]}x{size[1]}")


# -- lines and lists by themselves -------------------------------------------------

hostile = st.sampled_from(HOSTILE) | st.text(max_size=30)


@settings(max_examples=80, deadline=None)
@given(hostile, hostile, hostile, st.integers(0, 320), st.booleans())
def test_a_line_is_as_wide_as_asked_and_harmless(
    name: str,
    machine: str,
    trouble: str,
    width: int,
    marked: bool,  # noqa: FBT001
) -> None:
    row = recording(name, trouble, machine=machine, trouble=trouble)
    for drawn in (
        table_head(RECORDINGS, width, "UTC"),
        table_line(RECORDINGS, Line(row, marked, NOW), width, Look(), selected=True),
    ):
        assert cells(drawn) == max(1, width)
        assert safe(plain(drawn))


steps = st.lists(st.lists(st.sampled_from(KEPT), max_size=6).map(tuple), max_size=6)


@given(steps, steps, st.randoms())
def test_the_list_is_the_same_in_whatever_order_they_are_read(
    before: list[tuple[Shelved, ...]], now: list[tuple[Shelved, ...]], random: Any
) -> None:
    def read(of: Recorded, steps: list[tuple[Shelved, ...]]) -> Recorded:
        of = of.begun()
        for step in steps:
            of = of.taken(step)
        return of.ended()

    shuffled = [*now, *now[:2]]
    random.shuffle(shuffled)
    fresh = read(Recorded(), now).rows("", Looks())
    assert read(read(Recorded(), before), shuffled).rows("", Looks()) == fresh
    assert {each.path for each in fresh} == {e.path for step in now for e in step}


# -- from the files ----------------------------------------------------------------


def recorded(folder: Path, arn: str = ARN, days: float = 0) -> Path:
    created = START + timedelta(days=days)
    recorder = Recorder.create_in(folder, (arn,), created, "test")
    recorder(tuple(sync_history()))
    recorder.close()
    return recorder.path


async def test_a_folder_is_read_some_at_a_time(tmp_path: Path) -> None:
    for days in range(40):
        recorded(tmp_path, days=days)
    read = reading(tmp_path)
    assert [len(step) async for step in read()] == [16, 16, 8]
    async with running(Script(NO_REGION), recordings=read) as (app, pilot):
        await until(pilot, lambda: "⏺ recordings  40  " in words_on(app))
        await pilot.press("down", "enter")
    (path,) = app.return_value or ()
    assert Path(path).parent == tmp_path


async def test_of_what_is_named_only_its_recordings_are_read(tmp_path: Path) -> None:
    own, other = recorded(tmp_path), f"{HEAD}:execution:import-orders:x"
    recorded(tmp_path, other)
    (tmp_path / f"damaged{SUFFIX}").write_text("?")
    name = named("nightly-report")
    assert name is not None
    (step,) = [step async for step in reading(tmp_path, [name])()]
    assert [each.path for each in step] == [own]
    (step,) = [step async for step in reading(tmp_path)()]
    assert len(step) == 3
