"""The demo, a served account, recordings: what is printed, and how it ends."""

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Serve
from tests.cli.programs import HERE, Ended, Program, golden

DRAIN = ("--drain", "0")
FAST = ("--speed", "2000", *DRAIN)


# -- the demo --------------------------------------------------------------------------


@pytest.mark.parametrize(("scenario", "code"), [("async", 0), ("failure", 10)])
def test_the_outcome_of_a_demo_is_its_exit_code(
    program: Program, scenario: str, code: int
) -> None:
    ended = program("demo", scenario, "--plain", *FAST)
    assert ended.code == code
    assert ended.lines[0].endswith("◆ Execution started")
    assert ended.recording.stat().st_mode & 0o777 == 0o600
    assert all(line.startswith("sfnwatch: ") for line in ended.err.splitlines())
    again = program("replay", str(ended.recording))
    assert again.code == code
    assert steps(again) == steps(ended)


def steps(ended: Ended) -> set[str]:
    """Give when each thing happened to a state, without what was learned later."""
    return {line[:40] for line in ended.lines if "  state  " in line}


def test_a_recording_is_made_where_it_is_wanted_and_never_overwritten(
    program: Program, tmp_path: Path
) -> None:
    path = tmp_path / "run.jsonl"
    words = ("demo", "async", "--plain", *FAST, "--record", str(path))
    assert program(*words).recording == path
    before = path.read_bytes()
    assert "the file exists" in program(*words).said(2)
    assert path.read_bytes() == before
    assert program.recordings == []


# -- a served account ------------------------------------------------------------------


def test_an_execution_is_watched_by_its_arn(program: Program, serve: Serve) -> None:
    served = serve("failure", speed=5000)
    words = served.words(served.execution, "--plain", *DRAIN)
    ended = program(*words)
    assert ended.code == 10
    assert ended.recording.exists()
    assert "RunTask" in ended.out
    dark = program(*words, "--no-lookup", "--no-record")
    assert (dark.code, "RunTask  task" in dark.out) == (10, False)


def test_a_machine_s_name_stands_for_its_newest_execution(
    program: Program, serve: Serve
) -> None:
    served = serve("sync", speed=5000)
    words = served.words("nightly-report", *HERE, "--plain", *DRAIN)
    ended = program(*words)
    assert ended.code == 0
    assert "the newest execution of nightly-report: " in ended.err
    asked = ended.recording.read_text()
    assert "ListStateMachines" in asked, "what it took to find it is recorded"
    near = program(*served.words("nightly-repot", *HERE, "--plain")).said(3)
    assert near.endswith("Did you mean nightly-report?")
    started = served.words(served.execution, "--next", "--plain")
    assert "has started" in program("watch", *started).said(2)


def test_several_are_watched_together_and_the_first_failure_is_the_code(
    program: Program, serve: Serve
) -> None:
    served = serve("async", "failure", "sdk", speed=5000)
    arns = tuple(served.executions.values())
    ended = program(*served.words(*arns, "--json", *DRAIN))
    assert ended.code == 10
    ends = [each["status"] for each in ended.objects if each["kind"] == "end"]
    assert sorted(ends) == ["FAILED", "SUCCEEDED", "SUCCEEDED"]


def test_one_that_is_not_there_is_refused_in_a_sentence(
    program: Program, serve: Serve
) -> None:
    served = serve("async")
    arn = served.execution.replace("async-", "gone-")
    alone = program(*served.words(arn, "--plain", "--no-record"))
    assert (alone.code, alone.out) == (3, "")
    said = alone.err.splitlines()[-1].removeprefix("sfnwatch: ")
    assert said.startswith(f"DescribeExecution on {arn}: ExecutionDoesNotExist")
    both = program(*served.words(served.execution, arn, "--plain", *DRAIN))
    assert both.code == 3
    assert "Execution succeeded" in both.out, "the other is shown first"


# -- recordings ------------------------------------------------------------------------


def test_what_is_replayed_can_be_recorded(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "again.jsonl"
    once = program("replay", golden("demo-sync"), "--json")
    again = program("replay", golden("demo-sync"), "--json", "--record", str(path))
    assert again.out == once.out
    assert program("replay", str(path), "--json").out == once.out


def test_a_torn_recording_is_shown_and_said_to_be_torn(
    program: Program, tmp_path: Path
) -> None:
    whole = program("demo", "async", "--plain", *FAST).recording
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(whole.read_bytes()[:-40])
    ended = program("replay", str(torn))
    assert "Execution succeeded" in ended.out
    assert "torn.jsonl: the last line is cut short: " in ended.err
    torn.write_bytes(whole.read_bytes().replace(b'"source"', b'"souce"', 2))
    assert program("replay", str(torn)).said(4).startswith(f"{torn}:2: ")


# -- pipes and signals -----------------------------------------------------------------

ROOT = Path(__file__).parents[2]
PROGRAM = f"{sys.executable} -m sfnwatch"


def shell(line: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which $P is the program."""
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "P": PROGRAM, "XDG_STATE_HOME": str(tmp_path)},
    )


@pytest.mark.parametrize("words", ["iam-policy", "--help", "explain {}", "replay {}"])
def test_a_full_disk_behind_stdout_is_said(words: str, tmp_path: Path) -> None:
    ended = shell(f"$P {words.format(golden('demo-async'))} > /dev/full", tmp_path)
    said = "sfnwatch: Can't write to stdout: No space left on device.\n"
    assert (ended.returncode, ended.stderr) == (1, said)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A demo at the speed of life, of which something has been printed."""
    process = subprocess.Popen(
        [*PROGRAM.split(), "demo", "sync", "--speed", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "XDG_STATE_HOME": str(tmp_path)},
    )
    assert process.stdout is not None
    while "submitted" not in process.stdout.readline():
        assert process.poll() is None
    with process:
        late = threading.Timer(20, process.kill)
        late.start()
        yield process
        late.cancel()


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_a_signal_ends_it_with_its_code_and_what_was_seen_is_summed_up(
    running: subprocess.Popen[str], number: signal.Signals, code: int
) -> None:
    running.send_signal(number)
    out, err = running.communicate()
    assert running.returncode == code
    assert "uses ecs:runTask.sync" in out
    assert "Traceback" not in err
    path = re.search(r"recorded to (.*)", err)
    assert path
    assert "TaskSubmitted" in Path(path[1]).read_text()
