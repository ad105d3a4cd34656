"""A trail's table in Athena."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from msgspec import Struct, field

from sfnwatch.model.values import mapping_of, text_of
from sfnwatch.sources.answers import AwsRequest, CallsAws, Page, Text, Verdict
from sfnwatch.sources.live_options import CallOptions
from sfnwatch.sources.polling import WatchContext
from sfnwatch.sources.sql_trail import RESULTS_AT_ONCE, ROWS_NOTE, QueryState, SqlTrail
from sfnwatch.sources.trail_sql import (
    IDENTIFIER,
    PARTITIONS,
    RECORD_FIELDS,
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
    name = options.athena or ""
    database, dot, table = name.rpartition(".")
    if not dot:
        database = "default"
    if not (IDENTIFIER.fullmatch(database) and IDENTIFIER.fullmatch(table)):
        hint = f"Give it as TABLE or DATABASE.TABLE. {_DDL}"
        raise not_a(name, "name of a table in Athena", hint)
    partitions: Sequence[str] = PARTITIONS
    if options.athena_partitions is not None:
        partitions = options.athena_partitions
    for column in partitions:
        if column not in PARTITIONS:
            hint = f"Known are {', '.join(PARTITIONS)}."
            raise not_a(column, "partition column that is known", hint)
    place: dict[str, Any] = {"QueryExecutionContext": {"Database": database}}
    if options.athena_workgroup is not None:
        place["WorkGroup"] = options.athena_workgroup
    if options.athena_output is not None:
        place["ResultConfiguration"] = {"OutputLocation": options.athena_output}
    return TrailTable(f'"{database}"."{table}"', partitions), place


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
        names = {name: name for name in RECORD_FIELDS}
        rows: list[SqlRow] = []
        for cells in self.result_set.rows:
            values = [cell.get("VarCharValue") for cell in cells.get("Data", ())]
            row = dict(zip(RECORD_FIELDS, values, strict=False))
            if row != names:
                rows.append(row)
        return rows


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
        self._table, self._place = athena_place(context.options.calls)
        super().__init__(aws, context, "athena")
        self.subject = self._table.name.replace('"', "")
        self.region = self.targets.region

    def start(self, question: Question) -> AwsRequest[Any]:
        name = "athena:StartQueryExecution"
        return self.request(
            name,
            _AthenaStarted,
            "a query",
            # Every try of this request has the same token.
            ClientRequestToken=uuid4().hex,
            QueryString=select(question, self._table),
            **self._place,
        )

    async def look(self, query_id: str) -> QueryState:
        """Return the state of a query; a workgroup's limit may have cancelled it."""
        name = "athena:GetQueryExecution"
        note = "how the query does"
        request = self.request(name, dict, note, QueryExecutionId=query_id)
        answer = await self.ask(request)
        execution = mapping_of(answer.value.get("QueryExecution"))
        statistics = mapping_of(execution.get("Statistics"))
        status = mapping_of(execution.get("Status"))
        error = mapping_of(status.get("AthenaError"))
        is_by_user = error.get("ErrorCategory") == _USER
        word = text_of(status.get("State")) or ""
        scanned = statistics.get("DataScannedInBytes")
        reason = text_of(status.get("StateChangeReason")) or error.get("ErrorMessage")
        if is_by_user and not error.get("Retryable"):
            return QueryState(word, scanned, reason, _CHECK_TABLE)
        return QueryState(word, scanned, reason)

    def results(self, query_id: str) -> AwsRequest[Any]:
        return self.request(
            "athena:GetQueryResults",
            _AthenaRows,
            ROWS_NOTE,
            QueryExecutionId=query_id,
            MaxResults=RESULTS_AT_ONCE,
        )
