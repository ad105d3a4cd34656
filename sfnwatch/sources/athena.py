"""The calls around the executions watched, from a trail's table in Athena.

For accounts too large for anything else: a query reads only the partitions of the
window, and is paid for by the bytes it scans, which are told. A query is started under
a token of its own, so that a try whose answer was lost starts no second one.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sfnwatch.clock import Clock
from sfnwatch.errors import UsageError
from sfnwatch.sources.aws import Aws
from sfnwatch.sources.drain import DRAIN
from sfnwatch.sources.drive import Failure, Patience
from sfnwatch.sources.ledger import Ledger
from sfnwatch.sources.subjects import Subjects
from sfnwatch.sources.trail_rounds import LATE, Look, QueryOverError, Rounds
from sfnwatch.sources.trail_sql import Question, Table, select, table_name
from sfnwatch.sources.trouble import StalePageError, code_of
from sfnwatch.trace.events import HealthState
from sfnwatch.trace.payload import mapping_of, text_of
from sfnwatch.trace.text import clean, size

EVERY = 300.0
"""Seconds between queries while an execution runs: each is paid for."""
PARTITIONS = ("timestamp", "region", "account")
"""The partition columns of the table that `sfnwatch athena-ddl` writes; AWS's own
documentation has the first alone."""
_PAGE = 1000
"""The most GetQueryResults gives."""
_LONGEST = 262_144
"""Bytes of a statement, as documented; ours are all ASCII but for what roles have."""
_LEAST, _MOST = 1.0, 5.0
"""Seconds between looks at a query that runs."""
_FAILED_PAUSE = 180.0
"""Seconds before another query is tried: whatever failed may have cost as much."""
_USER = 2
"""Athena's category of errors that a user made, as documented."""
_WORKGROUP = re.compile(r"[a-zA-Z0-9._-]{1,128}")
_DDL = "sfnwatch athena-ddl writes a table's CREATE statement."


class Athena(Rounds):
    """A source: asks Athena, as often as is worth its price."""

    def __init__(
        self,
        aws: Aws,
        subjects: Subjects,
        clock: Clock,
        *,
        table: str,
        database: str = "default",
        partitions: Sequence[str] = PARTITIONS,
        workgroup: str | None = None,
        output: str | None = None,
        region: str | None = None,
        every: float = EVERY,
        drain: float = DRAIN,
        patience: Patience | None = None,
    ) -> None:
        """Raise UsageError for names that can be none.

        `output` is the `s3://` place for results, where the workgroup names none.
        """
        ledger = Ledger(clock, subjects.only)
        context: dict[str, Any] = {"QueryExecutionContext": {"Database": database}}
        if workgroup is not None:
            context["WorkGroup"] = checked_workgroup(workgroup)
        if output is not None:
            place = checked_output(output)
            context["ResultConfiguration"] = {"OutputLocation": place}
        engine = _Engine(
            aws,
            ledger,
            athena_table(table, database, partitions),
            context,
            region or subjects.region,
            salt=f"{clock.now().isoformat()} {[one.arn.arn for one in subjects.each]}",
        )
        super().__init__(
            engine,
            subjects,
            clock,
            ledger,
            source="athena",
            every=every,
            drain=drain,
            patience=patience,
        )


def athena_table(
    table: str, database: str = "default", partitions: Sequence[str] = PARTITIONS
) -> Table:
    """Name a table, `TABLE` or `DATABASE.TABLE`; raises UsageError if it can't be one.

    `partitions` are the columns it has for the day, the Region and the account.
    """
    if not table:
        raise UsageError("Athena needs a table of the trail's files.", hint=_DDL)
    strangers = [name for name in partitions if name not in PARTITIONS]
    if strangers:
        raise UsageError(
            f"{clean(strangers[0], 100)} is no partition column that is known.",
            hint=f"Known are {', '.join(PARTITIONS)}.",
        )
    first, dot, second = table.rpartition(".")
    try:
        name = table_name(first if dot else database, second)
    except ValueError as error:
        raise UsageError(
            f"{clean(table, 100)} is no name of a table in Athena.",
            hint=f"Give it as TABLE or DATABASE.TABLE. {_DDL}",
        ) from error
    day, region, account = (c if c in partitions else None for c in PARTITIONS)
    return Table(name, day=day, region=region, account=account)


def checked_workgroup(name: str) -> str:
    """Give the name back; raises UsageError for one that can be none."""
    if not _WORKGROUP.fullmatch(name):
        raise UsageError(f"{clean(name, 100)} is no name of a workgroup in Athena.")
    return name


def checked_output(place: str) -> str:
    """Give the place back; raises UsageError for what is none in S3."""
    if not place.startswith("s3://"):
        raise UsageError(
            f"{clean(place, 100)} is no place for Athena's results.",
            hint="Give it as s3://BUCKET/PREFIX/.",
        )
    return place


class _Engine:
    """Runs queries in Athena, one at a time."""

    def __init__(
        self,
        aws: Aws,
        ledger: Ledger,
        table: Table,
        context: Mapping[str, Any],
        region: str,
        *,
        salt: str,
    ) -> None:
        self._aws, self._ledger, self._table = aws, ledger, table
        self._context, self._region, self._salt = context, region, salt
        self._id = ""
        self._succeeded = False
        self._token: str | None = None
        self._columns: Sequence[str] = ()
        self._pause = _LEAST
        self._queries, self._scanned, self._scanning = 0, 0, 0

    async def start(self, question: Question) -> None:
        sql = select(question, self._table, _LONGEST)
        answer = await self._call(
            "StartQueryExecution",
            "a query",
            QueryString=sql,
            ClientRequestToken=self._request_token(sql),
            **self._context,
        )
        self._id, self._succeeded = str(answer["QueryExecutionId"]), False
        self._token, self._columns, self._pause = None, (), _LEAST
        self._queries += 1

    def _request_token(self, sql: str) -> str:
        """Give the same token for the same try, and another for every other query."""
        text = f"{self._salt}\n{self._queries}\n{sql}"
        return hashlib.sha256(text.encode()).hexdigest()

    async def look(self) -> Look:
        if self._succeeded:
            return await self._read()
        answer = await self._call(
            "GetQueryExecution", "how the query does", QueryExecutionId=self._id
        )
        execution = mapping_of(answer.get("QueryExecution"))
        statistics = mapping_of(execution.get("Statistics"))
        self._scanning = int(statistics.get("DataScannedInBytes") or 0)
        status = mapping_of(execution.get("Status"))
        match status.get("State"):
            case "SUCCEEDED":
                self._over()
                self._succeeded = True
                return Look()
            case "FAILED" | "CANCELLED":
                self._over()
                raise self._came_to_nothing(status)
            case _:
                pause, self._pause = self._pause, min(self._pause + 1, _MOST)
                return Look(pause=pause)

    def _over(self) -> None:
        self._scanned, self._scanning = self._scanned + self._scanning, 0

    def _came_to_nothing(self, status: Mapping[str, Any]) -> QueryOverError:
        """Put it into words what Athena said, and if another query may do better.

        Somebody, or a workgroup's limit, cancelled it: then another is not wanted.
        """
        error = mapping_of(status.get("AthenaError"))
        said = text_of(status.get("StateChangeReason")) or error.get("ErrorMessage")
        state = str(status.get("State"))
        by_user = state == "CANCELLED" or error.get("ErrorCategory") == _USER
        final = by_user and not error.get("Retryable")
        words = f"Athena's query on {self._name}: {state}."
        if said:
            words += f" {_sentence(clean(str(said), 400))}"
        if final and state == "FAILED":
            words += f" Check the table's name and columns. {_DDL}"
        return QueryOverError(
            HealthState.REFUSED if final else HealthState.RETRYING,
            words,
            at_least=_FAILED_PAUSE,
        )

    @property
    def _name(self) -> str:
        return self._table.name.replace('"', "")

    async def _read(self) -> Look:
        """Read a page of the results; the first has the columns' names as a row."""
        more = {"NextToken": self._token} if self._token else {}
        try:
            answer = await self._call(
                "GetQueryResults",
                "the query's rows",
                QueryExecutionId=self._id,
                MaxResults=_PAGE,
                **more,
            )
        except StalePageError:
            self._token = None
            return Look()
        result = mapping_of(answer.get("ResultSet"))
        cells = [_cells(row) for row in result.get("Rows", ())]
        if not self._token:
            self._columns = _columns(result, cells)
            cells = cells[1:] if _is_header(cells, self._columns) else cells
        rows = [dict(zip(self._columns, row, strict=False)) for row in cells]
        self._token = answer.get("NextToken")
        return Look(rows, done=not self._token)

    async def stop(self) -> None:
        if not self._succeeded:
            await self._call(
                "StopQueryExecution",
                "nobody waits for the query",
                QueryExecutionId=self._id,
            )

    def reached(self, asked_at: datetime) -> datetime | None:
        return asked_at - LATE

    def told(self, *, ended: bool = False) -> str:
        del ended
        if not self._queries:
            return ""
        word = "query" if self._queries == 1 else "queries"
        scanned = size(self._scanned + self._scanning)
        return f"Athena scanned {scanned} in {self._queries} {word}."

    async def _call(self, operation: str, note: str, **kwargs: Any) -> Any:
        with self._ledger.asking(note) as asked:
            try:
                answer = await self._aws.call(
                    f"athena:{operation}", self._name, self._region, **kwargs
                )
            except Failure as failure:
                _judge(failure)
                raise
            rows = mapping_of(answer.get("ResultSet")).get("Rows")
            if rows is not None:
                asked.brought(len(rows))
        return answer


def _judge(failure: Failure) -> None:
    """Say for good what Athena will not take, however often: no such workgroup."""
    cause = failure.__cause__
    if cause is not None and code_of(cause) == "InvalidRequestException":
        failure.state = HealthState.REFUSED
        failure.message += " Check the table, the workgroup and where results go."


def _cells(row: Mapping[str, Any]) -> list[str | None]:
    """Give a row's cells; null has no value."""
    return [cell.get("VarCharValue") for cell in row.get("Data", ())]


def _columns(
    result: Mapping[str, Any], cells: Sequence[Sequence[str | None]]
) -> list[str]:
    """Name the columns, by what is told of them or by the first row."""
    about = mapping_of(result.get("ResultSetMetadata")).get("ColumnInfo") or ()
    names = [str(column.get("Name")) for column in about]
    told = names or (cells[0] if cells else [])
    return [(name or "").lower() for name in told]


def _is_header(cells: Sequence[Sequence[str | None]], columns: Sequence[str]) -> bool:
    return bool(cells) and [(cell or "").lower() for cell in cells[0]] == list(columns)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
