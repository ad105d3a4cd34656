"""What a program must know that `sfnwatch web` started: for whom it draws."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress

_NAP, _GRACE = 0.5, 5.0
"""Seconds between looks for the server, and to end once it is gone."""


def is_served() -> bool:
    """True where `sfnwatch web` shows the screen, and no terminal does."""
    return os.environ.get("TEXTUAL_DRIVER", "").endswith("WebDriver")


def with_parent(end: Callable[[], None]) -> None:
    """End when the process that started this one is gone, by whatever it ended.

    First as a signal would; and if that does not help, at once.
    """
    loop, parent = asyncio.get_running_loop(), os.getppid()
    nap = threading.Event()

    def watch() -> None:
        while os.getppid() == parent:
            nap.wait(_NAP)
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(end)
        nap.wait(_GRACE)
        os._exit(128 + signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()
