"""Sources in, consumers out: one way through, for live and replay alike.

Every task lives in the TaskGroup here. A consumer is a plain callable taking a
batch: the recorder and the screen are two of them, and neither has privileges.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import aclosing
from typing import Any, Protocol

from sfnwatch.trace.events import Batch

Consumer = Callable[[Batch], None]
"""Takes what a source handed over; must not block, and must not raise."""
Watch = Callable[[Consumer], Coroutine[Any, Any, None]]
"""Runs a whole watch, or a whole replay, into one consumer, to its end."""


class Source(Protocol):
    """Where records come from."""

    def batches(self) -> AsyncIterator[Batch]:
        """Yield what arrives until there is no more to come.

        Expected failures are yielded as health records; what is raised is a bug, or
        a RefusedError before anything was received.
        """
        ...


class Joining:
    """Lets sources join a watch that is under way: what was begun is found out late."""

    def __init__(self) -> None:
        self._start: Callable[[Source], None] | None = None
        self._early: list[Source] = []
        self.over = False
        """True once every source has ended: none can join any more."""

    def __call__(self, source: Source) -> None:
        """Run a source beside the others; one that comes too early waits for them.

        After the last of them nothing runs: see `over`.
        """
        if self.over:
            return
        if self._start is None:
            self._early.append(source)
        else:
            self._start(source)

    def begin(self, start: Callable[[Source], None]) -> None:
        self._start = start
        for source in self._early:
            start(source)
        self._early.clear()


async def run(
    sources: Sequence[Source],
    consumers: Sequence[Consumer],
    joining: Joining | None = None,
) -> None:
    """Run all sources at once until each has ended; one's trouble stops no other."""
    try:
        async with asyncio.TaskGroup() as group:

            def start(source: Source) -> None:
                group.create_task(_pump(source, consumers))

            for source in sources:
                start(source)
            if joining is not None:
                joining.begin(start)
    finally:
        if joining is not None:
            joining.over = True


async def _pump(source: Source, consumers: Sequence[Consumer]) -> None:
    batches = source.batches()
    async with aclosing(batches) as stream:  # type: ignore[type-var]
        async for batch in stream:
            for consume in consumers:
                consume(batch)
