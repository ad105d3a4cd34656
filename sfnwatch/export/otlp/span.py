"""A span of OpenTelemetry, and its parts as OTLP/JSON.

The JSON is written by hand: protobuf's own writer has ids in base64, and the protocol
requires lower-case hex.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from sfnwatch.export.call_window import BarSpan as Times
from sfnwatch.export.call_window import micros
from sfnwatch.model.texts import clean

Json = dict[str, Any]
Attributes = Mapping[str, Any]
"""Strings, numbers, booleans and tuples of strings; without None and empty values."""
_NAME = 200
TEXT_CHARACTERS = 2_000
_LISTED = 100
_NOTHING = (None, "", ())
_MOST_LINKS = 128
"""The most links of a span: as many as OpenTelemetry's own SDKs keep by default."""
_INTERNAL = 1
"""OpenTelemetry's kind of a span within a program."""


class OtlpSpan(Struct, frozen=True, kw_only=True):
    """One span, with the fields that OpenTelemetry has."""

    resource: Attributes
    """The source of the span: a state machine, or a service that was called."""
    ids: tuple[str, str, str | None]
    """The ids of its trace, of itself and of its parent, in hex."""
    name: str
    times: Times
    attributes: Attributes
    status: Json
    events: Sequence[Json]
    links: Sequence[Json] = ()
    kind: int = _INTERNAL
    settled: bool = False
    """True if time will not change it: it has ended, or an id matches it."""

    @property
    def id(self) -> str:
        return self.ids[1]

    def json(self) -> Json:
        """Return it as OTLP/JSON, in which 64-bit numbers are strings."""
        trace_id, span_id, parent_id = self.ids
        begin, end = self.times
        dropped_count = None
        if self.links:
            dropped_count = max(0, len(self.links) - _MOST_LINKS)
        fields = {
            "traceId": trace_id,
            "spanId": span_id,
            "parentSpanId": parent_id,
            "name": clean(self.name, _NAME),
            "kind": self.kind,
            "startTimeUnixNano": nanoseconds(begin),
            "endTimeUnixNano": nanoseconds(max(begin, end)),
            "attributes": attribute_list(self.attributes),
            "events": self.events or None,
            "links": self.links[:_MOST_LINKS] or None,
            "droppedLinksCount": dropped_count,
            "status": self.status,
        }
        return {key: value for key, value in fields.items() if value is not None}


def span_event(at: datetime, name: str, attributes: Attributes | None = None) -> Json:
    return {
        "timeUnixNano": nanoseconds(at),
        "name": name,
        "attributes": attribute_list(attributes or {}),
    }


def span_link(trace_id: str, span_id: str, attributes: Attributes) -> Json:
    return {
        "traceId": trace_id,
        "spanId": span_id,
        "attributes": attribute_list(attributes),
    }


def nanoseconds(at: datetime) -> str:
    return str(micros(at) * 1000)


def attribute_list(attributes: Attributes) -> list[Json]:
    """Return attributes as OTLP/JSON: cleaned, and without those that have no value."""
    listed: list[Json] = []
    for key, value in attributes.items():
        if value not in _NOTHING:
            listed.append({"key": key, "value": _value(value)})
    return listed


def _value(value: Any) -> Json:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case tuple():
            items = [_value(item) for item in value[:_LISTED]]
            return {"arrayValue": {"values": items}}
    return {"stringValue": clean(str(value), TEXT_CHARACTERS)}
