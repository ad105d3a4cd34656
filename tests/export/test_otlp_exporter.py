"""Spans to a collector on loopback: each once, whatever the collector does."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from datetime import datetime
from pathlib import Path
from ssl import SSLContext
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from sfnwatch.errors import UsageError
from sfnwatch.export.otlp.collector_settings import (
    FROM_ENVIRONMENT,
    PREFIX,
    CollectorSettings,
    collector_settings,
)
from sfnwatch.export.otlp.exporter import OtlpExporter
from sfnwatch.export.otlp.span_maker import SpanMaker
from sfnwatch.model.records import Batch, Received, RecordKind
from sfnwatch.model.source_health import HealthState, SourceHealth, decode_health
from sfnwatch.model.texts import clean
from sfnwatch.model.trace import Trace
from tests import builders as aws
from tests import examples
from tests.export.traces import RECORDS
from tests.sources.clocks import ManualClock
from tests.sources.loopback import served
from tests.sources.test_aws_client import certified

__all__ = ["certified"]
RUN = aws.sync_run()
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
    patience: float = 100,
    clock: ManualClock | None = None,
) -> list[SourceHealth]:
    """Watch batches with a collector, a while between each; give how that went.

    Time passes while the exporter sleeps, and at no other time.
    """
    trace, clock = Trace(), clock or ManualClock()
    settings = replace(collector_settings(url), timeout=patience)
    exporter = OtlpExporter(trace, settings, clock)
    begun, coming = clock.now(), list(batches)

    def feed() -> None:
        passed = (clock.now() - begun).total_seconds()
        while coming and passed >= pause * (len(batches) - len(coming)):
            batch = coming.pop(0)
            exporter(batch, trace.add(batch))
        if passed >= pause * len(batches):
            exporter.close()

    clock.on_sleep = feed
    feed()
    told: list[Batch] = []
    await exporter.run(told.append)
    for batch in coming:
        exporter(batch, trace.add(batch))
    return [decode_health(received) for batch in told for received in batch]


def span_ids(records: Sequence[Received]) -> set[str]:
    trace = Trace()
    trace.add(records)
    return {span.id for span in SpanMaker(trace.as_of()).spans()}


async def test_what_has_ended_is_sent_on_the_way_and_the_rest_at_the_end(
    collector: Collector,
) -> None:
    healths = await watch(collector.url, RUN[:8], RUN[8:12], RUN[12:])
    assert [health.state for health in healths] == [HealthState.LIVE]
    assert len(collector.requests) > 1
    assert collector.requests[0].headers["Content-Type"] == PROTOBUF
    assert collector.kinds.count("execution") == 1
    assert collector.kinds.index("execution") > 2, "it comes at the end"
    sent = [span.span_id.hex() for span in collector.spans]
    assert sorted(sent) == sorted(span_ids(RUN))


@pytest.mark.parametrize("name", ["shop", "photos", "redriven", "several", "nothing"])
async def test_every_span_arrives_once(collector: Collector, name: str) -> None:
    # Calls come first, and no one knows then whose they are.
    records = sorted(RECORDS[name], key=lambda each: each.kind == RecordKind.HISTORY)
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


async def test_it_is_not_asked_again_before_the_time_it_names(
    collector: Collector,
) -> None:
    asked: list[datetime] = []
    fine = collector.answer
    clock = ManualClock()

    def busy(number: int) -> web.StreamResponse:
        asked.append(clock.now())
        wait = {"Retry-After": "40"}
        return web.Response(status=429, headers=wait) if number == 0 else fine(number)

    collector.answer = busy
    await watch(collector.url, RUN, [], [], [], pause=20, clock=clock)
    assert (asked[1] - asked[0]).total_seconds() >= 39


FULL = ExportTracePartialSuccess(rejected_spans=2, error_message="tenant is full")


@pytest.mark.parametrize(
    ("status", "more", "said"),
    [
        (401, {"text": "no key\x1b[2J"}, "it answered 401 no key"),
        (
            400,
            {"body": FULL.SerializeToString(), "content_type": PROTOBUF},
            "tenant is full",
        ),
        (
            307,
            {"headers": {"Location": "http://user:pw@evil.example:81/v1/traces"}},
            "a redirect to http://…@evil.example:81/v1/traces, not followed",
        ),
        (200, {"body": b"x" * (3 << 20)}, "it answered 200 with more than 1.0 MiB"),
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
    (health, *_) = await watch(collector.url, RUN)
    assert health.message == "The collector left out 2 spans: tenant is full."
    told = {"rejectedSpans": "2", "errorMessage": "tenant is full"}
    collector.answer = lambda _: web.json_response({"partialSuccess": told})
    (other, *_) = await watch(collector.url, RUN)
    assert other == health
    warned = ExportTracePartialSuccess(error_message="old version")
    body = ExportTraceServiceResponse(partial_success=warned).SerializeToString()
    collector.answer = lambda _: web.Response(body=body, content_type=PROTOBUF)
    (health, *_) = await watch(collector.url, RUN)
    assert health.message == "The collector says: old version."


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
    over = asyncio.Event()

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await over.wait()
        finally:
            writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        over.set()


async def test_what_is_lost_at_the_end_is_said() -> None:
    lost = f"{len(span_ids(RUN))} spans not sent."
    async with hanging() as url:
        *_, hung = await watch(url, RUN, patience=0.3)
    *_, absent = await watch("http://127.0.0.1:9", RUN)
    for health in (hung, absent):
        assert health.state is HealthState.REFUSED
    assert hung.message.endswith(lost)
    assert absent.message.endswith(lost)


# -- OpenTelemetry's own variables -----------------------------------------------------

ANY = "http://any:4318"


def settings_of(endpoint: str = ANY, **variables: str) -> CollectorSettings:
    told = {f"{PREFIX}{name}": value for name, value in variables.items()}
    return collector_settings(endpoint, told)


def test_the_endpoint_is_the_options_or_the_environments() -> None:
    assert settings_of("http://x:4318").url == "http://x:4318/v1/traces"
    assert settings_of("https://x/otlp/").url == "https://x/otlp/v1/traces"
    assert settings_of("https://x/v1/traces/").url == "https://x/v1/traces"
    assert settings_of("https://x/a?k=1").url == "https://x/a/v1/traces?k=1"
    assert settings_of(ENDPOINT="http://other").url == f"{ANY}/v1/traces"
    env = FROM_ENVIRONMENT
    assert settings_of(env, ENDPOINT="http://x/a/").url == "http://x/a/v1/traces"
    own = settings_of(env, ENDPOINT="http://x", TRACES_ENDPOINT="http://y/taken/as/it")
    assert own.url == "http://y/taken/as/it"


def test_the_rest_is_read_as_opentelemetry_has_it() -> None:
    assert settings_of() == CollectorSettings(f"{ANY}/v1/traces")
    assert settings_of(HEADERS="a=1,b=x%3Dy,, c=,").headers == {
        "a": "1",
        "b": "x=y",
        "c": "",
    }
    every = settings_of(
        TIMEOUT="2500", COMPRESSION="gzip", PROTOCOL="http/json", HEADERS="a=1"
    )
    assert (every.timeout, every.is_packed, every.is_json) == (2.5, True, True)
    own = settings_of(
        TIMEOUT="2500", TRACES_TIMEOUT="9", HEADERS="a=1", TRACES_HEADERS="b=2"
    )
    assert (own.timeout, own.headers) == (0.009, {"b": "2"})
    assert not settings_of(PROTOCOL="grpc").is_json, (
        "an endpoint was given, and is HTTP"
    )


OWN = "http://127.0.0.1:4318"
URLS = (
    *("http://[::1", "http://x:99999", "http://x:port", "http://x:0", "x:4317"),
    *("http://", "http://:4318", "ftp://x", "http://x y", "\x1b[2J", "//x", "http:x"),
    *("http://me:pa55@[::1", "me:pa55@x:4318", "http://x:99999?key=pa55", "pa55@"),
)
BAD: dict[str, tuple[str, ...]] = {
    "ENDPOINT": URLS,
    "TRACES_ENDPOINT": URLS,
    "PROTOCOL": ("grpc", "http", "http/xml"),
    "COMPRESSION": ("zstd", "true"),
    "TIMEOUT": ("-1", "0", "10s", "1e3", "\u0661", "9" * 400),
    "TRACES_TIMEOUT": ("1.5",),
    "HEADERS": (
        *("pa55", "a=1,pa55", "=pa55", "p a=pa55", "pa55%3A=1", "a: pa55"),
        *(f"key=pa55{bad}" for bad in ("%0a", "%0D%0Ax:y", "%00", "\ud800", "\u65e5")),
    ),
    "CLIENT_KEY": ("/key.pem",),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, bad in BAD.items() for value in bad]
)
def test_a_variable_that_can_not_be_followed_is_refused_by_name_with_what_to_do(
    name: str, value: str
) -> None:
    with pytest.raises(UsageError) as caught:
        settings_of(FROM_ENVIRONMENT, **{"ENDPOINT": OWN, name: value})
    assert caught.value.message.startswith(f"{PREFIX}{name}: ")
    assert caught.value.hint
    said = str(caught.value)
    assert said.isprintable()
    assert "pa55" not in said
    assert clean(value)[:20] in said or "pa55" in value


def test_an_endpoint_that_can_not_be_followed_is_refused_by_the_options_name() -> None:
    for url in URLS:
        with pytest.raises(UsageError, match=r"^--otlp: .* is no URL") as caught:
            settings_of(url)
        assert "pa55" not in str(caught.value)
    with pytest.raises(UsageError, match="There is no endpoint in OTEL_EXPORTER_OTLP"):
        settings_of(FROM_ENVIRONMENT)


def test_a_key_with_a_password_is_refused_and_nobody_is_asked_for_it(
    certified: tuple[Path, SSLContext], tmp_path: Path
) -> None:
    key = tmp_path / "key.pem"
    locked = serialization.BestAvailableEncryption(b"pa55")
    made = ec.generate_private_key(ec.SECP256R1())
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key.write_bytes(made.private_bytes(pem, pkcs8, locked))
    for path in (key, tmp_path / "none"):
        with pytest.raises(UsageError, match="CLIENT_KEY names can't be read"):
            settings_of(CLIENT_CERTIFICATE=str(certified[0]), CLIENT_KEY=str(path))


@pytest.mark.parametrize("name", ["CERTIFICATE", "CLIENT_CERTIFICATE"])
@pytest.mark.parametrize("path", ["/none", "/dev/null", "nul\0"])
def test_a_certificate_that_can_not_be_read_is_refused(name: str, path: str) -> None:
    with pytest.raises(UsageError, match=r"can't be read: .*Name PEM files"):
        settings_of(**{name: path})


async def test_spans_go_as_json_and_packed_and_with_a_key_where_that_is_asked(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[bytes] = []
    fine = collector.answer

    async def take(request: web.Request) -> web.StreamResponse:
        # The server has unpacked it.
        taken.append(await request.read())
        assert request.headers["Content-Encoding"] == "gzip"
        assert request.headers["Content-Type"] == "application/json"
        assert (request.headers["api-key"], request.headers["x"]) == ("a b", "1")
        assert request.headers["User-Agent"].startswith("sfnwatch/")
        return fine(0)

    monkeypatch.setenv(f"{PREFIX}PROTOCOL", "http/json")
    monkeypatch.setenv(f"{PREFIX}COMPRESSION", "gzip")
    monkeypatch.setenv(f"{PREFIX}HEADERS", "api-key=a%20b, x=1")
    async with served(take) as url:
        monkeypatch.setenv(f"{PREFIX}ENDPOINT", url)
        await watch(FROM_ENVIRONMENT, RUN)
    spans = [
        span["spanId"]
        for body in taken
        for resource in json.loads(body)["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    assert sorted(spans) == sorted(span_ids(RUN))


async def test_a_collector_is_trusted_by_the_certificate_that_is_named(
    certified: tuple[Path, SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, tls = certified
    collector = Collector("")
    async with served(collector.take, tls) as url:
        *_, refused = await watch(url, RUN)
        assert "certificate" in refused.message.lower()
        monkeypatch.setenv(f"{PREFIX}CERTIFICATE", str(authority))
        *_, fine = await watch(url, RUN)
    assert fine.state is HealthState.LIVE


# -- whatever it answers ---------------------------------------------------------------

WAITS = (
    *("-1", "1e400", "9" * 400, "\xb2", "", "NaN", "Mon, 01 Jan 0001 00:00:00 GMT"),
    *("Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 99999999999 23:59:59 GMT"),
    *("Wed, 21 Oct 2015 07:28:00 -9999", "Wed, 99 Foo 2015 77:28:00 GMT"),
)
KINDS = (PROTOBUF, "application/json", "text/html; charset=x", ";;")
HEADERS = st.fixed_dictionaries(
    {"Content-Type": st.sampled_from(KINDS)},
    optional={
        "Retry-After": st.sampled_from(WAITS),
        "Location": st.sampled_from(("http://[", "//", "\x7f")),
        "Content-Encoding": st.sampled_from(("gzip", "br", "x")),
    },
)
BODIES = st.binary(max_size=60) | st.sampled_from(
    [
        *(b"{", b"[1]", b'{"partialSuccess": 7}', b"\xff" * 9, gzip.compress(b"x" * 9)),
        b'{"partialSuccess": {"rejectedSpans": "-1", "errorMessage": {"a": 1}}}',
        b'{"partialSuccess": {"rejectedSpans": 1e9, "errorMessage": "\\ud800\\u001b"}}',
        ExportTracePartialSuccess(rejected_spans=-(1 << 63)).SerializeToString(),
    ]
)
STATUSES = st.sampled_from([200, 202, 301, 400, 429, 503, 0, 99, 600, "OK", ""])


@examples(15)
@given(STATUSES, HEADERS, BODIES, st.sampled_from([None, "0", "-5", "1e9", "99999"]))
def test_whatever_a_collector_answers_the_watch_goes_on(
    status: object, headers: dict[str, str], body: bytes, length: str | None
) -> None:
    lines = [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {length or len(body)}", "Connection: close\r\n\r\n"]
    head = "\r\n".join((f"HTTP/1.1 {status} x", *lines)).encode("latin-1")

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Who asks may have had enough before that.
        with closing(writer), suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head + body)

    async def run() -> list[SourceHealth]:
        server = await asyncio.start_server(take, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return await watch(f"http://127.0.0.1:{port}", RUN, patience=0.1)

    healths = asyncio.run(run())
    assert all(health.message.isprintable() for health in healths)
    assert healths[-1].state in {HealthState.LIVE, HealthState.REFUSED}
