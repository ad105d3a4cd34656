"""One CloudTrail record, decoded: a call of an AWS API, whoever made it.

The same record reaches us in three coats: inside an Event of LookupEvents (as a
JSON string), bare in a trail's files, and as a row of an Athena table. Which
columns a row has is up to its query, so everything but time and name is optional.
"""

import hashlib
import re
from array import array
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from sys import intern
from typing import Any

import msgspec

from sfnwatch.trace.arns import last_segment, role_name
from sfnwatch.trace.events import From, Received, Record
from sfnwatch.trace.history import DecodeError
from sfnwatch.trace.packed import Packed, opened, pack
from sfnwatch.trace.payload import (
    canonical,
    mapping_of,
    parse_json,
    strings_in,
    text_of,
)
from sfnwatch.trace.times import parse_time
from sfnwatch.trace.values import replace

# China's and GovCloud's spelling is not settled by any recording: accept all.
_STATES = re.compile(r"states\.[a-z0-9.-]*amazonaws\.com(\.[a-z]{2})?")
_OWN_AGENT = re.compile(r"\bsfnwatch/\d")
_COATS: Mapping[str, str] = {
    From.LOOKUP: "EventName",
    From.TRAIL: "eventName",
    From.ATHENA: "eventname",
}
"""The sources of calls, and where their records have the name of the call."""
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


class ApiCall(msgspec.Struct, frozen=True, gc=False):
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
    user_agent: str | None = None
    region: str | None = None
    account_id: str | None = None
    seen_at: datetime | None = None
    whole: bool = True
    """False for a row of an Athena table which has only some of the columns."""
    asks: bool = False
    """True if the record has a request; that of a denied call has none."""
    answers: bool = False
    """True if the record has an answer."""
    marks: bytes = b""
    """The hashes of `ids`, as `marks_of` gives them."""
    coat: str = From.TRAIL
    """The source it came from, and so the shape of `record`."""
    record: Record = {}
    """What was received, mostly packed."""

    @property
    def raw(self) -> Record:
        """The CloudTrail record itself, or the row: read anew each time."""
        return _inner(self.coat, opened(self.record))

    @property
    def role(self) -> str | None:
        """The role's name, which is all that can be compared."""
        return role_name(self.role_arn)

    @property
    def session_name(self) -> str | None:
        """A fresh random name for every call Step Functions makes."""
        raw = self.raw
        if self.coat == From.ATHENA:
            return _session(text_of(raw.get("arn")))
        return _session(text_of(mapping_of(raw.get("userIdentity")).get("arn")))

    @property
    def by_step_functions(self) -> bool:
        """True for a call made by states.amazonaws.com on someone's behalf."""
        return self.invoked_by is not None

    @property
    def stranger(self) -> bool:
        """True for a call by people or agents, who describe the same tasks."""
        return self.whole and self.invoked_by is None

    @property
    def own(self) -> bool:
        """True for a call that sfnwatch itself made."""
        return self.user_agent is not None and _is_own_agent(self.user_agent)

    @property
    def ids(self) -> frozenset[str]:
        """Every id the call names: in its request, its answer, its error."""
        return ids_in(self.raw, self.error_message)


def ids_in(record: Record, error_message: str | None = None) -> frozenset[str]:
    """Give every id that a record names.

    ECS takes a task's bare id for its ARN, so last segments count as well. A denied
    call has no requestParameters: then only the error names the task.
    """
    asked, answer = record.get("requestParameters"), record.get("responseElements")
    found = strings_in([asked, answer])
    if error_message:
        found += _TOKEN.findall(error_message)
    found += [value[value.rfind("/") + 1 :] for value in found if "/" in value]
    return frozenset([value.rstrip(".,;:") for value in found])


def marks_of(ids: Iterable[str]) -> bytes:
    """Give the hashes of ids: 64 bits of a keyed hash tell any two apart.

    That two of a million are alike has a chance of one in 30 million.
    """
    return array("q", sorted(map(hash, ids))).tobytes()


@lru_cache(maxsize=1024)
def _is_own_agent(user_agent: str) -> bool:
    return _OWN_AGENT.search(user_agent) is not None


class _Read(Packed, frozen=True, gc=False, eq=False):
    """A packed record with the call that was decoded of it."""

    call: ApiCall


def read_call(received: Received) -> Received:
    """Give what need not be decoded again, whenever that is; raises DecodeError.

    A file's records are looked at twice, and not one after the other: all of them as
    they are read, and then as they are put together.
    """
    call = decode_call(received)
    kept: Any = call.record
    if not isinstance(kept, Packed):
        return received
    data: Any = _Read(kept.text, kept.sample, call)
    return replace(received, data=data)


_RECENT_MOST = 512
_RECENT: dict[int, tuple[Record, ApiCall]] = {}
"""What was decoded last, by the identity of its record, which it keeps alive."""


def decode_call(received: Received) -> ApiCall:
    """Decode a call; raises DecodeError for a record that is none.

    One that comes in is looked at by several, one after the other: whoever asks
    whether it concerns them, and the trace. It is decoded once.
    """
    known = _recent(received)
    if known is not None and known.seen_at is received.at:
        return known
    call = _decoded(received)
    if len(_RECENT) >= _RECENT_MOST:
        _RECENT.clear()
    for record in (received.data, call.record):
        _RECENT[id(record)] = record, call
    return call


def _recent(received: Received) -> ApiCall | None:
    data: Any = received.data
    if type(data) is _Read:
        return data.call if data.call.coat == received.source else None
    record, call = _RECENT.get(id(data), (None, None))
    if call is None or record is not received.data or call.coat != received.source:
        return None
    return call


def _decoded(received: Received) -> ApiCall:
    try:
        return _decode(received)
    except KeyError as error:
        msg = f"a CloudTrail record without {error}"
        raise DecodeError(msg) from error
    except (ValueError, TypeError) as error:
        msg = f"not a CloudTrail record: {error}"
        raise DecodeError(msg) from error


def packed(received: Received) -> Received:
    """Pack a call's record, if it is one, for what keeps very many."""
    if received.source not in _COATS or isinstance(received.data, Packed):
        return received
    known = _recent(received)
    record = known.record if known else _pack(received.source, received.data)
    return replace(received, data=record)


def _pack(coat: str, data: Record) -> Record:
    name = data.get(_COATS.get(coat, ""))
    return pack(data, f"{coat} {name}")


def _decode(received: Received) -> ApiCall:
    data = opened(received.data)
    inner = _inner(received.source, data)
    is_row = received.source == From.ATHENA
    decoded = _from_row(data) if is_row else _from_record(inner)
    kept = received.data
    return ApiCall(
        **decoded,
        seen_at=received.at,
        asks=bool(inner.get("requestParameters")),
        answers=bool(inner.get("responseElements")),
        marks=marks_of(ids_in(inner, decoded["error_message"])),
        coat=received.source,
        record=kept if isinstance(kept, Packed) else _pack(received.source, kept),
    )


def _inner(coat: str, data: Record) -> Record:
    """Take the record out of its coat.

    Of an Event of LookupEvents the record inside it has the last word; old envelopes
    lack ReadOnly, EventSource and AccessKeyId.
    """
    if coat == From.ATHENA:
        return {
            **data,
            "requestParameters": parse_json(data.get("requestparameters")),
            "responseElements": parse_json(data.get("responseelements")),
        }
    if coat != From.LOOKUP:
        return data
    outer = {
        "eventID": data.get("EventId"),
        "eventTime": data.get("EventTime"),
        "eventName": data.get("EventName"),
        "eventSource": data.get("EventSource"),
        "readOnly": data.get("ReadOnly"),
    }
    known = {key: value for key, value in outer.items() if value is not None}
    record = {**known, **mapping_of(parse_json(data.get("CloudTrailEvent")))}
    if "eventID" in known and record["eventID"] == known["eventID"]:
        # Whoever asked knows the call by this very string, which need not be twice.
        record["eventID"] = known["eventID"]
    return record


def _from_record(record: Record) -> dict[str, Any]:
    identity = mapping_of(record.get("userIdentity"))
    session = mapping_of(identity.get("sessionContext"))
    issuer = mapping_of(session.get("sessionIssuer"))
    return {
        "event_id": _required(record, "eventID"),
        "event_time": parse_time(record["eventTime"]).replace(microsecond=0),
        "event_source": _word(record.get("eventSource")) or "",
        "event_name": intern(_required(record, "eventName")),
        "error_code": _word(record.get("errorCode")),
        "error_message": text_of(record.get("errorMessage")),
        "read_only": _truth(record.get("readOnly")),
        "request_id": text_of(record.get("requestID")),
        "role_arn": _word(issuer.get("arn")) or text_of(identity.get("arn")),
        "invoked_by": _invoked_by(record, identity),
        "user_agent": _word(record.get("userAgent")),
        "region": _word(record.get("awsRegion")),
        "account_id": _word(record.get("recipientAccountId"))
        or _word(identity.get("accountId")),
        "whole": True,
    }


def _from_row(row: Record) -> dict[str, Any]:
    """Decode a row; one without an eventid is known by all it says."""
    agent = _word(row.get("useragent"))
    whole = row.keys() >= _WHOLE
    invoked_by = _invoked_by_row(row)
    return {
        "event_id": text_of(row.get("eventid")) or _row_id(row),
        "event_time": parse_time(row["eventtime"]).replace(microsecond=0),
        "event_source": intern(_required(row, "eventsource")),
        "event_name": intern(_required(row, "eventname")),
        "error_code": _word(row.get("errorcode")),
        "error_message": text_of(row.get("errormessage")),
        "read_only": _truth(row.get("readonly")),
        "request_id": text_of(row.get("requestid")),
        "role_arn": _word(row.get("issuerarn")) or text_of(row.get("arn")),
        # Of a few columns this one may be all there is to tell by.
        "invoked_by": invoked_by if whole else invoked_by or _states(agent),
        "user_agent": agent,
        "region": _word(row.get("awsregion")),
        "account_id": _word(row.get("recipientaccountid"))
        or _word(row.get("accountid")),
        "whole": whole,
    }


def _invoked_by_row(row: Record) -> str | None:
    return _states(row.get("invokedby")) or _states(row.get("sourceipaddress"))


def _row_id(row: Record) -> str:
    digest = hashlib.sha256(canonical(row).encode("utf-8", "surrogatepass"))
    return f"row-{digest.hexdigest()[:32]}"


def _word(value: Any) -> str | None:
    """Take a string of which there are few, and keep it but once."""
    return intern(value) if type(value) is str and value else None


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
    return intern(name) if name is not None and _is_states(name) else None


@lru_cache(maxsize=1024)
def _is_states(name: str) -> bool:
    return _STATES.fullmatch(name) is not None
