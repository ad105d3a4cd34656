"""The program replaying a recording in a terminal, driven by keys and the mouse."""

import json
from pathlib import Path
from stat import S_IMODE

import pytest

from tests.builders import ARN
from tests.program.programs import Program
from tests.program.stages import (
    DOWN,
    END,
    ENTER,
    ESCAPE,
    HOME,
    NAMES,
    TAB,
    UP,
    Stage,
    quit_with,
)
from tests.program.terminals import Terminal
from tests.tui.several import THREE, three_runs

CONSOLE = "https://ap-northeast-1.console.aws.amazon.com/"
TOKYO = "Asia/Tokyo"
MAP = 28
"""The row of the player's map, of 30."""


@pytest.fixture
def stage(program: Program, tmp_path: Path) -> Stage:
    return Stage(program, tmp_path)


@pytest.fixture
def shown(stage: Stage) -> Terminal:
    """The whole run, standing still."""
    return stage.at_end()


# -- player --------------------------------------------------------------------------


def test_a_recording_plays_by_itself_from_its_beginning_to_its_end(
    stage: Stage,
) -> None:
    terminal = stage.start("--speed", "600")
    terminal.until("at the end", "✔ Execution succeeded")
    assert b"RUNNING" in terminal.raw, "it began before the end"
    terminal.press(" ", "playing")
    terminal.until("at the end")
    quit_with(terminal)


def test_it_is_paused_and_stepped_through_by_keys(stage: Stage) -> None:
    # As slow as it gets, so that it is still playing when it is to be paused.
    terminal = stage.at_end("--speed", "0.1")
    terminal.press("0", "paused", "RUNNING", gone="ECS RunTask")
    terminal.press(" ", "playing")
    terminal.press(" ", "paused")
    terminal.press("0", "paused", gone="ECS RunTask")
    terminal.press("]", "┏ ECS RunTask", "last: ECS", gone="submitted")
    terminal.press("..", "submitted")
    terminal.press(",,", gone="scheduled · started")
    terminal.press("}", "first poll", "DescribeTasks #1")
    terminal.press("[", "last: ECS", gone="DescribeTasks")
    terminal.press("l", "at the end", "✔ Execution succeeded")
    quit_with(terminal)


# -- views ---------------------------------------------------------------------------


def test_views_come_and_go(shown: Terminal) -> None:
    shown.press("t", "elapsed", "ECS RunTask  ecs:runTask.sync", "▓ working")
    shown.press("t", "STEP FUNCTIONS", gone="elapsed")
    shown.press("e", "Who noticed the end", "polled 5 times")
    shown.press("e", "STEP FUNCTIONS", gone="Who noticed the end")
    shown.press("r", "sfnwatch only reads", "LookupEvents")
    shown.press("r", "STEP FUNCTIONS", gone="LookupEvents")
    shown.press(HOME + ENTER, "▾ Records", f"role     arn:aws:iam::{NAMES[0]}:role/")
    shown.press(ESCAPE, gone="▾ Records")
    shown.press("?", "to the first line", "in sentences")
    shown.press(END, "Calls have whole seconds")
    shown.press(ESCAPE, "STEP FUNCTIONS", gone="Calls have whole seconds")
    quit_with(shown)


def test_a_finding_is_followed_to_what_it_rests_on(shown: Terminal) -> None:
    shown.press("e", "Who noticed the end", "5 calls")
    shown.press(HOME + DOWN)
    shown.until_selected("The task started by")
    shown.press(ENTER, "→ 00:29:20")
    shown.press(DOWN + DOWN)
    shown.until_selected("DescribeTasks #2")
    shown.press(ENTER, "STEP FUNCTIONS", gone="Who noticed the end")
    shown.until_selected("DescribeTasks #2")
    shown.press("e", "Who noticed the end")
    shown.until_selected("DescribeTasks #2")
    quit_with(shown)


def test_two_executions_are_compared(program: Program, tmp_path: Path) -> None:
    stage = Stage(program, tmp_path, three_runs(denied=True), THREE)
    terminal = stage.at_end()
    terminal.press("v", "only A waits", "5 polls ✘ AccessDenied")
    terminal.press("X", "only B waits")
    terminal.press("V", "sdk-33a086", gone="async-ac879f")
    terminal.press(ENTER, "STEP FUNCTIONS", gone="5 polls ✘")
    quit_with(terminal)


@pytest.mark.parametrize("key", [":", "\x10"])
def test_an_action_is_done_from_the_palette_by_its_name(
    shown: Terminal, key: str
) -> None:
    shown.press(key, "Search for commands")
    shown.press("mask", "Mask names", gone="Back 1 min")
    shown.press(ENTER, "machine-1 › execution-1", gone="Mask names")
    quit_with(shown)


# -- filter and search ---------------------------------------------------------------


def test_a_filter_is_typed_with_completion_and_cleared(shown: Terminal) -> None:
    shown.press("~", "tab  ~s")
    shown.press("~k cal", "call API calls")
    shown.press(TAB, "~k call", "6 of 13 rows", gone="Execution started")
    shown.press(ENTER, "filter ~k call", "t Timeline", gone="tab  call")
    shown.press("~", "tab  call")
    shown.press(" & ~q", "✘ at 11: unknown ~q")
    shown.press(ESCAPE, "6 of 13 rows", gone="unknown")
    shown.press(ESCAPE, "Execution started", gone="6 of 13 rows")
    quit_with(shown)


def test_words_are_searched_and_found_in_turn(shown: Terminal) -> None:
    shown.press(HOME)
    shown.until_selected("Execution started")
    shown.press("/", "search", "in all rows")
    shown.press("describet")
    shown.until_selected("DescribeTasks #1")
    shown.press(ENTER, "n next", gone="in all rows")
    shown.press("n")
    shown.until_so(lambda: "#1" not in shown.selected, "another row selected")
    shown.press("N")
    shown.until_selected("DescribeTasks #1")
    shown.press(ESCAPE, gone="n next")
    quit_with(shown)


def test_what_is_typed_ahead_is_typed_into_the_line(shown: Terminal) -> None:
    """Over a slow connection several keys come at once: a `q` in them must not quit."""
    shown.press("/request")
    shown.until("search  1 row request")


# -- records -------------------------------------------------------------------------


def test_a_record_is_copied_and_its_address_told(shown: Terminal) -> None:
    shown.press(HOME)
    shown.until_selected("Execution started")
    shown.press("y", "copied")
    (text,) = shown.copied
    assert json.loads(text)["type"] == "ExecutionStarted"
    shown.press("b", "AWS console", CONSOLE)
    assert shown.copied[1].startswith(CONSOLE), "no display: none can be opened"
    assert shown.copied[1].endswith(ARN)
    quit_with(shown)


def test_a_record_is_saved_for_its_owner_only(shown: Terminal, stage: Stage) -> None:
    shown.press(HOME + DOWN + DOWN + DOWN)
    shown.until_selected("submitted")
    shown.press("s", "saved sfnwatch-run-7f3a-")
    (path,) = stage.folder.glob("*.json")
    assert path.name in shown.text
    assert S_IMODE(path.stat().st_mode) == 0o600
    event, call = json.loads(path.read_text())
    assert (event["type"], call["eventName"]) == ("TaskSubmitted", "RunTask")
    quit_with(shown)


# -- on stage ------------------------------------------------------------------------


def test_a_presenter_shows_no_names_in_any_view(shown: Terminal) -> None:
    assert all(name in shown.text for name in NAMES[1:])
    shown.press("p", "machine-1 › execution-1", "The execution has succeeded")
    assert_no_names(shown)
    shown.press("b", "AWS console")
    assert_no_names(shown)
    shown.press("y", "copied")
    assert_no_names(shown)
    assert not [name for name in NAMES if name in shown.copied[-1]]
    for keys, words in (
        (UP, "ECS RunTask is over"),
        (HOME, "The execution execution-1 of machine-1 begins"),
        (ENTER, "▾ Records"),
        ("t", "elapsed"),
        (DOWN, "account-1"),
        ("t", "STEP FUNCTIONS"),
        ("e", "machine-1 › execution-1"),
        ("e", "STEP FUNCTIONS"),
        ("r", "sfnwatch only reads"),
        ("r", "STEP FUNCTIONS"),
        ("?", "to the first line"),
        (END, "Calls have whole seconds"),
    ):
        shown.press(keys, words)
        assert_no_names(shown)
    shown.press(ESCAPE, gone="Calls have whole seconds")
    shown.press("p", "nightly-report › run-7f3a", "q Quit")
    quit_with(shown)


def names_on(terminal: Terminal) -> list[str]:
    return [name for name in NAMES if name in terminal.text]


def assert_no_names(terminal: Terminal) -> None:
    assert not names_on(terminal), terminal.text


def test_nor_does_it_by_saving(shown: Terminal) -> None:
    shown.press("p", "machine-1 › execution-1")
    shown.press("s", "saved")
    assert_no_names(shown)


def test_nor_with_what_was_told_before(shown: Terminal) -> None:
    shown.press("b", "AWS console")
    shown.press("p", "machine-1 › execution-1", "The execution has succeeded")
    # What is read of the terminal may end in the middle of a frame.
    shown.until_so(lambda: not names_on(shown), "no names on the screen")


def test_keys_are_shown_to_an_audience_and_vanish(shown: Terminal) -> None:
    shown.press("p", "machine-1", gone="q Quit")
    shown.press(UP, " ↑ ")
    shown.until(gone=" ↑ ")
    quit_with(shown)


def test_times_are_told_where_one_is(stage: Stage) -> None:
    terminal = stage.at_end(TZ=TOKYO)
    terminal.until("UTC", "00:28:24.102")
    terminal.press("u", "JST", "09:28:24.102", gone="00:28:24.102")
    terminal.press("u", "UTC", "00:28:24.102", gone="09:28:24.102")
    quit_with(terminal)


# -- mouse ---------------------------------------------------------------------------


def test_the_mouse_selects_seeks_and_presses_what_the_footer_names(
    shown: Terminal,
) -> None:
    shown.mouse(*shown.place("submitted"))
    shown.until_selected("submitted")
    shown.mouse(MAP, 3)
    shown.until("paused", "RUNNING", gone="Execution succeeded")
    shown.mouse(MAP, 99)
    shown.until("at the end", "✔ Execution succeeded")
    shown.until_selected("submitted")
    shown.mouse(*shown.place("Timeline"))
    shown.until("elapsed")
    quit_with(shown)


def test_the_wheel_scrolls(stage: Stage) -> None:
    terminal = stage.start("--speed", "600", rows=10)
    terminal.until("SUCCEEDED")
    terminal.press("l", "■")
    terminal.until("✔ Execution succeeded", gone="Execution started")
    for _ in range(4):
        terminal.mouse(5, 20, button=64)
    terminal.until("◆ Execution started", gone="✔ Execution succeeded")
    for _ in range(4):
        terminal.mouse(5, 20, button=65)
    terminal.until("✔ Execution succeeded", gone="Execution started")
    quit_with(terminal)


# -- size ----------------------------------------------------------------------------

SIZES = ((5, 20), (60, 200), (12, 99), (1, 1), (24, 80), (3, 200), (60, 10), (5, 20))


def test_any_size_will_do_while_it_plays(stage: Stage) -> None:
    terminal = stage.at_end("--speed", "0.25")
    terminal.press("0", "paused", gone="ECS RunTask")
    terminal.press("].", "scheduled · started")
    terminal.press(HOME + DOWN)
    terminal.until_selected("ECS RunTask")
    terminal.press(" ", "playing")
    for rows, columns in SIZES:
        terminal.resize(rows, columns)
        terminal.read()
    terminal.resize(30, 100)
    terminal.until("playing")
    terminal.mouse(MAP, 99)
    terminal.until("at the end", "CloudTrail ended")
    terminal.until_selected("ECS RunTask")
    quit_with(terminal)


def test_every_view_fits_any_size_and_comes_back(shown: Terminal) -> None:
    shown.press(HOME)
    shown.until_selected("Execution started")
    for keys, words in (
        ("t", "elapsed"),
        ("e", "Who noticed the end"),
        ("r", "sfnwatch only reads"),
        ("?", "to the first line"),
        (":", "Search for commands"),
        ("~", "tab  ~s"),
        (ENTER, "▾ Records"),
    ):
        shown.press(keys, words)
        for rows, columns in SIZES:
            shown.resize(rows, columns)
            shown.read()
        shown.resize(30, 100)
        # Drawn again: an escape amid what a terminal says of its size is none.
        shown.until(words)
        shown.press(ESCAPE, "STEP FUNCTIONS", "at the end", "t Timeline", gone=words)
    shown.until_selected("Execution started")
    quit_with(shown)


# -- the view that is kept -----------------------------------------------------------


def test_the_view_is_kept_apart_from_the_recording(stage: Stage) -> None:
    before = stage.recording.read_bytes()
    terminal = stage.at_end()
    terminal.press("~", "tab  ~s")
    terminal.press("~k call", gone="Execution started")
    terminal.press(ENTER, "6 of 13 rows")
    quit_with(terminal)
    moved = stage.recording.rename(stage.folder / "moved.jsonl")
    assert moved.read_bytes() == before
    stage.recording = moved
    again = stage.at_end()
    again.until("filter ~k call", "6 of 13 rows", gone="Execution started")
    quit_with(again)
    assert moved.read_bytes() == before


def test_a_recording_opens_in_the_view_it_was_left_in(stage: Stage) -> None:
    terminal = stage.at_end()
    terminal.press("g", gone="idle squeezed")
    terminal.press("t", "elapsed")
    quit_with(terminal)
    again = stage.at_end()
    assert "elapsed" in again.text, again.text
    assert "idle squeezed" not in again.text


def test_the_cursor_comes_back_from_the_timeline_to_its_line(shown: Terminal) -> None:
    shown.press(HOME + DOWN + DOWN + DOWN)
    shown.until_selected("submitted")
    shown.press("t", "elapsed")
    shown.press("t", "STEP FUNCTIONS", gone="elapsed")
    shown.until_selected("submitted")
