"""OTLP: spans for executions, states, attempts and calls, the same ids each time."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from sfnwatch.export.otlp.document import to_protobuf, traces_data
from sfnwatch.export.otlp.span_maker import SpanMaker
from tests import builders as aws
from tests.export.traces import RECORDS, export, printed, trace_of


def spans(document: Any) -> list[Any]:
    resources = document["resourceSpans"]
    return [s for r in resources for scope in r["scopeSpans"] for s in scope["spans"]]


def told(span: Any) -> dict[str, Any]:
    """Give a span's attributes as plain values."""
    found = {}
    for each in span["attributes"]:
        ((kind, value),) = each["value"].items()
        found[each["key"]] = int(value) if kind == "intValue" else value
    return found


def of_kind(document: Any, kind: str) -> list[Any]:
    return [s for s in spans(document) if told(s)["sfnwatch.kind"] == kind]


@pytest.mark.parametrize("name", RECORDS)
def test_ids_are_hex_unique_and_lead_to_spans_that_are_there(name: str) -> None:
    found = spans(json.loads(export("otlp", name)))
    known = {(span["traceId"], span["spanId"]) for span in found}
    assert len(known) == len(found)
    for span in found:
        assert re.fullmatch("[0-9a-f]{32}", span["traceId"])
        assert re.fullmatch("[0-9a-f]{16}", span["spanId"])
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        if "parentSpanId" in span:
            assert (span["traceId"], span["parentSpanId"]) in known
        for link in span.get("links", ()):
            assert (link["traceId"], link["spanId"]) in known


def test_ids_follow_from_the_arn_alone() -> None:
    one, other = export("otlp", "sync"), printed("otlp", RECORDS["denied"])
    ids = [
        {s["spanId"] for s in of_kind(json.loads(text), "try")} for text in (one, other)
    ]
    assert ids[0] == ids[1]


def test_a_call_that_fits_several_hangs_at_none_and_links_to_each() -> None:
    both = [aws.History(arn).start() for arn in (aws.ARN, aws.OTHER_ARN)]
    for run in both:
        run.task("Go", aws.SDK).end()
    records = [record for run in both for record in run.records]
    document = json.loads(printed("otlp", [*records, aws.call("RunTask", 1, key="c")]))
    (call,) = of_kind(document, "call")
    assert told(call)["sfnwatch.link.rule"] == "ambiguous"
    assert len(call["links"]) == 2


def resources(message: Any) -> Iterator[Any]:
    for resource in message.resource_spans:
        for scope in resource.scope_spans:
            yield from scope.spans


@pytest.mark.parametrize("name", RECORDS)
def test_the_protocols_bytes_say_what_the_json_does(name: str) -> None:
    document = traces_data(SpanMaker(trace_of(RECORDS[name]).as_of()).spans())
    message = TracesData.FromString(to_protobuf(document))
    for span, told_of in zip(resources(message), spans(document), strict=True):
        assert span.span_id.hex() == told_of["spanId"]
        assert span.trace_id.hex() == told_of["traceId"]
        assert span.parent_span_id.hex() == told_of.get("parentSpanId", "")
        assert span.name == told_of["name"]
        assert str(span.end_time_unix_nano) == told_of["endTimeUnixNano"]
        assert span.status.code == told_of["status"]["code"]
        keys = [each.key for each in span.attributes]
        assert keys == [each["key"] for each in told_of["attributes"]]
        assert len(span.events) == len(told_of.get("events", ()))


def test_strings_are_clean_and_long_ones_and_lists_are_cut() -> None:
    evil = "x\x1b[2J\u202e\ud800" * 1000
    jobs = [f"arn:aws:ecs:{aws.REGION}:1:task/c/{n:032}" for n in range(150)]
    submitted = aws.answer("r", *jobs)
    run = aws.History().start().task("Go", aws.SYNC, submitted=submitted, error=evil)
    document = json.loads(printed("otlp", run.end("Failed", error=evil).records))
    text = json.dumps(document, ensure_ascii=False)
    assert "\x1b" not in text
    assert "\u202e" not in text
    (attempt,) = of_kind(document, "try")
    listed = told(attempt)["sfnwatch.try.resource_ids"]["values"]
    assert len(listed) == 100
    assert len(told(attempt)["error.type"]) < 2_100
    message = TracesData.FromString(to_protobuf(document))
    assert len(list(resources(message))) == len(spans(document))
