"""The requests that this tool itself sends to AWS, noted as they are sent and answered.

Botocore's hooks report each HTTP request, also botocore's own retries and requests for
credentials. Only the fields written here are taken from them, and no parameter, header
or body: so neither a payload nor a credential can get into a recording this way.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct, field
from msgspec.structs import asdict

from sfnwatch.clock import Clock
from sfnwatch.model.known_secrets import KNOWN_SECRETS
from sfnwatch.model.own_requests import OK
from sfnwatch.model.records import Batch, Received, RecordKind, receive
from sfnwatch.model.times import iso, seconds_between
from sfnwatch.sources.permissions import Feature, operations

_LOG = logging.getLogger(__name__)

_PREFIXES = {"cloudwatch-logs": "logs", "sfn": "states"}
"""A service's name in botocore's hooks to its IAM prefix, if that is another."""
_OURS = operations(tuple(Feature))
"""The sources' operations. Every other one is the session's, for its credentials."""
_MOST_CHARACTERS = 120
"""Most characters of a code or an id, which any server at an endpoint may write."""
_UNKNOWN = "unknown"


class _SentRequest(Struct):
    """The fields of a request's record: see `records.py`."""

    operation: str
    service: str
    region: str | None
    sent_at: str
    seconds: float | None = None
    outcome: str = _UNKNOWN
    status: int | None = None
    request_id: str | None = None
    items: int | None = None
    note: str = ""


class RequestLog(Struct, eq=False):
    """The requests made for one source, until they are handed over.

    A source makes one call at a time: a first request and botocore's further tries.
    """

    clock: Clock
    execution_arn: str | None = None
    """The execution that the requests are for; None if they are for several."""
    count: int = 0
    """The number of requests sent so far."""
    _finished: list[_SentRequest] = []
    """Requests that are over, but not yet handed over."""
    _note: str = ""
    _tries: Counter[str] = field(default_factory=Counter)
    _under_way: _SentRequest | None = None
    _sent_at: datetime | None = None
    """When the request under way was sent."""

    @contextmanager
    def asking(self, note: str = "") -> Iterator["RequestLog"]:
        """Note all requests until the block ends; `note` says what they are for."""
        self._note = note
        self._tries = Counter()
        token = _ASKING.set(self)
        outcome = None
        try:
            yield self
        except BaseException as error:
            # The answer can't be read, came too late, or is no longer awaited.
            outcome = type(error.__cause__ or error).__name__
            raise
        finally:
            _ASKING.reset(token)
            self._finish(outcome)

    def take(self) -> Batch:
        """Return the records of the requests noted since the last time."""
        now = self.clock.now()
        records: list[Received] = []
        for request in self._finished:
            fields = asdict(request)
            records.append(receive(now, RecordKind.REQUEST, self.execution_arn, fields))
        self._finished.clear()
        return tuple(records)

    def sent(self, event_name: str, request: Any) -> None:
        """Note a request that is on its way: botocore's request and event name."""
        self._finish()
        service, operation = event_name.split(".")[1:3]
        service = _PREFIXES.get(service, service)
        region = (getattr(request, "context", None) or {}).get("client_region")
        host = urlsplit(getattr(request, "url", "") or "").netloc.rpartition("@")[2]
        self._tries[operation] += 1
        note = self._note
        if (service, operation) not in _OURS:
            note = "for the credentials"
        if self._tries[operation] > 1:
            number = f"try {self._tries[operation]}"
            note = f"{note}, {number}" if note else number
        _LOG.debug(
            "asks %s:%s in %s, of %s: %s", service, operation, region, host, note
        )
        self._sent_at = self.clock.now()
        self.count += 1
        sent_at = iso(self._sent_at)
        self._under_way = _SentRequest(operation, service, region, sent_at, note=note)

    def answered(self, answer: Mapping[str, Any], error: BaseException | None) -> None:
        """Note the outcome of the request under way, from botocore's parsed answer."""
        request = self._under_way
        if request is None:
            return
        metadata = answer.get("ResponseMetadata", {})
        outcome = str(answer.get("Error", {}).get("Code", OK))
        if error is not None:
            outcome = type(error).__name__
        request_id = metadata.get("RequestId")
        request.seconds = self._seconds()
        request.status = metadata.get("HTTPStatusCode")
        request.outcome = KNOWN_SECRETS.hide(outcome)[:_MOST_CHARACTERS] or _UNKNOWN
        if request_id:
            shown_id = KNOWN_SECRETS.hide(str(request_id))
            request.request_id = shown_id[:_MOST_CHARACTERS]
        length = metadata.get("HTTPHeaders", {}).get("content-length")
        _LOG.debug(
            "%s to %s:%s after %.3f s: %s, status %s, request ID %s, %s bytes",
            "answer" if request.status else "no answer",
            request.service,
            request.operation,
            request.seconds,
            request.outcome,
            request.status or "-",
            request_id or "-",
            length or "-",
        )

    def brought(self, items: int) -> None:
        """Note the number of events or records in the answer."""
        if self._under_way is not None:
            self._under_way.items = items

    def _finish(self, outcome: str | None = None) -> None:
        """Finish the request under way; `outcome` is what ended the call, if known."""
        request = self._under_way
        self._under_way = None
        if request is None:
            return
        if request.seconds is None:
            request.seconds = self._seconds()
        if outcome is not None and request.outcome in {OK, _UNKNOWN}:
            request.outcome = outcome
            name = request.operation
            seconds = request.seconds
            _LOG.debug("no answer of use to %s in %.3f s: %s", name, seconds, outcome)
        self._finished.append(request)

    def _seconds(self) -> float:
        now = self.clock.now()
        seconds = seconds_between(self._sent_at or now, now)
        return round(max(0.0, seconds), 3)


_ASKING: ContextVar[RequestLog | None] = ContextVar("asking", default=None)
"""The log of the source that the running task asks for; the hooks don't pass it on."""


def note_sent(request: Any, event_name: str, **_: Any) -> None:
    """Handle botocore's `before-send`, which comes once for each HTTP request."""
    if (log := _ASKING.get()) is not None:
        log.sent(event_name, request)


def note_answer(
    parsed_response: Mapping[str, Any] | None, exception: BaseException | None, **_: Any
) -> None:
    """Handle botocore's `response-received`: one for each answer that can be parsed."""
    if (log := _ASKING.get()) is not None:
        log.answered(parsed_response or {}, exception)
