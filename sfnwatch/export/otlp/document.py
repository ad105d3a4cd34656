"""Spans as a document: a file of OTLP/JSON, or the protocol's own bytes."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TextIO

import sfnwatch
from sfnwatch.analysis.grouping import grouped
from sfnwatch.export.otlp.span import Json, OtlpSpan, attribute_list
from sfnwatch.export.otlp.span_maker import SpanMaker
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.values import ascii_json

_IDS = frozenset({"traceId", "spanId", "parentSpanId"})
_LONG = frozenset({"timeUnixNano", "startTimeUnixNano", "endTimeUnixNano", "intValue"})
"""The keys of 64-bit numbers, which are strings in JSON."""
_CAPITAL = re.compile("([A-Z])")


def dump(snapshot: Snapshot, out: TextIO) -> None:
    """Print the trace as one TracesData object; equal traces give equal texts."""
    spans = SpanMaker(snapshot).spans()
    document = traces_data(spans)
    out.write(f"{ascii_json(document)}\n")


def traces_data(spans: Iterable[OtlpSpan]) -> Json:
    """Return a TracesData message as JSON values."""
    scope = {"name": "sfnwatch", "version": sfnwatch.__version__}
    spans_by_resource = grouped(spans, lambda span: tuple(span.resource.items()))
    resource_spans = []
    for resource, its_spans in spans_by_resource.items():
        attributes = attribute_list(dict(resource))
        scope_spans = {"scope": scope, "spans": [span.json() for span in its_spans]}
        resource_spans.append(
            {"resource": {"attributes": attributes}, "scopeSpans": [scope_spans]}
        )
    return {"resourceSpans": resource_spans}


def to_protobuf(document: Mapping[str, Any]) -> bytes:
    """Return the result of `traces_data` as the bytes of a TracesData message.

    Collectors take an ExportTraceServiceRequest, which has the same bytes. Protobuf's
    own reader of JSON takes ten times as long.
    """
    # Only needed for sending spans, and slow to load.
    from opentelemetry.proto.trace.v1.trace_pb2 import TracesData  # noqa: PLC0415

    data: bytes = TracesData(**_as_protobuf(document)).SerializeToString()
    return data


def _as_protobuf(value: Any, key: str = "") -> Any:
    """Return the value of a JSON key in the form that protobuf's messages take."""
    if isinstance(value, dict):
        fields: dict[str, Any] = {}
        for name, inner in value.items():
            fields[_snake(name)] = _as_protobuf(inner, name)
        return fields
    if isinstance(value, list):
        return [_as_protobuf(item) for item in value]
    if key in _IDS:
        return bytes.fromhex(value)
    if key in _LONG:
        return int(value)
    return value


@lru_cache(maxsize=64)
def _snake(key: str) -> str:
    return _CAPITAL.sub(r"_\1", key).lower()
