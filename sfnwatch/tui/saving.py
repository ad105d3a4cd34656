"""Saving the records behind a line as a file of their own."""

import contextlib
import os
import unicodedata
from itertools import count
from pathlib import Path

from sfnwatch.errors import SfnwatchError
from sfnwatch.trace.arns import last_segment, maybe_execution_arn
from sfnwatch.trace.events import Record
from sfnwatch.trace.lanes import Row
from sfnwatch.trace.text import clean
from sfnwatch.tui.json_text import json_text

_LONGEST = 150
"""Bytes of a name; file systems allow 255 with its beginning, number and ending."""


def save_record(
    rows: tuple[Row, ...], folder: Path, *, mask_is_on: bool = False
) -> Path:
    """Write the rows' records to a new file, unaltered; give its path.

    Nothing in it is masked: with `mask_is_on`, where one may expect so, its name says
    that. Raises SfnwatchError.
    """
    records = _records(rows)
    if not records:
        msg = "There is no record to save."
        raise SfnwatchError(msg, hint="Select a line of the lanes first.")
    stem = f"sfnwatch-{_named(rows)}{'-unmasked' if mask_is_on else ''}"
    text = json_text(records[0] if len(records) == 1 else records) + "\n"
    try:
        return _written(folder, stem, text.encode())
    except OSError as error:
        msg = f"Can't save to {clean(str(folder))}: {error.strerror or error}."
        hint = "Start sfnwatch in a folder that you may write to."
        raise SfnwatchError(msg, hint=hint) from error


def _records(rows: tuple[Row, ...]) -> list[Record]:
    records = [event.record for row in rows for event in row.events]
    records += [row.call.raw for row in rows if row.call is not None]
    return records + [row.task.raw for row in rows if row.task is not None]


def _named(rows: tuple[Row, ...]) -> str:
    """Name the execution, and the event, the call or how the task was."""
    arn = next((row.execution_arn for row in rows if row.execution_arn), "")
    parsed = maybe_execution_arn(arn)
    execution = parsed.name if parsed else last_segment(arn).rpartition(":")[2]
    row = rows[0]
    thing = _thing(row)
    return "-".join(_safe(part) for part in (execution, thing) if part) or "record"


def _thing(row: Row) -> str:
    if row.task is not None:
        return f"task-{row.task.last_status}"
    return row.call.event_name if row.call is not None else str(row.events[0].id)


def _safe(name: str) -> str:
    """Keep letters and numbers of any script, and what no file system minds."""
    kept = "".join(
        c if c in "-_.+=@" or unicodedata.category(c)[0] in "LMN" else "-" for c in name
    )
    return kept.encode(errors="ignore")[: _LONGEST // 2].decode(errors="ignore")


def _written(folder: Path, stem: str, content: bytes) -> Path:
    for number in count(1):
        path = folder / f"{stem}{f'-{number}' if number > 1 else ''}.json"
        with contextlib.suppress(FileExistsError):
            _write_new(path, content)
            return path
    raise AssertionError  # pragma: no cover - count() has no end


def _write_new(path: Path, content: bytes) -> None:
    """Create a file that only its owner may read; what is half written is removed."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(number, "wb") as file:  # noqa: PTH123 - it is open already
            file.write(content)
    except OSError:
        path.unlink(missing_ok=True)
        raise
