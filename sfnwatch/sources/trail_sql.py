"""The question for the calls around the executions, in SQL.

It is one question for every engine. What comes in from outside, a role's name or a
Region, gets into a statement by `literal` alone, and a table's name as a name alone.
All three engines take a quote in a literal doubled, a backslash as itself, and `LIKE …
ESCAPE`. A statement may find more than is wanted, never less: what is handed on is
decided afterwards, as for every source.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from sfnwatch.errors import UsageError
from sfnwatch.model.texts import clean
from sfnwatch.sources.targets import BEFORE_START, Query, Targets
from sfnwatch.sources.trail_files import EARLY, LATE

SqlRow = Mapping[str, str | None]
"""A row by its columns' names, small; null is None."""

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
PAYLOAD_COLUMNS = ("requestparameters", "responseelements")
PARTITIONS = ("timestamp", "region", "account")
"""The partition columns of the table that `sfnwatch athena-ddl` writes; AWS's own
documentation has the first alone."""
IDENTIFIER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,254}", re.ASCII)
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
    started = targets.started_at or now - LATE_BY
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
    columns |= {name: table.payload.format(columns[name]) for name in PAYLOAD_COLUMNS}
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
    low = question.since - EARLY
    high = question.until + LATE
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


LATE_BY = timedelta(minutes=15)
"""A record so old is taken to be in a file: of 2,900 none took longer than 10 minutes.
That is an estimate: nothing says how late the latest is."""


def not_a(text: str, what: str, hint: str) -> UsageError:
    return UsageError(f"{clean(text, 200)} is no {what}.", hint=hint)
