"""Being suspended from outside, as `kill -TSTP` or a debugger does.

Textual gives the terminal back in the signal's own handler, which Python calls between
any two instructions: in the midst of a write, whose lock it then waits for in vain. Run
by the loop, nothing else is under way.
"""

import asyncio
import signal
from contextlib import suppress

_SIGNALS = ("SIGTSTP", "SIGCONT")


def suspend_in_the_loop() -> None:
    """Have the driver's handlers of these signals run by the loop."""
    loop = asyncio.get_running_loop()
    # Not everywhere, and not outside the main thread.
    with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
        for name in _SIGNALS:
            number = getattr(signal, name)
            handler = signal.getsignal(number)
            if callable(handler):
                loop.add_signal_handler(number, handler, number, None)
