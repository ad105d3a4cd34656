"""What is done with files is done without a network, whatever the environment says."""

import subprocess
import sys
from pathlib import Path

import pytest

from sfnwatch.export.targets import TARGETS
from sfnwatch.trace.values import replace
from tests.builders import ARN, sync_run
from tests.program.programs import Program
from tests.program.stages import assert_restored, recorded
from tests.reliability.guarded import FORBIDDEN

_GUARDED = (sys.executable, "-m", "tests.reliability.guarded")
_ENV = {
    "AWS_ACCESS_KEY_ID": "A" * 20,
    "AWS_SECRET_ACCESS_KEY": "s" * 40,
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_REGION": "ap-northeast-1",
}
OTHER = ARN.replace("run-7f3a", "run-8a4b")


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    one = recorded(tmp_path, sync_run(denied=True), ARN)
    (tmp_path / "b").mkdir()
    others = [
        replace(record, execution_arn=record.execution_arn and OTHER)
        for record in sync_run()
    ]
    return str(one), str(recorded(tmp_path / "b", others, OTHER))


def guarded(
    program: Program, lines: list[list[str]]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _GUARDED,
        input="\n".join("\t".join(line) for line in lines),
        capture_output=True,
        text=True,
        check=False,
        env=program._env(_ENV),
        timeout=100,
    )


def test_no_command_on_files_opens_a_socket(
    tmp_path: Path, files: tuple[str, str]
) -> None:
    one, other = files
    lines = [
        ["replay", one, "--plain"],
        ["replay", one, other, "--json"],
        ["explain", one],
        ["explain", one, "--format", "markdown"],
        ["compare", one, other],
        ["redact", one],
        *(["export", one, "--to", name] for name in TARGETS),
        *(["explain", one, "--redact"], ["iam-policy"]),
    ]
    done = guarded(Program(tmp_path), lines)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if line[0].isdigit()] == [
        f"0 {chr(9).join(line)}" for line in lines
    ]


def test_the_guard_lets_nobody_through(tmp_path: Path) -> None:
    done = guarded(Program(tmp_path), [[ARN, "--plain", "--no-record"]])
    assert done.returncode == FORBIDDEN
    assert done.stderr.splitlines()[-1].startswith("socket.")


def test_nor_does_the_screen(tmp_path: Path, files: tuple[str, str]) -> None:
    program = Program(tmp_path)
    fault = "from tests.reliability.guarded import guard; guard()"
    words = ("replay", files[0], "--speed", "1000")
    terminal = program.terminal(*words, fault=fault)
    terminal.until("Execution succeeded")
    for key in "ter":
        terminal.press(key)
    terminal.press("q")
    assert terminal.wait() == 0
    assert_restored(terminal)
