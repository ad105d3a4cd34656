"""What can be measured only inside the program: run by the rows, in a process.

`python -m tests.benchmarks.inside WHAT ARGUMENTS…` prints, or writes to the file that
BENCHMARK_TOLD names, one JSON object.
"""

import asyncio
import gc
import json
import os
import random
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfnwatch.clock import SystemClock

if TYPE_CHECKING:
    from sfnwatch.sources.feed import Consumer
    from sfnwatch.trace.events import Batch, Received
    from sfnwatch.tui.app import SfnwatchApp

TOLD = "BENCHMARK_TOLD"
_BEAT = 0.005
"""Seconds between two looks at whether the loop stands still."""
_POLLS = 40
_SEEKS = 40
_WATCHED = 5.0
"""Seconds in which wake-ups are counted."""
_BATCHES = (1, 100, 1000)

_CLOCK = SystemClock()
Told = dict[str, Any]


def tell(told: Told) -> None:
    """Say what was measured, whole or not at all."""
    text = json.dumps(told)
    if TOLD not in os.environ:
        sys.stdout.write(text + "\n")
        return
    path = Path(os.environ[TOLD])
    part = path.with_suffix(".part")
    part.write_text(text)
    part.rename(path)


def rss() -> int:
    """Give the bytes of memory at most, so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


# -- without a screen ----------------------------------------------------------------


async def _history(url: str, clock: Any, consume: "Consumer") -> None:
    from sfnwatch.sources.aws import Aws, AwsSettings, warm_up
    from sfnwatch.sources.history import History
    from sfnwatch.sources.subject import Subject
    from sfnwatch.trace.arns import parse_execution_arn
    from tests.builders import ARN, REGION

    warm_up()
    settings = AwsSettings(REGION, None, url, "AKIAIOSFODNN7EXAMPLE", "secret")
    async with Aws(settings) as aws:
        await aws.call(
            "states:DescribeExecution", ARN, REGION, executionArn=ARN
        )  # makes the client
        source = History(aws, Subject(parse_execution_arn(ARN)), clock)
        begun = time.perf_counter()
        batches = source.batches()
        async with aclosing(batches) as stream:  # type: ignore[type-var]
            async for batch in stream:
                consume(batch)
        tell({"seconds": time.perf_counter() - begun})


def fetch(url: str) -> None:
    """Read a history that has ended, from the first request to the last event."""
    kept: list[Received] = []
    asyncio.run(_history(url, _CLOCK, kept.extend))


class _Polls(SystemClock):
    """Lets no time go by between polls, and notes what each has cost."""

    def __init__(self) -> None:
        self.spent: list[float] = []
        self.done = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        del seconds
        self.spent.append(time.process_time())
        if len(self.spent) > _POLLS:
            self.done.set()
            await asyncio.Event().wait()


def poll(url: str) -> None:
    """Poll a running execution of which nothing is new."""
    asyncio.run(_poll(url))


async def _poll(url: str) -> None:
    import aiohttp

    from sfnwatch.trace.timeline import Trace, extend

    clock, trace, pages = _Polls(), Trace(), 0

    def consume(batch: "Batch") -> None:
        nonlocal trace, pages
        trace = extend(trace, batch)
        pages += any(received.source == "history" for received in batch)

    task = asyncio.ensure_future(_history(url, clock, consume))  # noqa: TID251 - one
    try:
        await clock.done.wait()
    finally:
        task.cancel()
        await asyncio.wait([task])
    async with aiohttp.ClientSession() as session:
        asked = {"X-Amz-Target": "AWSStepFunctions.Counts"}
        async with session.post(url, headers=asked) as answer:
            counts = await answer.json(content_type=None)
    spent = clock.spent
    costs = [b - a for a, b in pairwise(spent)]
    asked_for = counts["getexecutionhistory"] - pages
    tell({"costs": costs, "polls": len(spent), "requests": asked_for})


def extend_by(events: str, calls: str) -> None:
    """Add batches to a trace that long: the fold alone, and with what follows it."""
    from sfnwatch.trace.shape import Shape
    from sfnwatch.trace.timeline import Trace, extend
    from sfnwatch.tui.arrange import plan_for
    from sfnwatch.tui.page import make_page
    from tests.benchmarks import made

    known, new = made.growing(int(events), int(calls), max(_BATCHES))
    base = extend(Trace(), known)
    _derive(base)
    plan = plan_for(160, 1, aligned=False)

    def page(trace: Trace) -> None:
        make_page(trace, shape=Shape(), plan=plan, ended=False)

    page(base)
    gc.collect()
    gc.freeze()
    told: Told = {}
    for count in _BATCHES:
        batch = tuple(new[:count])
        folds, derived, pages = [], [], []
        for _ in range(3):
            begun = time.perf_counter()
            grown = extend(base, batch)
            folds.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            _derive(grown)
            derived.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            page(grown)
            pages.append(time.perf_counter() - begun)
        told[str(count)] = {"extend": folds, "derive": derived, "page": pages}
    tell({"batches": told, "rss": rss()})


def _derive(trace: Any) -> None:
    """Work out what a screen asks of a trace beside its rows."""
    _ = trace.links, trace.ordered_calls
    for timeline in trace.timelines.values():
        _ = timeline.ordered, timeline.visits, timeline.status


# -- with a screen -------------------------------------------------------------------

_Probe = Callable[["SfnwatchApp"], Awaitable[Told]]


def _with_probe(probe: _Probe, *words: str) -> None:
    """Run the program as its users do, with something beside it that looks."""
    from sfnwatch import running

    usual = running._run_app

    async def run(app: Any) -> int | None:
        async def look() -> None:
            tell(await probe(app))
            app.exit()

        async with asyncio.TaskGroup() as group:
            looking = group.create_task(look())
            code = await usual(app)
            looking.cancel()
        return code

    running._run_app = run
    sys.argv = ["sfnwatch", *words]
    from sfnwatch.cli import main

    main()


def _without_limits() -> None:
    """Ask as fast as the stub answers: AWS's own limits are not what is measured."""
    from sfnwatch.sources import pacing

    usual = pacing.TokenBucket.__init__

    def unlimited(self: Any, rate: float, burst: float, clock: Any) -> None:
        del rate, burst
        usual(self, 1e9, 1e9, clock)

    pacing.TokenBucket.__init__ = unlimited  # type: ignore[method-assign]


async def _beats(until: Callable[[], bool]) -> float:
    """Wait until something is so; give the longest the loop stood still meanwhile."""
    longest, last = 0.0, time.perf_counter()
    while not until():
        await _CLOCK.sleep(_BEAT)
        now = time.perf_counter()
        longest, last = max(longest, now - last - _BEAT), now
    return longest


async def _refreshed(app: "SfnwatchApp") -> None:
    done = asyncio.Event()
    app.call_after_refresh(done.set)
    await done.wait()


def _watching(url: str, *more: str) -> tuple[str, ...]:
    from tests.builders import ARN

    return (ARN, "--endpoint-url", url, "--no-record", *more)


def live(url: str, rows: str) -> None:
    """Watch live until so many records are on the screen."""
    from sfnwatch.tui.intake import size_of

    async def probe(app: "SfnwatchApp") -> Told:
        wanted = int(rows)
        first = time.monotonic()
        longest = await _beats(
            lambda: app.settled and size_of(app._page.trace) >= wanted
        )
        await _refreshed(app)
        return {
            "app": first,
            "shown": time.monotonic(),
            "stall": longest,
            "folds": app.folds,
            "rss": rss(),
        }

    _without_limits()
    _with_probe(probe, *_watching(url))


def quiet(url: str, rows: str) -> None:
    """Watch an execution of which nothing comes any more."""
    from sfnwatch.tui.intake import size_of

    async def probe(app: "SfnwatchApp") -> Told:
        while not (app.settled and size_of(app._page.trace) >= int(rows)):
            await _CLOCK.sleep(0.2)
        await _CLOCK.sleep(12)  # polls have eased off by then
        loop: Any = asyncio.get_running_loop()
        woken, usual = 0, loop._selector.select

        def select(timeout: float | None = None) -> Any:
            nonlocal woken
            woken += timeout is None or timeout > 0
            return usual(timeout)

        loop._selector.select = select
        cpu, begun = time.process_time(), time.perf_counter()
        switches = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
        await _CLOCK.sleep(_WATCHED * 2)
        passed = time.perf_counter() - begun
        switches = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - switches
        return {
            "cpu": (time.process_time() - cpu) / passed,
            "wakeups": woken / passed,
            "switches": switches / passed,
        }

    _with_probe(probe, *_watching(url))


def seek(path: str) -> None:
    """Go to moments of a recording, here and there."""

    async def probe(app: "SfnwatchApp") -> Told:
        await _beats(lambda: app.settled and app.playing.course is not None)
        course = app.playing.course
        assert course is not None
        app.playing.to_live()
        app._moved_in_time()
        await _beats(lambda: app.settled)
        rng = random.Random(1)  # noqa: S311 - the same places each time
        moments, taken = list(course.moments), []
        for _ in range(_SEEKS):
            at = rng.choice(moments)
            begun = time.perf_counter()
            app.playing.seek(at)
            app._moved_in_time()
            while not app.settled:
                await _CLOCK.sleep(0.001)
            await _refreshed(app)
            taken.append(time.perf_counter() - begun)
        return {"seconds": taken, "rss": rss()}

    _with_probe(probe, "replay", path)


def keys(events: str, calls: str, rate: str, seconds: str) -> None:
    """Show a long trace to which so many events a second are added."""
    from sfnwatch.tui.app import SfnwatchApp
    from tests.benchmarks import made

    streamed = int(float(rate) * float(seconds))
    known, new = made.growing(int(events), int(calls), streamed)
    ready = asyncio.Event()

    async def watch(consume: "Consumer") -> None:
        consume(tuple(known))
        await ready.wait()
        step = max(1, int(float(rate) / 30))
        for first in range(0, len(new), step):
            consume(tuple(new[first : first + step]))
            await _CLOCK.sleep(1 / 30)

    async def run() -> None:
        app = SfnwatchApp(watch, clock=_CLOCK)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(_when_shown(app, ready))
            await app.run_async()
            task.cancel()

    asyncio.run(run())


async def _when_shown(app: "SfnwatchApp", ready: asyncio.Event) -> None:
    await _beats(lambda: app.settled and bool(app._page.lanes.rows))
    gc.collect()
    await _refreshed(app)
    tell({"rss": rss()})
    ready.set()


_MODES: dict[str, Callable[..., None]] = {
    "extend": extend_by,
    "fetch": fetch,
    "keys": keys,
    "live": live,
    "poll": poll,
    "quiet": quiet,
    "seek": seek,
}

if __name__ == "__main__":
    _MODES[sys.argv[1]](*sys.argv[2:])
