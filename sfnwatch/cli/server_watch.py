"""The end of a program whose screen is in a browser, once its server or page is gone.

The program could outlive its server, or overlook that its page was closed. So it ends
by itself when nobody can write to it any more.
"""

import asyncio
import os
import select
import signal
import sys
import threading
from contextlib import suppress

_SECONDS_TO_END = 5.0
"""Seconds that the program has for its end."""


def end_with_server() -> None:
    """End this program when nobody can write to it any more.

    First a signal is raised; if the program still runs seconds later, it is killed.
    """
    if not hasattr(select, "poll"):
        return
    loop = asyncio.get_running_loop()
    waiting = threading.Event()

    def watch() -> None:
        hung_up = select.poll()
        hung_up.register(sys.__stdin__ or 0, 0)
        hung_up.poll()
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(signal.raise_signal, signal.SIGTERM)
        waiting.wait(_SECONDS_TO_END)
        os._exit(128 + signal.SIGTERM)

    threading.Thread(target=watch, name="hang-up", daemon=True).start()
