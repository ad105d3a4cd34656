"""Sends spans to an OpenTelemetry collector during a watch: OTLP over HTTP.

A collector keeps a span as it first comes. So a span is sent once time will not change
it: a state or an attempt that has ended, a call that an id matches. The execution's own
span and the calls that are guessed at come last.

The exporter of OpenTelemetry's own SDK takes spans that its SDK made as things
happened. Ours are made afterwards, with ids of their own. Trouble with a collector is
reported like the trouble of any source. It is tried again as the protocol requires, and
disturbs nothing else.
"""

import asyncio
import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import aiohttp
from msgspec.structs import replace

from sfnwatch import __version__
from sfnwatch.analysis.quantities import plural
from sfnwatch.clock import Clock
from sfnwatch.export.otlp.collector_settings import TIMEOUT, CollectorSettings
from sfnwatch.export.otlp.collector_url import SHOWN_CHARACTERS, shown_url
from sfnwatch.export.otlp.document import to_protobuf, traces_data
from sfnwatch.export.otlp.span import OtlpSpan
from sfnwatch.export.otlp.span_maker import SpanMaker
from sfnwatch.model.records import Batch, RecordKind, receive
from sfnwatch.model.source_health import HealthState, SourceHealth
from sfnwatch.model.texts import clean, size
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.model.values import ascii_json

LANE = "otlp"
_PROTOBUF = "application/x-protobuf"
_JSON = "application/json"
_SEND_SECONDS = 5.0
"""Seconds between sendings."""
_LONGEST_WAIT_SECONDS = 60.0
"""Seconds between sendings after failures, at most."""
_NAP_SECONDS = 0.5
"""The most seconds of one sleep."""
_LAST_TRIES = 3
_FEW_SPANS = 100
"""Spans sent at once while others wait for the loop."""
_MANY_SPANS = 500
"""Spans sent at once at the end; OpenTelemetry's SDKs send 512."""
_ANSWER = 1 << 20
"""The most bytes read of an answer; if all spans were taken, it is empty."""
_RETRYABLE = frozenset({429, 502, 503, 504})
"""Statuses after which to try again; the protocol says all other refusals are final."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_Key = tuple[str, int]
"""The key of a visit (execution and visit id) or of a call (event id and 0)."""


class OtlpExporter:
    """Sends the settled spans of a trace to one collector.

    As a consumer, it only notes what changed. As a source, it hands over how the
    sending goes. It ends after `close`, once the rest was sent or could not be sent.
    """

    def __init__(self, trace: Trace, settings: CollectorSettings, clock: Clock) -> None:
        self._trace = trace
        self._collector = settings
        self._clock = clock
        self._waiting: dict[_Key, None] = {}
        """The keys of visits and calls touched since they were last examined."""
        self._taken: set[str] = set()
        """The ids of the spans that the collector took."""
        self._health = SourceHealth(LANE, HealthState.CONNECTING)
        self._named_wait: float | None = None
        """The seconds that a busy collector asked us to wait; None if it named none."""
        self._closed = False
        self._left_out = 0

    def __call__(self, batch: Batch, changed: Changed) -> None:
        del batch
        if self._is_refused:
            return
        for arn, visit_ids in changed.visits.items():
            self._waiting.update(((arn, visit_id), None) for visit_id in visit_ids)
        for event_id in (*changed.calls, *changed.links):
            self._waiting[event_id, 0] = None

    def close(self) -> None:
        """Note that no more will come: the rest is sent, and `run` ends."""
        self._closed = True

    @property
    def _is_refused(self) -> bool:
        return self._health.state is HealthState.REFUSED

    async def run(self, take: Callable[[Batch], None]) -> None:
        """Send new spans every few seconds; hand over how that goes when it changes."""
        opened = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._collector.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            # A compressed answer may unpack to any size; we don't ask for one.
            auto_decompress=False,
        )
        async with opened as session:
            self._session = session
            pause = _SEND_SECONDS
            is_last = False
            while not is_last and not self._is_refused:
                before = self._health
                is_last = self._closed
                if is_last:
                    await self._send_rest()
                else:
                    await self._sleep(pause)
                    pause = await self._send_settled(pause)
                if self._health != before:
                    told = self._health.as_record()
                    now = self._clock.now()
                    take((receive(now, RecordKind.HEALTH, None, told),))

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but wake up at the end of the watch."""
        while seconds > 0 and not self._closed:
            await self._clock.sleep(min(seconds, _NAP_SECONDS))
            seconds -= _NAP_SECONDS

    async def _send_settled(self, pause: float) -> float:
        """Send what is settled, and return the seconds to wait after that."""
        while self._waiting and not self._closed:
            keys, spans = self._take()
            if not await self._send(spans):
                self._waiting.update(dict.fromkeys(keys))
                return self._named_wait or min(2 * pause, _LONGEST_WAIT_SECONDS)
        return _SEND_SECONDS

    async def _send_rest(self) -> None:
        """Send all that is left; report the spans not taken after some tries."""
        maker = SpanMaker(self._trace.as_of())
        tries = _LAST_TRIES
        left = [span for span in maker.spans() if span.id not in self._taken]
        try:
            # Whoever asked for the end waits for this.
            async with asyncio.timeout(min(self._collector.timeout, TIMEOUT)):
                while left and tries and not self._is_refused:
                    if await self._send(left[:_MANY_SPANS]):
                        del left[:_MANY_SPANS]
                        continue
                    tries -= 1
                    if tries and not self._is_refused:
                        await self._clock.sleep(self._named_wait or 1.0)
        except TimeoutError:
            self._say(HealthState.RETRYING, self._trouble("no answer in time"))
        if left:
            words = f"{self._health.message} {plural(len(left), 'span')} not sent."
            self._say(HealthState.REFUSED, words)

    def _say(self, state: HealthState, message: str = "") -> None:
        self._health = replace(self._health, state=state, message=message)

    def _trouble(self, what: str) -> str:
        return f"Sending spans to {shown_url(self._collector.url)}: {what}."

    def _take(self) -> tuple[list[_Key], list[OtlpSpan]]:
        """Take a part of what waits; anything not settled will be touched again."""
        maker = SpanMaker(self._trace.as_of())
        keys = list[_Key]()
        found = list[OtlpSpan]()
        for key in list(self._waiting):
            del self._waiting[key]
            fresh = [span for span in _spans(maker, key) if span.settled]
            fresh = [span for span in fresh if span.id not in self._taken]
            keys += [key] if fresh else []
            found += fresh
            if len(found) >= _FEW_SPANS:
                break
        return keys, found

    async def _send(self, spans: Sequence[OtlpSpan]) -> bool:
        """Send spans; return False, and report why, if they were not taken."""
        if not spans:
            return True
        self._named_wait = None
        try:
            state, said = await self._post(self._encoded(spans))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # aiohttp raises the last one for an answer that makes no sense.
            said = clean(str(error), SHOWN_CHARACTERS) or type(error).__name__
            state = HealthState.RETRYING
        is_taken = state is HealthState.LIVE
        self._say(state, said if is_taken else self._trouble(said))
        if is_taken:
            self._taken.update(span.id for span in spans)
        return is_taken

    def _encoded(self, spans: Sequence[OtlpSpan]) -> bytes:
        told = traces_data(spans)
        is_json = self._collector.is_json
        is_packed = self._collector.is_packed
        body = ascii_json(told).encode() if is_json else to_protobuf(told)
        return gzip.compress(body, mtime=0) if is_packed else body

    async def _post(self, body: bytes) -> tuple[HealthState, str]:
        """Post a body; return how that went: REFUSED is final, RETRYING is not."""
        collector = self._collector
        headers = {
            **collector.headers,
            "Content-Type": _JSON if collector.is_json else _PROTOBUF,
            "User-Agent": f"sfnwatch/{__version__}",
            "Accept-Encoding": "identity",
            **({"Content-Encoding": "gzip"} if collector.is_packed else {}),
        }
        posted = self._session.post(
            collector.url,
            data=body,
            headers=headers,
            # A redirect must not decide who gets the headers next.
            allow_redirects=False,
            ssl=collector.tls,
        )
        async with posted as answer:
            said = f"it answered {answer.status}"
            if answer.status in _RETRYABLE:
                self._named_wait = _seconds(answer.headers.get("Retry-After", ""))
                return HealthState.RETRYING, said
            if answer.status in _REDIRECTS:
                place = shown_url(answer.headers.get("Location", "nowhere"))
                said += f", a redirect to {place}, not followed"
                return HealthState.REFUSED, said
            try:
                await answer.content.readexactly(_ANSWER + 1)
            except asyncio.IncompleteReadError as whole:
                told = whole.partial
            else:
                return HealthState.REFUSED, f"{said} with more than {size(_ANSWER)}"
            count, message = _details(told, answer.content_type)
            if not answer.ok:
                message = message or clean(
                    told[: 4 * SHOWN_CHARACTERS].decode(errors="replace")
                )
                return (
                    HealthState.REFUSED,
                    f"{said} {message.strip()[:SHOWN_CHARACTERS]}".strip(),
                )
        return HealthState.LIVE, self._remark(count, message)

    def _remark(self, count: int, message: str) -> str:
        """Return how many spans the collector left out so far, or its warning."""
        self._left_out += count
        if not self._left_out:
            return f"The collector says: {message}." if message else ""
        why = message or "it does not say why"
        return f"The collector left out {plural(self._left_out, 'span')}: {why}."


def _spans(maker: SpanMaker, key: _Key) -> Iterator[OtlpSpan]:
    """Yield the spans of a visit and its attempts, or of a call."""
    name, visit_id = key
    snapshot = maker.snapshot
    execution = snapshot.executions.get(name)
    call = snapshot.trace.calls.get(name)
    visit = execution.visit(visit_id) if execution is not None else None
    if execution is not None and visit is not None:
        yield from maker.of_visit(execution, visit)
    elif not visit_id and call is not None and snapshot.is_relevant(call):
        yield maker.of_call(call)


def _seconds(told: str) -> float | None:
    """Return the seconds of a Retry-After header, at most our own longest wait."""
    return (
        min(max(float(told), _NAP_SECONDS), _LONGEST_WAIT_SECONDS)
        if told.isdecimal()
        else None
    )


def _details(body: bytes, content_type: str) -> tuple[int, str]:
    """Return the number of spans that the collector left out, and why."""
    from google.protobuf import json_format, message  # type: ignore[import-untyped]  # noqa: PLC0415
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service  # noqa: PLC0415

    answer = service.ExportTraceServiceResponse()
    # Not protobuf, not JSON, or JSON that is nested too deep.
    with suppress(message.DecodeError, json_format.Error, ValueError, RecursionError):
        if content_type == _JSON:
            json_format.Parse(body, answer, ignore_unknown_fields=True)
        elif content_type == _PROTOBUF:
            answer.ParseFromString(body)
    partial = answer.partial_success
    return max(0, partial.rejected_spans), clean(
        partial.error_message, SHOWN_CHARACTERS
    )
