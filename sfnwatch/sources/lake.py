"""An event data store of CloudTrail Lake."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from sfnwatch.model.source_health import HealthState
from sfnwatch.model.values import parse_json, text_of
from sfnwatch.sources.answers import AwsRequest, CallsAws, Page, Text, Verdict
from sfnwatch.sources.polling import WatchContext
from sfnwatch.sources.sql_trail import RESULTS_AT_ONCE, ROWS_NOTE, QueryState, SqlTrail
from sfnwatch.sources.trail_sql import (
    PAYLOAD_COLUMNS,
    RECORD_FIELDS,
    Question,
    SqlRow,
    TrailTable,
    not_a,
    select,
)

_STORE = re.compile(
    r"arn:aws[a-z-]*:cloudtrail:(?P<region>[a-z0-9-]+):[0-9]{12}:eventdatastore/"
    r"(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)
_LAKE_REFUSED = (
    "EventDataStoreARNInvalidException|EventDataStoreNotFoundException"
    "|InactiveEventDataStoreException|InvalidParameterException"
    "|InvalidQueryStatementException|NoManagementAccountSLRExistsException"
    "|UnsupportedOperationException"
)
"""The error codes of requests that Lake refuses however often they are sent."""


def lake_table(event_data_store_arn: str) -> tuple[str, TrailTable]:
    """Return a store's Region and its table; raises UsageError for any other ARN.

    FROM takes the id at the end of the ARN, and no quoted name, as documented.
    """
    match = _STORE.fullmatch(event_data_store_arn)
    if match is None:
        hint = "Give it as arn:aws:cloudtrail:REGION:ACCOUNT:eventdatastore/ID."
        raise not_a(event_data_store_arn, "ARN of an event data store", hint)
    table = TrailTable(
        match["id"],
        partitions=(),
        time="%Y-%m-%d %H:%M:%S",
        payload="json_format(CAST({} AS JSON))",
    )
    return match["region"], table


class _LakeStarted(Struct, rename="pascal"):
    query_id: Text


class _LakeRows(Page, kw_only=True, rename="pascal"):
    query_status: Text
    query_statistics: dict[str, Any] = field(default_factory=dict)
    query_result_rows: list[list[dict[str, Any]]] = field(default_factory=list)
    next_token: str | None = None
    error_message: str | None = None

    def found(self) -> list[SqlRow]:
        return [_lake_row(cells) for cells in self.query_result_rows]


class LakeTrail(SqlTrail):
    """A source: asks an event data store, as often as is worth its price.

    Lake takes no new customers since 31 May 2026: this is for existing stores. Its
    SQL is Presto's. Its columns are those of a trail, with two differences: a time is a
    timestamp, and a request or an answer is a map of texts, which is queried as JSON.

    Unlike Athena, Lake has no token to recognize a repeated try. A query whose start
    was not answered may run twice and be charged twice.
    """

    engine = "CloudTrail Lake"
    id_key = "QueryId"
    cancel = "cloudtrail:CancelQuery"
    verdicts = (
        Verdict(_LAKE_REFUSED, "Check the event data store's ARN and its state."),
        Verdict("MaxConcurrentQueriesException", state=HealthState.THROTTLED),
    )

    def __init__(self, aws: CallsAws, context: WatchContext) -> None:
        """Raise UsageError for a name that is not an ARN of an event data store."""
        super().__init__(aws, context, "lake")
        self.subject = context.options.calls.lake or ""
        self.region, self._table = lake_table(self.subject)

    def start(self, question: Question) -> AwsRequest[Any]:
        name = "cloudtrail:StartQuery"
        statement = select(question, self._table)
        return self.request(name, _LakeStarted, "a query", QueryStatement=statement)

    def results(self, query_id: str, note: str = ROWS_NOTE) -> AwsRequest[Any]:
        return self.request(
            "cloudtrail:GetQueryResults",
            _LakeRows,
            note,
            QueryId=query_id,
            MaxQueryResults=RESULTS_AT_ONCE,
        )

    async def look(self, query_id: str) -> QueryState:
        """Return the state of a query, from a request for its rows."""
        request = self.results(query_id, "how the query does")
        answer = await self.ask(request)
        page: _LakeRows = answer.value
        scanned = page.query_statistics.get("BytesScanned")
        return QueryState(page.query_status, scanned, page.error_message)


def _lake_row(cells: Iterable[Mapping[str, Any]]) -> SqlRow:
    """Make one row of a list of single cells; an empty or missing cell is null."""
    row: dict[str, str | None] = dict.fromkeys(RECORD_FIELDS)
    for cell in cells:
        for name, value in cell.items():
            row[name.lower()] = text_of(value)
    for name in PAYLOAD_COLUMNS:
        row[name] = _unfolded(row[name])
    return row


def _unfolded(text: str | None) -> str | None:
    """Turn a map of texts back into the JSON that it was, if its texts are JSON.

    It is inferred that nested values stand in such a map as JSON text: no recording
    shows it. A text that looks like a number may have been a text, so it stays one.
    """
    values = parse_json(text)
    if not isinstance(values, dict):
        return text
    for key, value in values.items():
        nested = parse_json(value)
        if isinstance(nested, dict | list):
            values[key] = nested
    return json.dumps(values)
