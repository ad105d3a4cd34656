"""Spans to a collector on loopback: each once, whatever the collector does."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from sfnwatch.clock import Clock, SpedClock
from sfnwatch.export.otlp import SpanMaker
from sfnwatch.export.otlp_exporter import (
    HEADERS,
    OtlpExporter,
    headers_of,
    traces_url,
)
from sfnwatch.model.records import (
    Batch,
    HealthState,
    Received,
    RecordKind,
    SourceHealth,
    decode_health,
)
from sfnwatch.model.trace import Trace
from tests import builders as aws
from tests import examples
from tests.export.traces import RECORDS
from tests.sources.loopback import served

RUN = aws.sync_run()
SPEED = 200.0
PROTOBUF = "application/x-protobuf"
Answer = Callable[[int], web.StreamResponse]


class Collector:
    """A collector that keeps what it is sent, and answers as it is told to."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[web.Request] = []
        self.spans: list[Any] = []
        self.answer: Answer = lambda _: web.Response(content_type=PROTOBUF)

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        answer = self.answer(len(self.requests))
        self.requests.append(request)
        if answer.status == 200:
            told = ExportTraceServiceRequest.FromString(body)
            for resource in told.resource_spans:
                for scope in resource.scope_spans:
                    self.spans += scope.spans
        return answer

    @property
    def kinds(self) -> list[str]:
        return [
            next(a for a in s.attributes if a.key == "sfnwatch.kind").value.string_value
            for s in self.spans
        ]


@pytest.fixture(name="collector")
async def _collector() -> AsyncIterator[Collector]:
    collector = Collector("")
    async with served(collector.take) as url:
        collector.url = url
        yield collector


async def watch(
    url: str,
    *batches: Batch,
    pause: float = 20,
    patience: float = 10,
    clock: Clock | None = None,
) -> list[SourceHealth]:
    """Watch batches with a collector, a while between each; give how that went."""
    trace, clock = Trace(), clock or SpedClock(SPEED)
    exporter = OtlpExporter(trace, url, clock, timeout=patience)
    healths: list[SourceHealth] = []

    async def feed() -> None:
        for batch in batches:
            exporter(batch, trace.add(batch))
            await clock.sleep(pause)
        exporter.close()

    async def listen() -> None:
        async for batch in exporter.batches():
            healths.extend(decode_health(received.record) for received in batch)

    async with asyncio.TaskGroup() as group:
        group.create_task(feed())
        group.create_task(listen())
    return healths


def span_ids(records: Sequence[Received]) -> set[str]:
    trace = Trace()
    trace.add(records)
    return {span.id for span in SpanMaker(trace.as_of()).spans()}


def test_the_path_is_the_protocols_unless_it_is_given() -> None:
    assert traces_url("http://x:4318") == "http://x:4318/v1/traces"
    assert traces_url("https://x/otlp/") == "https://x/otlp/v1/traces"
    assert traces_url("https://x/v1/traces") == "https://x/v1/traces"


def test_headers_are_read_as_opentelemetry_has_them() -> None:
    assert headers_of({}) == {}
    assert headers_of({HEADERS: "a=1,b=x%3Dy,,=2,nothing"}) == {"a": "1", "b": "x=y"}


async def test_what_has_ended_is_sent_on_the_way_and_the_rest_at_the_end(
    collector: Collector,
) -> None:
    healths = await watch(collector.url, RUN[:8], RUN[8:12], RUN[12:])
    assert [health.state for health in healths] == [HealthState.LIVE]
    assert len(collector.requests) > 1
    assert collector.kinds.count("execution") == 1
    assert collector.kinds.index("execution") > 2, "it comes at the end"
    sent = [span.span_id.hex() for span in collector.spans]
    assert sorted(sent) == sorted(span_ids(RUN))


@pytest.mark.parametrize("name", ["shop", "photos", "redriven", "several", "nothing"])
async def test_every_span_arrives_once(collector: Collector, name: str) -> None:
    records = RECORDS[name]
    batches = [records[at : at + 5] for at in range(0, len(records), 5)]
    await watch(collector.url, *batches, pause=4)
    sent = [span.span_id.hex() for span in collector.spans]
    assert sorted(sent) == sorted(span_ids(records))


async def test_many_spans_are_sent_in_parts(collector: Collector) -> None:
    run = aws.History(pace=0.01).start()
    for number in range(1_200):
        run.state(f"State {number}")
    await watch(collector.url, run.end().records)
    assert len(collector.spans) == 1_201
    assert len(collector.requests) >= 3


async def test_a_collector_in_trouble_is_said_and_nothing_is_lost(
    collector: Collector,
) -> None:
    fine = collector.answer
    collector.answer = lambda n: web.Response(status=503) if n < 2 else fine(n)
    healths = await watch(collector.url, RUN[:12], RUN[12:], [], [])
    states = [health.state for health in healths]
    assert states[0] is HealthState.RETRYING
    assert states[-1] is HealthState.LIVE
    assert {span.span_id.hex() for span in collector.spans} == span_ids(RUN)


@pytest.mark.parametrize("dated", [False, True])
async def test_it_is_not_asked_again_before_the_time_it_names(
    collector: Collector, *, dated: bool
) -> None:
    asked: list[datetime] = []
    fine = collector.answer
    clock = SpedClock(SPEED)

    def busy(number: int) -> web.StreamResponse:
        asked.append(clock.now())
        at = format_datetime(clock.now() + timedelta(seconds=40), usegmt=True)
        wait = {"Retry-After": at if dated else "40"}
        return web.Response(status=429, headers=wait) if number == 0 else fine(number)

    collector.answer = busy
    await watch(collector.url, RUN, [], [], [], pause=20, clock=clock)
    assert (asked[1] - asked[0]).total_seconds() >= 39 - dated


FULL = ExportTracePartialSuccess(rejected_spans=2, error_message="tenant is full")


@pytest.mark.parametrize(
    ("status", "more", "said"),
    [
        (401, {"text": "no key\x1b[2J"}, "it answered 401 no key"),
        (
            400,
            {"body": FULL.SerializeToString(), "content_type": PROTOBUF},
            "it answered 400 tenant is full",
        ),
        (
            307,
            {"headers": {"Location": "http://user:pw@evil.example:81/v1/traces"}},
            "a redirect to http://evil.example:81, not followed",
        ),
        (200, {"body": b"x" * (3 << 20)}, "answered with more than 1.0 MiB"),
    ],
)
async def test_one_that_refuses_is_asked_no_more(
    collector: Collector, status: int, more: Any, said: str
) -> None:
    collector.answer = lambda _: web.Response(status=status, **more)
    (health,) = await watch(collector.url, RUN[:12], RUN[12:])
    assert health.state is HealthState.REFUSED
    assert said in health.message
    assert health.message.isprintable()
    assert "pw" not in health.message
    assert len(collector.requests) == 1


async def test_spans_that_were_left_out_are_said(collector: Collector) -> None:
    body = ExportTraceServiceResponse(partial_success=FULL).SerializeToString()
    collector.answer = lambda _: web.Response(body=body, content_type=PROTOBUF)
    (health,) = await watch(collector.url, RUN)
    assert health.message == "The collector left out 2 spans: tenant is full."


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"\xff\xff\xff", PROTOBUF),
        (200, b"<html>hello", "text/html"),
        (202, b"", "text/plain"),
        (200, b"{}", "application/json"),
    ],
)
async def test_an_odd_answer_that_takes_them_is_taken(
    collector: Collector, status: int, body: bytes, kind: str
) -> None:
    collector.answer = lambda _: web.Response(
        status=status, body=body, content_type=kind
    )
    (health,) = await watch(collector.url, RUN)
    assert (health.state, health.message) == (HealthState.LIVE, "")


@asynccontextmanager
async def hanging() -> AsyncIterator[str]:
    """Serve nothing: take a connection, and never answer."""
    held: list[asyncio.StreamWriter] = []

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in held:
            writer.close()


async def test_one_that_hangs_does_not_hold_up_who_feeds_it() -> None:
    async with hanging() as url:
        trace, clock = Trace(), SpedClock(SPEED)
        exporter = OtlpExporter(trace, url, clock)
        source = exporter.batches()
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(anext(source))
            for at in range(0, len(RUN), 3):
                batch = RUN[at : at + 3]
                exporter(batch, trace.add(batch))
                await clock.sleep(6)
            assert not sending.done()
            sending.cancel()
        await source.aclose()
        assert exporter.sent == 0


async def test_what_is_lost_at_the_end_is_said() -> None:
    lost = f"{len(span_ids(RUN))} spans not sent."
    async with hanging() as url:
        *_, hung = await watch(url, RUN, patience=0.3)
    *_, absent = await watch("http://127.0.0.1:9", RUN)
    (no_url,) = await watch("http://[", RUN)
    for health in (hung, absent, no_url):
        assert health.state is HealthState.REFUSED
    assert hung.message.endswith(lost)
    assert absent.message.endswith(lost)


async def test_a_key_goes_along(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HEADERS, "api-key=a%20b, x=1")
    await watch(collector.url, RUN)
    (request, *_) = collector.requests
    assert (request.headers["api-key"], request.headers["x"]) == ("a b", "1")
    assert request.headers["Content-Type"] == PROTOBUF
    assert request.headers["User-Agent"].startswith("sfnwatch/")


def histories_in_order(records: Sequence[Received]) -> list[Received]:
    """Leave everything where it came, but events in the order that a source has."""
    history = iter([each for each in RUN if each.kind == RecordKind.HISTORY])
    return [next(history) if r.kind == RecordKind.HISTORY else r for r in records]


@examples(10)
@given(
    st.permutations(RUN).map(histories_in_order),
    st.lists(st.integers(0, len(RUN)), max_size=3),
)
def test_however_late_calls_come_each_span_is_sent_once(
    records: list[Received], cuts: list[int]
) -> None:
    async def run() -> None:
        collector = Collector("")
        async with served(collector.take) as url:
            places = [0, *sorted(cuts), len(records)]
            parts = (records[begin:end] for begin, end in pairwise(places))
            await watch(url, *parts, pause=7)
        sent = [span.span_id.hex() for span in collector.spans]
        assert sorted(sent) == sorted(span_ids(RUN))

    asyncio.run(run())
