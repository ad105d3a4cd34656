"""The recorder through whatever ends it: killed, no room, no right, no file."""

import os
import shlex
import shutil
import signal
import stat
import sys
from pathlib import Path

import pytest

from sfnwatch.recording.format import VERSION
from sfnwatch.recording.reader import read_recording
from sfnwatch.recording.writer import Recorder
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, START, sync_run
from tests.program.programs import Program
from tests.reliability.kills import Kill, When, killed, lost

RUN = sync_run(denied=True)
BATCHES = [tuple(RUN[n : n + 2]) for n in range(0, len(RUN), 2)]
FORMATS = Path(__file__).parents[1] / "recording" / "formats"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.mark.parametrize("when", list(When))
def test_what_was_flushed_is_there_whenever_it_is_killed(
    tmp_path: Path, when: When
) -> None:
    for write in range(len(BATCHES) + 1):
        kill = Kill(write, when)
        assert lost(killed(tmp_path, BATCHES, kill), BATCHES, kill) == ""


def test_a_batch_cut_at_every_byte_loses_no_line_before(tmp_path: Path) -> None:
    path = tmp_path / "run.sfnwatch.jsonl"
    recorder = Recorder.create(path, [ARN], START, "sfnwatch 0")
    recorder(tuple(RUN[:3]))
    recorder.close()
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for end in range(first, len(whole) + 1):
        path.write_bytes(whole[:end])
        read = read_recording(path)
        lines = whole[first:end].count(b"\n")
        complete = whole[end : end + 1] == b"\n"
        assert len(read.records) == lines + complete
        torn = end > first and not complete and whole[end - 1 : end] != b"\n"
        assert bool(read.notes) == torn


def test_a_watch_killed_on_its_way_replays(program: Program) -> None:
    running = program.start("demo", "async", "--plain", "--speed", "60")
    running.until("RunTask")
    running.send(signal.SIGKILL)
    assert running.wait().code == -signal.SIGKILL
    (path,) = program.recordings
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    ended = program("replay", str(path), "--plain")
    assert "RunTask" in ended.out
    program.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_disk_that_fills_up_is_said_and_the_watch_goes_on(program: Program) -> None:
    limit = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (4096, -1))"
    python = shlex.quote(sys.executable)
    start = f'exec {python} -c "{limit}; from sfnwatch.cli import main; main()"'
    ended = program.shell(f"{start} demo async --plain --speed 1000")
    assert ended.code == 0, ended.err
    assert "✔ Execution succeeded" in ended.out
    assert "the recording is not whole: Recording to" in ended.err
    assert "File too large" in ended.err
    (path,) = program.recordings
    assert path.stat().st_size <= 4096
    assert program("replay", str(path), "--plain").out


@pytest.mark.skipif(os.name != "posix", reason="needs a device that is no folder")
def test_a_place_that_can_not_be_written_is_said_and_the_watch_goes_on(
    program: Program,
) -> None:
    program.state.parent.mkdir()
    program.state.write_text("a file where the folder should be")
    ended = program("demo", "async", "--plain", "--speed", "1000")
    assert ended.code == 0, ended.err
    assert "✔ Execution succeeded" in ended.out
    assert "not recording: Can't record to" in ended.err


@pytest.mark.skipif(os.name != "posix", reason="needs folders with modes")
@pytest.mark.parametrize("words", [(), ("--record", "here.sfnwatch.jsonl")])
def test_a_folder_that_is_read_only_is_said_and_what_is_asked_for_is_refused(
    program: Program, tmp_path: Path, words: tuple[str, ...]
) -> None:
    program.state.mkdir(parents=True)
    program.state.chmod(0o500)
    (tmp_path / "work").mkdir(mode=0o500)
    python = shlex.quote(sys.executable)
    start = f"{_bound()} {python} -m sfnwatch demo async --plain --speed 1000"
    ended = program.shell(
        f"cd {shlex.quote(str(tmp_path / 'work'))} && {start} {' '.join(words)}"
    )
    assert "Permission denied" in ended.err
    if words:
        # Who names a file wants it: better no watch than one that is not recorded.
        assert (ended.code, ended.out) == (2, "")
    else:
        assert ended.code == 0, ended.err
        assert "✔ Execution succeeded" in ended.out
        assert "not recording: Can't record to" in ended.err


def _bound() -> str:
    """Bind root to the modes of its own folders, as others are."""
    if os.geteuid() != 0:
        return ""
    if shutil.which("setpriv") is None:
        pytest.skip("modes don't bind root, and setpriv is not there")
    return "setpriv --bounding-set=-dac_override,-dac_read_search"


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_a_recording_of_every_format_there_was_is_read(version: int) -> None:
    read = read_recording(FORMATS / f"{version}.sfnwatch.jsonl")
    assert read.notes == ()
    trace = extend(Trace(), read.records)
    (timeline,) = trace.timelines.values()
    assert (timeline.status, len(timeline.events)) == ("SUCCEEDED", 8)
    assert len([link for link in trace.links.values() if link.attempt_id]) == 6
