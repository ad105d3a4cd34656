"""Wakes whoever rests when there is nothing left to wait for.

Each source used to look once a second whether that was so: a watch of which nothing
comes any more woke for little else.
"""

import asyncio
from collections.abc import Callable

from sfnwatch.clock import Clock


class Bell:
    """Is rung when something has changed that may end somebody's waiting."""

    def __init__(self) -> None:
        self._naps: dict[asyncio.Task[None], Callable[[], bool]] = {}

    def ring(self) -> None:
        """Wake those that have nothing left to wait for; the others sleep on."""
        for nap, done in tuple(self._naps.items()):
            if done():
                nap.cancel()

    async def sleep(
        self, clock: Clock, seconds: float, done: Callable[[], bool]
    ) -> None:
        """Sleep until it is rung and `done` is so, and no longer than that."""
        async with asyncio.TaskGroup() as group:
            nap = group.create_task(clock.sleep(seconds))
            self._naps[nap] = done
            nap.add_done_callback(self._naps.pop)
