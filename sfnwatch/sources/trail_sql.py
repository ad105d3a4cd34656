"""One question in SQL, for every engine that reads a trail: Athena, Lake and DuckDB.

What comes in from outside, a role's name or a Region, gets into a statement by
`literal` alone, and a name of a table or a column by `identifier`. All three engines
take a quote in a literal doubled, a backslash as itself, and `LIKE … ESCAPE`.

A statement may find more than is wanted, never less: the sieve has the last word.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from sfnwatch.sources.archive_layout import EARLY, LATE
from sfnwatch.sources.subject import Query

COLUMNS: dict[str, str] = {
    "eventid": "eventid",
    "eventtime": "eventtime",
    "eventsource": "eventsource",
    "eventname": "eventname",
    "errorcode": "errorcode",
    "errormessage": "errormessage",
    "readonly": "readonly",
    "requestid": "requestid",
    "arn": "useridentity.arn",
    "issuerarn": "useridentity.sessioncontext.sessionissuer.arn",
    "accountid": "useridentity.accountid",
    "invokedby": "useridentity.invokedby",
    "sourceipaddress": "sourceipaddress",
    "useragent": "useragent",
    "awsregion": "awsregion",
    "recipientaccountid": "recipientaccountid",
    "requestparameters": "requestparameters",
    "responseelements": "responseelements",
}
"""A row's columns, to where a trail's table has them: all that makes a call whole."""
_PAYLOADS = ("requestparameters", "responseelements")

_IDENTIFIER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,254}", re.ASCII)
_ROLE = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}", re.ASCII)
"""IAM gives no role any other name, whatever a state's input says."""
_ESCAPE = "!"
_STATES = ("states.amazonaws.com%", "states.%.amazonaws.com%")
"""How Step Functions may be spelt: see the decoder of calls."""


class Question(Struct, frozen=True):
    """Which calls: where and of what, whose, and of what time."""

    queries: tuple[Query, ...]
    """Regions and event sources."""
    roles: frozenset[str]
    """Names; with none, whatever Step Functions made for somebody."""
    accounts: tuple[str, ...]
    since: datetime
    until: datetime

    @property
    def regions(self) -> tuple[str, ...]:
        return tuple(sorted({region for region, _ in self.queries}))


class Table(Struct, frozen=True):
    """A trail's table, and in what words its engine is asked."""

    name: str
    """As it stands in FROM: see `table_name`."""
    day: str | None = "timestamp"
    """The column that says on which day a file was delivered, as `yyyy/MM/dd`."""
    region: str | None = "region"
    account: str | None = "account"
    """Columns by which the table is partitioned too; None where it is not."""
    time: str = "%Y-%m-%dT%H:%M:%SZ"
    """How an event's time is written."""
    payload: str = "{}"
    """What gives a request or an answer as JSON text."""


def literal(text: str) -> str:
    """Write a string literal; raises ValueError for what is no text at all."""
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        msg = f"no text for a query: {text!r:.60}"
        raise ValueError(msg)
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Write a name of a table or a column; raises ValueError for one that is none."""
    if not _IDENTIFIER.fullmatch(name):
        msg = f"no name of a table or column: {name!r:.60}"
        raise ValueError(msg)
    return f'"{name}"'


def table_name(*parts: str) -> str:
    """Write a table's name with its database's: `"default"."cloudtrail_logs"`."""
    return ".".join(identifier(part) for part in parts)


def select(question: Question, table: Table, longest: int | None = None) -> str:
    """Ask for the calls of the question, oldest first.

    Where so many roles make it longer than the engine takes, their names are left out:
    then all that Step Functions made is asked for.
    """
    text = _select(question, table, _by_roles(question.roles) or _by_service())
    if longest is not None and len(text) > longest:
        text = _select(question, table, _by_service())
    return text


def _select(question: Question, table: Table, who: str) -> str:
    columns = (_column(name, path, table) for name, path in COLUMNS.items())
    conditions = [
        *_partitions(question, table),
        _between("eventtime", question.since, question.until, table.time),
        _what(question.queries),
        who,
    ]
    return (
        "SELECT " + ",\n  ".join(columns)
        + f"\nFROM {table.name}"
        + "\nWHERE " + "\n  AND ".join(conditions)
        + "\nORDER BY eventtime"
    )  # fmt: skip


def _column(name: str, path: str, table: Table) -> str:
    shown = table.payload.format(path) if name in _PAYLOADS else path
    return name if shown == name else f"{shown} AS {name}"


def _partitions(question: Question, table: Table) -> list[str]:
    """Name the partitions: what lies in others is not even read, nor paid for.

    A file's folder is the day it was delivered on, which may be the day after.
    """
    found = []
    if table.day is not None:
        low, high = question.since - EARLY, question.until + LATE
        days = _between(identifier(table.day), low, high, "%Y/%m/%d")
        found.append(days)
    if table.region is not None:
        found.append(_among(identifier(table.region), question.regions))
    if table.account is not None:
        found.append(_among(identifier(table.account), question.accounts))
    return found


def _what(queries: Sequence[Query]) -> str:
    """Ask each Region for the services that are called there."""
    by_region: dict[str, list[str]] = {}
    for region, event_source in queries:
        by_region.setdefault(region, []).append(event_source)
    return _any_of(
        f"({_among('awsregion', (region,))} AND {_among('eventsource', sources)})"
        for region, sources in sorted(by_region.items())
    )


def _by_roles(roles: Iterable[str]) -> str:
    """Ask for what these roles did: an issuer's ARN may have a path before its name.

    A call may have no issuer; its session's ARN names the role as well.
    """
    arn, issuer = COLUMNS["arn"], COLUMNS["issuerarn"]
    found = []
    for role in sorted(role for role in roles if _ROLE.fullmatch(role)):
        name = _plain(role)
        found.append(_like(issuer, f"%/{name}"))
        found.append(_like(arn, f"%:assumed-role/{name}/%"))
    return _any_of(found) if found else ""


def _by_service() -> str:
    columns = (COLUMNS["invokedby"], COLUMNS["sourceipaddress"])
    return _any_of(_like(column, like) for column in columns for like in _STATES)


def _plain(text: str) -> str:
    """Take the meaning off what LIKE would give one."""
    return re.sub(rf"[%_{_ESCAPE}]", rf"{_ESCAPE}\g<0>", text)


def _like(column: str, pattern: str) -> str:
    return f"{column} LIKE {literal(pattern)} ESCAPE {literal(_ESCAPE)}"


def _among(column: str, values: Sequence[str]) -> str:
    """Ask for one of a few.

    An `injected` partition takes static equality alone, as documented; that a list of
    several counts as such is inferred.
    """
    if len(values) == 1:
        return f"{column} = {literal(values[0])}"
    return f"{column} IN ({', '.join(literal(value) for value in values)})"


def _between(column: str, low: datetime, high: datetime, form: str) -> str:
    """Ask for a span of time, whole seconds, as texts that sort as times do."""
    first = low.astimezone(UTC).strftime(form)
    last = (high.astimezone(UTC) + timedelta(microseconds=999_999)).strftime(form)
    return f"{column} BETWEEN {literal(first)} AND {literal(last)}"


def _any_of(conditions: Iterable[str]) -> str:
    return "(" + "\n    OR ".join(conditions) + ")"
