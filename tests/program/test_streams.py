"""Pipes, signals, and streams that are not there."""

import json
import signal

import pytest

from tests.program.programs import Program

DEMO = ("demo", "async", "--plain", "--speed", "1000")
LONG = ("demo", "sync", "--plain", "--speed", "1")
LINE = "sfnwatch demo async --plain --speed 1000"


def test_whoever_reads_one_line_and_leaves_is_no_trouble(program: Program) -> None:
    ended = program.shell(f"{LINE} | head -1")
    assert ended.code == 0
    assert len(ended.lines) == 1
    assert ended.recording.exists()


@pytest.mark.parametrize("command", ["replay", "export --to json"])
def test_nor_is_it_when_a_recording_is_read(program: Program, command: str) -> None:
    path = program(*DEMO).recording
    ended = program.shell(f"sfnwatch {command} '{path}' | head -1")
    assert len(ended.lines) == 1
    assert ended.err == "" or ended.err.startswith("sfnwatch: "), ended.err


def test_a_full_disk_behind_stdout_is_said(program: Program) -> None:
    ended = program.shell(f"{LINE} > /dev/full")
    assert ended.code == 1
    assert "sfnwatch: Can't write to stdout: No space left on device." in ended.err
    assert ended.recording.exists()


@pytest.mark.parametrize("command", ["iam-policy", "--help"])
def test_so_it_is_for_what_is_short(program: Program, command: str) -> None:
    ended = program.shell(f"sfnwatch {command} > /dev/full")
    assert ended.code == 1
    assert ended.err == "sfnwatch: Can't write to stdout: No space left on device.\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_harm_neither_watch_nor_recording(
    program: Program, closed: str
) -> None:
    ended = program.shell(f"{LINE} {closed}")
    assert ended.code == 0
    (path,) = program.recordings
    lines = path.read_text().splitlines()
    assert len([json.loads(line) for line in lines]) > 8, "and nothing else is in it"


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_a_signal_ends_it_with_its_code_and_the_recording_is_kept(
    program: Program, number: signal.Signals, code: int
) -> None:
    running = program.start(*LONG)
    running.until("submitted")
    running.send(number)
    ended = running.wait()
    assert ended.code == code
    assert "Traceback" not in ended.err
    again = program("replay", str(ended.recording), "--plain")
    assert again.code == 0
    assert "submitted" in again.out


def test_what_was_seen_until_a_signal_is_summed_up(program: Program) -> None:
    running = program.start(*LONG)
    running.until("submitted")
    running.send(signal.SIGINT)
    assert "uses ecs:runTask.sync" in running.wait().out


@pytest.mark.parametrize("env", [{}, {"TERM": "dumb"}, {"NO_COLOR": "1"}])
def test_without_a_terminal_it_prints_lines_without_colour(
    program: Program, env: dict[str, str]
) -> None:
    ended = program("demo", "async", "--speed", "1000", **env)
    assert ended.code == 0
    assert "◆ Execution started" in ended.out
    assert "\x1b" not in ended.out + ended.err


def test_stdout_is_data_and_stderr_is_narration(program: Program) -> None:
    ended = program(*DEMO)
    assert ended.lines
    assert not any(line.startswith("sfnwatch: ") for line in ended.lines)
    assert all(line.startswith("sfnwatch: ") for line in ended.err.splitlines())
