"""Rows about starting up, and about recordings."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from tests.benchmarks import floors
from tests.benchmarks.bench import (
    MB,
    OURS,
    Bench,
    Result,
    Skipped,
    at_most,
    figure,
)
from tests.benchmarks.made import LAST, STATE
from tests.benchmarks.measure import Command, in_turn, quantile, ratio, slope
from tests.benchmarks.peers import MissingError
from tests.benchmarks.terminals import Terminal

FLOORS = (sys.executable, floors.__file__)
PASS: Command = (sys.executable, "-c", "pass")
_VERSION, _REPLAY, _SEEK, _EXTEND = "version", "replay", "seek", "extend"
_LINES, _MOST = 200_000, 400_000
_MOST_EVENTS = 25_000
"""A history ends there."""


def version(bench: Bench) -> Iterator[Result]:
    """Say which version it is, as a whole process."""
    ours = (*OURS, "--version")
    programs: dict[str, Command] = {"sfnwatch --version": ours, "python -c pass": PASS}
    try:
        programs["aws --version"] = (bench.peers.find("aws", "aws"), "--version")
        programs["toolong --version"] = (bench.peers.find("toolong", "tl"), "--version")
    except MissingError as error:
        yield Skipped(_VERSION, "peers", str(error))
    runs = 3 * bench.runs
    taken = in_turn(runs, *(_wall(bench, command) for command in programs.values()))
    walls = dict(zip(programs, taken, strict=True))
    for who, values in walls.items():
        yield figure(_VERSION, who, values)
    if "aws --version" in walls:
        got = ratio(walls["sfnwatch --version"], walls["aws --version"])
        yield at_most(_VERSION, "÷ aws --version", got, 0.35)


def _wall(bench: Bench, command: Command) -> Callable[[], float]:
    return lambda: bench.run(command).wall


# -- recordings ------------------------------------------------------------------------


def replay(bench: Bench) -> Iterator[Result]:
    """Open a recording on a terminal: its first rows, and its last."""
    for size in bench.sizes:
        yield from _opened(bench, bench.recording(min(size, _MOST_EVENTS)), size, 1.3)


def replay_long(bench: Bench) -> Iterator[Result]:
    """Open a recording with as many calls beside a long history."""
    for lines in (1_000,) if bench.quick else (100_000, _LINES, _MOST):
        events = min(_MOST_EVENTS, lines // 4)
        path = bench.recording(events, lines - events)
        row = "replay-long"
        yield from _opened(bench, path, lines, 1.5, row=row, runs=min(bench.runs, 2))


def _opened(
    bench: Bench,
    path: Path,
    lines: int,
    most: float,
    *,
    row: str = _REPLAY,
    runs: int | None = None,
) -> Iterator[Result]:
    smallest = (*FLOORS, "screen", STATE)
    measures: dict[str, Callable[[], tuple[float, float]]] = {
        "sfnwatch": lambda: _shown(bench, (*OURS, "replay", path), STATE, LAST),
        "smallest Textual app": lambda: _shown(bench, smallest, STATE, STATE),
    }
    for name, program in (("lnav", "lnav"), ("toolong", "tl")):
        try:
            command = (bench.peers.find(name, program), path)
        except MissingError as error:
            yield Skipped(row, name, str(error))
            continue
        # A line begins with when, and from where it came: not all of it is in view.
        measures[name] = _opening(bench, command)
    taken = in_turn(runs or bench.runs, *measures.values())
    firsts = {
        who: [first for first, _ in pairs]
        for who, pairs in zip(measures, taken, strict=True)
    }
    lasts = [last for _, last in taken[0]]
    yield figure(row, "sfnwatch: first row", firsts["sfnwatch"], size=lines)
    yield figure(row, "sfnwatch: last row", lasts, size=lines)
    floor = firsts["smallest Textual app"]
    for who in list(measures)[1:]:
        yield figure(row, who, firsts[who], size=lines, growing=False)
    if lines in {_MOST_EVENTS, _LINES}:
        what = "÷ smallest Textual app, first row"
        yield at_most(row, what, ratio(firsts["sfnwatch"], floor), most)
        for who in list(measures)[2:]:
            got = ratio(firsts["sfnwatch"], firsts[who])
            yield at_most(row, f"÷ {who}, first row", got, 1.0)
        what = "÷ smallest Textual app, last row"
        yield at_most(row, what, ratio(lasts, floor), most)


def _opening(bench: Bench, command: Command) -> Callable[[], tuple[float, float]]:
    return lambda: _shown(bench, command, "source", "source")


def _shown(bench: Bench, command: Command, word: str, last: str) -> tuple[float, float]:
    """Give the seconds until a word is painted, and until the last one is."""
    with Terminal(command, bench.env) as terminal:
        first = terminal.until_word(word.encode(), seconds=300)
        after = first
        if last.encode() not in terminal.seen:
            after = terminal.until_word(last.encode(), seconds=300)
        return first - terminal.begun, after - terminal.begun


def seek(bench: Bench) -> Iterator[Result]:
    """Go to moments of a recording, here and there, on a terminal."""
    for size in bench.sizes:
        path = bench.recording(min(size, _MOST_EVENTS))
        told = bench.inside_terminal("seek", path)
        values = told["seconds"]
        yield figure(_SEEK, "sfnwatch, each", values, size=size)
        yield figure(_SEEK, "memory", [told["rss"]], MB, size=size)
        if size == _MOST_EVENTS:
            worst = quantile(values, 0.95) * 1e3
            yield at_most(_SEEK, "p95", worst, 16, "ms")


def extend(bench: Bench) -> Iterator[Result]:
    """Add one batch to a trace with four calls for each event."""
    typical: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for size in (*bench.sizes, *(() if bench.quick else (_MOST // 5,))):
        events = min(size, _MOST_EVENTS)
        told = bench.inside("extend", events, 5 * size - events)
        for count, parts in told["batches"].items():
            for part, values in parts.items():
                what = f"{part}, batch of {count}"
                yield figure(_EXTEND, what, values, size=size)
                typical[what].append((size, median(values)))
        yield figure(_EXTEND, "memory", [told["rss"]], MB, size=size)
    for part in ("extend", "derive", "page"):
        got = slope(typical[f"{part}, batch of 100"])
        if got is not None:
            yield at_most(_EXTEND, f"slope of {part}, batch of 100", got, 0.3, "")
