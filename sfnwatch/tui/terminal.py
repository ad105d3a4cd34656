"""What terminals differ in: notifying, being suspended, and those with ASCII alone.

A notification is text from AWS, so nothing but printable characters may get in, and no
`;`, which separates its fields.
"""

import asyncio
import os
import signal
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter

from sfnwatch.model.values import clean
from sfnwatch.view.signs import to_ascii

if TYPE_CHECKING:
    from rich.traceback import Trace, Traceback

Notify = Literal["off", "bell", "desktop"]
_BELL, _ESC, _ST = "\a", "\x1b", "\x1b\\"
_TITLE, _BODY = 60, 160
"""Notifications are small: longer ones are cut off, or refused, by the desktop."""
_OSC_777 = ("foot", "ghostty", "rxvt", "wezterm", "contour")
"""Terminals that have a title apart from the body; all others get one text."""
_TABLES = str.maketrans({";": ",", "\ufffd": "?"})
_SIGNALS = ("SIGTSTP", "SIGCONT")


def notify(app: App[Any], how: Notify, title: str, body: str) -> None:
    """Tell somebody who is looking elsewhere, by the bell or on the desktop."""
    sent = _BELL if how == "bell" else notification(title, body, os.environ)
    # There is no public door for what is written past the screen.
    driver = app._driver  # noqa: SLF001
    if how != "off" and driver is not None and not app.is_headless:
        driver.write(sent)


def notification(title: str, body: str, environ: Mapping[str, str]) -> str:
    """Write what makes this terminal notify; the bell where it can do no more."""
    if "STY" in environ and "TMUX" not in environ:
        # GNU screen lets no such sequence through.
        return _BELL
    variables = ("TERM", "TERM_PROGRAM", "LC_TERMINAL")
    names = " ".join(environ.get(name, "") for name in variables).lower()
    title, body = _field(title, _TITLE), _field(body, _BODY)
    if any(name in names for name in _OSC_777):
        sequence = f"{_ESC}]777;notify;{title};{body}{_ST}"
    elif environ.get("TERM") in {"linux", "dumb"}:
        return _BELL
    else:
        sequence = f"{_ESC}]9;{title}: {body}{_ST}"
    if "TMUX" not in environ:
        return sequence
    # tmux passes it on where `allow-passthrough` is on.
    return f"{_ESC}Ptmux;{sequence.replace(_ESC, _ESC * 2)}{_ST}"


def _field(text: str, limit: int) -> str:
    cleaned = clean(text).translate(_TABLES)
    shown = "".join(c if c.isprintable() else " " for c in cleaned)
    return f"{shown[: limit - 1]}…" if len(shown) > limit else shown


def suspend_in_the_loop() -> None:
    """Have the handlers of being suspended, and resumed, run by the loop.

    Textual gives the terminal back in the signal's own handler, which Python calls
    between any two instructions: in the midst of a write, whose lock it then waits for
    in vain. Run by the loop, nothing else is under way.
    """
    loop = asyncio.get_running_loop()
    # Not everywhere, and not outside the main thread.
    with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
        for name in _SIGNALS:
            number = getattr(signal, name)
            handler = signal.getsignal(number)
            if callable(handler):
                loop.add_signal_handler(number, handler, number, None)


def hide_locals(console: Console) -> None:
    """Have a crash tell where it was, but not what the variables held there.

    Textual prints them with every crash, and here they hold payloads.
    """
    render = console.render

    def render_without(
        renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        if is_traceback(renderable):
            _forget_locals(renderable.trace)
        return render(renderable, options)

    console.render = render_without  # type: ignore[method-assign]


def _forget_locals(trace: "Trace") -> None:
    for stack in trace.stacks:
        for frame in stack.frames:
            frame.locals = None
        for one_of_a_group in stack.exceptions:
            _forget_locals(one_of_a_group)


def is_traceback(renderable: RenderableType) -> "TypeGuard[Traceback]":
    """Tell a traceback, without loading what only a crash needs."""
    return type(renderable).__module__ == "rich.traceback"


# -- the same screen in ASCII ----------------------------------------------------------


class Ascii(LineFilter):
    """Translates what is drawn; colors, widths and controls stay as they are."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        del background
        return [*map(_drawn, segments)]


def _drawn(segment: Segment) -> Segment:
    """Translate a segment; the ragged ends of a scrollbar are better left out."""
    text, style, control = segment
    if control or text.isascii():
        return segment
    ragged = cell_len(text) == 1 and style and "@mouse.down" in style.meta
    return Segment(" " if ragged else to_ascii(text), style)
