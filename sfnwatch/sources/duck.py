"""The calls around the executions watched, by SQL over a trail's files in a folder.

The statement that Athena gets, run by DuckDB on this machine, over the files that the
window needs and no others; so what a query finds can be seen before it is paid for.
DuckDB takes a file as one JSON object, unpacked, several times over in memory: so one
file at a time, under a limit. A file that it can't read to its end gives nothing.

DuckDB is an extra: it is imported when it is first needed, in a thread.
"""

import asyncio
import os
import re
import time
from collections import deque
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sfnwatch.clock import Clock
from sfnwatch.errors import UsageError, to_install
from sfnwatch.sources.archive_folder import find_files
from sfnwatch.sources.archive_layout import TrailFile, Window, parse_name
from sfnwatch.sources.archive_report import Report, nothing_found
from sfnwatch.sources.drain import DRAIN
from sfnwatch.sources.drive import Patience
from sfnwatch.sources.ledger import Ledger
from sfnwatch.sources.subjects import Subjects
from sfnwatch.sources.trail_rounds import LATE, Look, Rounds, Row
from sfnwatch.sources.trail_sql import COLUMNS, Question, Table, literal, select
from sfnwatch.trace.text import clean

EVERY = 30.0
"""Seconds between looks for new files: CloudTrail delivers about every five minutes."""
MEMORY = "1GB"
"""What DuckDB may take: unpacked, a file of 42 MB took 260 MB, one of 90 MB fits."""
_LARGEST = 256 << 20
"""Bytes of a file, unpacked, beyond which it is not read."""
_LEAST = 4 << 20
_PACKED = 12
"""How much smaller gzip makes a trail's files, about."""
_TURN = 0.25
"""Seconds of reading after which the screen has its turn."""

_IDENTITY = (
    'STRUCT(arn VARCHAR, "accountId" VARCHAR, "invokedBy" VARCHAR,'
    ' "sessionContext" STRUCT("sessionIssuer" STRUCT(arn VARCHAR)))'
)
_FIELDS = {
    "eventID": "VARCHAR",
    "eventTime": "VARCHAR",
    "eventSource": "VARCHAR",
    "eventName": "VARCHAR",
    "errorCode": "VARCHAR",
    "errorMessage": "VARCHAR",
    "readOnly": "VARCHAR",
    "requestID": "VARCHAR",
    "userIdentity": _IDENTITY,
    "sourceIPAddress": "VARCHAR",
    "userAgent": "VARCHAR",
    "awsRegion": "VARCHAR",
    "recipientAccountId": "VARCHAR",
    "requestParameters": "JSON",
    "responseElements": "JSON",
}
"""What is read of a record; in JSON the case of a key counts."""


class Duck(Rounds):
    """A source: asks DuckDB for what is new in a folder."""

    def __init__(
        self,
        subjects: Subjects,
        clock: Clock,
        folder: str | Path,
        *,
        every: float = EVERY,
        drain: float = DRAIN,
        patience: Patience | None = None,
    ) -> None:
        """Raise UsageError where DuckDB is not installed."""
        check_duckdb()
        super().__init__(
            _Engine(Path(folder).expanduser()),
            subjects,
            clock,
            Ledger(clock, subjects.only),
            source="archive",
            every=every,
            drain=drain,
            patience=patience,
        )


def check_duckdb() -> None:
    """Raise UsageError where DuckDB is not installed."""
    if find_spec("duckdb") is None:
        raise UsageError(
            "Asking a trail's files by SQL takes DuckDB, which is not installed.",
            hint=f"Run: {to_install('archive')}. Without it, --archive does.",
        )


class _Engine:
    """Runs one query for each file, in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._connection: Any = None
        self._question: Question | None = None
        self._window: Window | None = None
        self._waiting: deque[TrailFile] = deque()
        self._read: set[str] = set()
        """Keys of the files that were read for the same roles, services and start."""
        self._newest: dict[str, datetime] = {}
        """The newest stamp of a file of each Region."""
        self._report = Report()
        self._stopped = False

    async def start(self, question: Question) -> None:
        window = _window(question)
        found = await asyncio.to_thread(find_files, self._folder, window)
        if self._connection is None:
            self._connection = await asyncio.to_thread(_connect)
        if self._question is None or _brief(question) != _brief(self._question):
            self._read.clear()
        self._question, self._window = question, window
        for file in found.files:
            if file.region is not None and file.stamp is not None:
                known = self._newest.get(file.region, file.stamp)
                self._newest[file.region] = max(known, file.stamp)
        self._waiting.extend(f for f in found.files if f.key not in self._read)
        self._report.looked(len(self._waiting), found.troubles)

    async def look(self) -> Look:
        rows = await asyncio.to_thread(self._some) if self._waiting else []
        return Look(rows, done=not self._waiting)

    def _some(self) -> list[Row]:
        """Read files for a while; this is in a thread."""
        rows: list[Row] = []
        end = time.monotonic() + _TURN
        while self._waiting and not self._stopped and time.monotonic() < end:
            file = self._waiting.popleft()
            rows += self._rows(file)
            self._read.add(file.key)
        return rows

    def _rows(self, file: TrailFile) -> list[Row]:
        import duckdb  # noqa: PLC0415 - an extra, and 50 ms

        assert self._question is not None  # noqa: S101 - a query is under way
        try:
            found = self._connection.execute(statement(self._question, file)).fetchall()
        except (duckdb.Error, OSError, ValueError) as error:
            self._report.unreadable(file, _why(error, file))
            return []
        self._report.read(file, "")
        return [dict(zip(COLUMNS, row, strict=True)) for row in found]

    async def stop(self) -> None:
        """Have the thread let go of the file it reads."""
        self._stopped = True
        if self._connection is not None:
            self._connection.interrupt()

    def reached(self, asked_at: datetime) -> datetime | None:
        """Go by the newest stamps: a copy of a trail is as old as it is."""
        del asked_at
        wanted = self._question.regions if self._question else ()
        if not wanted or any(region not in self._newest for region in wanted):
            return None
        return min(self._newest[region] for region in wanted) - LATE

    def told(self, *, ended: bool = False) -> str:
        if self._waiting:
            return self._report.progress
        if ended and not self._report.files and self._window is not None:
            return nothing_found(clean(str(self._folder), 300), self._window)
        return self._report.troubles


def _connect() -> Any:
    """Open a database in memory: it loads nothing, and writes nothing to a disk."""
    import duckdb  # noqa: PLC0415 - an extra, and 50 ms

    settings: dict[str, Any] = {
        "memory_limit": MEMORY,
        "temp_directory": "",
        "threads": 1,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    return duckdb.connect(":memory:", config=settings)


def _window(question: Question) -> Window:
    return Window(
        accounts=frozenset(question.accounts),
        regions=frozenset(question.regions),
        first=question.since,
        last=question.until,
    )


def _brief(question: Question) -> object:
    """Give what a file read before need not be read again for."""
    return question.queries, question.roles, question.accounts, question.since


def statement(question: Question, file: TrailFile) -> str:
    """Ask for a file's calls, in the words in which Athena is asked for a table's."""
    name = parse_name(Path(file.place).name)
    parts: dict[str, str] = {}
    if name is not None:
        parts = {
            "timestamp": f"{name.stamp:%Y/%m/%d}",
            "region": name.region,
            "account": name.account,
        }
    day, region, account = (
        column if column in parts else None
        for column in ("timestamp", "region", "account")
    )
    columns = [
        *(f'record."{field}" AS {field.lower()}' for field in _FIELDS),
        *(f'{literal(value)} AS "{column}"' for column, value in parts.items()),
    ]
    asked = select(question, Table("trail", day=day, region=region, account=account))
    # Every part is a literal, or is written here.
    records = f'SELECT unnest("Records") AS record FROM {_read_json(file)}'  # noqa: S608
    shown = f"SELECT {', '.join(columns)}\n  FROM ({records})"  # noqa: S608
    return f"WITH trail AS (\n  {shown}\n)\n{asked}"


def _read_json(file: TrailFile) -> str:
    """Write the function that reads a file, whatever characters are in its path."""
    fields = ", ".join(f'"{field}" {kind}' for field, kind in _FIELDS.items())
    shape = literal(f"STRUCT({fields})[]")
    path = Path(file.place)
    packed = _is_gzip(path)
    return (
        f"read_json({literal(_globbed(file.place))}, columns = {{Records: {shape}}},"
        f" format = 'unstructured', compression = '{'gzip' if packed else 'none'}',"
        f" maximum_object_size = {_room(path, packed=packed)})"
    )


def _room(path: Path, *, packed: bool) -> int:
    """Say how large the file is, unpacked: DuckDB sets aside twice as much at once."""
    size = path.stat().st_size
    if packed:
        with path.open("rb") as stream:
            stream.seek(-4, os.SEEK_END)
            told = int.from_bytes(stream.read(4), "little")
        size = max(told, size * _PACKED)
    return min(max(size + 1, _LEAST), _LARGEST)


def _globbed(path: str) -> str:
    """Take the meaning off the characters by which DuckDB would look for files."""
    return re.sub(r"[*?\[]", r"[\g<0>]", path)


def _is_gzip(path: Path) -> bool:
    """Tell by its first bytes: a copy may have been unpacked, and not renamed."""
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def _why(error: Exception, file: TrailFile) -> str:
    """Say in DuckDB's own words why a file can't be read, without the statement."""
    first = str(error).partition("\n")[0]
    return clean(first.replace(file.place, "the file"), 200)
