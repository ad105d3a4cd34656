"""A recorder that is killed at every write of a run, before, in and after it."""

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import FileIO
from pathlib import Path

from sfnwatch.recording import writer
from sfnwatch.recording.reader import read_recording
from sfnwatch.recording.writer import Recorder
from sfnwatch.trace.events import Batch, Received
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, START


class When(StrEnum):
    """At which point of a write the process is killed."""

    BEFORE = "before"
    WITHIN = "within"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Kill:
    """A write, counted from 0 for the header's, and the point in it."""

    write: int
    when: When


def killed(folder: Path, batches: Sequence[Batch], kill: Kill) -> Path:
    """Record in a process of its own, which is killed; give the file."""
    path = folder / f"{kill.write}-{kill.when}.sfnwatch.jsonl"
    child = os.fork()
    if child == 0:
        try:
            setattr(writer, "_write", _killing(kill))  # noqa: B010 - in a child
            recorder = Recorder.create(path, [ARN], START, "sfnwatch 0")
            for batch in batches:
                recorder(batch)
            recorder.close()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"not killed: {kill}"
    return path


def _killing(kill: Kill) -> Callable[[FileIO, bytes], None]:
    count = -1

    def write(file: FileIO, data: bytes) -> None:
        nonlocal count
        count += 1
        if count == kill.write and kill.when is not When.AFTER:
            part = data[: len(data) // 2] if kill.when is When.WITHIN else b""
            file.write(part)
            os.kill(os.getpid(), signal.SIGKILL)
        file.write(data)
        if count == kill.write:
            os.kill(os.getpid(), signal.SIGKILL)

    return write


def lost(path: Path, batches: Sequence[Batch], kill: Kill) -> str:
    """Say what of the flushed lines is not there, or is not named; empty if all is."""
    whole = kill.write if kill.when is When.AFTER else kill.write - 1
    flushed = [record for batch in batches[: max(0, whole)] for record in batch]
    if kill.write == 0 and kill.when is not When.AFTER:
        return ""  # there is no header yet: nothing was watched
    read = read_recording(path)
    if list(read.records[: len(flushed)]) != flushed:
        return f"{kill}: {len(flushed)} flushed, and not all read"
    more = list(read.records[len(flushed) :])
    if more != _within(batches, kill)[: len(more)]:
        return f"{kill}: read what was never received"
    torn = not path.read_bytes().endswith(b"\n")
    if torn and not read.notes and len(more) < len(_within(batches, kill)):
        return f"{kill}: the torn tail is not named"
    extend(Trace(), read.records)
    return ""


def _within(batches: Sequence[Batch], kill: Kill) -> list[Received]:
    if kill.when is not When.WITHIN:
        return []
    return list(batches[kill.write - 1])
