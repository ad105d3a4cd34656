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


async def run(sources: Sequence[Source], consumers: Sequence[Consumer]) -> None:
    """Run all sources at once until each has ended; one's trouble stops no other."""
    async with asyncio.TaskGroup() as group:
        for source in sources:
            group.create_task(_pump(source, consumers))


async def _pump(source: Source, consumers: Sequence[Consumer]) -> None:
    batches = source.batches()
    async with aclosing(batches) as stream:  # type: ignore[type-var]
        async for batch in stream:
            for consume in consumers:
                consume(batch)
