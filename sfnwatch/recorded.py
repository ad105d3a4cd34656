"""The recordings that are shown beside the executions to choose from."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from itertools import islice
from pathlib import Path

from sfnwatch.naming_executions import Named, concerns
from sfnwatch.recording.shelf import Shelved, one_by_one
from sfnwatch.trace.arns import maybe_execution_arn

_STEP = 16
"""Recordings read at once: some milliseconds, after which they are shown."""


def reading(
    folder: Path, named: Sequence[Named] = ()
) -> Callable[[], AsyncGenerator[tuple[Shelved, ...], None]]:
    """Say how the picker gets a folder's recordings: all, or those of what is named.

    In a thread, and some at a time: the screen stands still for none of them.
    """

    async def read() -> AsyncGenerator[tuple[Shelved, ...], None]:
        found = one_by_one(folder)
        while step := await asyncio.to_thread(lambda: tuple(islice(found, _STEP))):
            yield tuple(each for each in step if _is_of(each, named))

    return read


def _is_of(recording: Shelved, named: Sequence[Named]) -> bool:
    parsed = (maybe_execution_arn(arn) for arn, _ in recording.watched)
    arns = [arn for arn in parsed if arn is not None]
    return not named or any(concerns(each, arn) for each in named for arn in arns)
