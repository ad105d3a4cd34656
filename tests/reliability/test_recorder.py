"""The recorder through whatever ends it: killed, no room, no right, no file.

It is killed in a process of its own: after every batch, and within every one, by a
limit on the file's size, which ends the process in the middle of a write: so the disk
has as many bytes as one likes.
"""

import os
import resource
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from sfnwatch.model.records import Batch, Received
from sfnwatch.model.trace import Trace
from sfnwatch.recording.format import encode_header, encode_line, new_header
from sfnwatch.recording.reader import open_files
from sfnwatch.recording.recorder import Recorder
from tests.builders import ARN, START, sync_run
from tests.program.conftest import program
from tests.program.programs import Processes

__all__ = ["program"]
HEADER = new_header(START, "sfnwatch 0", [ARN])


class Kill(Struct, frozen=True):
    """When the process is killed."""

    after: int
    """Once so many batches were recorded."""
    within: float | None = None
    """Not before this part of the next one is on the disk, if it is to be in it."""


def every_kill(batches: Sequence[Batch]) -> list[Kill]:
    parts = (None, 0.01, 0.5, 0.99)
    last = len(batches)
    return [Kill(n, part) for n in range(last) for part in parts] + [Kill(last)]


def killed(path: Path, batches: Sequence[Batch], kill: Kill) -> Path:
    """Record in a process of its own, which is killed; give the file."""
    child = os.fork()
    if child == 0:
        try:
            _record(path, batches, kill)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    number = signal.SIGKILL if kill.within is None else signal.SIGXFSZ
    assert os.WIFSIGNALED(status), f"not killed: {kill}"
    assert os.WTERMSIG(status) == number
    return path


def _record(path: Path, batches: Sequence[Batch], kill: Kill) -> None:
    if kill.within is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        limit = _size(batches[: kill.after])
        limit += round(_size(batches[kill.after : kill.after + 1], b"") * kill.within)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    recorder = Recorder(path, HEADER)
    for number, batch in enumerate(batches):
        if number == kill.after and kill.within is None:
            os.kill(os.getpid(), signal.SIGKILL)
        recorder(batch)
    os.kill(os.getpid(), signal.SIGKILL)


def _size(batches: Sequence[Batch], head: bytes = encode_header(HEADER)) -> int:
    lines = (encode_line(each, START) for batch in batches for each in batch)
    return len(head) + sum(map(len, lines))


def lost(path: Path, batches: Sequence[Batch], kill: Kill) -> str:
    """Say what of the recorded lines is not there, or is not named; empty if all is."""
    flushed = [record for batch in batches[: kill.after] for record in batch]
    begun: list[Received] = []
    if kill.within is not None:
        begun += batches[kill.after]
    recording = open_files([path])
    read = list(recording.records())
    if read[: len(flushed)] != flushed:
        return f"{kill}: {len(flushed)} flushed, and not all read"
    more = read[len(flushed) :]
    if more != begun[: len(more)]:
        return f"{kill}: read what was never received"
    torn = not path.read_bytes().endswith(b"\n")
    if torn and not recording.notes and len(more) < len(begun):
        return f"{kill}: the torn end is not named"
    Trace().add(read)
    return ""


# -- is held to ------------------------------------------------------------------------

RUN = sync_run(denied=True)
BATCHES = [tuple(RUN[n : n + 2]) for n in range(0, len(RUN), 2)]
DEMO = "demo async --plain --speed 1000 --drain 0"


def test_what_was_recorded_is_there_whenever_it_is_killed(tmp_path: Path) -> None:
    for number, kill in enumerate(every_kill(BATCHES)[::3]):
        path = killed(tmp_path / f"{number}.jsonl", BATCHES, kill)
        assert lost(path, BATCHES, kill) == ""


def test_a_disk_that_fills_up_is_said_and_the_watch_goes_on(program: Processes) -> None:
    limit = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (12288, -1))"
    # -B: Python would cut the bytecode it keeps, too, and everybody loads that.
    code = f"{limit}; from sfnwatch.cli.main import main; main()"
    start = f'exec {shlex.quote(sys.executable)} -B -c "{code}"'
    ended = program.shell(f"{start} {DEMO}")
    assert ended.code == 0, ended.err
    assert "◆ Execution started" in ended.out
    assert "the recording is not complete: Recording to" in ended.err
    assert "File too large" in ended.err
    (path,) = program.recordings
    assert path.stat().st_size <= 12288
    assert program("replay", str(path), "--plain").out
