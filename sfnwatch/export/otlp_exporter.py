"""Spans to an OpenTelemetry collector while it is watched: OTLP over HTTP.

A collector takes a span for good when it first comes. So one is sent when time will not
change it: a state or an attempt that has ended, a call that an id matches. The
execution's own span and the calls that are guessed at come last.

The exporter of OpenTelemetry's own SDK takes spans that its SDK made, at the time; ours
are told afterwards, with ids of their own. A collector in trouble is a lane's trouble:
it is said, tried again as the protocol has it, and disturbs nothing.
"""

import asyncio
import gzip
import os
import re
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

import aiohttp
from msgspec import Struct
from msgspec.structs import replace
from yarl import URL

from sfnwatch import __version__
from sfnwatch.analysis.wording import plural
from sfnwatch.clock import Clock
from sfnwatch.errors import UsageError
from sfnwatch.export.otlp.document import to_json, to_protobuf
from sfnwatch.export.otlp.span import OtlpSpan
from sfnwatch.export.otlp.span_maker import SpanMaker
from sfnwatch.model.known_secrets import KNOWN_SECRETS
from sfnwatch.model.records import Batch, RecordKind, receive
from sfnwatch.model.source_health import HealthState, SourceHealth
from sfnwatch.model.texts import clean, size
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.model.values import ascii_json

LANE = "otlp"
FROM_ENVIRONMENT = "env"
"""What stands for an endpoint that OpenTelemetry's own variables name."""
PREFIX = "OTEL_EXPORTER_OTLP_"
_PATH = "/v1/traces"
_PROTOBUF = "application/x-protobuf"
_JSON = "application/json"
_SEND_SECONDS = 5.0
"""Seconds between sendings."""
_LONGEST_WAIT_SECONDS = 60.0
"""Seconds between sendings after failures, at most."""
_NAP_SECONDS = 0.5
"""Seconds slept at once."""
TIMEOUT = 10.0
_LAST_TRIES = 3
_FEW_SPANS = 100
"""Spans sent at once while others wait for the loop."""
_MANY_SPANS = 500
"""Spans sent at once at the end; OpenTelemetry's SDKs send 512."""
_ANSWER = 1 << 20
"""Bytes of an answer; one that takes all spans is empty."""
_RETRYABLE = frozenset({429, 502, 503, 504})
"""All other refusals are for good, the protocol says."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SHOWN = 200
_Key = tuple[str, int]
"""A visit, by its execution and its id; or a call, by its event id and 0."""


# -- where, and how --------------------------------------------------------------------


class CollectorSettings(Struct, frozen=True):
    """Where spans go, and how."""

    url: str
    headers: Mapping[str, str] = {}
    """Such as a key; never to be shown."""
    timeout: float = TIMEOUT
    """Seconds for one answer; and, but no more than usual, for all that is left."""
    is_json: bool = False
    is_packed: bool = False
    tls: Any = True
    """An SSLContext; True for the usual one."""


_FOLLOWED = {
    "PROTOCOL": ("http/protobuf|http/json", "Set it to http/protobuf or http/json."),
    "COMPRESSION": ("none|gzip", "Set it to none or gzip."),
    "TIMEOUT": ("[1-9][0-9]{0,6}", "Give milliseconds: 10000 is the default."),
}
"""What a variable may be, and what to do where it is something else."""
_NAME_OF_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE_OF_HEADER = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
_MILLISECONDS = 1000.0


def collector_settings(
    endpoint: str, environ: Mapping[str, str] = os.environ
) -> CollectorSettings:
    """Read OpenTelemetry's own variables, those for traces before those for all.

    Raises UsageError for one that can't be followed. An `endpoint` that is given goes
    before those they name, and the gRPC they may ask for.
    """
    named = _Variables(environ)
    url = endpoint
    name = "--otlp"
    passed_over = "grpc"
    if endpoint == FROM_ENVIRONMENT:
        url = named["ENDPOINT"]
        name = named.name("ENDPOINT")
        passed_over = ""
        if not url:
            msg = f"There is no endpoint in {PREFIX}ENDPOINT, nor in that of traces."
            raise UsageError(msg, hint="Give it: --otlp http://127.0.0.1:4318.")
    if not _is_url(url):
        msg = f"{name}: {shown_url(url)!r} is no URL."
        raise UsageError(msg, hint="Write it as http://127.0.0.1:4318.")
    if not name.endswith("_TRACES_ENDPOINT"):
        # That of traces is taken as it is.
        bare, question, query = url.partition("?")
        url = f"{bare.rstrip('/').removesuffix(_PATH)}{_PATH}{question}{query}"
    headers = named.headers()
    milliseconds = named.checked("TIMEOUT")
    timeout = int(milliseconds) / _MILLISECONDS if milliseconds else TIMEOUT
    is_json = named.checked("PROTOCOL", also=passed_over) == "http/json"
    is_packed = named.checked("COMPRESSION") == "gzip"
    _keep_secrets(url, headers)
    return CollectorSettings(url, headers, timeout, is_json, is_packed, named.tls())


_HEADER_OF_SECRET = re.compile(
    r"(?i)auth|cookie|credential|key|license|pass|secret|token"
)
_PLAIN_WORDS = re.compile(r"[A-Za-z]+(?:[ _.,/-][A-Za-z]+)*")
"""What a header says of an environment or a team, and many names of states say too."""


def _keep_secrets(url: str, headers: Mapping[str, str]) -> None:
    """Have what a collector is sent to be let in hidden wherever it is echoed."""
    parts = URL(url)
    KNOWN_SECRETS.keep(parts.password)
    for value in parts.query.values():
        KNOWN_SECRETS.keep(value)
    for name, value in headers.items():
        if _HEADER_OF_SECRET.search(name) or not _PLAIN_WORDS.fullmatch(value):
            KNOWN_SECRETS.keep(value)
            # Behind its scheme: `Bearer …`.
            KNOWN_SECRETS.keep(value.rpartition(" ")[2])


def _is_url(text: str) -> bool:
    try:
        url = URL(text)
    except (IndexError, ValueError):  # the first for brackets where there is no host
        return False
    # Nothing listens at port 0, which older versions take for none.
    has_place = bool(url.host) and url.explicit_port != 0
    is_web = url.scheme in {"http", "https"}
    return is_web and has_place and not re.search(r"\s", text)


def shown_url(url: str) -> str:
    """Give a URL without a name, a password and a query, which may be a key."""
    login, at, place = url.partition("?")[0].rpartition("@")
    scheme, slashes, _ = login.rpartition("://")
    return clean(f"{scheme}{slashes}…@{place}" if at else place, _SHOWN)


class _Variables:
    """OpenTelemetry's variables of an exporter; values that are secret are not told."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def name(self, what: str) -> str:
        own = f"{PREFIX}TRACES_{what}"
        return own if self._environ.get(own, "").strip() else f"{PREFIX}{what}"

    def __getitem__(self, what: str) -> str:
        return self._environ.get(self.name(what), "").strip()

    def refusal(self, what: str, why: str, hint: str) -> UsageError:
        told = f"{self.name(what)}: {clean(self[what], _SHOWN)!r} {why}."
        return UsageError(told, hint=hint)

    def checked(self, what: str, also: str = "") -> str:
        """Give a value that can be followed; nothing and `also` need not be."""
        value = self[what].lower()
        pattern, hint = _FOLLOWED[what]
        if value not in {"", also} and not re.fullmatch(pattern, value):
            raise self.refusal(what, "can't be followed", hint)
        return value

    def headers(self) -> dict[str, str]:
        """Read `key=value,…`, percent-encoded."""
        found: dict[str, str] = {}
        for number, entry in enumerate(self["HEADERS"].split(","), 1):
            key, equals, value = (unquote(p.strip()) for p in entry.partition("="))
            named = equals and _NAME_OF_HEADER.fullmatch(key)
            if entry.strip() and not (named and _VALUE_OF_HEADER.fullmatch(value)):
                what = f"its header {number} is no key=value that can be sent"
                hint = "Write key=value,key=value, with %20 for a space."
                raise UsageError(f"{self.name('HEADERS')}: {what}.", hint=hint)
            if key:
                found[key] = value
        return found

    def tls(self) -> Any:
        """Read whom to trust, and who we are; True where nothing is said of it."""
        own = self["CLIENT_CERTIFICATE"]
        key = self["CLIENT_KEY"]
        if key and not own:
            hint = f"Name its certificate in {PREFIX}CLIENT_CERTIFICATE, too."
            raise self.refusal("CLIENT_KEY", "is the key of no certificate", hint)
        if not (own or self["CERTIFICATE"]):
            return True
        try:
            context = ssl.create_default_context(cafile=self["CERTIFICATE"] or None)
            if own:
                # Nobody is asked for the key's password: a key with one is refused.
                context.load_cert_chain(own, key or None, password=str)
        except (OSError, ValueError) as error:
            why = clean(str(getattr(error, "strerror", None) or error), _SHOWN)
            names = f"{PREFIX}CERTIFICATE, CLIENT_CERTIFICATE or CLIENT_KEY"
            msg = f"What {names} names can't be read: {why}."
            raise UsageError(msg, hint="Name PEM files.") from error
        return context


# -- sending ---------------------------------------------------------------------------


class OtlpExporter:
    """Sends what is settled of a trace to one place.

    It is a consumer, which notes what changed and no more, and a source, which hands
    over how the sending goes. It ends once `close` was called and the rest was sent, or
    could not be.
    """

    def __init__(self, trace: Trace, settings: CollectorSettings, clock: Clock) -> None:
        self._trace = trace
        self._collector = settings
        self._clock = clock
        self._waiting: dict[_Key, None] = {}
        """What was touched since it was looked at last."""
        self._taken: set[str] = set()
        """The ids of the spans that the collector took."""
        self._health = SourceHealth(LANE, HealthState.CONNECTING)
        self._named_wait: float | None = None
        """Seconds after which the collector, when it was busy, may be asked again."""
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
        """Say that no more will come: what is left is sent, and `run` ends."""
        self._closed = True

    @property
    def _is_refused(self) -> bool:
        return self._health.state is HealthState.REFUSED

    async def run(self, take: Callable[[Batch], None]) -> None:
        """Send what is new every few seconds; hand over how that goes, where new."""
        opened = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._collector.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            # A packed answer may unpack to anything; we ask for none.
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
        """Sleep, but not beyond the end."""
        while seconds > 0 and not self._closed:
            await self._clock.sleep(min(seconds, _NAP_SECONDS))
            seconds -= _NAP_SECONDS

    async def _send_settled(self, pause: float) -> float:
        """Send what is settled, and give how long to wait then."""
        while self._waiting and not self._closed:
            keys, spans = self._take()
            if not await self._send(spans):
                self._waiting.update(dict.fromkeys(keys))
                return self._named_wait or min(2 * pause, _LONGEST_WAIT_SECONDS)
        return _SEND_SECONDS

    async def _send_rest(self) -> None:
        """Send all that is left; what is not taken after some tries is said."""
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
        """Take a part of what waits; what is not settled will be touched again."""
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
        """Send spans; False if they were not taken, and why is said."""
        if not spans:
            return True
        self._named_wait = None
        try:
            state, said = await self._post(self._encoded(spans))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # The last is what aiohttp says of an answer that makes no sense.
            said = clean(str(error), _SHOWN) or type(error).__name__
            state = HealthState.RETRYING
        is_taken = state is HealthState.LIVE
        self._say(state, said if is_taken else self._trouble(said))
        if is_taken:
            self._taken.update(span.id for span in spans)
        return is_taken

    def _encoded(self, spans: Sequence[OtlpSpan]) -> bytes:
        told = to_json(spans)
        is_json = self._collector.is_json
        is_packed = self._collector.is_packed
        body = ascii_json(told).encode() if is_json else to_protobuf(told)
        return gzip.compress(body, mtime=0) if is_packed else body

    async def _post(self, body: bytes) -> tuple[HealthState, str]:
        """Post a body; say how that went: REFUSED is for good, RETRYING is not."""
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
            # Whoever answers so must not decide who gets the headers next.
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
                message = message or clean(told[: 4 * _SHOWN].decode(errors="replace"))
                return HealthState.REFUSED, f"{said} {message.strip()[:_SHOWN]}".strip()
        return HealthState.LIVE, self._remark(count, message)

    def _remark(self, count: int, message: str) -> str:
        """Say how many spans the collector has left out by now; or what it warns of."""
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
    """Read Retry-After's seconds; never longer than we would wait at most."""
    return (
        min(max(float(told), _NAP_SECONDS), _LONGEST_WAIT_SECONDS)
        if told.isdecimal()
        else None
    )


def _details(body: bytes, content_type: str) -> tuple[int, str]:
    """Read how many spans were left out, and why."""
    from google.protobuf import json_format, message  # type: ignore[import-untyped]  # noqa: PLC0415
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service  # noqa: PLC0415

    answer = service.ExportTraceServiceResponse()
    # Bytes that are none, JSON that is none, and JSON that is nested without end.
    with suppress(message.DecodeError, json_format.Error, ValueError, RecursionError):
        if content_type == _JSON:
            json_format.Parse(body, answer, ignore_unknown_fields=True)
        elif content_type == _PROTOBUF:
            answer.ParseFromString(body)
    partial = answer.partial_success
    return max(0, partial.rejected_spans), clean(partial.error_message, _SHOWN)
