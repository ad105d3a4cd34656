"""Reads CSV files as Athena writes them: a row for each call, every cell a text."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from msgspec import Struct

from sfnwatch.model.json_stream import MAX_LINE
from sfnwatch.model.records import (
    DecodeError,
    RecordKind,
)
from sfnwatch.model.text_stream import HEAD
from sfnwatch.recording.format import bad_file
from sfnwatch.recording.imported_file import KNOWN, NOT_KNOWN, ImportedFile
from sfnwatch.recording.recorded_file import ByteStream

_NEEDED = ("eventtime", "eventsource", "eventname")
_NULLS = ("", "null")


def import_table(stream: ByteStream) -> ImportedFile:
    """Return the rows of a CSV file that Athena wrote; raises BadFileError.

    The columns depend on the query: they may come in any order and any case, and not
    all of the trail's own columns need be there.
    """
    # The csv module's limit, 128 KiB, is less than CloudTrail allows for a request.
    csv.field_size_limit(MAX_LINE)
    title, newline, _ = stream.head.lower().partition(b"\n")
    endless = not newline and len(title) >= HEAD
    if endless or not any(name.encode() in title for name in _NEEDED):
        raise bad_file(stream.path, NOT_KNOWN, hint=KNOWN)
    lines = _RowLines(stream)
    table = csv.DictReader(lines)
    imported = ImportedFile(stream.path)
    seen: Counter[bytes] = Counter()
    try:
        columns = [name.strip().lower() for name in table.fieldnames or ()]
        if missing := ", ".join(name for name in _NEEDED if name not in columns):
            what = f"a CSV file without the column {missing}"
            hint = f"Add {missing} to the query's SELECT."
            raise bad_file(stream.path, what, line=1, hint=hint)
        table.fieldnames = columns
        for cells in table:
            lines.held = 0
            row = _row(cells)
            _number_row(row, seen)
            imported.add(RecordKind.ATHENA, row)
    except UnicodeDecodeError as error:
        raise bad_file(stream.path, error, line=table.line_num + 1) from error
    except (csv.Error, ValueError) as error:
        raise bad_file(stream.path, error, line=table.line_num) from error
    return imported


class _RowLines(Struct, eq=False):
    """The lines of a table. A row may have many lines, but at most `MAX_LINE` bytes."""

    stream: ByteStream
    held: int = 0
    """Bytes read so far of the current row."""

    def __iter__(self) -> Iterator[str]:
        for line in self.stream.lines():
            self.held += len(line)
            if self.held > MAX_LINE:
                raise ValueError(f"a row longer than {MAX_LINE >> 20} MiB")
            yield line.decode()


def _row(cells: Mapping[Any, Any]) -> dict[str, str]:
    """Return a row's cells by column, without nulls: Athena writes null as nothing."""
    if more := cells.get(None):
        count = len(cells) - 1
        raise DecodeError(f"{count + len(more)} cells in a row of {count} columns")
    told = ((name, cell or "") for name, cell in cells.items())
    return {name: cell for name, cell in told if cell.strip().lower() not in _NULLS}


def _number_row(row: dict[str, str], seen: Counter[bytes]) -> None:
    """Number equal rows without an event id, since they are different calls."""
    if "eventid" in row:
        return
    key = sha256(repr(sorted(row.items())).encode()).digest()
    seen[key] += 1
    if seen[key] > 1:
        row["occurrence"] = str(seen[key])
