"""The program on a terminal: it comes up, and leaves the terminal as it was."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.recording.writer import Recorder
from tests.builders import (
    ARN,
    REGION,
    ROLE,
    START,
    call,
    definition,
    describe,
    event,
)
from tests.program.programs import Program
from tests.program.stages import assert_restored
from tests.program.terminals import Terminal

DEMO = ("demo", "sync", "--speed", "60")


@pytest.fixture
def demo(program: Program) -> Terminal:
    terminal = program.terminal(*DEMO)
    terminal.until("submitted")
    return terminal


def test_the_screen_shows_what_is_watched_in_two_lanes(program: Program) -> None:
    terminal = program.terminal(*DEMO)
    terminal.until("nightly-report", "RUNNING", "STEP FUNCTIONS", "API CALLS")
    terminal.until("┏ ECS RunTask", "submitted", "RunTask", "= request id")
    assert "DEMO" in terminal.text, "what is synthetic says so"
    terminal.press("q")
    assert terminal.wait() == 0


@pytest.mark.parametrize("key", ["q", "\x03"])
def test_a_key_ends_it_and_the_terminal_is_as_it_was(
    demo: Terminal, key: str, program: Program
) -> None:
    demo.press(key)
    assert demo.wait() in {0, 130}
    assert_restored(demo)
    assert b"sfnwatch: recorded to" in demo.raw
    assert len(program.recordings) == 1


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)],
)
def test_a_signal_ends_it_and_the_terminal_is_as_it_was(
    demo: Terminal, number: signal.Signals, code: int
) -> None:
    os.kill(demo.child.pid, number)
    assert demo.wait() == code
    assert_restored(demo)
    assert b"Traceback" not in demo.raw
    assert b"sfnwatch: recorded to" in demo.raw


def test_it_survives_a_terminal_too_small_for_anything(demo: Terminal) -> None:
    for rows, columns in ((5, 20), (1, 1), (2, 200), (60, 10)):
        demo.resize(rows, columns)
        demo.read()
    demo.resize(30, 120)
    demo.until("STEP FUNCTIONS", "┏ ECS RunTask")
    demo.press("q")
    assert demo.wait() == 0
    assert b"Traceback" not in demo.raw


def test_it_comes_up_in_twenty_columns_of_five_rows(program: Program) -> None:
    terminal = program.terminal(*DEMO, rows=5, columns=20)
    terminal.until("submit")
    terminal.press("q")
    assert terminal.wait() == 0
    assert_restored(terminal)


def test_with_lines_asked_for_a_terminal_gets_lines(program: Program) -> None:
    words = ("demo", "async", "--plain", "--speed", "1000")
    terminal = program.terminal(*words)
    assert terminal.wait() == 0
    assert b"\x1b" not in terminal.raw
    assert "✔ Execution succeeded" in terminal.raw.decode()


def test_a_refusal_is_shown_and_told_again_when_the_screen_is_gone(
    program: Program,
) -> None:
    terminal = program.terminal(ARN)
    terminal.until("Unable to locate credentials")
    terminal.press("q")
    assert terminal.wait() == 3
    assert_restored(terminal)
    after = terminal.raw[terminal.raw.rindex(b"\x1b[?1049l") :].decode()
    assert f"sfnwatch: DescribeExecution on {ARN}: Unable to locate" in after


# -- hostile names -------------------------------------------------------------------

ATTACKS = {
    "title": "\x1b]0;owned\x07",
    "colour": "\x1b[31;1m",
    "c1": "\x9b31m\x9d0;owned\x9c",
    "bidi": "\u202eowned\u2066",
    "zero width": "\u200b\u2060\ufeff",
    "line": "\u2028\u2029\r\n\t\x08\x7f",
    "surrogate": "\ud83d",
}
EVIL = "evil" + "".join(ATTACKS.values()) + "end"
FORBIDDEN = (
    *(b"\x1b]0;owned", b"\x1b[31;1m", b"\x07owned", b"\x9b31m"),
    *(c.encode() for c in "\x9b\x9c\x9d\u202e\u2066\u200b\u2060\ufeff\u2028\u2029"),
)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A recording in which every string that somebody else may choose is an attack."""
    task: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask.sync"}
    resource = "arn:aws:states:::ecs:runTask.sync"
    records = (
        describe("RUNNING"),
        definition({EVIL: {"Type": "Task", "Resource": resource}}, start_at=EVIL),
        event(1, "ExecutionStarted", 0, input=EVIL, roleArn=ROLE),
        event(2, "TaskStateEntered", 1, name=EVIL, input=EVIL),
        event(3, "TaskScheduled", 1, region=REGION, parameters=EVIL, **task),
        event(4, "TaskFailed", 9, error=EVIL, cause=EVIL, **task),
        event(5, "Evil" + EVIL, 9.5),
        event(6, "ExecutionFailed", 10, error=EVIL, cause=EVIL),
        call("RunTask", 1, key="a", error=(EVIL, EVIL)),
        call(f"Run{EVIL}", 2, key="b", source=f"{EVIL}.amazonaws.com"),
    )
    path = tmp_path / "evil\x1b]0;owned\x07\u202e.jsonl"
    recorder = Recorder.create(path, (ARN,), START, "test")
    recorder(records)
    recorder.close()
    assert recorder.unwritten == 0, recorder.trouble
    return path


def test_no_name_of_somebody_else_s_reaches_the_terminal_as_a_command(
    program: Program, hostile: Path
) -> None:
    terminal = program.terminal("replay", str(hostile), "--speed", "1000")
    terminal.until("evil␛]0;owned␇", "Execution failed")
    terminal.press("\x1b[H\x1b[B\r")
    terminal.until("evil␛]0;owned␇")
    terminal.press("\x1b[B\x1b[B\x1b[B\x1b[B\x1b[B")
    terminal.press("q")
    assert terminal.wait() == 10
    assert_harmless(terminal.raw)


def assert_harmless(raw: bytes) -> None:
    assert [attack for attack in FORBIDDEN if attack in raw] == []


@pytest.mark.parametrize("output", ["--plain", "--json"])
def test_nor_does_it_as_a_line(program: Program, hostile: Path, output: str) -> None:
    terminal = program.terminal("replay", str(hostile), output)
    assert terminal.wait() == 10
    assert_harmless(terminal.raw)
    assert b"\x1b" not in terminal.raw
    assert b"evil" in terminal.raw


def test_nor_does_it_in_an_export(program: Program, hostile: Path) -> None:
    ended = program("export", str(hostile), "--to", "json")
    assert ended.code == 0
    assert ended.out.isascii()
    assert_harmless((ended.out + ended.err).encode())
