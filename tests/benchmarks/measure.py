"""Times of whole processes, taken in turn; medians, ratios of pairs, and slopes."""

import math
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")
Command = Sequence[str | Path]
_LAUNCHER = (sys.executable, "-I", "-S", str(Path(__file__).with_name("launcher.py")))


class FailedError(Exception):
    """A program that did not end well; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Sample:
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
) -> Sample:
    """Run a program to its end; what it says is thrown away unless it is to be kept.

    Raises FailedError.
    """
    words = [str(word) for word in command]
    out = subprocess.PIPE if keep else subprocess.DEVNULL
    told, tell = os.pipe()
    with os.fdopen(told, "rb") as telling:
        try:
            process = subprocess.Popen(
                [*_LAUNCHER, str(tell), *words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.PIPE,
                env=env,
                cwd=cwd,
                pass_fds=(tell,),
            )
        finally:
            os.close(tell)
        said, errors = process.communicate()
        usage = telling.read().split()
    trouble = errors.decode(errors="replace").strip()[-400:]
    if not usage or (code := int(usage[3])) not in codes:
        why = str(code) if usage else "not started"
        msg = f"{' '.join(words)}: {why}: {trouble}"
        raise FailedError(msg)
    wall, cpu, rss = (float(word) for word in usage[:3])
    return Sample(wall, cpu, rss * 1024, (said or b"").decode(errors="replace"))


def in_turn(count: int, *measures: Callable[[], _T]) -> list[list[_T]]:
    """Measure A B A B …, after one of each that does not count.

    So a machine that gets slower, or busier, does so for both of a pair.
    """
    for measure in measures:
        measure()
    taken: list[list[_T]] = [[] for _ in measures]
    for _ in range(count):
        for measure, values in zip(measures, taken, strict=True):
            values.append(measure())
    return taken


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Give the median of the ratios, pair by pair."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Give the slope through points on two logarithmic scales: 1 is linear."""
    logs = [(math.log(x), math.log(y)) for x, y in points if x > 0 and y > 0]
    if len({x for x, _ in logs}) < 2:
        return None
    return statistics.linear_regression(*zip(*logs, strict=True)).slope


def quantile(values: Sequence[float], part: float) -> float:
    """Give the value below which a part of them lies, one of those measured."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
