"""The SQL query for the calls around the executions.

It is the same query for every engine. Text from outside, a role's name or a Region,
gets into a statement only by `literal`, and a table's name only as a name. All three
engines take a doubled quote in a literal, a backslash as itself, and `LIKE … ESCAPE`. A
statement may find more calls than are wanted, but never fewer: `Relevance` decides
afterwards which are handed on, as for every source.
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
"""A row by its columns' names, in lower case; null is None."""

RECORD_FIELDS = {
    "eventid": "eventID",
    "eventtime": "eventTime",
    "eventsource": "eventSource",
    "eventname": "eventName",
    "errorcode": "errorCode",
    "errormessage": "errorMessage",
    "readonly": "readOnly",
    "eventtype": "eventType",
    "vpcendpointid": "vpcEndpointId",
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
"""A row's columns to their paths in a record: all fields of a complete call."""
PAYLOAD_COLUMNS = ("requestparameters", "responseelements")
PARTITIONS = ("timestamp", "region", "account")
"""The partition columns of the table that `sfnwatch athena-ddl` writes. The table in
AWS's documentation has only the first."""
IDENTIFIER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,254}", re.ASCII)
_ROLE = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}", re.ASCII)
"""The form of a role's name in IAM; a state's input may have any other text."""
_STATES = ("states.amazonaws.com%", "states.%.amazonaws.com%")
"""The spellings of Step Functions: see the decoder of calls."""


class Question(Struct, frozen=True):
    """The calls to ask for: by Region and service, role, account and time."""

    queries: tuple[Query, ...]
    """Regions and event sources; empty for any."""
    roles: frozenset[str]
    """Names of roles; empty for all calls that Step Functions made."""
    accounts: frozenset[str]
    since: datetime
    until: datetime


def question_of(targets: Targets, now: datetime) -> Question:
    """Return the question for the calls of the executions, by what is known so far."""
    started_at = targets.started_at or now - LATE_BY
    return Question(
        queries=tuple(targets.trail_queries),
        roles=frozenset(targets.roles),
        accounts=targets.accounts,
        since=started_at - BEFORE_START,
        until=max(started_at, targets.span.last or now),
    )


class TrailTable(Struct, frozen=True):
    """A trail's table, and the forms that its engine takes."""

    name: str
    """The name as FROM takes it."""
    partitions: Sequence[str] = PARTITIONS
    """The ones of PARTITIONS that it has: the day on which a file was delivered, as
    `yyyy/MM/dd`, the Region and the account."""
    time: str = "%Y-%m-%dT%H:%M:%SZ"
    """The format of an event's time."""
    payload: str = "{}"
    """The expression for a request's or an answer's JSON text; `{}` is its column."""


def literal(text: str) -> str:
    """Return a string literal of the cleaned text; cleaning changes no name of AWS."""
    return "'" + clean(text).replace("'", "''") + "'"


def select(question: Question, table: TrailTable) -> str:
    """Return the statement that selects the question's calls, oldest first."""
    columns: list[str] = []
    for name, path in RECORD_FIELDS.items():
        value = table.payload.format(path) if name in PAYLOAD_COLUMNS else path
        columns.append(f"{value} AS {name}")
    conditions = _partitions(question, table)
    conditions.append(_between("eventtime", question.since, question.until, table.time))
    if question.queries:
        conditions.append(_by_queries(question.queries))
    conditions.append(_any_of(_by_roles(question.roles) or _by_service()))
    return (
        "SELECT " + ",\n  ".join(columns)
        + f"\nFROM {table.name}"
        + "\nWHERE " + "\n  AND ".join(conditions)
        + "\nORDER BY eventtime"
    )  # fmt: skip


def _partitions(question: Question, table: TrailTable) -> list[str]:
    """Return conditions on the partitions: others are neither read nor paid for.

    A file's folder is the day of its delivery, which may be the day after the event.
    """
    low = question.since - EARLY
    high = question.until + LATE
    regions = {region for region, _ in question.queries}
    conditions = {
        "timestamp": _between('"timestamp"', low, high, "%Y/%m/%d"),
        "region": _among('"region"', regions),
        "account": _among('"account"', question.accounts),
    }
    return [conditions[name] for name in table.partitions]


def _by_queries(queries: Iterable[Query]) -> str:
    """Return the condition on Regions, each with the services called there."""
    conditions: list[str] = []
    for region, event_source in sorted(queries):
        where = f"awsregion = {literal(region)}"
        conditions.append(f"({where} AND eventsource = {literal(event_source)})")
    return _any_of(conditions)


def _by_roles(roles: Iterable[str]) -> list[str]:
    """Return conditions for the calls of roles.

    An issuer's ARN may have a path before the role's name. A call may have no issuer;
    its session's ARN names the role as well.
    """
    conditions: list[str] = []
    for role in sorted(roles):
        if not _ROLE.fullmatch(role):
            continue
        # Escape the characters that have a meaning in LIKE.
        name = re.sub("[%_!]", r"!\g<0>", role)
        conditions.append(_like(RECORD_FIELDS["issuerarn"], f"%/{name}"))
        conditions.append(_like(RECORD_FIELDS["arn"], f"%:assumed-role/{name}/%"))
    return conditions


def _by_service() -> list[str]:
    """Return conditions for the calls that Step Functions made."""
    columns = (RECORD_FIELDS["invokedby"], RECORD_FIELDS["sourceipaddress"])
    return [_like(column, pattern) for column in columns for pattern in _STATES]


def _like(column: str, pattern: str) -> str:
    return f"{column} LIKE {literal(pattern)} ESCAPE '!'"


def _among(column: str, values: Collection[str]) -> str:
    """Return the condition that a column has one of some values.

    An `injected` partition takes only static equality, as documented; that a list of
    several values counts as static equality is inferred.
    """
    literals = ", ".join(literal(value) for value in sorted(values))
    if len(values) == 1:
        return f"{column} = {literals}"
    return f"{column} IN ({literals})"


def _between(column: str, low: datetime, high: datetime, form: str) -> str:
    """Return the condition for a span of time, in whole seconds.

    The times are texts that sort as times do.
    """
    first = low.astimezone(UTC)
    last = high.astimezone(UTC) + timedelta(microseconds=999_999)
    since = literal(first.strftime(form))
    until = literal(last.strftime(form))
    return f"{column} BETWEEN {since} AND {until}"


def _any_of(conditions: Iterable[str]) -> str:
    return "(" + "\n    OR ".join(conditions) + ")"


LATE_BY = timedelta(minutes=15)
"""The age from which a record is taken to be in a file: of 2,900 none took longer than
10 minutes. That is an estimate: nothing says how late the latest record is."""


def not_a(text: str, what: str, hint: str) -> UsageError:
    return UsageError(f"{clean(text, 200)} is no {what}.", hint=hint)
