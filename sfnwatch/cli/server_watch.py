"""The end of a program whose screen is in a browser, once its server or page is gone.

A program that is shown can outlive its server, or not heed that its page is gone: it
ends by itself once nobody writes to it any more.
"""

import asyncio
import os
import select
import signal
import sys
import threading
from contextlib import suppress

_GRACE = 5.0
"""Seconds a program may take to end."""


def end_with_server() -> None:
    """End when nobody can write to this program any more: its page or server is gone.

    First as by a signal; and if that does not help, at once.
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
        waiting.wait(_GRACE)
        os._exit(128 + signal.SIGTERM)

    threading.Thread(target=watch, name="hang-up", daemon=True).start()
