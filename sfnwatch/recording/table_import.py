"""Reads CSV files as Athena writes them: a row for each call, every cell a text."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from msgspec import Struct

from sfnwatch.model.json_stream import MAX_LINE
from sfnwatch.model.records import DecodeError, RecordKind
from sfnwatch.model.text_stream import HEAD
from sfnwatch.recording.format import bad_file
from sfnwatch.recording.imported_file import KNOWN, NOT_KNOWN, ImportedFile
from sfnwatch.recording.recorded_file import ByteStream

_REQUIRED_COLUMNS = ("eventtime", "eventsource", "eventname")
_NULLS = ("", "null")


def import_table(stream: ByteStream) -> ImportedFile:
    """Return the rows of a CSV file that Athena wrote; raises BadFileError.

    The columns depend on the query: they may come in any order and any case, and not
    all of the trail's own columns need be there.
    """
    # The csv module's limit, 128 KiB, is less than CloudTrail allows for a request.
    csv.field_size_limit(MAX_LINE)
    if not _has_title_line(stream.head):
        raise bad_file(stream.path, NOT_KNOWN, hint=KNOWN)
    lines = _RowLines(stream)
    table = csv.DictReader(lines)
    imported = ImportedFile(stream.path)
    row_counts: Counter[bytes] = Counter()
    try:
        columns = [name.strip().lower() for name in table.fieldnames or ()]
        missing = ", ".join(name for name in _REQUIRED_COLUMNS if name not in columns)
        if missing:
            what = f"a CSV file without the column {missing}"
            hint = f"Add {missing} to the query's SELECT."
            raise bad_file(stream.path, what, line=1, hint=hint)
        table.fieldnames = columns
        for cells in table:
            lines.row_size = 0
            row = _row(cells)
            _number_row(row, row_counts)
            imported.add(RecordKind.ATHENA, row)
    except UnicodeDecodeError as error:
        raise bad_file(stream.path, error, line=table.line_num + 1) from error
    except (csv.Error, ValueError) as error:
        raise bad_file(stream.path, error, line=table.line_num) from error
    return imported


def _has_title_line(head: bytes) -> bool:
    """True if the first line has the name of a column that must be there."""
    title, newline, _ = head.lower().partition(b"\n")
    if not newline and len(title) >= HEAD:
        return False
    return any(column.encode() in title for column in _REQUIRED_COLUMNS)


class _RowLines(Struct, eq=False):
    """The lines of a table. A row may have many lines, but at most `MAX_LINE` bytes."""

    stream: ByteStream
    row_size: int = 0
    """Bytes read so far of the current row."""

    def __iter__(self) -> Iterator[str]:
        for line in self.stream.lines():
            self.row_size += len(line)
            if self.row_size > MAX_LINE:
                raise ValueError(f"a row longer than {MAX_LINE >> 20} MiB")
            yield line.decode()


def _row(cells: Mapping[Any, Any]) -> dict[str, str]:
    """Return a row's cells by column, without nulls: Athena writes null as nothing.

    Raises DecodeError for a row with more cells than there are columns.
    """
    surplus = cells.get(None)
    if surplus:
        count = len(cells) - 1
        raise DecodeError(f"{count + len(surplus)} cells in a row of {count} columns")
    return {column: cell for column, cell in cells.items() if not _is_null(cell)}


def _is_null(cell: str | None) -> bool:
    return cell is None or cell.strip().lower() in _NULLS


def _number_row(row: dict[str, str], row_counts: Counter[bytes]) -> None:
    """Number equal rows without an event id, since they are different calls."""
    if "eventid" in row:
        return
    text = repr(sorted(row.items()))
    # The text itself would double the memory that a table takes.
    digest = sha256(text.encode()).digest()
    row_counts[digest] += 1
    if row_counts[digest] > 1:
        row["occurrence"] = str(row_counts[digest])
