"""Times of whole processes, taken in turn; medians, quantiles and ratios of pairs."""

import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

T = TypeVar("T")
Command = Sequence[str | Path]
_LAUNCHER = (sys.executable, "-I", "-S", str(Path(__file__).with_name("launcher.py")))


PATIENCE = 1800.0
"""Seconds that one program may take at most."""


class FailedError(Exception):
    """A program that did not end well; the text is what it said."""


class Sample(Struct, frozen=True):
    """One run of a program, as the operating system accounts for it."""

    wall: float
    cpu: float
    rss: float
    """Bytes at most."""
    out: str


def run(
    command: Command,
    env: Mapping[str, str] | None = None,
    *,
    codes: Sequence[int] = (0,),
    keep: bool = False,
    cwd: Path | None = None,
    patience: float = PATIENCE,
) -> Sample:
    """Run a program to its end; what it says is thrown away unless it is to be kept.

    Raises FailedError.
    """
    words = [str(word) for word in command]
    told, tell = os.pipe()
    with os.fdopen(told, "rb") as telling:
        try:
            process = subprocess.Popen(
                [*_LAUNCHER, str(tell), *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if keep else subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=env,
                cwd=cwd,
                pass_fds=(tell,),
                start_new_session=True,
            )
        finally:
            os.close(tell)
        try:
            said, errors = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired as error:
            # The launcher and what it has launched.
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            late = f"{' '.join(words)}: not over within {patience:g} s"
            raise FailedError(late) from error
        usage = telling.read().split()
    if not usage or int(usage[3]) not in codes:
        why = usage[3].decode() if usage else "not started"
        trouble = errors.decode(errors="replace").strip()[-400:]
        raise FailedError(f"{' '.join(words)}: {why}: {trouble}")
    wall, cpu, rss = (float(word) for word in usage[:3])
    return Sample(wall, cpu, rss * 1024, (said or b"").decode(errors="replace"))


def in_turn(count: int, measures: Mapping[str, Callable[[], T]]) -> Iterator[list[T]]:
    """Measure A B A B …; yield each round, after one that warms up and is no part.

    So a machine that gets slower, or busier, does so for all of a round.
    """
    if count > 1:
        for measure in measures.values():
            measure()
    for _ in range(count):
        yield [measure() for measure in measures.values()]


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Give the ratio of each pair."""
    return [a / b for a, b in zip(ours, theirs, strict=True) if b]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)
