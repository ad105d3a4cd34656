"""A trail's table in Athena."""

from typing import Any
from uuid import uuid4

from msgspec import Struct, field

from sfnwatch.model.values import mapping_of, text_of
from sfnwatch.sources.answers import AwsRequest, CallsAws, Page, Text, Verdict
from sfnwatch.sources.live_options import CallOptions
from sfnwatch.sources.polling import WatchContext
from sfnwatch.sources.sql_trail import RESULTS_AT_ONCE, ROWS_NOTE, QueryState, SqlTrail
from sfnwatch.sources.trail_sql import (
    COLUMNS,
    IDENTIFIER,
    PARTITIONS,
    Question,
    SqlRow,
    TrailTable,
    not_a,
    select,
)

_USER = 2
"""Athena's category of errors caused by the user, as documented."""
_DDL = "sfnwatch athena-ddl writes a table's CREATE statement."
_CHECK_PLACES = "Check the table, the workgroup and where results go."
_CHECK_TABLE = f" Check the table's name and columns. {_DDL}"


def athena_place(options: CallOptions) -> tuple[TrailTable, dict[str, Any]]:
    """Return the table to ask, and where its queries run.

    Raises UsageError for names that are not valid.
    """
    athena = options.athena or ""
    partitions = options.athena_partitions
    workgroup = options.athena_workgroup
    output = options.athena_output
    first, dot, table = athena.rpartition(".")
    database = first if dot else "default"
    where: dict[str, Any] = {"QueryExecutionContext": {"Database": database}}
    if not all(map(IDENTIFIER.fullmatch, (database, table))):
        hint = f"Give it as TABLE or DATABASE.TABLE. {_DDL}"
        raise not_a(athena, "name of a table in Athena", hint)
    for name in partitions or ():
        if name not in PARTITIONS:
            known = f"Known are {', '.join(PARTITIONS)}."
            raise not_a(name, "partition column that is known", known)
    if workgroup is not None:
        where["WorkGroup"] = workgroup
    if output is not None:
        where["ResultConfiguration"] = {"OutputLocation": output}
    columns = PARTITIONS if partitions is None else partitions
    return TrailTable(f'"{database}"."{table}"', columns), where


class _AthenaStarted(Struct, rename={"query_id": "QueryExecutionId"}):
    query_id: Text


class _AthenaResult(Struct, rename="pascal"):
    rows: list[dict[str, list[dict[str, str | None]]]] = field(default_factory=list)
    """Each row is `{"Data": [{"VarCharValue": …}, …]}`; a cell without a value is
    null."""


class _AthenaRows(Page, kw_only=True, rename="pascal"):
    result_set: _AthenaResult
    next_token: str | None = None

    def listed(self) -> list[Any]:
        return self.result_set.rows

    def found(self) -> list[SqlRow]:
        """Return the rows without the first page's first row, which holds the names."""
        cells = (
            [cell.get("VarCharValue") for cell in row.get("Data", ())]
            for row in self.result_set.rows
        )
        rows = (dict(zip(COLUMNS, each, strict=False)) for each in cells)
        return [row for row in rows if row != dict(zip(COLUMNS, COLUMNS, strict=True))]


class AthenaTrail(SqlTrail):
    """A source: asks Athena for a trail's table, as often as is worth its price.

    It is for accounts too large for the other sources. A query reads only the
    partitions of its window. It is charged by the bytes it scans, and the source
    reports them. A query is started with a token of its own: a repeated try after a
    lost answer does not start a second query.
    """

    engine = "Athena"
    id_key = "QueryExecutionId"
    cancel = "athena:StopQueryExecution"
    verdicts = (Verdict("InvalidRequestException", _CHECK_PLACES),)

    def __init__(self, aws: CallsAws, context: WatchContext) -> None:
        """Raise UsageError for names that are not valid."""
        self._table, self._where = athena_place(context.options.calls)
        super().__init__(aws, context, "athena")
        self.subject = self._table.name.replace('"', "")
        self.region = self.targets.region

    def start(self, question: Question) -> AwsRequest[Any]:
        # Every try of this request has the same token.
        asked = {"ClientRequestToken": uuid4().hex, **self._where}
        asked["QueryString"] = select(question, self._table)
        start = "athena:StartQueryExecution"
        return self.request(start, _AthenaStarted, "a query", **asked)

    async def look(self, query_id: str) -> QueryState:
        """Return the state of a query; a workgroup's limit may have cancelled it."""
        asked = {self.id_key: query_id}
        note = "how the query does"
        request = self.request("athena:GetQueryExecution", dict, note, **asked)
        execution = mapping_of((await self.ask(request)).value.get("QueryExecution"))
        statistics = mapping_of(execution.get("Statistics"))
        status = mapping_of(execution.get("Status"))
        error = mapping_of(status.get("AthenaError"))
        by_user = error.get("ErrorCategory") == _USER and not error.get("Retryable")
        word = text_of(status.get("State")) or ""
        advice = _CHECK_TABLE if by_user else ""
        said = text_of(status.get("StateChangeReason")) or error.get("ErrorMessage")
        return QueryState(word, statistics.get("DataScannedInBytes"), said, advice)

    def results(self, query_id: str) -> AwsRequest[Any]:
        asked = {self.id_key: query_id, "MaxResults": RESULTS_AT_ONCE}
        name = "GetQueryResults"
        return self.request(f"athena:{name}", _AthenaRows, ROWS_NOTE, **asked)
