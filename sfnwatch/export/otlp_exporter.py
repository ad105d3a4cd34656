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
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import aiohttp
from msgspec import Struct
from msgspec.structs import replace

from sfnwatch import __version__
from sfnwatch.analysis.wording import plural
from sfnwatch.clock import Clock
from sfnwatch.errors import UsageError
from sfnwatch.export.otlp import OtlpSpan, SpanMaker, to_json, to_protobuf
from sfnwatch.model.records import (
    Batch,
    HealthState,
    RecordKind,
    SourceHealth,
    receive,
)
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.model.values import (
    ascii_json,
    clean,
    mapping_of,
    parse_object,
    parse_time,
    size,
    text_of,
)

LANE = "otlp"
FROM_ENVIRONMENT = "env"
"""What stands for an endpoint that OpenTelemetry's own variables name."""
PREFIX = "OTEL_EXPORTER_OTLP_"
_PATH = "/v1/traces"
_PROTOBUF, _JSON = "application/x-protobuf", "application/json"
_EVERY, _MOST, _NAP = 5.0, 60.0, 0.5
"""Seconds between sendings, the most after failures, and the most slept at once."""
TIMEOUT = 10.0
_LAST_TRIES = 3
_FEW, _MANY = 100, 500
"""Spans sent at once while others wait for the loop, and at the end; the SDKs of
OpenTelemetry send 512."""
_ANSWER = 1 << 20
"""Bytes of an answer; one that takes all spans is empty."""
_RETRYABLE = frozenset({429, 502, 503, 504})
"""All other refusals are for good, the protocol says."""
_TAKEN = 2
"""The first digit of what a collector answers that took them."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SHOWN = 200
_Key = tuple[str, int]
"""A visit, by its execution and its id; or a call, by its event id and 0."""


class _NotTakenError(Exception):
    """The collector has not taken spans: REFUSED for good, or RETRYING."""

    def __init__(
        self, state: HealthState, what: str, after: float | None = None
    ) -> None:
        super().__init__(what)
        self.state, self.after = state, after
        """`after` so many seconds it may have them, where it says."""


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


_PROTOCOLS = {"": False, "http/protobuf": False, "http/json": True}
_PACKINGS = {"": False, "none": False, "gzip": True}
_NAME_OF_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE_OF_HEADER = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
_OWN_HEADERS = frozenset(
    {"connection", "content-encoding", "content-length", "content-type", "host"}
    | {"accept-encoding", "transfer-encoding", "user-agent"}
)
_MILLISECONDS, _MILLISECONDS_GIVEN = 1000.0, re.compile("[1-9][0-9]{0,6}")


def collector_settings(
    endpoint: str, environ: Mapping[str, str] = os.environ
) -> CollectorSettings:
    """Read OpenTelemetry's own variables, those for traces before those for all.

    Raises UsageError for one that can't be followed. An `endpoint` that is given goes
    before those they name, and the gRPC they may ask for.
    """
    named = _Variables(environ)
    if endpoint == FROM_ENVIRONMENT:
        endpoint = _endpoint_of(named)
        protocol = named.choice("PROTOCOL", _PROTOCOLS)
    else:
        endpoint = traces_url(endpoint)
        protocol = _PROTOCOLS.get(named["PROTOCOL"].lower(), False)
    return CollectorSettings(
        endpoint,
        named.headers(),
        named.timeout(),
        is_json=protocol,
        is_packed=named.choice("COMPRESSION", _PACKINGS),
        tls=named.tls(),
    )


def traces_url(endpoint: str) -> str:
    """Give where spans go: an endpoint's own path, or the protocol's below it."""
    bare = endpoint.rstrip("/")
    return bare if bare.endswith(_PATH) else f"{bare}{_PATH}"


def _endpoint_of(named: "_Variables") -> str:
    """Give that of traces as it is, or the protocol's path below that of all."""
    url = named["ENDPOINT"]
    if not url:
        msg = f"There is no endpoint in {PREFIX}ENDPOINT, nor in that of traces."
        raise UsageError(msg, hint="Give it: --otlp http://127.0.0.1:4318.")
    if not re.match(r"https?://[^/\s]+", url):
        msg = f"{named.name('ENDPOINT')}: {clean(url, _SHOWN)!r} is no URL."
        raise UsageError(msg, hint="Write it as http://127.0.0.1:4318.")
    return url if named.own("ENDPOINT") else traces_url(url)


class _Variables:
    """OpenTelemetry's variables of an exporter; values that are secret are not told."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def own(self, what: str) -> str:
        return self._environ.get(f"{PREFIX}TRACES_{what}", "").strip()

    def __getitem__(self, what: str) -> str:
        return self.own(what) or self._environ.get(f"{PREFIX}{what}", "").strip()

    def name(self, what: str) -> str:
        return f"{PREFIX}{'TRACES_' if self.own(what) else ''}{what}"

    def choice(self, what: str, known: Mapping[str, bool]) -> bool:
        value = self[what].lower()
        if value not in known:
            msg = f"{self.name(what)}: {clean(value, _SHOWN)!r} is not to be had here."
            raise UsageError(msg, hint=f"Set it to {' or '.join(filter(None, known))}.")
        return known[value]

    def timeout(self) -> float:
        """Give seconds; the variable has milliseconds, as all of OpenTelemetry's."""
        value = self["TIMEOUT"]
        if not value:
            return TIMEOUT
        if not _MILLISECONDS_GIVEN.fullmatch(value):
            msg = f"{self.name('TIMEOUT')}: {clean(value, _SHOWN)!r} is no time."
            raise UsageError(msg, hint="Give milliseconds: 10000 is the default.")
        return int(value) / _MILLISECONDS

    def headers(self) -> dict[str, str]:
        """Read `key=value,…`, percent-encoded; what is no pair is passed over."""
        pairs = (each.partition("=") for each in self["HEADERS"].split(","))
        found = {
            unquote(key.strip()): unquote(value.strip())
            for key, equals, value in pairs
            if equals and key.strip()
        }
        for key, value in found.items():
            fits = _NAME_OF_HEADER.fullmatch(key) and _VALUE_OF_HEADER.fullmatch(value)
            if not fits:
                msg = f"{self.name('HEADERS')} has a header that can't be sent."
                raise UsageError(msg, hint="Write key=value, with %20 for a space.")
        return {key: found[key] for key in found if key.lower() not in _OWN_HEADERS}

    def tls(self) -> Any:
        """Read whom to trust, and who we are; True where nothing is said of it."""
        files = [self[f"{what}CERTIFICATE"] for what in ("", "CLIENT_")]
        if not any(files):
            return True
        try:
            context = ssl.create_default_context(cafile=files[0] or None)
            if files[1]:
                context.load_cert_chain(files[1], self["CLIENT_KEY"] or None)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            msg = f"{PREFIX}…CERTIFICATE: can't be read: {clean(str(why), _SHOWN)}."
            raise UsageError(msg, hint="Name PEM files.") from error
        return context


# -- sending ---------------------------------------------------------------------------


class OtlpExporter:
    """Sends what is settled of a trace to one place.

    It is a consumer, which notes what changed and no more, and a source, whose batches
    say how the sending goes. They end once `close` was called and the rest was sent, or
    could not be.
    """

    def __init__(
        self, trace: Trace, collector: CollectorSettings, clock: Clock
    ) -> None:
        self._trace, self._collector, self._clock = trace, collector, clock
        self._waiting: dict[_Key, None] = {}
        """What was touched since it was looked at last."""
        self._taken: set[str] = set()
        """The ids of the spans that the collector took."""
        self._health = SourceHealth(LANE, HealthState.CONNECTING)
        self._named_wait: float | None = None
        """Seconds after which the collector, when it was busy, may be asked again."""
        self._closed = False
        self._left_out = 0

    @property
    def sent(self) -> int:
        """How many spans the collector took."""
        return len(self._taken) - self._left_out

    def __call__(self, batch: Batch, changed: Changed) -> None:
        del batch
        if self._is_refused:
            return
        for arn, visit_ids in changed.visits.items():
            self._waiting.update(((arn, visit_id), None) for visit_id in visit_ids)
        for event_id in (*changed.calls, *changed.links):
            self._waiting[event_id, 0] = None

    def close(self) -> None:
        """Say that no more will come: what is left is sent, and `batches` ends."""
        self._closed = True

    @property
    def _is_refused(self) -> bool:
        return self._health.state is HealthState.REFUSED

    # -- when --------------------------------------------------------------------------

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """Send what is new every few seconds; yield how that goes, where it is news."""
        opened = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._collector.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            # A packed answer may unpack to anything; we ask for none.
            auto_decompress=False,
        )
        async with opened as session:
            pause, is_last = _EVERY, False
            while not is_last and not self._is_refused:
                before, is_last = self._health, self._closed
                if is_last:
                    await self._send_rest(session)
                else:
                    await self._sleep(pause)
                    pause = await self._send_settled(session, pause)
                if self._health != before:
                    told = self._health.as_record()
                    yield (receive(self._clock.now(), RecordKind.HEALTH, None, told),)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but not beyond the end."""
        while seconds > 0 and not self._closed:
            await self._clock.sleep(min(seconds, _NAP))
            seconds -= _NAP

    async def _send_settled(
        self, session: aiohttp.ClientSession, pause: float
    ) -> float:
        """Send what is settled, and give how long to wait then."""
        while self._waiting and not self._closed:
            keys, spans = self._take()
            if not await self._send(session, spans):
                self._waiting.update(dict.fromkeys(keys))
                return self._named_wait or min(2 * pause, _MOST)
        return _EVERY

    async def _send_rest(self, session: aiohttp.ClientSession) -> None:
        """Send all that is left; what is not taken after some tries is said."""
        maker, tries = SpanMaker(self._trace.as_of()), _LAST_TRIES
        left = [span for span in maker.spans() if span.id not in self._taken]
        try:
            # Whoever asked for the end waits for this.
            async with asyncio.timeout(min(self._collector.timeout, TIMEOUT)):
                while left and tries and not self._is_refused:
                    if await self._send(session, left[:_MANY]):
                        del left[:_MANY]
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
        return f"Sending spans to {_shown(self._collector.url)}: {what}."

    # -- what --------------------------------------------------------------------------

    def _take(self) -> tuple[list[_Key], list[OtlpSpan]]:
        """Take a part of what waits; what is not settled will be touched again."""
        maker = SpanMaker(self._trace.as_of())
        keys, found = list[_Key](), list[OtlpSpan]()
        for key in list(self._waiting):
            del self._waiting[key]
            fresh = [span for span in _spans(maker, key) if span.settled]
            fresh = [span for span in fresh if span.id not in self._taken]
            keys += [key] if fresh else []
            found += fresh
            if len(found) >= _FEW:
                break
        return keys, found

    async def _send(
        self, session: aiohttp.ClientSession, spans: Sequence[OtlpSpan]
    ) -> bool:
        """Send spans; False if they were not taken, and why is said."""
        if not spans:
            return True
        try:
            said = await self._post(session, self._encoded(spans))
        except _NotTakenError as error:
            failed = error
        except aiohttp.InvalidURL:
            failed = _NotTakenError(HealthState.REFUSED, "it is no URL")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # The last is what aiohttp says of an answer that makes no sense.
            what = clean(str(error), _SHOWN) or type(error).__name__
            failed = _NotTakenError(HealthState.RETRYING, what)
        else:
            self._taken.update(span.id for span in spans)
            self._say(HealthState.LIVE, said)
            return True
        self._named_wait = failed.after
        self._say(failed.state, self._trouble(str(failed)))
        return False

    def _encoded(self, spans: Sequence[OtlpSpan]) -> bytes:
        told = to_json(spans)
        is_json, is_packed = self._collector.is_json, self._collector.is_packed
        body = ascii_json(told).encode() if is_json else to_protobuf(told)
        return gzip.compress(body, mtime=0) if is_packed else body

    async def _post(self, session: aiohttp.ClientSession, body: bytes) -> str:
        """Post a body; give what the collector says that it left out of it."""
        collector = self._collector
        headers = {
            **collector.headers,
            "Content-Type": _JSON if collector.is_json else _PROTOBUF,
            "User-Agent": f"sfnwatch/{__version__}",
            "Accept-Encoding": "identity",
            **({"Content-Encoding": "gzip"} if collector.is_packed else {}),
        }
        posted = session.post(
            collector.url,
            data=body,
            headers=headers,
            allow_redirects=False,
            ssl=collector.tls,
        )
        async with posted as answer:
            if answer.status in _RETRYABLE:
                after = _seconds(answer.headers.get("Retry-After"), self._clock.now())
                said = f"it answered {answer.status}"
                raise _NotTakenError(HealthState.RETRYING, said, after)
            if answer.status in _REDIRECTS:
                # Whoever answers so must not decide who gets the headers next.
                other = _target(collector.url, answer.headers.get("Location", ""))
                said = f"it answered {answer.status}, a redirect to {other}"
                raise _NotTakenError(HealthState.REFUSED, f"{said}, not followed")
            told = await _read(answer)
            count, message = _details(told, answer.content_type)
            if answer.status // 100 != _TAKEN:
                message = message or clean(told[: 4 * _SHOWN].decode(errors="replace"))
                said = f"it answered {answer.status} {message.strip()[:_SHOWN]}"
                raise _NotTakenError(HealthState.REFUSED, said.strip())
        return self._remark(count, message)

    def _remark(self, count: int, message: str) -> str:
        """Say how many spans the collector has left out by now; or what it warns of."""
        self._left_out += count
        if not self._left_out:
            return f"The collector says: {message}." if message else ""
        why = message or "it does not say why"
        return f"The collector left out {plural(self._left_out, 'span')}: {why}."


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    found = b""
    async for chunk in answer.content.iter_any():
        found += chunk
        if len(found) > _ANSWER:
            answer.close()
            said = f"it answered with more than {size(_ANSWER)}"
            raise _NotTakenError(HealthState.REFUSED, said)
    return found


def _spans(maker: SpanMaker, key: _Key) -> Iterator[OtlpSpan]:
    """Yield the spans of a visit and its attempts, or of a call."""
    name, visit_id = key
    moment = maker.moment
    execution, call = moment.executions.get(name), moment.trace.calls.get(name)
    visit = execution.visit(visit_id) if execution is not None else None
    if execution is not None and visit is not None:
        yield from maker.of_visit(execution, visit)
    elif not visit_id and call is not None and moment.is_relevant(call):
        yield maker.of_call(call)


def _seconds(told: str | None, now: datetime) -> float | None:
    """Read Retry-After: seconds, or a date; never longer than we would wait at most."""
    if not told:
        return None
    try:
        if told.isdigit():
            seconds = float(told)
        else:
            at = parse_time(parsedate_to_datetime(told))
            seconds = (at - now).total_seconds()
    except (ValueError, OverflowError):
        # Nonsense; or a date beyond the calendar.
        return None
    return min(max(seconds, _NAP), _MOST)


def _details(body: bytes, content_type: str) -> tuple[int, str]:
    """Read how many spans were left out, and why; of a refusal, what it says.

    A refusal is a google.rpc.Status, which has its message where the other has its own.
    """
    from google.protobuf.message import (  # type: ignore[import-untyped]  # noqa: PLC0415
        DecodeError,
    )
    from opentelemetry.proto.collector.trace.v1 import (  # noqa: PLC0415
        trace_service_pb2 as service,
    )

    if content_type == _JSON:
        told = parse_object(body)
        said = mapping_of(told.get("partialSuccess"))
        message = text_of(said.get("errorMessage")) or text_of(told.get("message"))
        return _count(said.get("rejectedSpans")), clean(message or "", _SHOWN)
    if content_type != _PROTOBUF:
        return 0, ""
    try:
        partial = service.ExportTraceServiceResponse.FromString(body).partial_success
        if not partial.ByteSize():
            partial = service.ExportTracePartialSuccess.FromString(body)
    except DecodeError:
        return 0, ""
    return _count(partial.rejected_spans), clean(partial.error_message, _SHOWN)


def _count(told: Any) -> int:
    """Read a number, which JSON has as a string; no collector leaves out billions."""
    text = str(told)
    return int(text) if text.isdecimal() and len(text) <= len("9999999") else 0


def _target(asked: str, target: str) -> str:
    try:
        return _host(urljoin(asked, target))
    except ValueError:
        return clean(target, _SHOWN)


def _shown(url: str) -> str:
    """Give a URL without a name, a password and a query, which may be a key."""
    try:
        return f"{_host(url)}{clean(urlsplit(url).path, _SHOWN)}"
    except ValueError:
        return "its URL"


def _host(url: str) -> str:
    """Give scheme, host and port, without a name and a password."""
    parts = urlsplit(url)
    return clean(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", _SHOWN)
