"""What terminals differ in: being suspended, crashes, and signs beyond ASCII."""

import asyncio
import signal
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from sfnwatch.view.signs import to_ascii

if TYPE_CHECKING:
    from rich.traceback import Traceback


_SIGNALS = ("SIGTSTP", "SIGCONT")


def suspend_in_the_loop() -> None:
    """Let the event loop run the handlers for suspending and resuming.

    Textual restores the terminal in the signal's own handler. Python calls that between
    any two instructions: even within a write, for whose lock the handler then waits in
    vain. When the loop runs it, nothing else is under way.
    """
    loop = asyncio.get_running_loop()
    # Not possible on all platforms, nor outside the main thread.
    with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
        for name in _SIGNALS:
            number = getattr(signal, name)
            handler = signal.getsignal(number)
            if callable(handler):
                loop.add_signal_handler(number, handler, number, None)


def hide_locals(console: Console) -> None:
    """Let a crash show where it was, but not the values of variables.

    Textual prints them with every crash, and here they hold payloads.
    """
    render = console.render

    def render_without(
        renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        # The class is only loaded for a crash.
        if type(renderable).__module__ == "rich.traceback":
            # The same crash, shown as Rich does by default.
            renderable = cast("type[Traceback]", type(renderable))()
        return render(renderable, options)

    console.render = render_without  # type: ignore[method-assign]


class Ascii(LineFilter):
    """Replaces drawn signs by ASCII; colors, widths and controls stay as they are."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        del background
        return [
            each if each.control else Segment(to_ascii(each.text), each.style)
            for each in segments
        ]
