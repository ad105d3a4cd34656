"""Spans to an OpenTelemetry collector while it is watched: OTLP/HTTP, in JSON.

The exporter of OpenTelemetry's own SDK takes spans that its SDK made, at the time; ours
are told afterwards, with ids of their own, and what was written for files is the very
message the protocol has. A collector in trouble is a lane's trouble: it is said, tried
again as the protocol says, and disturbs nothing.
"""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote

import aiohttp

from sfnwatch import __version__
from sfnwatch.clock import Clock
from sfnwatch.errors import SfnwatchError
from sfnwatch.export.otlp_settled import Settled
from sfnwatch.export.otlp_values import Json
from sfnwatch.running import Play
from sfnwatch.sources.bounded import UnboundedError, read_whole, refuse_redirect
from sfnwatch.sources.drive import health_record
from sfnwatch.sources.feed import Consumer
from sfnwatch.trace.events import Batch, HealthState, SourceHealth
from sfnwatch.trace.payload import ascii_json
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace

LANE = "otlp"
HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
"""OpenTelemetry's own variable: `key=value,key=value`, values percent-encoded."""
_PATH = "/v1/traces"
_EVERY = 5.0
"""Seconds between sendings; a collector batches anyway."""
_TIMEOUT = 10.0
_RETRYABLE = frozenset({429, 502, 503, 504})
"""All other refusals are for good, the protocol says."""
_TAKEN = 2
"""The first digit of what a collector answers that took them."""
_LAST_TRIES = 3


class _RefusedError(Exception):
    """The collector will not have it, however often it is sent."""


def traces_url(endpoint: str) -> str:
    """Give where spans go: an endpoint's own path, or the protocol's below it."""
    bare = endpoint.rstrip("/")
    return bare if bare.endswith(_PATH) else f"{bare}{_PATH}"


def headers_of(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Read the headers to send, such as a key; what is no pair is passed over."""
    pairs = (each.partition("=") for each in environ.get(HEADERS, "").split(","))
    return {
        unquote(key.strip()): unquote(value.strip())
        for key, equals, value in pairs
        if equals and key.strip()
    }


@dataclass
class Collector:
    """Sends what is settled of a trace to one place."""

    endpoint: str
    clock: Clock
    trace: Trace = field(default_factory=Trace)
    sent: int = 0
    """Spans that the collector took."""
    _settled: Settled = field(default_factory=Settled)
    _health: SourceHealth = field(
        default_factory=lambda: SourceHealth(LANE, HealthState.CONNECTING)
    )
    _refused: bool = False
    _dirty: bool = False

    def take(self, batch: Batch) -> None:
        """Take in what came; nothing is sent before its time."""
        self.trace = extend(self.trace, batch)
        self._dirty = True

    async def run(self, session: aiohttp.ClientSession, consume: Consumer) -> None:
        """Send what is new every few seconds, until cancelled."""
        while not self._refused:
            await self.clock.sleep(_EVERY)
            if self._dirty:
                self._dirty = False
                await self._send(session, consume)

    async def finish(self, session: aiohttp.ClientSession, consume: Consumer) -> None:
        """Send all that is left; after some tries what is not taken is said."""
        for _ in range(_LAST_TRIES):
            if self._refused or await self._send(session, consume, last=True):
                return
        words = f"{self._health.message} Given up: not all spans were sent."
        self._say(consume, HealthState.REFUSED, words)

    async def _send(
        self, session: aiohttp.ClientSession, consume: Consumer, *, last: bool = False
    ) -> bool:
        resources = self._settled.take(self.trace, last=last)
        if not resources:
            return True
        try:
            told = await self._post(session, resources)
        except _RefusedError as error:
            self._refused = True
            self._say(consume, HealthState.REFUSED, str(error))
            return False
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._settled.give_back(resources)
            self._dirty = True
            what = clean(str(error), 200) or type(error).__name__
            words = f"Sending spans to {clean(self.endpoint, 200)}: {what}."
            self._say(consume, HealthState.RETRYING, words)
            return False
        self.sent += sum(
            len(scope["spans"]) for each in resources for scope in each["scopeSpans"]
        )
        self._say(consume, HealthState.LIVE, told)
        return True

    async def _post(self, session: aiohttp.ClientSession, resources: list[Json]) -> str:
        """Send spans; give what the collector says of some that it left out."""
        body = ascii_json({"resourceSpans": resources}).encode()
        headers = {
            **headers_of(),
            "Content-Type": "application/json",
            "User-Agent": f"sfnwatch/{__version__}",
        }
        url = traces_url(self.endpoint)
        posted = session.post(url, data=body, headers=headers, allow_redirects=False)
        async with posted as answer:
            if answer.status in _RETRYABLE:
                raise aiohttp.ClientPayloadError(f"it answered {answer.status}")
            try:
                refuse_redirect(answer)
                told = await read_whole(answer)
            except UnboundedError as error:
                raise self._refused_for(f"{error}.") from error
            if answer.status // 100 != _TAKEN:
                said = clean(told[:800].decode(errors="replace"), 200)
                raise self._refused_for(f"it answered {answer.status} {said}.")
            return _rejected(told)

    def _refused_for(self, why: str) -> _RefusedError:
        place = clean(traces_url(self.endpoint), 200)
        return _RefusedError(f"Sending spans to {place}: {why}")

    def _say(self, consume: Consumer, state: HealthState, message: str) -> None:
        health = replace(self._health, state=state, message=message)
        if health != self._health:
            self._health = health
            consume((health_record(health, self.clock),))


def _rejected(body: bytes) -> str:
    """Read what a collector that took the message says it left out of it."""
    import json  # noqa: PLC0415 - of an answer that is empty as a rule

    with suppress(ValueError, AttributeError, TypeError):
        partial = json.loads(body).get("partialSuccess") or {}
        count = int(partial.get("rejectedSpans") or 0)
        if count:
            why = clean(str(partial.get("errorMessage") or ""), 200)
            return f"The collector left out {count} spans: {why or 'it says not why'}."
    return ""


def collected(play: Play, endpoint: str) -> Play:
    """Give the same play, whose spans go to a collector too."""

    async def watch(consume: Consumer) -> None:
        collector = Collector(endpoint, play.clock)

        def both(batch: Batch) -> None:
            collector.take(batch)
            consume(batch)

        timeout = aiohttp.ClientTimeout(total=_TIMEOUT)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            try:
                await _until_over(collector, session, consume, play, both)
            finally:
                # What came before somebody left is worth having, too.
                with suppress(TimeoutError):
                    async with asyncio.timeout(_TIMEOUT):
                        await collector.finish(session, consume)

    return replace(play, watch=watch)


async def _until_over(
    collector: Collector,
    session: aiohttp.ClientSession,
    consume: Consumer,
    play: Play,
    both: Consumer,
) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(collector.run(session, consume))
            await play.watch(both)
            sending.cancel()
    except* SfnwatchError as errors:
        # What ends a watch is told in its own words, as it is without a collector.
        raise errors.exceptions[0] from errors
