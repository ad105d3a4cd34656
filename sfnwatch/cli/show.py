"""Show a session, or files, to the end."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sfnwatch.cli.display import TERMINAL, Display, can_show_screen, choose_display
from sfnwatch.cli.narration import for_people, is_served, narrate, stdout
from sfnwatch.cli.screen import show_on_screen
from sfnwatch.errors import UsageError
from sfnwatch.export.json_lines import JsonLines
from sfnwatch.export.plain import PlainLines
from sfnwatch.recording.format import STDIN
from sfnwatch.session import sessions, signals
from sfnwatch.session.session import Session

SCREEN_SPEED = 20.0


def show_files(paths: Sequence[Path], speed: float | None, **shared: Any) -> int:
    """Show files again, on a screen or as lines."""
    piped = STDIN in paths
    if piped and is_served():
        msg = "What is piped into stdin can't be shown in a browser."
        raise UsageError(msg, hint="Name a file.")
    usable = can_show_screen(piped=piped)
    display = choose_display(recorded=False, usable=usable, **shared)
    if display.screen:
        # The screen's player decides what of it is shown.
        replayed = sessions.replay(paths)
        if piped:
            # All of it was read: from now on stdin is where the keys come from.
            os.dup2(os.open(TERMINAL, os.O_RDWR), 0)
        return show(replayed, display, speed or SCREEN_SPEED)
    return show(sessions.replay(paths, speed=speed, whole=speed is None), display)


def show(watched: Session, display: Display, speed: float = 1.0) -> int:
    """Show a session to its end, and give the exit code its outcome asks for."""
    if display.record:
        watched.start_recording(display.path, narrate)
    try:
        if display.screen:
            return show_on_screen(watched, display.screen, display.filter, speed)
        return _as_lines(watched, as_json=display.as_json)
    finally:
        watched.close(narrate)


def _as_lines(watched: Session, *, as_json: bool) -> int:
    """Print lines; raises RefusedError if AWS does not tell how it ended."""
    # A reader who has had enough ends the printing, and not the outcome.
    signalled: int | None = None
    with stdout() as out:
        lines: JsonLines | PlainLines = JsonLines(watched.trace, out)
        if not as_json:
            people = for_people(out)
            arns = watched.executions
            lines = PlainLines(watched.trace, people, narrate, arns)
        watched.consumers.append(lines)
        signalled = signals.run(watched.run)
        lines.finish()
        out.flush()
    return watched.conclude(narrate) if signalled is None else signalled
