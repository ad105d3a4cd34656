"""What is measured inside a process of ours that has no screen."""

import asyncio
import gc
import time
from contextlib import aclosing
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

from sfnwatch.clock import SystemClock
from tests.benchmarks.told import Told, rss, tell

if TYPE_CHECKING:
    from sfnwatch.sources.feed import Consumer
    from sfnwatch.trace.events import Batch, Received

_POLLS = 40
_BATCHES = (1, 100, 1000)
_TIMES = 3
"""So many batches of each, one after the other."""


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
    asyncio.run(_history(url, SystemClock(), kept.extend))


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
    """Add batches to a trace that long: the fold alone, and with what follows it.

    In CPU time: it waits for nothing, and other processes are not what is measured.
    """
    from sfnwatch.trace.growing_lanes import GrowingLanes
    from sfnwatch.trace.shape import Shape
    from sfnwatch.trace.timeline import Trace, extend
    from sfnwatch.tui.arrange import plan_for
    from sfnwatch.tui.laying import Laying
    from sfnwatch.tui.page import make_page
    from tests.benchmarks import made

    known, more = made.growing(int(events), int(calls), _TIMES * sum(_BATCHES))
    trace, new = extend(Trace(), known), iter(more)
    _derive(trace)
    plan = plan_for(160, 1, aligned=False)
    growing, laying = GrowingLanes(), Laying()

    def page(trace: Trace) -> None:
        shape = Shape()
        make_page(
            trace, shape=shape, plan=plan, ended=False, growing=growing, laying=laying
        )

    page(trace)
    gc.collect()
    gc.freeze()
    told: Told = {}
    for count in _BATCHES:
        folds, derived, pages = [], [], []
        for _ in range(_TIMES):
            batch = tuple(islice(new, count))
            begun = time.process_time()
            trace = extend(trace, batch)
            folds.append(time.process_time() - begun)
            begun = time.process_time()
            _derive(trace)
            derived.append(time.process_time() - begun)
            begun = time.process_time()
            page(trace)
            pages.append(time.process_time() - begun)
        told[str(count)] = {"extend": folds, "derive": derived, "page": pages}
    tell({"batches": told, "rss": rss()})


def _derive(trace: Any) -> None:
    """Work out what a screen asks of a trace beside its rows."""
    _ = trace.links, trace.ordered_calls
    for timeline in trace.timelines.values():
        _ = timeline.ordered, timeline.visits, timeline.status
