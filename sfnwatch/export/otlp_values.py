"""The small parts of OTLP/JSON: ids, times, attributes, statuses.

As the OTLP specification has them: ids are lower-case hex, 64-bit numbers strings.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from hashlib import sha256
from typing import Any

from sfnwatch.export.placing import micros
from sfnwatch.trace.text import clean
from sfnwatch.trace.words import cause_words

Json = dict[str, Any]
_LIMIT = 2_000
_LISTED = 100
_MOST_LINKS = 128
"""As many as OpenTelemetry's own SDKs keep by default."""


class SpanKind(IntEnum):
    INTERNAL = 1
    CLIENT = 3


class Code(IntEnum):
    UNSET = 0
    OK = 1
    ERROR = 2


_CODES = {
    "succeeded": Code.OK,
    "failed": Code.ERROR,
    "timed_out": Code.ERROR,
    "aborted": Code.ERROR,
}
"""A state whose failure was caught is neither; what runs is not over."""


def trace_id(arn: str) -> str:
    """Give a trace's 16 bytes: always the same for an execution."""
    return _hash("trace", arn)[:32]


def span_id(arn: str, kind: str, number: object = "") -> str:
    """Give a span's 8 bytes: always the same for a part of an execution."""
    return _hash(kind, str(number), arn)[:16]


def _hash(*parts: str) -> str:
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def nanos(at: datetime) -> str:
    return str(micros(at) * 1000)


def status(word: str, message: str | None = None) -> Json:
    """Put an outcome, in AWS's words in lower case, into OpenTelemetry's three."""
    code = _CODES.get(word, Code.UNSET)
    if code is not Code.ERROR:
        return {"code": int(code)}
    return {"code": int(code), "message": clean(message or word, _LIMIT)}


def attributes(values: Mapping[str, Any]) -> list[Json]:
    """Write attributes, those without a value left out."""
    return [
        {"key": key, "value": _value(value)}
        for key, value in values.items()
        if value is not None and value not in ("", ())
    ]


def _value(value: Any) -> Json:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, tuple):
        listed = [_value(item) for item in value[:_LISTED]]
        return {"arrayValue": {"values": listed}}
    return {"stringValue": clean(str(value), _LIMIT)}


def event(at: datetime, name: str, values: Mapping[str, Any]) -> Json:
    return {
        "timeUnixNano": nanos(at),
        "name": name,
        "attributes": attributes(values),
    }


def exception(at: datetime, error: str | None, cause: str | None) -> list[Json]:
    """Give the event that says what went wrong; none where nothing did."""
    if error is None and cause is None:
        return []
    message = cause_words(cause) if cause else None
    values = {"exception.type": error, "exception.message": message}
    return [event(at, "exception", values)]


def link(trace: str, span: str, values: Mapping[str, Any]) -> Json:
    return {"traceId": trace, "spanId": span, "attributes": attributes(values)}


def span(
    ids: tuple[str, str, str | None],
    name: str,
    times: tuple[datetime, datetime],
    values: Mapping[str, Any],
    *,
    outcome: Json,
    kind: SpanKind = SpanKind.INTERNAL,
    events: list[Json] | None = None,
    links: list[Json] | None = None,
) -> Json:
    """Write a span; `ids` are its trace's, its own and its parent's."""
    begin, end = times
    told: Json = {"traceId": ids[0], "spanId": ids[1]}
    if ids[2] is not None:
        told["parentSpanId"] = ids[2]
    told |= {
        "name": clean(name, 200),
        "kind": int(kind),
        "startTimeUnixNano": nanos(begin),
        "endTimeUnixNano": nanos(max(begin, end)),
        "attributes": attributes(values),
    }
    if events:
        told["events"] = events
    if links:
        told["links"] = links[:_MOST_LINKS]
        told["droppedLinksCount"] = len(links) - len(told["links"])
    told["status"] = outcome
    return told
