"""What is measured inside the program while it shows something on a terminal."""

import asyncio
import gc
import random
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from sfnwatch.clock import SystemClock
from tests.benchmarks.told import Told, rss, tell

if TYPE_CHECKING:
    from sfnwatch.sources.feed import Consumer
    from sfnwatch.tui.app import SfnwatchApp

_BEAT = 0.005
"""Seconds between two looks at whether the loop stands still."""
_SEEKS = 40
_LOOKED_AT = 0.1
"""Seconds between two leaps."""
_EASED = 12.0
"""Seconds after which polls have eased off."""
_WATCHED = 10.0
"""Seconds in which wake-ups are counted."""

_CLOCK = SystemClock()
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
            "cpu": time.process_time(),
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
        await _CLOCK.sleep(_EASED)
        loop: Any = asyncio.get_running_loop()
        woken, usual = 0, loop._selector.select

        def select(timeout: float | None = None) -> Any:
            nonlocal woken
            woken += timeout is None or timeout > 0
            return usual(timeout)

        loop._selector.select = select
        cpu, begun = time.process_time(), time.perf_counter()
        switches = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
        await _CLOCK.sleep(_WATCHED)
        passed = time.perf_counter() - begun
        switches = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - switches
        return {
            "cpu": (time.process_time() - cpu) / passed,
            "wakeups": woken / passed,
            "switches": switches / passed,
        }

    _with_probe(probe, *_watching(url))


def clock() -> None:
    """Let the smallest app that has a clock run as long: what a second costs at least.

    What a machine that sleeps in between takes for it differs from hour to hour.
    """
    from textual.app import App, ComposeResult
    from textual.widgets import Static

    class Clock(App[None]):
        def compose(self) -> ComposeResult:
            yield Static(id="time")

        async def on_mount(self) -> None:
            self.set_interval(1, self._tick)
            self.run_worker(self._measure())

        def _tick(self) -> None:
            self.query_one("#time", Static).update(time.strftime("%X"))

        async def _measure(self) -> None:
            await _CLOCK.sleep(_EASED / 4)
            cpu, begun = time.process_time(), time.perf_counter()
            await _CLOCK.sleep(_WATCHED)
            passed = time.perf_counter() - begun
            tell({"cpu": (time.process_time() - cpu) / passed})
            self.exit()

    Clock().run()


def seek(path: str) -> None:
    """Go to moments of a recording, here and there.

    With a pause between: a screen is not painted twice within a frame, and who leaps
    looks at what is there.
    """

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
            await _CLOCK.sleep(_LOOKED_AT)
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
