"""What is done with the selected records: copied, saved, opened in the console."""

import os
import sys
from collections.abc import Mapping

from sfnwatch.trace.console import url_for
from sfnwatch.trace.lanes import Row
from sfnwatch.trace.timeline import Trace
from sfnwatch.tui.json_text import json_text

_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def records_text(rows: tuple[Row, ...]) -> str:
    """Give the records behind some rows as JSON that is safe to paste."""
    records = [event.record for row in rows for event in row.events]
    records += [row.call.raw for row in rows if row.call is not None]
    records += [row.task.raw for row in rows if row.task is not None]
    if not records:
        return ""
    return json_text(records[0] if len(records) == 1 else records)


def console_of(rows: tuple[Row, ...], trace: Trace) -> str | None:
    """Say where the AWS console shows these rows, a call before its state."""
    urls = (url_for(row, trace) for row in reversed(rows))
    return next((url for url in urls if url is not None), None)


def can_browse(environ: Mapping[str, str] = os.environ) -> bool:
    """True where a browser has a window of its own.

    Without one, what opens may be a browser for terminals: in ours.
    """
    if sys.platform in {"darwin", "win32"}:
        return True
    return any(environ.get(name) for name in _DISPLAYS)
