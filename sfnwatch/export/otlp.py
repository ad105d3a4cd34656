"""A trace as OTLP/JSON, for Jaeger, the OpenTelemetry Collector and other viewers.

An execution is a trace: a span for it, one for each state, each try and each call.
All stand in one line, as the Collector's file receiver wants. The ids come from the
execution's ARN, so an execution exported twice is the same trace.

A call that is tied to one try, exactly or as the only one that fits, is its child. One
that fits several hangs at their execution, with span links to each of them, and so
does one that only the role ties; where even the execution is open, it is a trace of
its own. The attribute `sfnwatch.link.rule` says which it is.
"""

from collections.abc import Iterator
from typing import TextIO

import sfnwatch
from sfnwatch.export.otlp_calls import call_resource, call_span
from sfnwatch.export.otlp_states import execution_resource, execution_spans
from sfnwatch.export.otlp_values import Json, attributes
from sfnwatch.export.placing import last_moment
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.payload import ascii_json
from sfnwatch.trace.timeline import Trace


def dump(trace: Trace, out: TextIO) -> None:
    """Print the trace as one TracesData object; equal traces give equal texts."""
    out.write(f"{ascii_json({'resourceSpans': list(resource_spans(trace))})}\n")


def resource_spans(trace: Trace) -> Iterator[Json]:
    """Yield the spans of a trace: by state machine, then by the services called."""
    now = last_moment(trace)
    for timeline in trace.histories.values():
        spans = list(execution_spans(trace, timeline, now))
        if spans:
            yield _resource(execution_resource(timeline), spans)
    by_lane: dict[tuple[tuple[str, object], ...], list[Json]] = {}
    for row in build_lanes(trace).rows:
        if row.call is not None:
            lane = tuple(call_resource(row.call).items())
            by_lane.setdefault(lane, []).append(call_span(row, row.call))
    for lane, spans in by_lane.items():
        yield _resource(dict(lane), spans)


def _resource(values: dict[str, object], spans: list[Json]) -> Json:
    scope = {"name": "sfnwatch", "version": sfnwatch.__version__}
    return {
        "resource": {"attributes": attributes(values)},
        "scopeSpans": [{"scope": scope, "spans": spans}],
    }
