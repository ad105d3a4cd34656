"""The calls around the executions, asked for in SQL: of Athena, Lake or DuckDB.

It is one question for every engine. What comes in from outside, a role's name or a
Region, gets into a statement by `literal` alone, and a table's name as a name alone.
All three engines take a quote in a literal doubled, a backslash as itself, and `LIKE …
ESCAPE`. A statement may find more than is wanted, never less: what is handed on is
decided afterwards, as for every source.

What Athena and Lake charge for is what they scan. So while an execution runs they are
asked every few minutes at most, and a trail's files, of which a record takes minutes to
get into one, have no more to tell sooner.
"""

import asyncio
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import Any, ClassVar
from uuid import uuid4

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.errors import UsageError, to_install
from sfnwatch.model.records import Record, RecordKind, receive
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean, size
from sfnwatch.model.values import encode_json, mapping_of, parse_json, text_of
from sfnwatch.sources.answers import AwsRequest, CallsAws, Failure, Page, Text, Verdict
from sfnwatch.sources.archive import (
    EARLY,
    LATE,
    Archive,
    FileWindow,
    TrailReader,
    UnreadableError,
)
from sfnwatch.sources.call_source import CallSource
from sfnwatch.sources.live_options import CallOptions
from sfnwatch.sources.polling import WatchContext
from sfnwatch.sources.rate_limits import Interval
from sfnwatch.sources.targets import BEFORE_START, Query, Targets

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
    started = targets.started_at or now - _LATE
    until = max(started, targets.span.last or now)
    who = tuple(targets.trail_queries), frozenset(targets.roles), targets.accounts
    return Question(*who, since=started - BEFORE_START, until=until)


class TrailTable(Struct, frozen=True):
    """A trail's table, and in what words its engine is asked."""

    name: str
    """As it stands in FROM."""
    partitions: Sequence[str] = PARTITIONS
    """Those of PARTITIONS that it has: the day on which a file was delivered, as
    `yyyy/MM/dd`, the Region and the account."""
    time: str = "%Y-%m-%dT%H:%M:%SZ"
    """How an event's time is written."""
    payload: str = "{}"
    """What gives a request or an answer as JSON text."""


def literal(text: str) -> str:
    """Write a string literal, cleaned: AWS has no name that this changes."""
    return "'" + clean(text).replace("'", "''") + "'"


def select(question: Question, table: TrailTable) -> str:
    """Ask for the calls of the question, oldest first."""
    columns = dict(COLUMNS)
    columns |= {name: table.payload.format(columns[name]) for name in _PAYLOADS}
    asked = [f"{path} AS {name}" for name, path in columns.items()]
    conditions = [
        *_partitions(question, table),
        _between("eventtime", question.since, question.until, table.time),
        *_what(question.queries),
        _any_of(_by_roles(question.roles) or _by_service()),
    ]
    return (
        "SELECT " + ",\n  ".join(asked)
        + f"\nFROM {table.name}"
        + "\nWHERE " + "\n  AND ".join(conditions)
        + "\nORDER BY eventtime"
    )  # fmt: skip


def _partitions(question: Question, table: TrailTable) -> list[str]:
    """Name the partitions: what lies in others is not even read, nor paid for.

    A file's folder is the day it was delivered on, which may be the day after.
    """
    low, high = question.since - EARLY, question.until + LATE
    regions = {region for region, _ in question.queries}
    found = {
        "timestamp": _between('"timestamp"', low, high, "%Y/%m/%d"),
        "region": _among('"region"', regions),
        "account": _among('"account"', question.accounts),
    }
    return [found[name] for name in table.partitions]


def _what(queries: Iterable[Query]) -> list[str]:
    """Ask each Region for the services that are called there."""
    each = [
        f"(awsregion = {literal(region)} AND eventsource = {literal(event_source)})"
        for region, event_source in sorted(queries)
    ]
    return [_any_of(each)] if each else []


def _by_roles(roles: Iterable[str]) -> list[str]:
    """Ask for what these roles did: an issuer's ARN may have a path before its name.

    A call may have no issuer; its session's ARN names the role as well.
    """
    found = []
    for role in sorted(filter(_ROLE.fullmatch, roles)):
        # Take the meaning off what LIKE would give one.
        name = re.sub("[%_!]", r"!\g<0>", role)
        found.append(_like(COLUMNS["issuerarn"], f"%/{name}"))
        found.append(_like(COLUMNS["arn"], f"%:assumed-role/{name}/%"))
    return found


def _by_service() -> list[str]:
    columns = (COLUMNS["invokedby"], COLUMNS["sourceipaddress"])
    return [_like(column, like) for column in columns for like in _STATES]


def _like(column: str, pattern: str) -> str:
    return f"{column} LIKE {literal(pattern)} ESCAPE '!'"


def _among(column: str, values: Collection[str]) -> str:
    """Ask for one of a few.

    An `injected` partition takes static equality alone, as documented; that a list of
    several counts as such is inferred.
    """
    listed = ", ".join(map(literal, sorted(values)))
    return f"{column} = {listed}" if len(values) == 1 else f"{column} IN ({listed})"


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
    """`QUEUED`, `RUNNING` and `CANCELLED` are the same for both."""
    scanned: Any
    """Bytes, so far."""
    said: Any
    """Why it has failed."""
    advice: str = ""
    """What to do where another query would fail as well."""


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

    # -- for heirs to write ------------------------------------------------------------

    def start(self, question: Question) -> AwsRequest[Any]:
        """Ask for a query to be started: the answer's shape has its `query_id`."""
        raise NotImplementedError

    async def look(self, query_id: str) -> QueryState:
        """Ask how a query does."""
        raise NotImplementedError

    def results(self, query_id: str) -> AwsRequest[Any]:
        """Ask for pages of rows: their shape says what was `found`."""
        raise NotImplementedError

    # -- a round -----------------------------------------------------------------------

    async def read(self) -> str:
        self._asked_whole, self._failed = None, 0
        words = await self.idle(self.targets.trail_queries, _NOTHING)
        if words is not None:
            return words
        while True:
            # What is asked too early is asked, and paid for, once more.
            await self.await_history()
            asked, now = await self.attempt(self._round)
            self.coverage = now - _LATE
            # That time goes by is no news; that more is wanted than was asked for, is.
            wanted = question_of(self.targets, self.clock.now())
            last, self.last_round = self.last_round, False
            if last and replace(wanted, until=asked.until) == asked:
                return self._cost()
            self.say(self._cost())
            await self.rest(0.0 if last else _EVERY)

    async def _round(self) -> tuple[Question, datetime]:
        """Put one query, and hand on what it finds; gives what was asked, and when."""
        self.last_round, now = self.is_over(), self.clock.now()
        asked = put = question_of(self.targets, now)
        whole = replace(asked, until=asked.since)
        if whole == self._asked_whole:
            # No more of what ran before: all of that is paid for once.
            firsts = [span.first for span in self.targets.spans if span.first]
            put = replace(asked, since=max([asked.since, *firsts]))
        started = await self.ask(self.start(put))
        query_id = self._running = started.value.query_id
        self._scanned.append(0)
        await self._wait_for(query_id)
        async for page in self.pages(self.results(query_id), next_key="NextToken"):
            came, rows = self.clock.now(), page.value.found()
            self.select(receive(came, RecordKind.ATHENA, None, row) for row in rows)
        self._failed, self._asked_whole = 0, whole
        return asked, now

    async def _wait_for(self, query_id: str) -> None:
        """Wait ever longer while it runs; raises Failure where it came to nothing.

        The next try is another query, but where that would fail as well, or somebody
        has cancelled it. Each is paid for: after the end there are only so many in a
        row.
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
        too_often = self._failed >= _QUERIES and self.is_over()
        final = state.word == "CANCELLED" or bool(state.advice) or too_often
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

_USER = 2
"""Athena's category of errors that a user made, as documented."""
_DDL = "sfnwatch athena-ddl writes a table's CREATE statement."
_CHECK_PLACES = "Check the table, the workgroup and where results go."
_CHECK_TABLE = f" Check the table's name and columns. {_DDL}"


def athena_place(options: CallOptions) -> tuple[TrailTable, dict[str, Any]]:
    """Read which table is asked, and where its queries run.

    Raises UsageError for names that can be none.
    """
    athena, partitions = options.athena or "", options.athena_partitions
    workgroup, output = options.athena_workgroup, options.athena_output
    first, dot, table = athena.rpartition(".")
    database = first if dot else "default"
    where: dict[str, Any] = {"QueryExecutionContext": {"Database": database}}
    if not all(map(_IDENTIFIER.fullmatch, (database, table))):
        hint = f"Give it as TABLE or DATABASE.TABLE. {_DDL}"
        raise _not(athena, "name of a table in Athena", hint)
    for name in partitions or ():
        if name not in PARTITIONS:
            known = f"Known are {', '.join(PARTITIONS)}."
            raise _not(name, "partition column that is known", known)
    if workgroup is not None:
        where["WorkGroup"] = workgroup
    if output is not None:
        where["ResultConfiguration"] = {"OutputLocation": output}
    columns = PARTITIONS if partitions is None else partitions
    return TrailTable(f'"{database}"."{table}"', columns), where


def _not(text: str, what: str, hint: str) -> UsageError:
    return UsageError(f"{clean(text, 200)} is no {what}.", hint=hint)


class _AthenaStarted(Struct, rename={"query_id": "QueryExecutionId"}):
    query_id: Text


class _AthenaResult(Struct, rename="pascal"):
    rows: list[dict[str, list[dict[str, str | None]]]] = field(default_factory=list)
    """Each is `{"Data": [{"VarCharValue": …}, …]}`; a cell without a value is null."""


class _AthenaRows(Page, kw_only=True, rename="pascal"):
    result_set: _AthenaResult
    next_token: str | None = None

    def listed(self) -> list[Any]:
        return self.result_set.rows

    def found(self) -> list[Row]:
        """Give its rows; the first page's first one, the names, is left out."""
        cells = (
            [cell.get("VarCharValue") for cell in row.get("Data", ())]
            for row in self.result_set.rows
        )
        rows = (dict(zip(COLUMNS, each, strict=False)) for each in cells)
        return [row for row in rows if row != dict(zip(COLUMNS, COLUMNS, strict=True))]


class AthenaTrail(SqlTrail):
    """A source: asks Athena for a trail's table, as often as is worth its price.

    For accounts too large for anything else: a query reads only the partitions of the
    window, and is paid for by the bytes it scans, which are told. A query is started
    under a token of its own, so that a try whose answer was lost starts no second one.
    """

    engine, id_key = "Athena", "QueryExecutionId"
    cancel = "athena:StopQueryExecution"
    verdicts = (Verdict("InvalidRequestException", _CHECK_PLACES),)

    def __init__(self, aws: CallsAws, context: WatchContext) -> None:
        """Raise UsageError for names that can be none."""
        self._table, self._where = athena_place(context.options.calls)
        super().__init__(aws, context, "athena")
        self.subject = self._table.name.replace('"', "")
        self.region = self.targets.region

    def start(self, question: Question) -> AwsRequest[Any]:
        # The token is the same however often this one is tried.
        asked = {"ClientRequestToken": uuid4().hex, **self._where}
        asked["QueryString"] = select(question, self._table)
        start = "athena:StartQueryExecution"
        return self.request(start, _AthenaStarted, "a query", **asked)

    async def look(self, query_id: str) -> QueryState:
        """Ask how it does; a workgroup's limit cancels one that scans too much."""
        asked, note = {self.id_key: query_id}, "how the query does"
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
        asked, name = {self.id_key: query_id, "MaxResults": _PAGE}, "GetQueryResults"
        return self.request(f"athena:{name}", _AthenaRows, _ROWS, **asked)


# -- CloudTrail Lake -------------------------------------------------------------------

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
        hint = "Give it as arn:aws:cloudtrail:REGION:ACCOUNT:eventdatastore/ID."
        raise _not(event_data_store_arn, "ARN of an event data store", hint)
    time, payload = "%Y-%m-%d %H:%M:%S", "json_format(CAST({} AS JSON))"
    return match["region"], TrailTable(match["id"], (), time, payload)


class _LakeStarted(Struct, rename="pascal"):
    query_id: Text


class _LakeRows(Page, kw_only=True, rename="pascal"):
    query_status: Text
    query_statistics: dict[str, Any] = field(default_factory=dict)
    query_result_rows: list[list[dict[str, Any]]] = field(default_factory=list)
    next_token: str | None = None
    error_message: str | None = None

    def found(self) -> list[Row]:
        return list(map(_lake_row, self.query_result_rows))


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
        Verdict(_LAKE_REFUSED, "Check the event data store's ARN and its state."),
        Verdict("MaxConcurrentQueriesException", state=HealthState.THROTTLED),
    )

    def __init__(self, aws: CallsAws, context: WatchContext) -> None:
        """Raise UsageError for what is no ARN of an event data store."""
        super().__init__(aws, context, "lake")
        self.subject = context.options.calls.lake or ""
        self.region, self._table = lake_table(self.subject)

    def start(self, question: Question) -> AwsRequest[Any]:
        asked, name = {"QueryStatement": select(question, self._table)}, "StartQuery"
        return self.request(f"cloudtrail:{name}", _LakeStarted, "a query", **asked)

    def results(self, query_id: str, note: str = _ROWS) -> AwsRequest[Any]:
        asked = {self.id_key: query_id, "MaxQueryResults": _PAGE}
        return self.request("cloudtrail:GetQueryResults", _LakeRows, note, **asked)

    async def look(self, query_id: str) -> QueryState:
        """Ask for rows: the answer says, too, if there are any yet."""
        asked = self.results(query_id, "how the query does")
        told: _LakeRows = (await self.ask(asked)).value
        scanned = told.query_statistics.get("BytesScanned")
        return QueryState(told.query_status, scanned, told.error_message)


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

_SETTINGS: Mapping[str, Any] = {
    "memory_limit": "256MB",
    "temp_directory": "",
    "threads": 1,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
"""DuckDB is to load nothing, and to write nothing to a disk."""


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

    def __init__(self, aws: CallsAws | None, context: WatchContext) -> None:
        """Raise UsageError where DuckDB is not installed."""
        check_duckdb()
        super().__init__(aws, context)
        self._connection: Any = None
        self._question = question_of(self.targets, self.clock.now())

    def asked(self, window: FileWindow) -> object:
        """Have all asked again when a role or a service has become known."""
        self._question = question_of(self.targets, self.clock.now())
        of_any_end = replace(self._question, until=self._question.since)
        return of_any_end, super().asked(window)

    def wanted(self, window: FileWindow) -> Callable[[Record], bool]:
        return window.has_event

    def read_next(self, reader: TrailReader) -> list[bytes] | None:
        import duckdb  # noqa: PLC0415 - an extra, and 50 ms

        if (records := reader.read()) is None:
            return None
        if self._connection is None:
            self._connection = duckdb.connect(":memory:", config={**_SETTINGS})
        try:
            texts, sql = [it.decode() for it in records], duck_statement(self._question)
            rows = self._connection.execute(sql, [texts]).fetchall()
        except (duckdb.Error, ValueError) as error:
            # In its own words, without the record.
            why = str(error).partition("\n")[0].partition("  Input:")[0]
            raise UnreadableError(clean(why, 200)) from error
        return [encode_json(dict(zip(COLUMNS, row, strict=True))) for row in rows]
