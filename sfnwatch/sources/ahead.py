"""A page that is asked for while the one before it is looked at.

To look at a page of a history takes as long as a quarter of the way to AWS and back:
what waits for the next one meanwhile waits in vain.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any


class Ahead:
    """One request under way, or none."""

    def __init__(self) -> None:
        self._task: asyncio.Task[dict[str, Any]] | None = None

    async def begin(self, request: Coroutine[Any, Any, dict[str, Any]]) -> None:
        """Send a request; what comes of it is told by `take`."""
        self._task = asyncio.create_task(request)  # noqa: TID251 - closed by `close`
        # No time passes: whoever looks at a page lets nothing else run meanwhile.
        await asyncio.sleep(0)  # noqa: TID251

    async def take(self) -> dict[str, Any] | None:
        """Wait for the answer, if one is to come; raises what the request raises."""
        task, self._task = self._task, None
        return None if task is None else await task

    async def close(self) -> None:
        """Give up what is under way."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
