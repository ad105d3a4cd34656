"""The program replaying a recording on a terminal, driven by keys."""

from pathlib import Path
from typing import Any

import pytest

from sfnwatch.demo.formats import REGION
from tests.cli.programs import KEYS, golden, keep, serving
from tests.program.programs import NAMES, Processes, Stage, look_everywhere
from tests.program.terminals import DOWN, ENTER, ESCAPE, HOME, TAB

HELP = "How a call is matched"
FILTERED = "4 lines, 4 left out"


# -- filter and search -----------------------------------------------------------------


def test_keys_that_come_at_once_are_what_one_types(stage: Stage) -> None:
    """As over a slow connection: a `q` in them must not quit."""
    shown = stage.at_end()
    shown.press("~~k cal", "call API calls")
    shown.press(TAB, "~k call", gone="Execution started")
    shown.press(ENTER, FILTERED, "t Timeline", gone="tab  call")
    shown.press(ESCAPE, "Execution started", gone="left out")
    shown.press("/request")
    shown.until_selected("= request ID")
    shown.press(f"{ESCAPE}", gone="search request")
    shown.quit()


# -- for a talk ------------------------------------------------------------------------


def test_a_presenter_shows_no_names_in_any_view(stage: Stage) -> None:
    terminal = stage.start("--present", "--speed", "600")
    terminal.until("machine-1 › execution-1", "■ end", "S U C C E E D E D")
    terminal.press(ESCAPE, "STEP FUNCTIONS", gone="S U C C E E D E D")
    for keys, words in (
        (HOME, "Execution 1 of machine-1 starts"),
        (DOWN, " ↓ "),
        ("y", "copied"),
        ("s", "saved"),
        ("b", "no browser here; masked"),
    ):
        terminal.press(keys, words)
    look_everywhere(terminal)
    terminal.press("~", "tab  ~s")
    terminal.press(ESCAPE, gone="tab  ~s")
    told = terminal.raw.decode(errors="ignore") + "".join(terminal.copied)
    assert [name for name in NAMES if name in told] == []
    terminal.press("p", "nightly-report › run-7f3a", "q Quit")
    terminal.quit()


# -- the view that is kept -------------------------------------------------------------


def test_a_recording_opens_as_it_was_left_wherever_it_has_gone(stage: Stage) -> None:
    before = stage.recording.read_bytes()
    terminal = stage.at_end()
    terminal.press("~~k call", gone="Execution started")
    terminal.press(ENTER, FILTERED)
    terminal.quit()
    stage.recording = stage.recording.rename(stage.folder / "moved.jsonl")
    again = stage.start()
    again.until("filter ~k call")
    again.quit()
    assert stage.recording.read_bytes() == before


def test_what_is_piped_in_is_shown_on_a_screen_whose_keys_are_the_terminal_s(
    program: Processes,
) -> None:
    piped = f"import os; os.dup2(os.open({golden('demo-sync')!r}, os.O_RDONLY), 0)"
    terminal = program.terminal("replay", "-", "--speed", "600", fault=piped)
    terminal.until("STEP FUNCTIONS")
    terminal.press("e", "polled 5 times with DescribeTasks")
    terminal.quit()


DRAIN = ("--drain", "0")
ENV: dict[str, Any] = {**KEYS}


# -- executions ------------------------------------------------------------------------


def test_without_a_name_one_is_chosen_on_the_screen_or_none(program: Processes) -> None:
    with serving(["sync"], speed=5000) as served:
        words = served.words("watch", "--region", REGION, *DRAIN)
        terminal = program.terminal(*words, **ENV)
        terminal.until("nightly-report", "✔ succeeded")
        terminal.press(DOWN)
        terminal.press(ENTER, "STEP FUNCTIONS", "Execution succeeded")
        terminal.quit()
        again = program.terminal(*words, **ENV)
        again.until("nightly-report")
        again.quit()
    assert len(program.recordings) == 1, "to choose none is no failure"


def test_the_child_of_a_map_run_is_chosen_on_the_screen(program: Processes) -> None:
    with serving(["distributed"], speed=5000) as served:
        words = served.words("watch", served.execution, "--pick", *DRAIN)
        terminal = program.terminal(*words, **ENV)
        terminal.until("40 executions of 1 Map Run", "resize-photos/EachPhoto")
        terminal.press(ENTER, "STEP FUNCTIONS", "Execution failed")
        assert "Each photo" not in terminal.text
        terminal.quit(code=10)


# -- recordings ------------------------------------------------------------------------


@pytest.fixture
def recorded(program: Processes) -> Path:
    return keep(program.state, "import-orders")


def test_a_recording_is_chosen_and_replayed_without_aws(
    program: Processes, recorded: Path
) -> None:
    """Neither a Region nor credentials: the list says so, and they are there."""
    terminal = program.terminal()
    terminal.until("No Region is set", "✘ failed", "import-orders")
    terminal.until_selected("import-orders")
    terminal.press(ENTER, "STEP FUNCTIONS", "REPLAY")
    terminal.press("l", "Execution failed")
    terminal.quit(code=10)
    assert program.recordings == [recorded], "nothing is recorded again"


def test_on_a_terminal_it_asks_before_it_removes(
    program: Processes, recorded: Path
) -> None:
    words = ("recordings", "prune", "--older-than", "30d")
    for answer, code in (("n", 130), ("y", 0)):
        terminal = program.terminal(*words)
        terminal.until("Remove 1 recording, ")
        assert recorded.exists()
        terminal.press(f"{answer}\r")
        assert terminal.wait() == code
    assert not recorded.exists()
