"""Spans to a collector on loopback: each once, whatever the collector does."""

import json
from collections.abc import AsyncIterator, Callable, Iterable
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.clock import SpedClock
from sfnwatch.collecting import HEADERS, collected, headers_of, traces_url
from sfnwatch.errors import RefusedError
from sfnwatch.export.otlp import resource_spans
from sfnwatch.export.otlp_settled import Settled
from sfnwatch.running import Play
from sfnwatch.sources import bounded
from sfnwatch.sources.feed import Consumer
from sfnwatch.trace.events import Batch, From, HealthState, Received
from sfnwatch.trace.health import read_health
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, sync_run
from tests.sources.loopback import served

RUN = tuple(sync_run())
CLOCK_SPEED = 200.0
Answers = Callable[[int], web.Response]


class Collected:
    """A collector: keeps what it is sent, and answers as it is told to."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.bodies: list[Any] = []
        self.answer: Answers = lambda _: web.json_response({"partialSuccess": {}})
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        answer = self.answer(len(self.requests))
        self.requests.append(request)
        if answer.status == 200:
            self.bodies.append(json.loads(body))
        return answer

    @property
    def names(self) -> list[str]:
        return [each["name"] for each in self.spans]

    @property
    def spans(self) -> list[Any]:
        return [span for body in self.bodies for span in spans(body["resourceSpans"])]


def spans(resources: Iterable[Any]) -> list[Any]:
    return [s for r in resources for scope in r["scopeSpans"] for s in scope["spans"]]


@pytest.fixture(name="collector")
async def _collector() -> AsyncIterator[Collected]:
    collector = Collected()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield collector
    await runner.cleanup()


def play(*batches: Batch, then: Exception | None = None) -> Play:
    clock = SpedClock(CLOCK_SPEED)

    async def watch(consume: Consumer) -> None:
        for batch in batches:
            consume(batch)
            await clock.sleep(20)
        if then is not None:
            raise then

    return Play(watch, clock, "live", (ARN,))


async def run(collector: Collected, *batches: Batch) -> list[Received]:
    """Watch with the collector; give all that a screen would be told."""
    told: list[Received] = []
    await collected(play(*batches), collector.url).watch(told.extend)
    return told


def states(told: list[Received]) -> list[HealthState]:
    return [read_health(r.data).state for r in told if r.data.get("lane") == "otlp"]


async def test_what_has_ended_is_sent_on_the_way_and_the_rest_at_the_end(
    collector: Collected,
) -> None:
    told = await run(collector, RUN[:8], RUN[8:12], RUN[12:])
    assert states(told) == [HealthState.LIVE]
    assert len(collector.bodies) > 1
    kinds = [
        {each["key"]: each["value"] for each in span["attributes"]}["sfnwatch.kind"]
        for span in collector.spans
    ]
    assert kinds.count({"stringValue": "execution"}) == 1
    before = len(spans(collector.bodies[0]["resourceSpans"]))
    assert kinds.index({"stringValue": "execution"}) >= before, "it comes at the end"
    whole = spans(resource_spans(extend(Trace(), RUN)))
    sent = {span["spanId"]: span for span in collector.spans}
    assert len(sent) == len(collector.spans) == len(whole)
    assert set(sent) == {span["spanId"] for span in whole}


async def test_a_collector_in_trouble_is_said_and_nothing_is_lost(
    collector: Collected,
) -> None:
    fine = collector.answer
    collector.answer = lambda n: web.Response(status=503) if n < 2 else fine(n)
    told = await run(collector, RUN[:12], RUN[12:], ())
    assert states(told)[:2] == [HealthState.RETRYING, HealthState.LIVE]
    whole = spans(resource_spans(extend(Trace(), RUN)))
    assert sorted(s["spanId"] for s in collector.spans) == sorted(
        s["spanId"] for s in whole
    )


async def test_one_that_refuses_is_asked_no_more(collector: Collected) -> None:
    collector.answer = lambda _: web.Response(status=401, text="no key\x1b[2J")
    told = await run(collector, RUN[:12], RUN[12:])
    assert states(told) == [HealthState.REFUSED]
    assert len(collector.requests) == 1
    (health,) = [r.data["message"] for r in told if r.data.get("lane") == "otlp"]
    assert "it answered 401 no key" in health
    assert health.isprintable()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_spans_and_their_key_are_not_sent_on_to_another_host(
    collector: Collected, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv(HEADERS, "api-key=secret")
    asked: list[web.Request] = []

    async def stolen(request: web.Request) -> web.Response:
        asked.append(request)
        return web.Response()

    async with served(stolen) as other:
        to = {"Location": f"{other}/v1/traces"}
        collector.answer = lambda _: web.Response(status=status, headers=to)
        told = await run(collector, RUN[:12], RUN[12:])
        assert states(told) == [HealthState.REFUSED]
        (message,) = {r.data["message"] for r in told if r.data.get("lane") == "otlp"}
        assert message == (
            f"Sending spans to {collector.url}/v1/traces: {collector.url} answered"
            f" {status}, a redirect to {other}, which is not followed: credentials"
            " would go along."
        )
        assert (len(collector.requests), asked) == (1, [])


@pytest.mark.parametrize("status", [204, 304, 404, 302])
async def test_what_is_not_taken_is_not_counted_as_sent(
    collector: Collected, status: int
) -> None:
    collector.answer = lambda _: web.Response(status=status)
    told = await run(collector, RUN)
    taken = [HealthState.LIVE] if status == 204 else [HealthState.REFUSED]
    assert states(told) == taken


@pytest.mark.parametrize("status", [200, 400])
async def test_what_it_answers_is_not_read_without_end(
    collector: Collected, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(bounded, "LIMIT", 1 << 20)
    body = b" " * ((1 << 20) + 1)
    collector.answer = lambda _: web.Response(status=status, body=body)
    told = await run(collector, RUN)
    assert states(told) == [HealthState.REFUSED]
    assert told[-1].data["message"].endswith("answered with more than 1.0 MiB.")


async def test_one_that_is_not_there_disturbs_nothing() -> None:
    told: list[Received] = []
    await collected(play(RUN), "http://127.0.0.1:9").watch(told.extend)
    assert states(told) == [HealthState.RETRYING, HealthState.REFUSED]
    assert told[-1].data["message"].endswith("Given up: not all spans were sent.")
    assert [r for r in told if r.source != From.HEALTH] == [
        r for r in RUN if r.source != From.HEALTH
    ]


async def test_spans_that_were_left_out_are_said(collector: Collected) -> None:
    partial = {"partialSuccess": {"rejectedSpans": "2", "errorMessage": "too old"}}
    collector.answer = lambda _: web.json_response(partial)
    told = await run(collector, RUN)
    (message,) = {r.data["message"] for r in told if r.data.get("lane") == "otlp"}
    assert message == "The collector left out 2 spans: too old."


async def test_what_ends_a_watch_ends_it_still(collector: Collected) -> None:
    refused = collected(play(RUN, then=RefusedError("no profile")), collector.url)
    with pytest.raises(RefusedError, match="no profile"):
        await refused.watch(lambda _: None)
    assert collector.spans, "what came before is sent all the same"


async def test_a_key_goes_along(
    collector: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HEADERS, "api-key=a%20b, x=1")
    await run(collector, RUN)
    (request, *_) = collector.requests
    assert (request.headers["api-key"], request.headers["x"]) == ("a b", "1")
    assert request.headers["Content-Type"] == "application/json"


def test_headers_are_read_as_opentelemetry_has_them() -> None:
    assert headers_of({}) == {}
    assert headers_of({HEADERS: "a=1,b=x%3Dy,,=2,nothing"}) == {"a": "1", "b": "x=y"}


def test_the_path_is_the_protocols_unless_it_is_given() -> None:
    assert traces_url("http://x:4318") == "http://x:4318/v1/traces"
    assert traces_url("http://x:4318/") == "http://x:4318/v1/traces"
    assert traces_url("https://x/otlp") == "https://x/otlp/v1/traces"
    assert traces_url("https://x/v1/traces") == "https://x/v1/traces"


def histories_in_order(records: list[Received]) -> list[Received]:
    """Leave everything where it came, but events in the order that a source has."""
    events = iter([r for r in RUN if r.source == From.HISTORY])
    return [next(events) if r.source == From.HISTORY else r for r in records]


@settings(max_examples=25)
@given(st.permutations(RUN), st.lists(st.integers(0, len(RUN)), max_size=4))
def test_every_span_is_given_once_however_it_came(
    records: list[Received], cuts: list[int]
) -> None:
    settled, told, trace = Settled(), [], Trace()
    ordered = histories_in_order(records)
    for begin, end in pairwise([0, *sorted(cuts), len(records)]):
        trace = extend(trace, ordered[begin:end])
        told += spans(settled.take(trace))
    told += spans(settled.take(trace, last=True))
    ids = [span["spanId"] for span in told]
    assert len(set(ids)) == len(ids)
    assert set(ids) == {s["spanId"] for s in spans(resource_spans(trace))}
    assert settled.take(trace, last=True) == []
