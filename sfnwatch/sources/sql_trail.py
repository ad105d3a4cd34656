"""The calls around the executions, asked for in SQL: of Athena, Lake or DuckDB.

It is one question for every engine. What comes in from outside, a role's name or a
Region, gets into a statement by `literal` alone, and a table's name by `table_name`.
All three engines take a quote in a literal doubled, a backslash as itself, and `LIKE …
ESCAPE`. A statement may find more than is wanted, never less: what is handed on is
decided afterwards, as for every source.

What Athena and Lake charge for is what they scan. So while an execution runs they are
asked every few minutes at most, and a trail's files, of which a record takes minutes to
get into one, have no more to tell sooner.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import Any, ClassVar

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.errors import UsageError, to_install
from sfnwatch.model.records import HealthState, Record, RecordKind, receive
from sfnwatch.model.values import (
    clean,
    encode_json,
    mapping_of,
    parse_json,
    seconds_between,
    size,
    text_of,
)
from sfnwatch.sources.answers import AwsRequest, CallsAws, Failure, Page, Text, Verdict
from sfnwatch.sources.archive import Archive, UnreadableError, await_history
from sfnwatch.sources.polling import CallSource, Interval, WatchContext
from sfnwatch.sources.targets import (
    AFTER_END,
    BEFORE_START,
    CallOptions,
    Query,
    Relevance,
    Targets,
)
from sfnwatch.sources.trail_files import EARLY, LATE, FileWindow, TrailReader

Row = Mapping[str, str | None]
"""A row by its columns' names, small; null is None."""

# -- the question ----------------------------------------------------------------------

COLUMNS = {
    "eventid": "eventID",
    "eventtime": "eventTime",
    "eventsource": "eventSource",
    "eventname": "eventName",
    "errorcode": "errorCode",
    "errormessage": "errorMessage",
    "readonly": "readOnly",
    "requestid": "requestID",
    "arn": "userIdentity.arn",
    "issuerarn": "userIdentity.sessionContext.sessionIssuer.arn",
    "accountid": "userIdentity.accountId",
    "invokedby": "userIdentity.invokedBy",
    "sourceipaddress": "sourceIPAddress",
    "useragent": "userAgent",
    "awsregion": "awsRegion",
    "recipientaccountid": "recipientAccountId",
    "requestparameters": "requestParameters",
    "responseelements": "responseElements",
}
"""A row's columns, to where a record has them: all that makes a call whole."""
_PAYLOADS = ("requestparameters", "responseelements")
PARTITIONS = ("timestamp", "region", "account")
"""The partition columns of the table that `sfnwatch athena-ddl` writes; AWS's own
documentation has the first alone."""
_IDENTIFIER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,254}", re.ASCII)
_ROLE = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}", re.ASCII)
"""IAM gives no role any other name, whatever a state's input says."""
_STATES = ("states.amazonaws.com%", "states.%.amazonaws.com%")
"""How Step Functions may be spelt: see the decoder of calls."""


class Question(Struct, frozen=True):
    """Which calls: where and of what, whose, and of what time."""

    queries: tuple[Query, ...]
    """Regions and event sources; with none, of whatever."""
    roles: frozenset[str]
    """Names; with none, whatever Step Functions made for somebody."""
    accounts: frozenset[str]
    since: datetime
    until: datetime


def question_of(targets: Targets, now: datetime) -> Question:
    """Ask for the calls of the executions, as far as these are known by now."""
    started, stopped = targets.started_at or now - _LATE, targets.stopped_at
    return Question(
        queries=targets.trail_queries,
        roles=targets.roles,
        accounts=targets.accounts,
        since=started - BEFORE_START,
        until=max(started, now if stopped is None else stopped + AFTER_END),
    )


class TrailTable(Struct, frozen=True):
    """A trail's table, and in what words its engine is asked."""

    name: str
    """As it stands in FROM: see `table_name`."""
    partitions: Sequence[str] = PARTITIONS
    """Those of PARTITIONS that it has: the day on which a file was delivered, as
    `yyyy/MM/dd`, the Region and the account."""
    time: str = "%Y-%m-%dT%H:%M:%SZ"
    """How an event's time is written."""
    payload: str = "{}"
    """What gives a request or an answer as JSON text."""


def literal(text: str) -> str:
    """Write a string literal; raises ValueError for what is no text at all."""
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError(f"no text for a query: {text!r:.60}")
    return "'" + text.replace("'", "''") + "'"


def table_name(*parts: str) -> str:
    """Write a table's name with its database's: `"default"."cloudtrail_logs"`.

    Raises ValueError for what can be no name.
    """
    for part in parts:
        if not _IDENTIFIER.fullmatch(part):
            raise ValueError(f"no name of a table: {part!r:.60}")
    return ".".join(f'"{part}"' for part in parts)


def select(question: Question, table: TrailTable, longest: int | None = None) -> str:
    """Ask for the calls of the question, oldest first.

    Where so many roles make it longer than the engine takes, their names are left out:
    then all that Step Functions made is asked for.
    """
    text = _select(question, table, _by_roles(question.roles) or _by_service())
    if longest is not None and len(text) > longest:
        text = _select(question, table, _by_service())
    return text


def _select(question: Question, table: TrailTable, who: str) -> str:
    columns = (_column(name, path, table) for name, path in COLUMNS.items())
    conditions = [
        *_partitions(question, table),
        _between("eventtime", question.since, question.until, table.time),
        *_what(question.queries),
        who,
    ]
    return (
        "SELECT " + ",\n  ".join(columns)
        + f"\nFROM {table.name}"
        + "\nWHERE " + "\n  AND ".join(conditions)
        + "\nORDER BY eventtime"
    )  # fmt: skip


def _column(name: str, path: str, table: TrailTable) -> str:
    shown = table.payload.format(path) if name in _PAYLOADS else path
    return f"{shown} AS {name}"


def _partitions(question: Question, table: TrailTable) -> list[str]:
    """Name the partitions: what lies in others is not even read, nor paid for.

    A file's folder is the day it was delivered on, which may be the day after.
    """
    low, high = question.since - EARLY, question.until + LATE
    regions = sorted({region for region, _ in question.queries})
    found = {
        "timestamp": _between('"timestamp"', low, high, "%Y/%m/%d"),
        "region": _among('"region"', regions) if regions else "",
        "account": _among('"account"', sorted(question.accounts)),
    }
    wanted = (found[name] for name in PARTITIONS if name in table.partitions)
    return list(filter(None, wanted))


def _what(queries: Sequence[Query]) -> list[str]:
    """Ask each Region for the services that are called there."""
    by_region: dict[str, list[str]] = {}
    for region, event_source in queries:
        by_region.setdefault(region, []).append(event_source)
    each = [
        f"({_among('awsregion', [region])} AND {_among('eventsource', sources)})"
        for region, sources in sorted(by_region.items())
    ]
    return [_any_of(each)] if each else []


def _by_roles(roles: Iterable[str]) -> str:
    """Ask for what these roles did: an issuer's ARN may have a path before its name.

    A call may have no issuer; its session's ARN names the role as well.
    """
    found = []
    for role in sorted(filter(_ROLE.fullmatch, roles)):
        # Take the meaning off what LIKE would give one.
        name = re.sub("[%_!]", r"!\g<0>", role)
        found.append(_like(COLUMNS["issuerarn"], f"%/{name}"))
        found.append(_like(COLUMNS["arn"], f"%:assumed-role/{name}/%"))
    return _any_of(found) if found else ""


def _by_service() -> str:
    columns = (COLUMNS["invokedby"], COLUMNS["sourceipaddress"])
    return _any_of(_like(column, like) for column in columns for like in _STATES)


def _like(column: str, pattern: str) -> str:
    return f"{column} LIKE {literal(pattern)} ESCAPE '!'"


def _among(column: str, values: Sequence[str]) -> str:
    """Ask for one of a few.

    An `injected` partition takes static equality alone, as documented; that a list of
    several counts as such is inferred.
    """
    if len(values) == 1:
        return f"{column} = {literal(values[0])}"
    return f"{column} IN ({', '.join(map(literal, values))})"


def _between(column: str, low: datetime, high: datetime, form: str) -> str:
    """Ask for a span of time, whole seconds, as texts that sort as times do."""
    first = low.astimezone(UTC).strftime(form)
    last = (high.astimezone(UTC) + timedelta(microseconds=999_999)).strftime(form)
    return f"{column} BETWEEN {literal(first)} AND {literal(last)}"


def _any_of(conditions: Iterable[str]) -> str:
    return "(" + "\n    OR ".join(conditions) + ")"


# -- asking it again and again, where each query is paid for ---------------------------

_EVERY = 300.0
"""Seconds between queries while an execution runs: each is paid for."""
_LATE = timedelta(minutes=15)
"""A record so old is taken to be in a file: of 2,900 none took longer than 10 minutes.
That is an estimate: nothing says how late the latest is."""
_LOOK_AGAIN = 5.0
"""Seconds between looks for something to ask for."""
_STOPPING = 5.0
"""Seconds that stopping a query may take when the watch ends."""
_LEAST, _MOST = 1.0, 5.0
"""Seconds between looks at a query that runs."""
_FAILED_PAUSE = 180.0
"""Seconds before another query is tried: whatever failed may have cost as much."""
_QUERIES = 3
"""Queries that may fail in a row, once all is over."""
_PAGE = 1000
"""The most rows that either GetQueryResults gives."""
_ROWS = "the query's rows"
_NOTHING = "Nothing to ask for: no state of it makes a call that a trail could have."


class QueryState(Struct, frozen=True):
    """How a query does, as its engine tells it."""

    word: str
    """`QUEUED` and `RUNNING` are the same for both."""
    scanned: Any
    """Bytes, so far."""
    said: Any
    """Why it has failed."""
    is_final: bool
    """True where another query would fail as well, or is not wanted."""
    advice: str = ""


class SqlTrail(CallSource):
    """A source that puts the question to a service; heirs say how.

    A round is one query, read to its end.
    """

    engine: ClassVar[str]
    id_key: ClassVar[str]
    """By which parameter it is told which query."""
    cancel: ClassVar[str]
    """The operation that stops a query."""

    def __init__(self, aws: CallsAws, context: WatchContext, source: str) -> None:
        super().__init__(aws, context, source)
        self._running = ""
        """The id of the query under way, until it has run."""
        self._scanned: list[int] = []
        """Bytes that each query has scanned, the last perhaps not to its end."""
        self._asked_whole: Question | None = None
        """What was last answered of all times, but for the end of them."""
        self._failed = 0
        """How many in a row have failed."""
        self._relevance = Relevance(self.targets)

    # -- for heirs to write ------------------------------------------------------------

    async def start(self, question: Question, number: int) -> str:
        """Start a query, and give its id; number 1 is the first one."""
        raise NotImplementedError

    async def look(self, query_id: str) -> QueryState:
        """Ask how a query does."""
        raise NotImplementedError

    def rows(self, query_id: str) -> AsyncGenerator[Sequence[Row], None]:
        """Yield what a query that has run has found, page by page."""
        raise NotImplementedError

    # -- a round -----------------------------------------------------------------------

    async def read(self) -> str:
        self._asked_whole, self._failed = None, 0
        while True:
            # What is asked too early is asked, and paid for, once more.
            await await_history(self.targets, self.clock)
            if pause := self._too_soon():
                self.say()
                await self.rest(min(pause, _LOOK_AGAIN))
                continue
            if not self.targets.trail_queries:
                # A state may yet call something.
                words = _NOTHING if self.targets.started_at is not None else ""
                if self.targets.have_ended:
                    return words
                self.say(words)
                await self.rest(_LOOK_AGAIN)
                continue
            asked, now = await self.attempt(self._round)
            self.coverage = now - _LATE
            # That time goes by is no news; that more is wanted than was asked for, is.
            wanted = question_of(self.targets, self.clock.now())
            last, self.last_round = self.last_round, False
            if last and replace(wanted, until=asked.until) == asked:
                return self._cost()
            self.say(self._cost())
            await self.rest(0.0 if last else _EVERY)

    def _too_soon(self) -> float:
        """Tell how long to wait: of an execution just begun no file tells yet."""
        started = self.targets.started_at
        if started is None or self.targets.have_ended:
            return 0.0
        due = started + timedelta(seconds=_EVERY)
        return max(0.0, seconds_between(self.clock.now(), due))

    async def _round(self) -> tuple[Question, datetime]:
        """Put one query, and hand on what it finds; gives what was asked, and when."""
        self.last_round, now = self.is_over(), self.clock.now()
        asked = question_of(self.targets, now)
        whole = replace(asked, until=asked.since)
        put = self._latest_of(asked) if whole == self._asked_whole else asked
        query_id = self._running = await self.start(put, len(self._scanned) + 1)
        self._scanned.append(0)
        await self._wait_for(query_id)
        async for rows in self.rows(query_id):
            came = self.clock.now()
            found = (receive(came, RecordKind.ATHENA, None, row) for row in rows)
            self.hand_on(*self._relevance.select(found))
        self._failed, self._asked_whole = 0, whole
        return asked, now

    def _latest_of(self, asked: Question) -> Question:
        """Ask no more for what ran before: all of that is paid for once."""
        firsts = [span.first for span in self.targets.spans if span.first]
        return replace(asked, since=max([asked.since, *firsts]))

    async def _wait_for(self, query_id: str) -> None:
        """Wait ever longer while it runs; raises Failure where it came to nothing.

        The next try is another query. Each is paid for: after the end there are only so
        many in a row.
        """
        naps = Interval(_LEAST, _MOST)
        while True:
            state = await self.look(query_id)
            self._scanned[-1] = int(state.scanned or 0)
            if state.word not in {"QUEUED", "RUNNING"}:
                break
            self.say(self._cost())
            await self.rest(naps.after(news=False))
        self._running = ""
        if state.word in {"SUCCEEDED", "FINISHED"}:
            return
        self._failed += 1
        final = state.is_final or (self._failed >= _QUERIES and self.is_over())
        words = f"{self.engine}'s query on {self.subject}: {state.word}."
        if text := clean(text_of(state.said) or "", 400):
            words += f" {text if text.endswith(('.', '!', '?')) else f'{text}.'}"
        health = HealthState.REFUSED if final else HealthState.RETRYING
        raise Failure(health, words + state.advice, at_least=_FAILED_PAUSE)

    def _cost(self) -> str:
        count = len(self._scanned)
        word = "query" if count == 1 else "queries"
        return f"{self.engine} scanned {size(sum(self._scanned))} in {count} {word}."

    def waits_in_vain(self) -> bool:
        """Let a query that runs be awaited."""
        denied = self.health.state is HealthState.DENIED
        return (denied or not self._running) and super().waits_in_vain()

    async def close(self) -> None:
        """Stop the query, if that can be done soon: it may be paid for by its size."""
        if not self._running:
            return
        with suppress(Failure, TimeoutError):
            async with asyncio.timeout(_STOPPING):
                asked = {self.id_key: self._running}
                note = "nobody waits for the query"
                await self.ask_once(self.request(self.cancel, dict, note, **asked))


# -- Athena ----------------------------------------------------------------------------

_ATHENA_LONGEST = 262_144
"""Bytes of a statement, as documented; ours are all ASCII but for what roles have."""
_USER = 2
"""Athena's category of errors that a user made, as documented."""
_WORKGROUP = re.compile(r"[a-zA-Z0-9._-]{1,128}")
_DDL = "sfnwatch athena-ddl writes a table's CREATE statement."
_CHECK_TABLE = f" Check the table's name and columns. {_DDL}"


def athena_place(options: CallOptions) -> tuple[TrailTable, dict[str, Any]]:
    """Read which table is asked, and where its queries run.

    Raises UsageError for names that can be none.
    """
    first, dot, second = (options.athena or "").rpartition(".")
    database, chosen = first if dot else "default", options.athena_partitions
    partitions = PARTITIONS if chosen is None else chosen
    if not second and not dot:
        raise UsageError("Athena needs a table of the trail's files.", hint=_DDL)
    strangers = [name for name in partitions if name not in PARTITIONS]
    if strangers:
        msg = f"{clean(strangers[0], 100)} is no partition column that is known."
        raise UsageError(msg, hint=f"Known are {', '.join(PARTITIONS)}.")
    try:
        table = TrailTable(table_name(database, second), partitions)
    except ValueError as error:
        msg = f"{clean(options.athena or '', 100)} is no name of a table in Athena."
        hint = f"Give it as TABLE or DATABASE.TABLE. {_DDL}"
        raise UsageError(msg, hint=hint) from error
    where: dict[str, Any] = {"QueryExecutionContext": {"Database": database}}
    if (workgroup := options.athena_workgroup) is not None:
        if not _WORKGROUP.fullmatch(workgroup):
            msg = f"{clean(workgroup, 100)} is no name of a workgroup in Athena."
            raise UsageError(msg)
        where["WorkGroup"] = workgroup
    if (output := options.athena_output) is not None:
        if not output.startswith("s3://"):
            msg = f"{clean(output, 100)} is no place for Athena's results."
            raise UsageError(msg, hint="Give it as s3://BUCKET/PREFIX/.")
        where["ResultConfiguration"] = {"OutputLocation": output}
    return table, where


class _AthenaStarted(Struct, rename="pascal"):
    query_execution_id: Text


class _AthenaResult(Struct, rename="pascal"):
    rows: list[dict[str, list[dict[str, str | None]]]] = field(default_factory=list)
    """Each is `{"Data": [{"VarCharValue": …}, …]}`; a cell without a value is null."""


class _AthenaRows(Page, rename="pascal"):
    result_set: _AthenaResult
    next_token: str | None = None

    def cells(self) -> list[list[str | None]]:
        """Give the rows' cells; the first page's first row, the names, left out."""
        rows = [
            [cell.get("VarCharValue") for cell in row.get("Data", ())]
            for row in self.result_set.rows
        ]
        return rows[1:] if rows and rows[0] == [*COLUMNS] else rows

    def count(self) -> int:
        return len(self.result_set.rows)


class AthenaTrail(SqlTrail):
    """A source: asks Athena for a trail's table, as often as is worth its price.

    For accounts too large for anything else: a query reads only the partitions of the
    window, and is paid for by the bytes it scans, which are told. A query is started
    under a token of its own, so that a try whose answer was lost starts no second one.
    """

    engine, id_key = "Athena", "QueryExecutionId"
    cancel = "athena:StopQueryExecution"
    verdicts = (
        Verdict(
            "InvalidRequestException",
            HealthState.REFUSED,
            "Check the table, the workgroup and where results go.",
        ),
    )

    def __init__(
        self, aws: CallsAws, context: WatchContext, options: CallOptions
    ) -> None:
        """Raise UsageError for names that can be none."""
        self._table, self._where = athena_place(options)
        super().__init__(aws, context, "athena")
        self.subject = self._table.name.replace('"', "")
        self.region = self.targets.region
        arns = [each.arn.arn for each in self.targets.each]
        self._salt = f"{self.clock.now().isoformat()} {arns}"

    async def start(self, question: Question, number: int) -> str:
        sql = select(question, self._table, _ATHENA_LONGEST)
        # The same for the same try, and another for every other query.
        token = hashlib.sha256(f"{self._salt}\n{number}\n{sql}".encode())
        asked = {"QueryString": sql, "ClientRequestToken": token.hexdigest()}
        start = "athena:StartQueryExecution"
        request = self.request(start, _AthenaStarted, "a query", **asked, **self._where)
        return (await self.ask(request)).value.query_execution_id

    async def look(self, query_id: str) -> QueryState:
        """Ask how it does; if it failed, say if another query may do better.

        Somebody, or a workgroup's limit, cancelled it: then another is not wanted.
        """
        asked, note = {self.id_key: query_id}, "how the query does"
        request = self.request("athena:GetQueryExecution", dict, note, **asked)
        execution = mapping_of((await self.ask(request)).value.get("QueryExecution"))
        statistics = mapping_of(execution.get("Statistics"))
        status = mapping_of(execution.get("Status"))
        state = text_of(status.get("State")) or ""
        error = mapping_of(status.get("AthenaError"))
        by_user = state == "CANCELLED" or error.get("ErrorCategory") == _USER
        final = by_user and not error.get("Retryable")
        return QueryState(
            state,
            statistics.get("DataScannedInBytes"),
            text_of(status.get("StateChangeReason")) or error.get("ErrorMessage"),
            final,
            _CHECK_TABLE if final and state == "FAILED" else "",
        )

    async def rows(self, query_id: str) -> AsyncGenerator[Sequence[Row], None]:
        asked = {self.id_key: query_id, "MaxResults": _PAGE}
        results = "athena:GetQueryResults"
        request = self.request(results, _AthenaRows, _ROWS, **asked)
        async for page in self.pages(request, next_key="NextToken"):
            cells = page.value.cells()
            yield [dict(zip(COLUMNS, row, strict=False)) for row in cells]


# -- CloudTrail Lake -------------------------------------------------------------------

_LAKE_LONGEST = 10_000
"""Characters of a statement, as documented."""
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
"""What Lake will not answer, however often it is asked."""


def lake_table(event_data_store_arn: str) -> tuple[str, TrailTable]:
    """Give a store's Region and how it is asked; raises UsageError for another ARN.

    FROM takes the id at the end of the ARN, and no name in quotes, as documented.
    """
    match = _STORE.fullmatch(event_data_store_arn)
    if match is None:
        msg = f"{clean(event_data_store_arn, 200)} is no ARN of an event data store."
        hint = "Give it as arn:aws:cloudtrail:REGION:ACCOUNT:eventdatastore/ID."
        raise UsageError(msg, hint=hint)
    time, payload = "%Y-%m-%d %H:%M:%S", "json_format(CAST({} AS JSON))"
    return match["region"], TrailTable(match["id"], (), time, payload)


class _LakeStarted(Struct, rename="pascal"):
    query_id: Text


class _LakeRows(Page, rename="pascal"):
    query_status: Text
    query_statistics: dict[str, Any] = field(default_factory=dict)
    query_result_rows: list[list[dict[str, Any]]] = field(default_factory=list)
    next_token: str | None = None
    error_message: str | None = None


class LakeTrail(SqlTrail):
    """A source: asks an event data store, as often as is worth its price.

    Lake took its last new customers in May 2026: this is for stores that are there. Its
    SQL is Presto's, its columns are a trail's but for two: a time is a timestamp, and a
    request or an answer is a map of texts, which is asked for as JSON.

    Unlike Athena, Lake knows no token by which a try again is known: a query whose
    start was not answered may run twice, and be paid for twice.
    """

    engine, id_key = "CloudTrail Lake", "QueryId"
    cancel = "cloudtrail:CancelQuery"
    verdicts = (
        Verdict(
            _LAKE_REFUSED,
            HealthState.REFUSED,
            "Check the event data store's ARN and its state.",
        ),
        Verdict("MaxConcurrentQueriesException", HealthState.THROTTLED),
    )

    def __init__(self, aws: CallsAws, context: WatchContext, store: str) -> None:
        """Raise UsageError for what is no ARN of an event data store."""
        region, self._table = lake_table(store)
        super().__init__(aws, context, "lake")
        self.subject, self.region = store, region

    async def start(self, question: Question, number: int) -> str:
        del number
        sql = select(question, self._table, _LAKE_LONGEST)
        request = self.request(
            "cloudtrail:StartQuery", _LakeStarted, "a query", QueryStatement=sql
        )
        return (await self.ask(request)).value.query_id

    def _results(self, query_id: str, note: str) -> AwsRequest[_LakeRows]:
        asked = {self.id_key: query_id, "MaxQueryResults": _PAGE}
        return self.request("cloudtrail:GetQueryResults", _LakeRows, note, **asked)

    async def look(self, query_id: str) -> QueryState:
        """Ask for rows: the answer says, too, if there are any yet."""
        answer = await self.ask(self._results(query_id, "how the query does"))
        told = answer.value
        scanned = told.query_statistics.get("BytesScanned")
        # Who has cancelled it wants no other.
        final = told.query_status == "CANCELLED"
        return QueryState(told.query_status, scanned, told.error_message, final)

    async def rows(self, query_id: str) -> AsyncGenerator[Sequence[Row], None]:
        pages = self.pages(self._results(query_id, _ROWS), next_key="NextToken")
        async for page in pages:
            yield [_lake_row(cells) for cells in page.value.query_result_rows]


def _lake_row(cells: Iterable[Mapping[str, Any]]) -> Row:
    """Make one row of a list of single cells; an empty one, or none, is null."""
    row: dict[str, str | None] = dict.fromkeys(COLUMNS)
    for cell in cells:
        row |= {name.lower(): text_of(value) for name, value in cell.items()}
    return row | {name: _unfolded(row[name]) for name in _PAYLOADS}


def _unfolded(text: str | None) -> str | None:
    """Make of a map of texts the JSON that it was, where its texts are JSON.

    That what is nested stands in such a map as JSON text is inferred: no recording
    shows it. A text that looks like a number may have been a text.
    """
    found = parse_json(text)
    if not isinstance(found, dict):
        return text
    parsed = {key: parse_json(value) for key, value in found.items()}
    nested = {key: v for key, v in parsed.items() if isinstance(v, dict | list)}
    return json.dumps(found | nested)


# -- DuckDB ----------------------------------------------------------------------------

_MEMORY = "256MB"
"""What DuckDB may take."""
_BATCH = 1000
"""Records it gets at once: more take longer for each, and memory."""


def check_duckdb() -> None:
    """Raise UsageError where DuckDB is not installed."""
    if find_spec("duckdb") is None:
        raise UsageError(
            "Asking a trail's files by SQL takes DuckDB, which is not installed.",
            hint=f"Run: {to_install('archive')}. Without it, --archive does.",
        )


def record_shape() -> dict[str, Any]:
    """Say what is read of a record, and as what; in JSON the case of a key counts."""
    shape: dict[str, Any] = {}
    for column, path in COLUMNS.items():
        *parents, name = path.split(".")
        place = shape
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name] = "JSON" if column in _PAYLOADS else "VARCHAR"
    return shape


def duck_statement(question: Question) -> str:
    """Ask for the calls in a list of records' texts, its one parameter."""
    # Every part is a literal, or is written here.
    shape = literal(json.dumps(record_shape()))
    records = f"SELECT from_json(unnest(?::VARCHAR[]), {shape}) AS record"
    asked = select(question, TrailTable("trail", partitions=()))
    return f"WITH trail AS (SELECT record.* FROM ({records}))\n{asked}"  # noqa: S608


class DuckTrail(Archive):
    """A source: reads a folder's files as an archive is read, and asks DuckDB of them.

    It is the statement that Athena gets, less its partitions, run on this machine; so
    what a query finds can be seen before it is paid for. DuckDB is an extra: it is
    imported when it is first needed, in a thread.
    """

    kind = RecordKind.ATHENA

    def __init__(self, context: WatchContext, place: str) -> None:
        """Raise UsageError for what is no folder, or where DuckDB is not installed."""
        check_duckdb()
        super().__init__(None, context, place)
        self._connection: Any = None
        self._question: Question | None = None
        """What the file that is read is asked."""

    def asked(self, window: FileWindow) -> object:
        """Have all asked again when a role or a service has become known."""
        question = question_of(self.targets, self.clock.now())
        return replace(question, until=question.since), super().asked(window)

    def wanted(self, window: FileWindow) -> Callable[[Record], bool]:
        self._question = question_of(self.targets, self.clock.now())
        return window.has_event

    def read_next(self, reader: TrailReader) -> list[bytes] | None:
        import duckdb  # noqa: PLC0415 - an extra, and 50 ms

        assert self._question is not None  # noqa: S101 - else nothing is wanted
        if self._connection is None:
            # It loads nothing, and writes nothing to a disk.
            settings: dict[str, Any] = {
                "memory_limit": _MEMORY,
                "temp_directory": "",
                "threads": 1,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
            self._connection = duckdb.connect(":memory:", config=settings)
        sql, records = duck_statement(self._question), reader.read()
        if records is None:
            return None
        rows: list[Any] = []
        try:
            for start in range(0, len(records), _BATCH):
                texts = [text.decode() for text in records[start : start + _BATCH]]
                rows += self._connection.execute(sql, [texts]).fetchall()
        except (duckdb.Error, ValueError) as error:
            # In its own words, without the record.
            why = str(error).partition("\n")[0].partition("  Input:")[0]
            raise UnreadableError(clean(why, 200)) from error
        return [encode_json(dict(zip(COLUMNS, row, strict=True))) for row in rows]

    async def close(self) -> None:
        """Have the thread let go of what it asks."""
        if self._connection is not None:
            self._connection.interrupt()
