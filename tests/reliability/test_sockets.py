"""What is done with files is done without a network, whatever the environment says."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import ARN, sync_run
from tests.cli.programs import KEYS
from tests.program.conftest import program
from tests.program.programs import Processes
from tests.program.terminals import DEADLINE
from tests.recording.files import record
from tests.reliability.guarded import FORBIDDEN
from tests.reliability.outlets import OUTLETS, another

__all__ = ["program"]
_ENV = {
    **KEYS,
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_REGION": "ap-northeast-1",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return record(tmp_path / "run.jsonl", sync_run(denied=True))


def guarded(
    program: Processes, lines: list[list[str]]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "tests.reliability.guarded"),
        input="\n".join("\t".join(line) for line in lines),
        capture_output=True,
        text=True,
        check=False,
        env=program.env(_ENV),
        timeout=DEADLINE,
    )


def test_no_command_on_files_opens_a_socket(
    program: Processes, file: Path, tmp_path: Path
) -> None:
    places = {"{}": str(file), "OTHER": str(another(tmp_path))}
    lines = [[places.get(w, w) for w in line.split()] for line in OUTLETS.values()]
    lines += [["explain", str(file), "--redact"], ["iam-policy"]]
    done = guarded(program, lines)
    assert done.returncode == 0, done.stderr
    codes = [line for line in done.stderr.splitlines() if line[0].isdigit()]
    assert codes == [f"0 {chr(9).join(line)}" for line in lines]


def test_the_guard_lets_nobody_through(program: Processes) -> None:
    done = guarded(program, [["watch", ARN, "--plain", "--no-record"]])
    assert done.returncode == FORBIDDEN
    assert done.stderr.splitlines()[-1].startswith("socket.")


def test_nor_does_the_screen(program: Processes, file: Path) -> None:
    fault = "from tests.reliability.guarded import guard; guard()"
    words = ("replay", str(file), "--speed", "1000")
    terminal = program.terminal(*words, fault=fault)
    terminal.until("SUCCEEDED")
    for key in "ter":
        terminal.press(key)
    terminal.quit()
