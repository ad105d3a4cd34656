"""CSV as Athena writes it: one row for each call, all of it text.

The seed's query gave `eventtime,eventsource,eventname,errorcode,errormessage,arn`;
other queries have other columns, in any order and any case.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from sfnwatch.recording.importers import KNOWN, Imported
from sfnwatch.recording.loading import bad_file
from sfnwatch.trace.calls import decode_call
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.history import DecodeError

_NEEDED = ("eventtime", "eventsource", "eventname")
_DELIMITERS = (",", ";", "\t")
"""Spreadsheets of some countries save CSV with semicolons."""
_NULLS = ("", "null")
_LONGEST = 2**31 - 1
"""The csv module's own limit, 128 KiB, is less than CloudTrail allows a request."""


def import_table(path: Path, text: str) -> Imported:
    """Read the rows of a CSV file; raises BadFileError with file and line."""
    csv.field_size_limit(_LONGEST)
    reader = csv.reader(StringIO(text, newline=""), delimiter=_delimiter(text))
    imported = Imported(path)
    seen: Counter[tuple[tuple[str, str], ...]] = Counter()
    try:
        columns = _columns(path, next(reader, []))
        for row in _rows(reader, columns):
            _number(row, seen)
            received = Received(None, From.ATHENA, None, row)
            decode_call(received)
            imported.calls.append(received)
    except (csv.Error, DecodeError) as error:
        raise bad_file(path, f"{error}", line=reader.line_num) from error
    return imported


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0].lower()
    return next((d for d in _DELIMITERS if d in head), ",")


def _columns(path: Path, cells: list[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in cells]
    missing = [name for name in _NEEDED if name not in columns]
    if len(missing) == len(_NEEDED):
        raise bad_file(path, "not a file sfnwatch knows", hint=KNOWN)
    if missing:
        what = f"a CSV file without the column {', '.join(missing)}"
        hint = f"Add {', '.join(missing)} to the query's SELECT."
        raise bad_file(path, what, line=1, hint=hint)
    return columns


def _rows(reader: Iterator[list[str]], columns: list[str]) -> Iterator[dict[str, str]]:
    """Yield each row's columns; null, which Athena writes as nothing, is left out."""
    for cells in reader:
        if not cells:
            continue
        if len(cells) > len(columns):
            msg = f"{len(cells)} cells in a row of {len(columns)} columns"
            raise DecodeError(msg)
        yield {
            name: cell
            for name, cell in zip(columns, cells, strict=False)
            if cell.strip().lower() not in _NULLS
        }


def _number(row: dict[str, str], seen: Counter[tuple[tuple[str, str], ...]]) -> None:
    """Tell rows that say the same apart: without an event id they are two calls."""
    key = tuple(sorted(row.items()))
    seen[key] += 1
    if seen[key] > 1 and "eventid" not in row:
        row["occurrence"] = str(seen[key])
