"""Work on an event loop that a signal ends early."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress

StartWork = Callable[[], Awaitable[object]]
Leave = Callable[[], object]


def run(work: StartWork, leave: Leave | None = None) -> int | None:
    """Do work on a new event loop; return the exit code of the signal that ended it.

    A signal calls `leave`; without one it cancels the work.
    """
    return asyncio.run(_until_signalled(work, leave))


async def _until_signalled(work: StartWork, leave: Leave | None) -> int | None:
    exit_codes: list[int] = []
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()

    def end(exit_code: int) -> None:
        exit_codes.append(exit_code)
        if leave is not None:
            leave()
        elif task is not None:
            task.cancel()

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        # Not everywhere, and not outside the main thread.
        with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
            number = getattr(signal, name)
            loop.add_signal_handler(number, end, 128 + number)
    try:
        await work()
    except asyncio.CancelledError:
        if not exit_codes:
            raise
    return exit_codes[0] if exit_codes else None
