"""Times of whole processes, taken in turn; medians, ratios of pairs, and slopes."""

import math
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")
Command = Sequence[str | Path]


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
    begun = time.perf_counter()
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.PIPE,
        env=env,
        cwd=cwd,
    )
    said, errors = process.stdout, process.stderr
    text = said.read().decode(errors="replace") if said else ""
    trouble = errors.read().decode(errors="replace") if errors else ""
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    for pipe in (said, errors):
        if pipe:
            pipe.close()
    if process.returncode not in codes:
        msg = f"{' '.join(words)}: {process.returncode}: {trouble.strip()[-400:]}"
        raise FailedError(msg)
    return Sample(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, text)


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
