"""Show a session, or files, to the end."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sfnwatch.cli.display import TERMINAL_PATH, Display, can_show_screen, choose_display
from sfnwatch.cli.narration import for_people, is_served, narrate, stdout
from sfnwatch.cli.screen import show_on_screen
from sfnwatch.errors import UsageError
from sfnwatch.export.json_lines import JsonLines
from sfnwatch.export.plain import PlainLines
from sfnwatch.recording.format import STDIN
from sfnwatch.session import sessions, signals
from sfnwatch.session.session import Session

SCREEN_SPEED = 20.0
"""The speed-up factor of a replay and of the demo."""


def show_files(paths: Sequence[Path], speed: float | None, **shared: Any) -> int:
    """Show files again, on a screen or as lines."""
    piped = STDIN in paths
    if piped and is_served():
        msg = "What is piped into stdin can't be shown in a browser."
        raise UsageError(msg, hint="Name a file.")
    usable = can_show_screen(piped=piped)
    display = choose_display(recorded=False, usable=usable, **shared)
    if not display.screen:
        session = sessions.replay(paths, speed=speed, whole=speed is None)
        return show(session, display)
    session = sessions.replay(paths)
    if piped:
        # All of stdin was read; now it becomes the terminal, where keys come from.
        os.dup2(os.open(TERMINAL_PATH, os.O_RDWR), 0)
    return show(session, display, speed or SCREEN_SPEED)


def show(session: Session, display: Display, speed: float = 1.0) -> int:
    """Show a session to its end; return the exit code of its outcome."""
    if display.record:
        session.start_recording(display.path, narrate)
    try:
        if display.screen:
            return show_on_screen(session, display.screen, display.filter, speed)
        return _print_lines(session, as_json=display.as_json)
    finally:
        session.close(narrate)


def _print_lines(session: Session, *, as_json: bool) -> int:
    """Print lines; raises RefusedError if AWS does not show the end."""
    # A reader who has had enough ends the printing, and not the outcome.
    signalled: int | None = None
    with stdout() as out:
        lines: JsonLines | PlainLines
        if as_json:
            lines = JsonLines(session.trace, out)
        else:
            readable = for_people(out)
            lines = PlainLines(session.trace, readable, narrate, session.executions)
        session.consumers.append(lines)
        signalled = signals.run(session.run)
        lines.finish()
        out.flush()
    return session.conclude(narrate) if signalled is None else signalled
