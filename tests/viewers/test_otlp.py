"""OTLP/JSON, read as the messages of OpenTelemetry's own definition."""

import base64
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from sfnwatch.export.otlp import dump
from tests.viewers.readers import parse_otlp
from tests.viewers.traces import TRACES

_IDS = {"traceId", "spanId", "parentSpanId"}


def document(name: str) -> Any:
    out = StringIO()
    dump(TRACES[name], out)
    return json.loads(out.getvalue())


def as_protobuf_has_it(value: Any, key: str = "") -> Any:
    """Turn ids from hex, as OTLP has them, to base64, as protobuf's own JSON has."""
    if isinstance(value, dict):
        return {k: as_protobuf_has_it(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [as_protobuf_has_it(item) for item in value]
    if key in _IDS:
        return base64.b64encode(bytes.fromhex(value)).decode()
    return value


def spans(traces: Any) -> Iterator[Any]:
    for resource in traces.resource_spans:
        for scope in resource.scope_spans:
            yield from scope.spans


@pytest.mark.parametrize("name", TRACES)
def test_it_parses_as_the_definition_says(name: str) -> None:
    traces = parse_otlp(as_protobuf_has_it(document(name)))
    known = {(span.trace_id, span.span_id): span for span in spans(traces)}
    assert len(known) == sum(1 for _ in spans(traces))
    for span in known.values():
        assert (len(span.trace_id), len(span.span_id)) == (16, 8)
        assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano
        if span.parent_span_id:
            assert (span.trace_id, span.parent_span_id) in known
        for link in span.links:
            assert (link.trace_id, link.span_id) in known
