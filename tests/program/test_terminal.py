"""What the program leaves of a terminal, and lets through to it, whatever happens."""

import os
import signal
from typing import Any

import pytest

from tests.builders import ARN
from tests.cli.programs import KEYS, serving
from tests.program.programs import Processes
from tests.program.stages import Stage
from tests.program.terminals import Terminal

DEMO = ("demo", "sync", "--speed", "1")


@pytest.fixture
def demo(program: Processes) -> Terminal:
    terminal = program.terminal(*DEMO)
    terminal.until("nightly-report", "RUNNING", "DEMO", "STEP FUNCTIONS", "submitted")
    return terminal


# -- how it ends -----------------------------------------------------------------------


def test_a_key_ends_it_and_what_was_seen_is_kept(
    demo: Terminal, program: Processes
) -> None:
    demo.quit()
    (path,) = program.recordings
    assert f"sfnwatch: recorded to {path}" in demo.after
    assert "TaskSubmitted" in path.read_text()
    assert program("replay", str(path)).code == 0


@pytest.mark.parametrize(
    ("number", "code", "keys"),
    [
        (signal.SIGINT, 130, ""),
        (signal.SIGTERM, 143, "?"),
        (signal.SIGHUP, 129, "p"),
    ],
)
def test_a_signal_ends_it_with_its_code_and_the_recording_is_kept(
    demo: Terminal, program: Processes, number: signal.Signals, code: int, keys: str
) -> None:
    demo.press(keys)
    os.kill(demo.child.pid, number)
    demo.ends_with(code)
    (path,) = program.recordings
    assert "sfnwatch: recorded to" in demo.after
    assert "TaskSubmitted" in program("replay", str(path), "--json").out


def test_control_c_ends_it_while_one_types(stage: Stage) -> None:
    terminal = stage.at_end()
    terminal.press("~", "tab")
    terminal.quit("\x03")


def test_suspended_it_gives_the_terminal_back_and_comes_again(stage: Stage) -> None:
    terminal = stage.at_end()
    begun = terminal.raw.count(b"\x1b[?1049h")
    os.kill(terminal.child.pid, signal.SIGTSTP)
    terminal.until_so(
        lambda: terminal.raw.count(b"\x1b[?1049l") == begun, "the shell's screen"
    )
    # What goes on before it has stopped would be lost.
    flags = os.WSTOPPED | os.WNOWAIT
    os.waitid(os.P_PID, terminal.child.pid, flags)
    os.kill(terminal.child.pid, signal.SIGCONT)
    drawn = b"STEP FUNCTIONS"
    terminal.until_so(
        lambda: (
            drawn in terminal.raw.rpartition(b"\x1b[?1049h")[2]
            and terminal.raw.count(b"\x1b[?1049h") > begun
        ),
        "the screen again",
    )
    terminal.press("t", "elapsed")
    terminal.quit()


def test_a_refusal_is_shown_and_told_again_when_the_screen_is_gone(
    program: Processes,
) -> None:
    terminal = program.terminal(ARN)
    terminal.until("Unable to locate credentials")
    terminal.quit(code=3)
    said = "sfnwatch: AWS credentials: Unable to locate credentials."
    assert said in terminal.after


FAULT = """
from {module} import {name}
def broken(self, *_, **__):
    payload = "hunter" + "2"
    raise RuntimeError("it broke here")
{name}.{method} = broken
"""
FAULTS = (
    ("sfnwatch.tui.lanes_view", "LanesView", "draw"),
    ("sfnwatch.model.trace", "Trace", "add"),
)
"""In drawing, and in what comes in."""


@pytest.mark.parametrize(("module", "name", "method"), FAULTS)
def test_a_crash_leaves_the_terminal_usable_and_tells_no_data(
    stage: Stage, module: str, name: str, method: str
) -> None:
    fault = FAULT.format(module=module, name=name, method=method)
    terminal = stage.start(fault=fault)
    assert terminal.wait() == 1
    assert set(terminal.restored.values()) == {True}
    told = terminal.after
    assert "Traceback" in told
    assert "RuntimeError" in told
    assert "it broke here" in told
    assert "hunter2" not in told
    assert "123456789012" not in told


# -- a demo ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notify", "bells", "notices"), [("bell", 1, 0), ("desktop", 0, 1)]
)
def test_its_end_is_told_as_was_asked(
    stage: Stage, program: Processes, notify: str, bells: int, notices: int
) -> None:
    stage.configure(f"notify = '{notify}'")
    keys: dict[str, Any] = KEYS
    with serving(["failure"], speed=1) as served:
        words = served.words("watch", served.execution, "--drain", "0")
        terminal = program.terminal(*words, **keys)
        terminal.until("RUNNING")
        served.clock.set_speed(1000)
        terminal.until("✘ FAILED")
        terminal.quit(code=10)
    assert terminal.bells == bells
    told = b"\x1b]9;sfnwatch: " + "✘ import-orders failed".encode()
    assert terminal.raw.count(told) == notices
