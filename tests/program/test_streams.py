"""Pipes that close, streams that are not there, and signals."""

import json
import signal
from pathlib import Path

import pytest

from sfnwatch.demo.scenarios import PLANS
from tests.cli.programs import KEYS, golden
from tests.program.programs import Processes

DEMO = ("demo", "async", "--plain", "--speed", "1000")
LINE = f"sfnwatch {' '.join(DEMO)}"
WAYS = golden("demo-three-ways")


@pytest.mark.parametrize(
    "words", ["export {} --to csv", "explain {}", "replay {} --json"]
)
def test_a_reader_who_has_had_enough_is_no_fault(
    program: Processes, words: str
) -> None:
    ended = program.shell(
        f'sfnwatch {words.format(WAYS)} | true; echo "${{PIPESTATUS[0]}}"'
    )
    assert ended.out == "0\n"


def test_a_watch_goes_on_to_its_end_for_the_recording(program: Processes) -> None:
    ended = program.shell(f"{LINE} | head -1")
    assert ended.code == 0
    assert len(ended.lines) == 1
    assert '"ExecutionSucceeded"' in ended.recording.read_text()


FULL = "sfnwatch: Can't write to stdout: No space left on device."


def test_a_full_disk_behind_stdout_is_said_and_the_recording_is_kept(
    program: Processes,
) -> None:
    ended = program.shell(f"{LINE} > /dev/full")
    assert ended.code == 1
    assert FULL in ended.err
    (path,) = program.recordings
    assert '"ExecutionSucceeded"' in path.read_text()
    for words in ("--help", f"explain {WAYS}"):
        ended = program.shell(f"sfnwatch {words} > /dev/full")
        assert (ended.code, ended.err) == (1, f"{FULL}\n")


@pytest.mark.parametrize("words", ["redact {}", "export {} --to csv"])
def test_what_is_for_programs_comes_out_on_a_terminal_too(
    program: Processes, words: str
) -> None:
    terminal = program.terminal(*words.format(golden("demo-async")).split())
    assert terminal.wait() == 0, terminal.text
    assert b"ExecutionSucceeded" in terminal.raw


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_signal_ends_it_with_its_code_and_what_was_seen_is_summed_up(
    program: Processes, number: signal.Signals, code: int
) -> None:
    running = program.start("demo", "sync", "--speed", "1")
    running.until("submitted")
    running.send(number)
    ended = running.wait()
    assert ended.code == code
    assert "uses ecs:runTask.sync" in ended.out
    assert "Traceback" not in ended.err
    assert "TaskSubmitted" in ended.recording.read_text()


CLOSED = "sfnwatch: Can't write to stdout: Bad file descriptor.\n"


@pytest.mark.parametrize(("closed", "said"), [(">&-", CLOSED), ("<&- >&- 2>&-", "")])
def test_a_closed_stdout_is_said_and_harms_no_recording(
    program: Processes, closed: str, said: str
) -> None:
    ended = program.shell(f"{LINE} {closed}")
    assert ended.code == 1
    assert ended.err.endswith(said)
    (path,) = program.recordings
    lines = path.read_text().splitlines()
    assert len([json.loads(line) for line in lines]) > 8, "and nothing else is in it"


def test_closed_streams_that_nothing_is_written_to_or_read_of_harm_nothing(
    program: Processes, tmp_path: Path
) -> None:
    assert program.shell("sfnwatch --version >&-").said(1) in CLOSED
    assert program.shell("sfnwatch --version <&- 2>&-").code == 0
    words = f"sfnwatch export {WAYS} --to csv -o {tmp_path / 'calls.csv'}"
    assert program.shell(f"{words} <&- >&- 2>&-").code == 0


def test_a_demo_needs_nothing_of_the_environment(
    program: Processes, tmp_path: Path
) -> None:
    (tmp_path / "broken").write_text("[profile")
    ended = program(
        *(*DEMO, "--no-record"),
        AWS_PROFILE="gone",
        AWS_CONFIG_FILE=str(tmp_path / "broken"),
        HTTP_PROXY="http://127.0.0.1:9",
        PYTHONIOENCODING="ascii",
    )
    assert ended.code == 0
    assert "v Execution succeeded" in ended.out, "in the signs that ASCII has"
    assert program.recordings == []


def test_a_served_account_is_told_of_in_one_line_of_json_and_ends_by_a_signal(
    program: Processes,
) -> None:
    served = program.start("demo", "--serve", "--port", "0")
    served.until("}\n")
    told = json.loads(served.out)
    assert told["endpoint_url"].startswith("http://127.0.0.1:")
    assert (told["access_key_id"], told["secret_access_key"]) == (*KEYS.values(),)
    assert len(told["executions"]) == len(PLANS)
    served.send(signal.SIGTERM)
    ended = served.wait()
    assert (ended.code, len(ended.lines)) == (0, 1)
