"""One call of an AWS API, as CloudTrail records it.

A CloudTrail record reaches us in three forms: as a JSON string in an Event of
LookupEvents, as it is in a trail's files, and as a row of an Athena table. The query
decides which columns a row has, so all but time, source and name are optional.
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

# No recording shows the spelling in China and GovCloud, so all are accepted.
_STATES = re.compile(r"\Astates\.[a-z0-9.-]*amazonaws\.com(\.[a-z]{2})?\Z")
_OWN_SESSION = re.compile(r"[A-Za-z]{32}|[xX*]+")
"""Matches the session names of Step Functions [observed], and blanked-out names."""
_OWN_AGENT = re.compile(r"\bsfnwatch/\d")
_TOKEN = re.compile(r"[A-Za-z0-9:/_.+=@-]+")
_ENVELOPE = {
    "eventID": "EventId",
    "eventTime": "EventTime",
    "eventName": "EventName",
    "eventSource": "EventSource",
    "readOnly": "ReadOnly",
}
"""The record's keys whose values an Event of LookupEvents repeats, and its own keys."""
_NEEDED = ("eventTime", "eventSource", "eventName")
_COLUMNS = (
    *_NEEDED,
    *("eventID", "errorCode", "errorMessage", "readOnly", "requestID", "awsRegion"),
    *("recipientAccountId", "sourceIPAddress", "userAgent"),
    *("requestParameters", "responseElements"),
)
"""The keys of a record for which a row may have a column, named in lower case."""
_MORE_COLUMNS = ("eventType", "eventCategory", "vpcEndpointId")
"""Keys whose columns a table may lack, without its rows being less of a call."""
_WHOLE = {*map(str.lower, _COLUMNS), "arn", "issuerarn", "accountid", "invokedby"}
"""The columns of a row that is as good as a whole record; cells may be null."""

CALL_KEY = "call#"
"""The beginning of every call's key, and of no other key."""
_LONGEST_ID = 2048
"""Characters of an id at most: ARNs are shorter, and a longer text is a payload."""
CallName = tuple[str, str]
"""A call's event source, and its event name without the API version."""
NameAndRole = tuple[CallName, str | None]
"""A call's name, and the name of the role it was made with."""
_NO_NAME: CallName = ("", "")
"""Replaces the name of a call by others, so that it matches no attempt's calls."""
_NETWORK_ACTIVITY = "NetworkActivity"
_THROUGH_ENDPOINT = frozenset({"AwsVpceEvent", "AwsVpceEvents"})
"""The types of network activity events: examples have the first, a list the second
[documented]."""
_DENIED_BY_ENDPOINT = "VpceAccessDenied"
_RETRYABLE = re.compile(
    r"throttl|toomanyrequests|requestlimit|rateexceeded|slowdown|internal|unavailable"
    r"|serverexception|timeout|capacity|servicefault"
)


class ApiCall(Struct, gc=False):
    """One call of an AWS API, as CloudTrail recorded it."""

    event_id: str
    event_time: datetime
    """Whole seconds: it can't be ordered against a history event of the same second."""
    event_source: str
    event_name: str
    error_code: str | None = None
    error_message: str | None = None
    read_only: bool | None = None
    request_id: str | None = None
    role_arn: str | None = None
    """The role behind the session, with its path where the record has it."""
    invoked_by: str | None = None
    """`states.amazonaws.com` where Step Functions made the call on someone's behalf."""
    region: str | None = None
    account_id: str | None = None
    seen_at: datetime | None = None
    whole: bool = True
    """False for a row of an Athena table that has only some of the columns."""
    has_request: bool = False
    """True if the record has requestParameters; a denied call's record has none."""
    has_answer: bool = False
    """True if the record has responseElements."""
    kind: str = RecordKind.TRAIL
    """The kind of record it was decoded from, which shows the record's form."""
    own: bool = False
    """True for a call that sfnwatch itself made."""
    by_person: bool = False
    """True for a row whose session name is not of the form that Step Functions uses.
    False for all whole records."""
    is_network_activity: bool = False
    """True for a network activity event. It records that a call went from a VPC through
    an endpoint, or that the endpoint's policy denied it. A call that was let through
    has a record of its own [documented]."""
    vpc_endpoint_id: str | None = None
    """The VPC endpoint that the call went through."""
    number: int = -1
    """The number of its record in the store."""
    microseconds: int = 0
    """Its event time, in microseconds since 1970."""

    @property
    def key(self) -> str:
        """The call's key, as a line and as evidence."""
        return f"{CALL_KEY}{self.event_id}"

    @property
    def role(self) -> str | None:
        """The role's name: only the name can be compared, not the ARN."""
        return role_name(self.role_arn)

    @property
    def name(self) -> CallName:
        return self.event_source, unversioned(self.event_name)

    @property
    def name_and_role(self) -> NameAndRole:
        """The call's name and its role's name.

        An attempt that may have made the call has the same two.
        """
        return (_NO_NAME if self.by_others else self.name), self.role

    @property
    def is_retryable(self) -> bool:
        """True if the SDK repeats a call with such an error by itself [inferred]."""
        code = self.error_code
        return code is not None and _RETRYABLE.search(code.lower()) is not None

    @property
    def by_step_functions(self) -> bool:
        return self.invoked_by is not None

    @property
    def by_others(self) -> bool:
        """True for a call by people or agents, who may describe the same tasks too.

        Step Functions' own calls come from no VPC of the user [inferred]. So a network
        activity event shows what somebody else did.
        """
        if self.is_network_activity:
            return True
        return self.invoked_by is None and (self.whole or self.by_person)

    @property
    def is_denied_by_endpoint(self) -> bool:
        """True for network activity that the endpoint's policy denied.

        CloudTrail has one error code for that [documented].
        """
        return self.is_network_activity and self.error_code == _DENIED_BY_ENDPOINT


by_time: Callable[[ApiCall], tuple[int, str]] = attrgetter("microseconds", "event_id")
"""A sort key for calls: by their times in microseconds, then by their ids."""


def decode_call(received: Received) -> tuple[ApiCall, Record]:
    """Return the call of a record, and the CloudTrail record that it holds.

    Raises DecodeError for a record that holds no CloudTrail record.
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
        # Among few columns, userAgent may be the only sign of Step Functions.
        call.invoked_by = call.invoked_by or _states(inner.get("userAgent"))
        session = session_name(inner)
        call.by_person = session is not None and not _OWN_SESSION.fullmatch(session)
    call.has_request = bool(inner.get("requestParameters"))
    call.has_answer = bool(inner.get("responseElements"))
    return call, inner


def cloudtrail_record(kind: str, record: Record) -> Record:
    """Return the CloudTrail record that a record of any kind holds.

    For an Event of LookupEvents, values of the record inside it come first; the Event
    only fills gaps. Old Events lack ReadOnly, EventSource and AccessKeyId. Raises
    KeyError for a row that lacks a needed column.
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
    """Return a row in the form of the record it was made from, with its columns too.

    A row without an eventid gets an id that is made from all its cells.
    """
    every = (*_COLUMNS, *_MORE_COLUMNS)
    there = [key for key in every if key in _NEEDED or key.lower() in row]
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
        is_network_activity=_is_network_activity(record),
        vpc_endpoint_id=_word(record.get("vpcEndpointId")),
        own=agent is not None and _matches(_OWN_AGENT, agent),
        region=_word(record.get("awsRegion")),
        account_id=_word(record.get("recipientAccountId"))
        or _word(identity.get("accountId")),
    )


def _is_network_activity(record: Record) -> bool:
    # A table may lack the column of the category, which is younger than that of the
    # type.
    if record.get("eventCategory") == _NETWORK_ACTIVITY:
        return True
    return _word(record.get("eventType")) in _THROUGH_ENDPOINT


def _row_id(row: Record) -> str:
    digest = hashlib.sha256(canonical(row).encode("utf-8", "surrogatepass"))
    return f"row-{digest.hexdigest()[:32]}"


def _word(value: Any) -> str | None:
    """Return a string that many calls share, kept once; None for anything else."""
    return intern(value) if type(value) is str and value else None


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get((text_of(value) or "").lower())


def _invoked_by(record: Record, identity: Mapping[str, Any]) -> str | None:
    # The userAgent has this too, but any caller can set it at will.
    return _states(identity.get("invokedBy")) or _states(record.get("sourceIPAddress"))


def _states(value: Any) -> str | None:
    found = isinstance(value, str) and _matches(_STATES, value)
    return intern(value) if found else None


@lru_cache(maxsize=1024)
def _matches(pattern: re.Pattern[str], text: str) -> bool:
    """True if the pattern is found in a text; cached, since few texts are distinct."""
    return pattern.search(text) is not None


def session_name(record: Record) -> str | None:
    """Return the name of the role session a call was made in, from its record or row.

    Step Functions uses a new random session name for every call. None where no role
    session is named.
    """
    arn = record.get("arn") or mapping_of(record.get("userIdentity")).get("arn")
    arn = text_of(arn)
    return last_segment(arn) if arn and ":assumed-role/" in arn else None


def ids_in(record: Record, error_message: str | None = None) -> set[str]:
    """Return all ids in the request, answer and error message of a CloudTrail record.

    The last segments of ARNs are included: ECS accepts a task's bare id in place of its
    ARN. A denied call has no requestParameters, so only its error names the task.
    """
    asked = record.get("requestParameters")
    answer = record.get("responseElements")
    found = strings_in([asked, answer])
    if error_message:
        found += _TOKEN.findall(error_message)
    found += [value[value.rfind("/") + 1 :] for value in found if "/" in value]
    return {value.rstrip(".,;:") for value in found if len(value) <= _LONGEST_ID}
