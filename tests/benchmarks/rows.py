"""The rows there are: what each measures of an edition, and beside what."""

import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median

from msgspec import Struct

from tests.benchmarks import floors
from tests.benchmarks.bench import Bench, Command, Edition, Terminal, in_turn
from tests.benchmarks.made import LAST, STATE
from tests.builders import ARN

Taken = Mapping[str, float]
"""Figures by their names: seconds; bytes; or a share of a core."""
Measure = Callable[[], Taken]
_PASS: Command = (sys.executable, "-c", "pass")
_END = b"lG"
"""The keys that go to the end, and its last line.

The end card would cover what is played until then.
"""
_PAUSE = (0.03, 0.12)
"""Seconds between keys."""


class Figure(Struct, frozen=True):
    """What was measured of one program."""

    name: str
    who: str
    values: list[float]
    ratio: float | None = None
    """Ours to it, pair by pair; None for ours."""

    @property
    def median(self) -> float:
        return median(self.values)


class Row(Struct, frozen=True):
    """One thing that is done, from which one or more figures come."""

    measure: Callable[[Bench, Edition], Taken]
    figures: Sequence[str]
    """Those that it gives."""
    others: Callable[[Bench], Mapping[str, Measure]] = lambda _: {}
    """What else does it, or the least of it."""
    most: int = 100
    """So many runs are enough."""


# -- whole processes -------------------------------------------------------------------

HELP, PLAIN, JSON, CSV = (
    "start of --help",
    "replay --plain",
    "export json",
    "export csv",
)
FINDINGS, FETCH = "findings of a recording", "a history fetched, --json"


def _start(bench: Bench, edition: Edition) -> Taken:
    return {HELP: bench.seconds(bench.run(edition, edition.command("--help")))}


def _least_start(bench: Bench) -> dict[str, Measure]:
    own = Edition.own()
    return {"python -c pass": lambda: {HELP: bench.seconds(bench.run(own, _PASS))}}


def _written(bench: Bench, edition: Edition) -> Taken:
    path = bench.recording(bench.events, bench.some_calls)
    commands = {
        PLAIN: ("replay", "--plain", path),
        JSON: ("export", "--to", "json", path),
        CSV: ("export", "--to", "csv", path),
        FINDINGS: ("explain", "--format", "json", path),
    }
    return {
        name: bench.seconds(bench.run(edition, edition.command(*words)))
        for name, words in commands.items()
    }


def _fetched(bench: Bench, edition: Edition) -> Taken:
    with bench.served(bench.events, 0, ended=True) as url:
        where = ("--endpoint-url", url, "--no-lookup", "--no-record")
        command = edition.command(ARN, "--json", *where)
        return {FETCH: bench.seconds(bench.run(edition, command))}


def _fetched_by_others(bench: Bench) -> dict[str, Measure]:
    own = Edition.own()

    def by(command: Callable[[str], Command]) -> Measure:
        def measure() -> Taken:
            with bench.served(bench.events, 0, ended=True) as url:
                return {FETCH: bench.seconds(bench.run(own, command(url)))}

        return measure

    found = {"raw aiohttp + msgspec": by(lambda url: _floor("fetch", url))}
    if aws := shutil.which("aws"):
        asked = ("stepfunctions", "get-execution-history", "--execution-arn", ARN)
        found["aws"] = by(lambda url: (aws, *asked, "--endpoint-url", url))
    return found


def _floor(*words: str) -> Command:
    return (sys.executable, floors.__file__, *words)


# -- on a terminal ---------------------------------------------------------------------

FIRST, LAST_LINE = "first picture of a replay", "last line of a long replay"
MEMORY, KEY, QUIET = "memory of a long replay", "key to picture", "quiet watch, CPU"
LIVE, PAGE = "live, until all is shown", "a page after 100 new records"


def _on_terminal(
    bench: Bench,
    edition: Edition,
    command: Command,
    word: str,
    measure: Callable[[Bench, Terminal], Taken],
) -> Taken:
    """Measure a program once a word is on its screen, its last by a key."""
    key = _END if word == LAST else b""
    with bench.terminal(edition, command) as terminal:
        terminal.until_word(word, key=key)
        return measure(bench, terminal)


def _beside_smallest(
    measure: Callable[[Bench, Terminal], Taken],
) -> Callable[[Bench], Mapping[str, Measure]]:
    """Measure the same of the smallest app there is, which has a clock."""
    smallest = Edition.own(), _floor("screen", STATE), STATE, measure
    return lambda bench: {
        "smallest Textual app": lambda: _on_terminal(bench, *smallest)
    }


def _opened(bench: Bench, edition: Edition) -> Taken:
    command = edition.command("replay", bench.recording(min(bench.events, 1000)))
    return _on_terminal(bench, edition, command, STATE, _shown)


def _shown(bench: Bench, terminal: Terminal) -> Taken:
    return {FIRST: bench.so_far(terminal)}


def _opened_long(bench: Bench, edition: Edition) -> Taken:
    path = bench.recording(bench.events, bench.many_calls)
    with bench.terminal(edition, edition.command("replay", path)) as terminal:
        terminal.until_word(LAST, key=_END)
        shown = bench.so_far(terminal)
        # What is worked out once all is there belongs to it.
        terminal.drain(bench.eased / 4)
        return {LAST_LINE: shown, MEMORY: terminal.memory()}


def _keys(bench: Bench, edition: Edition) -> Taken:
    command = edition.command("replay", bench.recording(bench.events, bench.some_calls))
    return _on_terminal(bench, edition, command, LAST, _pressed)


def _pressed(bench: Bench, terminal: Terminal) -> Taken:
    """Press up again and again; give what a key took until a frame was painted.

    Never down: of up and down, heard of at once, nothing is painted.
    """
    terminal.drain(bench.eased / 4)
    rng = random.Random(1)  # noqa: S311 - the same pauses each time
    taken, cpu = [], terminal.cpu()
    for _ in range(bench.keys):
        at = terminal.press(b"k")
        taken.append(terminal.until_painted(at) - at)
        terminal.drain(rng.uniform(*_PAUSE))
    each = (terminal.cpu() - cpu) / bench.keys
    return {KEY: each if bench.by_cpu else median(taken)}


def _quiet(bench: Bench, edition: Edition) -> Taken:
    calls = min(bench.some_calls, 50)
    with bench.served(bench.events, calls, ended=False) as url:
        command = edition.command(ARN, "--endpoint-url", url, "--no-record")
        return _on_terminal(bench, edition, command, LAST, _share)


def _share(bench: Bench, terminal: Terminal) -> Taken:
    """Give the share of a core that is used once polls have eased off."""
    terminal.drain(bench.eased)
    cpu, begun = terminal.cpu(), time.monotonic()
    terminal.drain(bench.eased)
    return {QUIET: (terminal.cpu() - cpu) / (time.monotonic() - begun)}


def _live(bench: Bench, edition: Edition) -> Taken:
    events, calls = bench.events, bench.some_calls
    with bench.served(events, calls, ended=False) as url:
        return {LIVE: bench.shown_live(edition, url, events + calls)}


def _page(bench: Bench, edition: Edition) -> Taken:
    told = bench.inside(edition, "extend", bench.events, bench.many_calls)
    parts = told["batches"]["100"].values()
    return {PAGE: median([sum(each) for each in zip(*parts, strict=True)])}


# -- all of them -----------------------------------------------------------------------

ROWS: Mapping[str, Row] = {
    "start": Row(_start, [HELP], _least_start),
    "first": Row(_opened, [FIRST], _beside_smallest(_shown)),
    "written": Row(_written, [PLAIN, JSON, CSV, FINDINGS], most=5),
    "fetched": Row(_fetched, [FETCH], _fetched_by_others),
    "long": Row(_opened_long, [LAST_LINE, MEMORY], most=2),
    "page": Row(_page, [PAGE], most=2),
    "live": Row(_live, [LIVE], most=3),
    "keys": Row(_keys, [KEY], _beside_smallest(_pressed), most=3),
    "quiet": Row(_quiet, [QUIET], _beside_smallest(_share), most=2),
}


def measured(
    name: str, bench: Bench, own: Edition, other: Edition | None
) -> Iterator[Figure]:
    """Measure one row, both editions and all else in turn; raises FailedError."""
    row = ROWS[name]
    measures: dict[str, Measure] = {own.name: lambda: row.measure(bench, own)}
    if other is not None:
        measures[other.name] = lambda: row.measure(bench, other)
    else:
        measures |= row.others(bench)
    rounds = [*in_turn(min(bench.runs, row.most), measures)]
    for figure in row.figures:
        ours = [each[0][figure] for each in rounds]
        yield Figure(figure, own.name, ours)
        for place, who in enumerate([*measures][1:], 1):
            theirs = [each[place][figure] for each in rounds]
            # Of a moment without one tick of the clock there is none.
            found = [a / b for a, b in zip(ours, theirs, strict=True) if b]
            yield Figure(figure, who, theirs, median(found) if found else None)
