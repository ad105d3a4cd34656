"""One call of an AWS API, as CloudTrail records it.

A CloudTrail record reaches us in three forms: inside an Event of LookupEvents (as a
JSON string), bare in a trail's files, and as a row of an Athena table. Which columns a
row has is up to its query, so everything but time and name is optional.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from sys import intern
from typing import Any

from msgspec import Struct

from sfnwatch.model.arns import last_segment, role_name, unversioned
from sfnwatch.model.records import DecodeError, Received, Record, RecordKind
from sfnwatch.model.times import microseconds, parse_time
from sfnwatch.model.values import (
    canonical,
    mapping_of,
    parse_json,
    required_text,
    strings_in,
    text_of,
)

# China's and GovCloud's spelling is not settled by any recording: accept all.
_STATES = re.compile(r"\Astates\.[a-z0-9.-]*amazonaws\.com(\.[a-z]{2})?\Z")
_OWN_SESSION = re.compile(r"[A-Za-z]{32}|[xX*]+")
"""The names of Step Functions' sessions [observed], or what blanks them."""
_OWN_AGENT = re.compile(r"\bsfnwatch/\d")
_TOKEN = re.compile(r"[A-Za-z0-9:/_.+=@-]+")
_ENVELOPE = {
    "eventID": "EventId",
    "eventTime": "EventTime",
    "eventName": "EventName",
    "eventSource": "EventSource",
    "readOnly": "ReadOnly",
}
"""What an Event of LookupEvents tells beside the record, by the record's keys."""
_NEEDED = ("eventTime", "eventSource", "eventName")
_COLUMNS = (
    *_NEEDED,
    *("eventID", "errorCode", "errorMessage", "readOnly", "requestID", "awsRegion"),
    *("recipientAccountId", "sourceIPAddress", "userAgent"),
    *("requestParameters", "responseElements"),
)
"""The keys of a record that a row may have as columns, in lower case."""
_WHOLE = {*map(str.lower, _COLUMNS), "arn", "issuerarn", "accountid", "invokedby"}
"""The columns of a row that tells all that a record would, null or not."""

CALL_KEY = "call#"
"""What the keys of calls begin with, and those of nothing else."""
_LONGEST_ID = 2048
"""ARNs are shorter: what is longer is a payload."""
CallName = tuple[str, str]
"""A call's event source and its name without a version."""
NameAndRole = tuple[CallName, str | None]
"""A call's name, and the name of the role it was made with."""
_NO_NAME: CallName = ("", "")
"""In place of the name of a call by others: no attempt makes such calls."""
_RETRYABLE = re.compile(
    r"throttl|toomanyrequests|requestlimit|rateexceeded|slowdown|internal|unavailable"
    r"|serverexception|timeout|capacity|servicefault"
)


class ApiCall(Struct, gc=False):
    """A call, as CloudTrail recorded it."""

    event_id: str
    event_time: datetime
    """Whole seconds: never order it against a history event within one second."""
    event_source: str
    event_name: str
    error_code: str | None = None
    error_message: str | None = None
    read_only: bool | None = None
    request_id: str | None = None
    role_arn: str | None = None
    """The role behind the session, with its path where the record has it."""
    invoked_by: str | None = None
    """`states.amazonaws.com` where Step Functions made it on someone's behalf."""
    region: str | None = None
    account_id: str | None = None
    seen_at: datetime | None = None
    whole: bool = True
    """False for a row of an Athena table which has only some of the columns."""
    has_request: bool = False
    """True if the record has requestParameters; that of a denied call has none."""
    has_answer: bool = False
    """True if the record has responseElements."""
    kind: str = RecordKind.TRAIL
    """The kind of record it was decoded from, and so the form of that."""
    own: bool = False
    """True for a call that sfnwatch itself made."""
    by_person: bool = False
    """True for a row whose session has a name that Step Functions gives none."""
    number: int = -1
    """Of its record in the store."""
    microseconds: int = 0
    """Its time in microseconds since 1970."""

    @property
    def key(self) -> str:
        """Its key for lines and as evidence."""
        return f"{CALL_KEY}{self.event_id}"

    @property
    def role(self) -> str | None:
        """The role's name, which is all that can be compared."""
        return role_name(self.role_arn)

    @property
    def name(self) -> CallName:
        return self.event_source, unversioned(self.event_name)

    @property
    def spot(self) -> NameAndRole:
        """Its name, and that of the role: attempts that may have made it have both."""
        return (_NO_NAME if self.by_others else self.name), self.role

    @property
    def is_retryable(self) -> bool:
        """True if the SDK tries such a call again by itself [inferred]."""
        code = self.error_code
        return code is not None and _RETRYABLE.search(code.lower()) is not None

    @property
    def by_step_functions(self) -> bool:
        return self.invoked_by is not None

    @property
    def by_others(self) -> bool:
        """True for a call by people or agents, who describe the same tasks."""
        return self.invoked_by is None and (self.whole or self.by_person)


by_time: Callable[[ApiCall], tuple[int, str]] = attrgetter("microseconds", "event_id")
"""Sorts calls by their times, in microseconds, and then by their ids."""


def decode_call(received: Received) -> tuple[ApiCall, Record]:
    """Decode a call, and give the CloudTrail record itself.

    Raises DecodeError for a record that is none.
    """
    kind = received.kind
    record = received.record
    try:
        inner = cloudtrail_record(kind, record)
        call = _from_record(inner)
    except KeyError as error:
        raise DecodeError(f"a CloudTrail record without {error}") from error
    except (ValueError, TypeError) as error:
        raise DecodeError(f"not a CloudTrail record: {error}") from error
    call.kind = kind
    call.seen_at = received.at
    if kind == RecordKind.ATHENA and not record.keys() >= _WHOLE:
        call.whole = False
        # Of a few columns this one may be all there is to tell by.
        call.invoked_by = call.invoked_by or _states(inner.get("userAgent"))
        session = session_name(inner)
        call.by_person = session is not None and not _OWN_SESSION.fullmatch(session)
    call.has_request = bool(inner.get("requestParameters"))
    call.has_answer = bool(inner.get("responseElements"))
    return call, inner


def cloudtrail_record(kind: str, record: Record) -> Record:
    """Give the CloudTrail record that a record of any kind holds.

    Of an Event of LookupEvents the record inside it has the last word; old envelopes
    lack ReadOnly, EventSource and AccessKeyId. Raises KeyError for a row without a
    column that it needs.
    """
    if kind == RecordKind.ATHENA:
        return _record_of_row(record)
    if kind != RecordKind.LOOKUP:
        return record
    inner = mapping_of(parse_json(record.get("CloudTrailEvent")))
    outer = {key: record.get(_ENVELOPE[key]) for key in _ENVELOPE if key not in inner}
    known = {key: value for key, value in outer.items() if value is not None}
    return {**known, **inner} if known else inner


def _record_of_row(row: Record) -> Record:
    """Write a row as the record it was made from, and leave its columns beside that.

    One without an eventid is known by all it says.
    """
    there = [key for key in _COLUMNS if key in _NEEDED or key.lower() in row]
    return {
        **row,
        **{key: row[key.lower()] for key in there},
        "eventID": text_of(row.get("eventid")) or _row_id(row),
        "userIdentity": {
            "arn": row.get("arn"),
            "invokedBy": row.get("invokedby"),
            "accountId": row.get("accountid"),
            "sessionContext": {"sessionIssuer": {"arn": row.get("issuerarn")}},
        },
        "requestParameters": parse_json(row.get("requestparameters")),
        "responseElements": parse_json(row.get("responseelements")),
    }


def _from_record(record: Record) -> ApiCall:
    identity = mapping_of(record.get("userIdentity"))
    session = mapping_of(identity.get("sessionContext"))
    issuer = mapping_of(session.get("sessionIssuer"))
    agent = text_of(record.get("userAgent"))
    event_id = required_text(record, "eventID")
    at = parse_time(record["eventTime"])
    at = at.replace(microsecond=0) if at.microsecond else at
    return ApiCall(
        event_id=event_id,
        event_time=at,
        microseconds=microseconds(at),
        event_source=_word(record.get("eventSource")) or "",
        event_name=intern(required_text(record, "eventName")),
        error_code=_word(record.get("errorCode")),
        error_message=text_of(record.get("errorMessage")),
        read_only=_truth(record.get("readOnly")),
        request_id=text_of(record.get("requestID")),
        role_arn=_word(issuer.get("arn")) or text_of(identity.get("arn")),
        invoked_by=_invoked_by(record, identity),
        own=agent is not None and _matches(_OWN_AGENT, agent),
        region=_word(record.get("awsRegion")),
        account_id=_word(record.get("recipientAccountId"))
        or _word(identity.get("accountId")),
    )


def _row_id(row: Record) -> str:
    digest = hashlib.sha256(canonical(row).encode("utf-8", "surrogatepass"))
    return f"row-{digest.hexdigest()[:32]}"


def _word(value: Any) -> str | None:
    """Take a string of which there are few, and keep it but once."""
    return intern(value) if type(value) is str and value else None


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get((text_of(value) or "").lower())


def _invoked_by(record: Record, identity: Mapping[str, Any]) -> str | None:
    # It is the userAgent as well, but anyone may call themselves what they like there.
    return _states(identity.get("invokedBy")) or _states(record.get("sourceIPAddress"))


def _states(value: Any) -> str | None:
    found = isinstance(value, str) and _matches(_STATES, value)
    return intern(value) if found else None


@lru_cache(maxsize=1024)
def _matches(pattern: re.Pattern[str], text: str) -> bool:
    """Search a text of which there are few, each but once."""
    return pattern.search(text) is not None


def session_name(record: Record) -> str | None:
    """Give the name of the role session a call was made in, from its record or row.

    Step Functions has a fresh random one for every call.
    """
    arn = record.get("arn") or mapping_of(record.get("userIdentity")).get("arn")
    arn = text_of(arn)
    return last_segment(arn) if arn and ":assumed-role/" in arn else None


def ids_in(record: Record, error_message: str | None = None) -> set[str]:
    """Give every id that a CloudTrail record names in its request, answer and error.

    ECS takes a task's bare id for its ARN, so last segments count as well. A denied
    call has no requestParameters: then only the error names the task.
    """
    asked = record.get("requestParameters")
    answer = record.get("responseElements")
    found = strings_in([asked, answer])
    if error_message:
        found += _TOKEN.findall(error_message)
    found += [value[value.rfind("/") + 1 :] for value in found if "/" in value]
    return {value.rstrip(".,;:") for value in found if len(value) <= _LONGEST_ID}
