"""The calls around the executions watched, from an event data store of CloudTrail Lake.

Lake took its last new customers in May 2026: this is for stores that are there. Its
SQL is Presto's, its columns are a trail's but for two: a time is a timestamp, and a
request or an answer is a map of texts, which is asked for as JSON. That what is nested
stands in such a map as JSON text is inferred: no recording shows it.

Unlike Athena, Lake knows no token by which a try again is known: a query whose start
was not answered may run twice, and be paid for twice.
"""

import json
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
from sfnwatch.sources.trail_rounds import LATE, Look, QueryOverError, Rounds, Row
from sfnwatch.sources.trail_sql import COLUMNS, Question, Table, select
from sfnwatch.sources.trouble import StalePageError, code_of
from sfnwatch.trace.events import HealthState
from sfnwatch.trace.payload import mapping_of, parse_json, text_of
from sfnwatch.trace.text import clean, size

EVERY = 300.0
"""Seconds between queries while an execution runs: each is paid for."""
_PAGE = 1000
"""The most GetQueryResults gives."""
_LONGEST = 10_000
"""Characters of a statement, as documented."""
_LEAST, _MOST = 1.0, 5.0
"""Seconds between looks at a query that runs."""
_FAILED_PAUSE = 180.0
"""Seconds before another query is tried: whatever failed may have cost as much."""
_STORE = re.compile(
    r"arn:aws[a-z-]*:cloudtrail:(?P<region>[a-z0-9-]+):[0-9]{12}:eventdatastore/"
    r"(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)
_PAYLOADS = ("requestparameters", "responseelements")
_REFUSED = frozenset(
    {
        "EventDataStoreARNInvalidException",
        "EventDataStoreNotFoundException",
        "InactiveEventDataStoreException",
        "InvalidParameterException",
        "InvalidQueryStatementException",
        "NoManagementAccountSLRExistsException",
        "UnsupportedOperationException",
    }
)
"""What Lake will not answer, however often it is asked."""
_BUSY = "MaxConcurrentQueriesException"


class Lake(Rounds):
    """A source: asks an event data store, as often as is worth its price."""

    def __init__(
        self,
        aws: Aws,
        subjects: Subjects,
        clock: Clock,
        event_data_store_arn: str,
        *,
        every: float = EVERY,
        drain: float = DRAIN,
        patience: Patience | None = None,
    ) -> None:
        """Raise UsageError for what is no ARN of an event data store."""
        region, table = lake_table(event_data_store_arn)
        ledger = Ledger(clock, subjects.only)
        super().__init__(
            _Engine(aws, ledger, table, event_data_store_arn, region),
            subjects,
            clock,
            ledger,
            source="lake",
            every=every,
            drain=drain,
            patience=patience,
        )


def lake_table(event_data_store_arn: str) -> tuple[str, Table]:
    """Give a store's Region and how it is asked; raises UsageError for another ARN.

    FROM takes the id at the end of the ARN, and no name in quotes, as documented.
    """
    match = _STORE.fullmatch(event_data_store_arn)
    if match is None:
        raise UsageError(
            f"{clean(event_data_store_arn, 200)} is no ARN of an event data store.",
            hint="Give it as arn:aws:cloudtrail:REGION:ACCOUNT:eventdatastore/ID.",
        )
    table = Table(
        match["id"],
        day=None,
        region=None,
        account=None,
        time="%Y-%m-%d %H:%M:%S",
        payload="json_format(CAST({} AS JSON))",
    )
    return match["region"], table


class _Engine:
    """Runs queries in Lake, one at a time."""

    def __init__(
        self, aws: Aws, ledger: Ledger, table: Table, store: str, region: str
    ) -> None:
        self._aws, self._ledger, self._table = aws, ledger, table
        self._store, self._region = store, region
        self._id = ""
        self._token: str | None = None
        self._finished = False
        self._pause = _LEAST
        self._queries, self._scanned, self._scanning = 0, 0, 0

    async def start(self, question: Question) -> None:
        answer = await self._call(
            "StartQuery",
            "a query",
            QueryStatement=select(question, self._table, _LONGEST),
        )
        self._id, self._token = str(answer["QueryId"]), None
        self._finished, self._pause = False, _LEAST
        self._queries += 1

    async def look(self) -> Look:
        """Ask for rows: the answer says, too, if there are any yet."""
        more = {"NextToken": self._token} if self._token else {}
        try:
            answer = await self._call(
                "GetQueryResults",
                "the query's rows",
                QueryId=self._id,
                MaxQueryResults=_PAGE,
                **more,
            )
        except StalePageError:
            self._token = None
            return Look()
        statistics = mapping_of(answer.get("QueryStatistics"))
        self._scanning = int(statistics.get("BytesScanned") or 0)
        match answer.get("QueryStatus"):
            case "FINISHED":
                return self._read(answer)
            case "FAILED" | "CANCELLED" | "TIMED_OUT":
                self._over()
                raise self._came_to_nothing(answer)
            case _:
                pause, self._pause = self._pause, min(self._pause + 1, _MOST)
                return Look(pause=pause)

    def _read(self, answer: Mapping[str, Any]) -> Look:
        self._finished = True
        rows = [_row(cells) for cells in answer.get("QueryResultRows") or ()]
        self._token = answer.get("NextToken")
        if self._token is None:
            self._over()
        return Look(rows, done=self._token is None)

    def _over(self) -> None:
        self._scanned, self._scanning = self._scanned + self._scanning, 0

    def _came_to_nothing(self, answer: Mapping[str, Any]) -> QueryOverError:
        """Put into words what Lake said; somebody who cancelled it wants no other."""
        state, said = (
            str(answer.get("QueryStatus")),
            text_of(answer.get("ErrorMessage")),
        )
        words = f"CloudTrail Lake's query on {self._store}: {state}."
        if said:
            words += f" {clean(said, 400)}"
        final = state == "CANCELLED"
        return QueryOverError(
            HealthState.REFUSED if final else HealthState.RETRYING,
            words,
            at_least=_FAILED_PAUSE,
        )

    async def stop(self) -> None:
        if not self._finished:
            await self._call(
                "CancelQuery", "nobody waits for the query", QueryId=self._id
            )

    def reached(self, asked_at: datetime) -> datetime | None:
        return asked_at - LATE

    def told(self, *, ended: bool = False) -> str:
        del ended
        if not self._queries:
            return ""
        word = "query" if self._queries == 1 else "queries"
        scanned = size(self._scanned + self._scanning)
        return f"CloudTrail Lake scanned {scanned} in {self._queries} {word}."

    async def _call(self, operation: str, note: str, **kwargs: Any) -> Any:
        with self._ledger.asking(note) as asked:
            try:
                answer = await self._aws.call(
                    f"cloudtrail:{operation}", self._store, self._region, **kwargs
                )
            except Failure as failure:
                _judge(failure)
                raise
            if "QueryResultRows" in answer:
                asked.brought(len(answer["QueryResultRows"]))
        return answer


def _judge(failure: Failure) -> None:
    """Say for good what Lake will not take; that it is busy will pass."""
    code = code_of(failure.__cause__) if failure.__cause__ else ""
    if code in _REFUSED:
        failure.state = HealthState.REFUSED
        failure.message += " Check the event data store's ARN and its state."
    elif code == _BUSY:
        failure.state, failure.at_least = HealthState.THROTTLED, _FAILED_PAUSE


def _row(cells: Sequence[Mapping[str, str | None]]) -> Row:
    """Make one row of a list of single cells; an empty one, or none, is null."""
    row: dict[str, str | None] = dict.fromkeys(COLUMNS)
    for cell in cells:
        row |= {name.lower(): value or None for name, value in cell.items()}
    return {
        name: _unfolded(value) if name in _PAYLOADS else value
        for name, value in row.items()
    }


def _unfolded(text: str | None) -> str | None:
    """Make of a map of texts the JSON that it was, where its texts are JSON."""
    found = parse_json(text)
    if not isinstance(found, dict):
        return text
    return json.dumps({key: _inner(value) for key, value in found.items()})


def _inner(value: Any) -> Any:
    """Read what was nested; a text that looks like a number may have been a text."""
    inner = parse_json(value)
    return inner if isinstance(inner, dict | list) else value
