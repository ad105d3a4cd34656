"""Rows about watching: what is asked, how soon it is shown, what it costs to wait."""

import random
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.benchmarks.bench import (
    MB,
    OURS,
    Bench,
    Result,
    Skipped,
    Verdict,
    at_most,
    figure,
    told_by,
)
from tests.benchmarks.measure import Command, Sample, in_turn, quantile, ratio
from tests.benchmarks.peers import MissingError
from tests.benchmarks.rows_files import FLOORS
from tests.benchmarks.terminals import Terminal
from tests.builders import ARN, MACHINE_ARN

_FETCH, _LIVE, _POLL, _KEYS, _QUIET = "fetch", "live", "poll", "keys", "quiet"
_MOST_EVENTS = 25_000
_SECONDS = 20
"""How long keys are pressed."""
_STAIL = 8
"""Seconds in which another program polls."""
_NUMBERED = re.compile(r"^ *\d+: \w+ ", re.MULTILINE)
_TOO_LONG = 10.0
"""Seconds after which a key counts as having done nothing yet."""


# -- fetching --------------------------------------------------------------------------


def fetch(bench: Bench) -> Iterator[Result]:
    """Read a history that has ended: whole processes, and within one."""
    for size in bench.sizes:
        with bench.served(min(size, _MOST_EVENTS), 0, ended=True) as url:
            yield from _fetched(bench, url, size)


def _fetched(bench: Bench, url: str, size: int) -> Iterator[Result]:
    where = ("--endpoint-url", url)
    ours: Command = (*OURS, ARN, *where, "--json", "--no-lookup", "--no-record")
    whole: dict[str, Callable[[], Sample]] = {
        "sfnwatch --json": lambda: bench.run(ours)
    }
    within: dict[str, Callable[[], float]] = {
        "sfnwatch": lambda: float(bench.inside("fetch", url)["seconds"])
    }
    try:
        aws, python = (bench.peers.find("aws", name) for name in ("aws", "python"))
        asked = ("stepfunctions", "get-execution-history", "--execution-arn", ARN)
        cli: Command = (aws, *asked, *where, "--page-size", "1000", "--output", "json")
        whole["AWS CLI v1"] = lambda: bench.run(cli)
        within["raw aiohttp + orjson"] = _told(bench, python, "fetch", url)
        within["boto3 paginator"] = _told(bench, python, "paginate", url)
    except MissingError as error:
        yield Skipped(_FETCH, "peers", str(error))
    samples = dict(zip(whole, in_turn(bench.runs, *whole.values()), strict=True))
    walls = {who: [s.wall for s in each] for who, each in samples.items()}
    for who, each in samples.items():
        own = who.startswith("sfnwatch")
        yield figure(_FETCH, f"{who}, process", walls[who], size=size, growing=own)
        rss = [s.rss for s in each]
        yield figure(_FETCH, f"{who}, memory", rss, MB, size=size, growing=own)
    inner = dict(zip(within, in_turn(bench.runs, *within.values()), strict=True))
    for who, values in inner.items():
        own = who == "sfnwatch"
        yield figure(_FETCH, f"{who}, in process", values, size=size, growing=own)
    if size == _MOST_EVENTS and "AWS CLI v1" in walls:
        got = ratio(walls["sfnwatch --json"], walls["AWS CLI v1"])
        yield at_most(_FETCH, "÷ AWS CLI, process", got, 0.5)
        got = ratio(inner["sfnwatch"], inner["raw aiohttp + orjson"])
        yield at_most(_FETCH, "÷ raw aiohttp + orjson, in process", got, 3.0)


def _told(bench: Bench, python: object, what: str, url: str) -> Callable[[], float]:
    """Measure within a process of another interpreter."""
    command = (str(python), FLOORS[1], what, url, ARN)
    return lambda: float(bench.run(command, keep=True).out)


# -- watching --------------------------------------------------------------------------


def live(bench: Bench) -> Iterator[Result]:
    """Watch a long execution until all of it is on the screen.

    The limits that AWS sets are lifted: what is measured is us.
    """
    for size in bench.sizes:
        events, calls = min(size, _MOST_EVENTS), min(size, _MOST_EVENTS) * 2 // 5
        with bench.served(events, calls, ended=False) as url:
            runs = [
                bench.inside_terminal("live", url, events + calls)
                for _ in range(min(3, bench.runs))
            ]
        whole = [told["shown"] - told["begun"] for told in runs]
        stalls = [told["stall"] for told in runs]
        apps = [told["app"] - told["begun"] for told in runs]
        yield figure(_LIVE, "app runs after", apps, size=size)
        yield figure(_LIVE, "all on the screen", whole, size=size)
        yield figure(_LIVE, "CPU until then", [t["cpu"] for t in runs], size=size)
        yield figure(_LIVE, "longest stall of the loop", stalls, size=size)
        yield figure(_LIVE, "memory", [told["rss"] for told in runs], MB, size=size)
        if size == _MOST_EVENTS:
            most = sorted(whole)[len(whole) // 2]
            yield at_most(_LIVE, "all on the screen", most, 0.8, "s")
            stall = sorted(stalls)[len(stalls) // 2]
            yield at_most(_LIVE, "longest stall", stall * 1e3, 30, "ms")


def memory(bench: Bench) -> Iterator[Result]:
    """Watch a long execution with four calls for each event; look at the memory."""
    row = "memory"
    for size in bench.sizes:
        events = min(size, _MOST_EVENTS)
        with bench.served(events, 4 * events, ended=False) as url:
            told = bench.inside_terminal("live", url, 5 * events, seconds=900)
            yield figure(row, "sfnwatch", [told["rss"]], MB, size=size)
            seconds = [told["shown"] - told["begun"]]
            yield figure(row, "all on the screen", seconds, size=size)
            yield from _cli_memory(bench, url, size)
        if size == _MOST_EVENTS:
            yield at_most(row, "at most", told["rss"] / 1e6, 150, "MB")


def _cli_memory(bench: Bench, url: str, size: int) -> Iterator[Result]:
    attribute = "AttributeKey=EventSource,AttributeValue=ecs.amazonaws.com"
    try:
        aws = bench.peers.find("aws", "aws")
    except MissingError as error:
        yield Skipped("memory", "AWS CLI v1", str(error))
        return
    asked = ("cloudtrail", "lookup-events", "--lookup-attributes", attribute)
    sample = bench.run((aws, *asked, "--endpoint-url", url, "--output", "json"))
    who = "AWS CLI v1, calls alone"
    yield figure("memory", who, [sample.rss], MB, size=size, growing=False)


def poll(bench: Bench) -> Iterator[Result]:
    """Poll a running execution of which nothing is new."""
    for size in bench.sizes:
        with bench.served(min(size, _MOST_EVENTS), 0, ended=False) as url:
            told = bench.inside("poll", url)
            yield from _stail(bench, url, size)
        costs = told["costs"]
        requests = told["requests"] / told["polls"]
        yield figure(_POLL, "our CPU, each poll", costs, size=size)
        yield figure(_POLL, "requests, each poll", [requests], "", size=size)
        if size == _MOST_EVENTS:
            typical = quantile(costs, 0.5) * 1e3
            yield at_most(_POLL, "CPU of a poll", typical, 3, "ms")
            yield at_most(_POLL, "requests of a poll", requests, 2, "")


def _stail(bench: Bench, url: str, size: int) -> Iterator[Result]:
    """Let stail watch for some seconds; it polls once in each, from the beginning."""
    try:
        program = bench.peers.find("stail", "stail")
    except MissingError as error:
        yield Skipped(_POLL, "stail", str(error))
        return
    # Of the shortest of some: what it costs to start is not what is asked for.
    starts = [bench.run((program, "version"), url=url).cpu for _ in range(3)]
    command = ("timeout", str(_STAIL), program, "run", "--arn", MACHINE_ARN)
    where: dict[str, Any] = {"url": url, "cwd": bench.folder("stail"), "codes": (124,)}
    sample = bench.run((*command, "--input", "{}"), keep=True, **where)
    costs = [max(0.0, sample.cpu - min(starts)) / (_STAIL - 1)]
    yield figure(_POLL, "stail, CPU of a poll", costs, size=size, growing=False)
    shown = len(_NUMBERED.findall(sample.out))
    who = "stail, events it has shown"
    yield figure(_POLL, who, [shown], "", size=size, growing=False)


def quiet(bench: Bench) -> Iterator[Result]:
    """Watch an execution of which nothing comes any more, for some seconds."""
    for size in bench.sizes[-1:]:
        events = min(size, _MOST_EVENTS)
        with bench.served(events, 50, ended=False) as url:
            told = bench.inside_terminal("quiet", url, events + 50)
        least = bench.inside_terminal("clock")["cpu"] * 100
        yield figure(_QUIET, "CPU", [told["cpu"] * 100], "%", size=size)
        who = "smallest Textual app with a clock, CPU"
        yield figure(_QUIET, who, [least], "%", size=size, growing=False)
        yield figure(_QUIET, "wake-ups of the loop", [told["wakeups"]], "/s", size=size)
        yield figure(_QUIET, "of any thread", [told["switches"]], "/s", size=size)
        yield at_most(_QUIET, "CPU", told["cpu"] * 100, 1, "%")
        yield at_most(
            _QUIET, "wake-ups, one of them the clock", told["wakeups"], 2, "/s"
        )


# -- keys ------------------------------------------------------------------------------


def keys(bench: Bench) -> Iterator[Result]:
    """Press keys while a thousand events a second arrive, four calls for each known."""
    for size in bench.sizes:
        events = min(size, _MOST_EVENTS)
        command = ("keys", events, 4 * events, 1000, _SECONDS + 10)
        with bench.terminal(*command) as (terminal, path):
            told = told_by(terminal, path, 300)
            taken, paints = _pressed(terminal)
        yield figure(_KEYS, "key to paint", taken, size=size)
        yield figure(_KEYS, "paints", [paints], "/s", size=size, growing=False)
        yield figure(_KEYS, "memory", [told["rss"]], MB, size=size)
        if size == _MOST_EVENTS:
            for part, most in ((0.5, 16), (0.99, 33)):
                got = quantile(taken, part) * 1e3
                yield at_most(_KEYS, f"p{part * 100:g}", got, most, "ms")
            yield Verdict(_KEYS, "paints ≥ 30 /s", f"{paints:.1f} /s", paints >= 30)


def _pressed(terminal: Terminal) -> tuple[list[float], float]:
    """Press up and down in turn; give what each took, and the paints a second."""
    line = _moved(terminal, b"k", None)[1]
    for _ in range(3):
        line = _moved(terminal, b"k", line)[1]
    rng = random.Random(1)  # noqa: S311 - the same pauses each time
    taken: list[float] = []
    begun = time.monotonic()
    before = terminal.paints
    while time.monotonic() - begun < _SECONDS:
        key = b"kj"[len(taken) % 2 : len(taken) % 2 + 1]
        seconds, line = _moved(terminal, key, line)
        taken.append(seconds)
        terminal.drain(rng.uniform(0.03, 0.12))
    passed = time.monotonic() - begun
    return taken, (terminal.paints - before) / passed


def _moved(
    terminal: Terminal, key: bytes, line: int | None
) -> tuple[float, int | None]:
    """Press a key; give the seconds until the cursor is drawn on another line."""
    at, carried = terminal.press(key), b""
    while (left := at + _TOO_LONG - time.monotonic()) > 0:
        carried = carried[-64:] + terminal.read(left)
        found = terminal.cursor_line(carried)
        if found is not None and found != line:
            return time.monotonic() - at, found
    return _TOO_LONG, line
