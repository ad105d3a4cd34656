"""What the program does on a terminal, and leaves of it, whatever happens."""

import os
import signal
from typing import Any

import pytest

from tests.builders import ARN
from tests.cli.programs import KEYS, serving
from tests.cli.refusing import refusing
from tests.cli.refusing import words as words_at
from tests.program.programs import Processes, Stage, look_everywhere
from tests.program.terminals import ESCAPE, Terminal

DEMO = ("demo", "sync", "--speed", "1")


@pytest.fixture
def demo(program: Processes) -> Terminal:
    terminal = program.terminal(*DEMO)
    terminal.until("nightly-report", "RUNNING", "DEMO", "STEP FUNCTIONS", "submitted")
    return terminal


# -- how it ends -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "code", "keys"),
    [
        (None, 14, "q"),
        (signal.SIGINT, 130, ""),
        (signal.SIGTERM, 143, "?"),
        (signal.SIGHUP, 129, "p"),
    ],
)
def test_a_key_or_a_signal_ends_it_and_what_was_seen_is_kept(
    demo: Terminal,
    program: Processes,
    number: signal.Signals | None,
    code: int,
    keys: str,
) -> None:
    demo.press(keys)
    if number is not None:
        os.kill(demo.child.pid, number)
    demo.ends_with(code)
    (path,) = program.recordings
    assert f"sfnwatch: recorded to {path}" in demo.after
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
    drawn = b"STEP FUNCTIONS", b"DescribeTasks", b"Execution succeeded"
    terminal.until_so(
        lambda: (
            all(d in terminal.raw.rpartition(b"\x1b[?1049h")[2] for d in drawn)
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


def test_one_that_is_quit_while_it_runs_has_a_code_of_its_own(
    program: Processes,
) -> None:
    keys: dict[str, Any] = KEYS
    with refusing(None) as url:
        terminal = program.terminal(*words_at(url, "watch"), **keys)
        terminal.until("RUNNING")
        terminal.quit(code=14)
    assert "run-7f3a is still running here: how it ends is not known" in terminal.after


def test_one_that_is_refused_while_it_runs_is_told_and_no_success(
    program: Processes,
) -> None:
    keys: dict[str, Any] = KEYS
    with refusing("ExecutionDoesNotExist") as url:
        terminal = program.terminal(*words_at(url, "watch"), **keys)
        terminal.until("ExecutionDoesNotExist")
        terminal.quit(code=3)
    assert "ExecutionDoesNotExist. No more." in terminal.after


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


# -- what a terminal can do ------------------------------------------------------------


def test_in_ascii_not_one_other_byte_is_sent(stage: Stage) -> None:
    terminal = stage.start("--ascii", "--speed", "600")
    # What is found comes last, and moves all lines by one.
    terminal.until("S U C C E E D E D", "# end", "complete to", "completion detected")
    terminal.press(ESCAPE, "Execution succeeded", "--> RunTask", "SUCCEEDED")
    look_everywhere(terminal)
    terminal.press("p", "machine-1")
    terminal.quit()
    assert terminal.raw.isascii()


def test_without_color_no_color_is_sent_and_attributes_remain(stage: Stage) -> None:
    terminal = stage.at_end(NO_COLOR="1")
    look_everywhere(terminal)
    terminal.press("p", "machine-1")
    terminal.quit()
    codes = {code.decode() for code in terminal.colors}
    assert "1" in codes
    assert codes <= {str(code) for code in (*range(10), *range(21, 30), 39, 49)}


def test_a_dumb_terminal_gets_lines(stage: Stage) -> None:
    terminal = stage.start(TERM="dumb")
    assert terminal.wait() == 0
    assert terminal.is_untouched
    assert "✔ Execution succeeded" in terminal.raw.decode()


# -- options and configuration ---------------------------------------------------------

CONFIG = """
theme = "mine"
time = "local"

[keys]
"view.timeline" = "K"
"program.quit" = ["ctrl+x", "Q"]

[themes.mine]
primary = "#abcdef"
background = "#010203"
"""


def test_keys_and_a_theme_of_one_s_own_are_in_the_configuration(stage: Stage) -> None:
    stage.configure(CONFIG)
    terminal = stage.at_end(TZ="Asia/Tokyo")
    terminal.until("JST", "09:28:24.102", "K Timeline", "ctrl+x Quit")
    assert b"48;2;1;2;3" in terminal.colors
    terminal.press("tq?", "How a call is matched")
    terminal.press(ESCAPE, "STEP FUNCTIONS", gone="How a call is matched")
    terminal.press("u", "UTC", "00:28:24.102")
    terminal.press("K", "elapsed", gone="STEP FUNCTIONS")
    terminal.quit("\x18")


def test_options_are_for_one_screen_and_overrule_it(stage: Stage) -> None:
    stage.configure(CONFIG)
    options = ("--time", "utc", "--filter", "~k call", "--theme", "high-contrast")
    terminal = stage.at_end(*options, "--present", TZ="Asia/Tokyo")
    terminal.until("00:28:25", "machine-1", "4 lines, 4 left out", gone="Quit")
    assert {b"48;2;0;0;0", b"38;2;255;255;255"} <= terminal.colors
    terminal.quit("Q")


def test_what_can_not_be_followed_is_said_instead_of_a_screen(stage: Stage) -> None:
    stage.configure("[keys]\n'view.timeline' = 'q'")
    terminal = stage.start()
    assert terminal.wait() == 2
    told = " ".join(terminal.raw.decode().split())
    assert told.startswith("sfnwatch: ")
    assert ": keys: `q` is for both" in told
    assert terminal.is_untouched
