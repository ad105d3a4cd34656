"""A folder of a trail's files, searched by DuckDB."""

import json
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from msgspec.structs import replace

from sfnwatch.errors import UsageError, to_install
from sfnwatch.model.records import Record, RecordKind
from sfnwatch.model.texts import clean
from sfnwatch.model.values import encode_json
from sfnwatch.sources.answers import CallsAws
from sfnwatch.sources.archive import Archive
from sfnwatch.sources.polling import WatchContext
from sfnwatch.sources.trail_files import FileWindow, UnreadableError
from sfnwatch.sources.trail_reader import TrailReader
from sfnwatch.sources.trail_sql import (
    PAYLOAD_COLUMNS,
    RECORD_FIELDS,
    Question,
    TrailTable,
    literal,
    question_of,
    select,
)

_SETTINGS: Mapping[str, Any] = {
    "memory_limit": "256MB",
    "temp_directory": "",
    "threads": 1,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
"""DuckDB must load no extension and write nothing to a disk."""


def check_duckdb() -> None:
    """Raise UsageError where DuckDB is not installed."""
    if find_spec("duckdb") is None:
        raise UsageError(
            "Asking a trail's files by SQL takes DuckDB, which is not installed.",
            hint=f"Run: {to_install('archive')}. Without it, --archive does.",
        )


def record_shape() -> dict[str, Any]:
    """Return the members to read of a record, with their types.

    The case of a key counts in JSON.
    """
    shape: dict[str, Any] = {}
    for column, path in RECORD_FIELDS.items():
        *parents, name = path.split(".")
        place = shape
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name] = "JSON" if column in PAYLOAD_COLUMNS else "VARCHAR"
    return shape


def duck_statement(question: Question) -> str:
    """Return the SQL that finds the calls in its one parameter, a list of records."""
    # Every part is either a literal or a constant of this program.
    shape = literal(json.dumps(record_shape()))
    records = f"SELECT from_json(unnest(?::VARCHAR[]), {shape}) AS record"
    statement = select(question, TrailTable("trail", partitions=()))
    return f"WITH trail AS (SELECT record.* FROM ({records}))\n{statement}"  # noqa: S608


class DuckTrail(Archive):
    """A source: reads a folder's files like an archive, and searches them with DuckDB.

    It runs the statement that Athena would get, without the partitions, on this
    machine. So a query's result can be seen before it is paid for. DuckDB is an extra;
    it is imported when first needed, in a thread.
    """

    kind = RecordKind.ATHENA

    def __init__(self, aws: CallsAws | None, context: WatchContext) -> None:
        """Raise UsageError where DuckDB is not installed."""
        check_duckdb()
        super().__init__(aws, context)
        self._connection: Any = None
        self._question = question_of(self.targets, self.clock.now())

    def scope(self, window: FileWindow) -> object:
        """Return a key that changes when a role or a service becomes known."""
        self._question = question_of(self.targets, self.clock.now())
        without_end = replace(self._question, until=self._question.since)
        return without_end, super().scope(window)

    def wanted(self, window: FileWindow) -> Callable[[Record], bool]:
        return window.has_event

    def read_next(self, reader: TrailReader) -> list[bytes] | None:
        import duckdb  # noqa: PLC0415 - an extra, and 50 ms

        records = reader.read()
        if records is None:
            return None
        if self._connection is None:
            self._connection = duckdb.connect(":memory:", config={**_SETTINGS})
        try:
            texts = [record.decode() for record in records]
            sql = duck_statement(self._question)
            rows = self._connection.execute(sql, [texts]).fetchall()
        except (duckdb.Error, ValueError) as error:
            # DuckDB's own words, without the record.
            why = str(error).partition("\n")[0].partition("  Input:")[0]
            raise UnreadableError(clean(why, 200)) from error
        return [encode_json(dict(zip(RECORD_FIELDS, row, strict=True))) for row in rows]
