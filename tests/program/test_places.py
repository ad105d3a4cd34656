"""What is chosen on the screen, from AWS or from recordings."""

import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.demo.formats import REGION
from tests.cli.programs import KEYS, golden, serving
from tests.program.programs import Processes
from tests.program.terminals import DOWN, ENTER

DRAIN = ("--drain", "0")
ENV: dict[str, Any] = {**KEYS}


# -- executions ------------------------------------------------------------------------


def test_without_a_name_one_is_chosen_on_the_screen_or_none(
    program: Processes,
) -> None:
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
    """A recording of long ago, in its place."""
    path = program.state / "recordings" / "import-orders.sfnwatch.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.decompress(Path(golden("demo-failure")).read_bytes()))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


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
