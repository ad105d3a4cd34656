"""One CloudTrail record, decoded: a call of an AWS API, whoever made it.

The same record reaches us in three coats: inside an Event of LookupEvents (as a
JSON string), bare in a trail's files, and as a row of an Athena table. Which
columns a row has is up to its query, so everything but time and name is optional.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from sfnwatch.trace.arns import last_segment, role_name
from sfnwatch.trace.events import From, Received, Record
from sfnwatch.trace.history import DecodeError
from sfnwatch.trace.payload import (
    canonical,
    mapping_of,
    parse_json,
    strings_in,
    text_of,
)
from sfnwatch.trace.times import parse_time

# China's and GovCloud's spelling is not settled by any recording: accept all.
_STATES = re.compile(r"states\.[a-z0-9.-]*amazonaws\.com(\.[a-z]{2})?")
_OWN_AGENT = re.compile(r"\bsfnwatch/\d")
_TOKEN = re.compile(r"[A-Za-z0-9:/_.+=@-]+")
_WHOLE = frozenset(
    {
        *("eventid", "eventtime", "eventsource", "eventname", "errorcode"),
        *("errormessage", "readonly", "requestid", "arn", "issuerarn", "accountid"),
        *("invokedby", "sourceipaddress", "useragent", "awsregion"),
        *("recipientaccountid", "requestparameters", "responseelements"),
    }
)
"""The columns of a row that tells all that a record would, null or not."""


@dataclass(frozen=True)
class ApiCall:
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
    session_name: str | None = None
    """A fresh random name for every call Step Functions makes."""
    invoked_by: str | None = None
    user_agent: str | None = None
    region: str | None = None
    account_id: str | None = None
    seen_at: datetime | None = None
    whole: bool = True
    """False for a row of an Athena table which has only some of the columns."""
    raw: Record = field(default_factory=dict, repr=False)
    """The CloudTrail record itself, or the row."""

    @property
    def role(self) -> str | None:
        """The role's name, which is all that can be compared."""
        return role_name(self.role_arn)

    @property
    def by_step_functions(self) -> bool:
        """True for a call made by states.amazonaws.com on someone's behalf."""
        return self.invoked_by is not None

    @property
    def own(self) -> bool:
        """True for a call that sfnwatch itself made."""
        return bool(self.user_agent and _OWN_AGENT.search(self.user_agent))

    @cached_property
    def ids(self) -> frozenset[str]:
        """Every id the call names: in its request, its answer, its error.

        ECS takes a task's bare id for its ARN, so last segments count as well. A
        denied call has no requestParameters: then only the error names the task.
        """
        raw = self.raw
        asked, answer = raw.get("requestParameters"), raw.get("responseElements")
        found = strings_in([asked, answer])
        if self.error_message:
            found += _TOKEN.findall(self.error_message)
        found += [last_segment(value) for value in found if "/" in value]
        return frozenset([value.rstrip(".,;:") for value in found])


def decode_call(received: Received) -> ApiCall:
    """Decode a call; raises DecodeError for a record that is none."""
    try:
        return _decode(received)
    except KeyError as error:
        msg = f"a CloudTrail record without {error}"
        raise DecodeError(msg) from error
    except (ValueError, TypeError) as error:
        msg = f"not a CloudTrail record: {error}"
        raise DecodeError(msg) from error


def _decode(received: Received) -> ApiCall:
    if received.source == From.LOOKUP:
        return _from_lookup(received.data, received.at)
    if received.source == From.ATHENA:
        return _from_row(received.data, received.at)
    return _from_record(received.data, received.at)


def _from_lookup(event: Record, seen_at: datetime | None) -> ApiCall:
    """Decode an Event of LookupEvents; the record inside it has the last word.

    Old envelopes lack ReadOnly, EventSource and AccessKeyId.
    """
    inner = mapping_of(parse_json(event.get("CloudTrailEvent")))
    outer = {
        "eventID": event.get("EventId"),
        "eventTime": event.get("EventTime"),
        "eventName": event.get("EventName"),
        "eventSource": event.get("EventSource"),
        "readOnly": event.get("ReadOnly"),
    }
    known = {key: value for key, value in outer.items() if value is not None}
    return _from_record({**known, **inner}, seen_at)


def _from_record(record: Record, seen_at: datetime | None) -> ApiCall:
    identity = mapping_of(record.get("userIdentity"))
    session = mapping_of(identity.get("sessionContext"))
    issuer = mapping_of(session.get("sessionIssuer"))
    arn = text_of(identity.get("arn"))
    return ApiCall(
        event_id=_required(record, "eventID"),
        event_time=parse_time(record["eventTime"]).replace(microsecond=0),
        event_source=text_of(record.get("eventSource")) or "",
        event_name=_required(record, "eventName"),
        error_code=text_of(record.get("errorCode")),
        error_message=text_of(record.get("errorMessage")),
        read_only=_truth(record.get("readOnly")),
        request_id=text_of(record.get("requestID")),
        role_arn=text_of(issuer.get("arn")) or arn,
        session_name=_session(arn),
        invoked_by=_invoked_by(record, identity),
        user_agent=text_of(record.get("userAgent")),
        region=text_of(record.get("awsRegion")),
        account_id=text_of(record.get("recipientAccountId"))
        or text_of(identity.get("accountId")),
        seen_at=seen_at,
        raw=record,
    )


def _from_row(row: Record, seen_at: datetime | None) -> ApiCall:
    """Decode a row; one without an eventid is known by all it says."""
    arn = text_of(row.get("arn"))
    agent = text_of(row.get("useragent"))
    whole = row.keys() >= _WHOLE
    invoked_by = _invoked_by_row(row)
    return ApiCall(
        event_id=text_of(row.get("eventid")) or _row_id(row),
        event_time=parse_time(row["eventtime"]).replace(microsecond=0),
        event_source=_required(row, "eventsource"),
        event_name=_required(row, "eventname"),
        error_code=text_of(row.get("errorcode")),
        error_message=text_of(row.get("errormessage")),
        read_only=_truth(row.get("readonly")),
        request_id=text_of(row.get("requestid")),
        role_arn=text_of(row.get("issuerarn")) or arn,
        session_name=_session(arn),
        # Of a few columns this one may be all there is to tell by.
        invoked_by=invoked_by if whole else invoked_by or _states(agent),
        user_agent=agent,
        region=text_of(row.get("awsregion")),
        account_id=text_of(row.get("recipientaccountid"))
        or text_of(row.get("accountid")),
        seen_at=seen_at,
        whole=whole,
        raw={
            **row,
            "requestParameters": parse_json(row.get("requestparameters")),
            "responseElements": parse_json(row.get("responseelements")),
        },
    )


def _invoked_by_row(row: Record) -> str | None:
    return _states(row.get("invokedby")) or _states(row.get("sourceipaddress"))


def _row_id(row: Record) -> str:
    digest = hashlib.sha256(canonical(row).encode("utf-8", "surrogatepass"))
    return f"row-{digest.hexdigest()[:32]}"


def _required(record: Record, key: str) -> str:
    value = record[key]
    if not isinstance(value, str) or not value:
        msg = f"{key} is {value!r:.60}"
        raise ValueError(msg)
    return value


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get((text_of(value) or "").lower())


def _session(arn: str | None) -> str | None:
    """Take the session's name off `…:assumed-role/ROLE/SESSION`."""
    if arn and ":assumed-role/" in arn:
        return last_segment(arn)
    return None


def _invoked_by(record: Record, identity: Mapping[str, Any]) -> str | None:
    # It is the userAgent as well, but anyone may call themselves what they like there.
    claims = (identity.get("invokedBy"), record.get("sourceIPAddress"))
    return next((found for found in map(_states, claims) if found), None)


def _states(value: Any) -> str | None:
    name = text_of(value)
    if name is None:
        return None
    return name if name == "states.amazonaws.com" or _STATES.fullmatch(name) else None
