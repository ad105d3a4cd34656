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
from sfnwatch.model.records import Batch, Received, RecordKind, receive
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
            for visit_id in visit_ids:
                self._waiting[arn, visit_id] = None
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
        timeout = aiohttp.ClientTimeout(total=self._collector.timeout)
        opened = aiohttp.ClientSession(
            timeout=timeout,
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
                    take((self._health_record(),))

    def _health_record(self) -> Received:
        record = self._health.as_record()
        return receive(self._clock.now(), RecordKind.HEALTH, None, record)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but wake up at the end of the watch."""
        while seconds > 0 and not self._closed:
            await self._clock.sleep(min(seconds, _NAP_SECONDS))
            seconds -= _NAP_SECONDS

    async def _send_settled(self, pause: float) -> float:
        """Send what is settled, and return the seconds to wait after that."""
        while self._waiting and not self._closed:
            keys, spans = self._next_settled()
            if not await self._send(spans):
                self._waiting.update(dict.fromkeys(keys))
                return self._named_wait or min(2 * pause, _LONGEST_WAIT_SECONDS)
        return _SEND_SECONDS

    async def _send_rest(self) -> None:
        """Send all that is left; report the spans not taken after some tries."""
        maker = SpanMaker(self._trace.as_of())
        unsent = [span for span in maker.spans() if span.id not in self._taken]
        # Whoever asked for the end waits for this.
        seconds = min(self._collector.timeout, TIMEOUT)
        try:
            async with asyncio.timeout(seconds):
                await self._send_in_parts(unsent)
        except TimeoutError:
            self._set_health(HealthState.RETRYING, self._trouble("no answer in time"))
        if unsent:
            spans = plural(len(unsent), "span")
            message = f"{self._health.message} {spans} not sent."
            self._set_health(HealthState.REFUSED, message)

    async def _send_in_parts(self, unsent: list[OtlpSpan]) -> None:
        """Send spans, and remove the spans that were taken from the list."""
        tries = _LAST_TRIES
        while unsent and tries and not self._is_refused:
            if await self._send(unsent[:_MANY_SPANS]):
                del unsent[:_MANY_SPANS]
                continue
            tries -= 1
            if tries and not self._is_refused:
                await self._clock.sleep(self._named_wait or 1.0)

    def _set_health(self, state: HealthState, message: str = "") -> None:
        self._health = replace(self._health, state=state, message=message)

    def _trouble(self, cause: str) -> str:
        return f"Sending spans to {shown_url(self._collector.url)}: {cause}."

    def _next_settled(self) -> tuple[list[_Key], list[OtlpSpan]]:
        """Take waiting keys; return the keys that have settled spans, and the spans.

        Whatever is not settled changes later, and then waits again.
        """
        maker = SpanMaker(self._trace.as_of())
        keys = list[_Key]()
        settled_spans = list[OtlpSpan]()
        for key in list(self._waiting):
            del self._waiting[key]
            spans = list(self._settled_spans(maker, key))
            if spans:
                keys.append(key)
                settled_spans += spans
            if len(settled_spans) >= _FEW_SPANS:
                break
        return keys, settled_spans

    def _settled_spans(self, maker: SpanMaker, key: _Key) -> Iterator[OtlpSpan]:
        """Yield the settled spans of a key that the collector has not taken."""
        for span in _spans(maker, key):
            if span.settled and span.id not in self._taken:
                yield span

    async def _send(self, spans: Sequence[OtlpSpan]) -> bool:
        """Send spans; return False, and report why, if they were not taken."""
        if not spans:
            return True
        self._named_wait = None
        try:
            body = self._encoded(spans)
            state, message = await self._post(body)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # aiohttp raises the last one for an answer that makes no sense.
            message = clean(str(error), SHOWN_CHARACTERS) or type(error).__name__
            state = HealthState.RETRYING
        if state is not HealthState.LIVE:
            self._set_health(state, self._trouble(message))
            return False
        self._set_health(state, message)
        self._taken.update(span.id for span in spans)
        return True

    def _encoded(self, spans: Sequence[OtlpSpan]) -> bytes:
        """Return spans as the body of a request, in the form that is set."""
        document = traces_data(spans)
        if self._collector.is_json:
            body = ascii_json(document).encode()
        else:
            body = to_protobuf(document)
        if self._collector.is_packed:
            body = gzip.compress(body, mtime=0)
        return body

    async def _post(self, body: bytes) -> tuple[HealthState, str]:
        """Post a body; return how that went: REFUSED is final, RETRYING is not."""
        posted = self._session.post(
            self._collector.url,
            data=body,
            headers=self._headers(),
            # A redirect must not decide who gets the headers next.
            allow_redirects=False,
            ssl=self._collector.tls,
        )
        async with posted as answer:
            return await self._outcome(answer)

    def _headers(self) -> dict[str, str]:
        headers = dict(self._collector.headers)
        headers["Content-Type"] = _JSON if self._collector.is_json else _PROTOBUF
        headers["User-Agent"] = f"sfnwatch/{__version__}"
        headers["Accept-Encoding"] = "identity"
        if self._collector.is_packed:
            headers["Content-Encoding"] = "gzip"
        return headers

    async def _outcome(self, answer: aiohttp.ClientResponse) -> tuple[HealthState, str]:
        """Return what a collector's answer means, and a message about it."""
        status_words = f"it answered {answer.status}"
        if answer.status in _RETRYABLE:
            self._named_wait = _seconds(answer.headers.get("Retry-After", ""))
            return HealthState.RETRYING, status_words
        if answer.status in _REDIRECTS:
            place = shown_url(answer.headers.get("Location", "nowhere"))
            message = f"{status_words}, a redirect to {place}, not followed"
            return HealthState.REFUSED, message
        try:
            await answer.content.readexactly(_ANSWER + 1)
        except asyncio.IncompleteReadError as whole:
            body = whole.partial
        else:
            message = f"{status_words} with more than {size(_ANSWER)}"
            return HealthState.REFUSED, message
        left_out, reason = _partial_success(body, answer.content_type)
        if not answer.ok:
            reason = (reason or _beginning(body)).strip()[:SHOWN_CHARACTERS]
            return HealthState.REFUSED, f"{status_words} {reason}".strip()
        self._left_out += left_out
        return HealthState.LIVE, self._warning(reason)

    def _warning(self, reason: str) -> str:
        """Return how many spans the collector left out so far, or what it warns of."""
        if self._left_out:
            spans = plural(self._left_out, "span")
            reason = reason or "it does not say why"
            return f"The collector left out {spans}: {reason}."
        if reason:
            return f"The collector says: {reason}."
        return ""


def _spans(maker: SpanMaker, key: _Key) -> Iterator[OtlpSpan]:
    """Yield the spans of a visit and its attempts, or of a call."""
    name, visit_id = key
    snapshot = maker.snapshot
    execution = snapshot.executions.get(name)
    if execution is not None:
        visit = execution.visit(visit_id)
        if visit is not None:
            yield from maker.of_visit(execution, visit)
            return
    call = snapshot.trace.calls.get(name)
    if call is not None and not visit_id and snapshot.is_relevant(call):
        yield maker.of_call(call)


def _seconds(retry_after: str) -> float | None:
    """Return the seconds of a Retry-After header, at most our own longest wait."""
    if not retry_after.isdecimal():
        return None
    seconds = max(float(retry_after), _NAP_SECONDS)
    return min(seconds, _LONGEST_WAIT_SECONDS)


def _beginning(body: bytes) -> str:
    """Return the first characters of an answer that is not in the protocol's form."""
    text = body[: 4 * SHOWN_CHARACTERS].decode(errors="replace")
    return clean(text)


def _partial_success(body: bytes, content_type: str) -> tuple[int, str]:
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
    left_out = max(0, partial.rejected_spans)
    return left_out, clean(partial.error_message, SHOWN_CHARACTERS)
