"""What this tool itself sends to AWS, noted as it is sent and answered.

Botocore's hooks tell of each HTTP request, its own retries and those for credentials
too. Nothing but the fields written here is taken from them: no parameter, header or
body, so that neither payload nor credential can get into a recording this way.
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
from sfnwatch.model.records import Batch, RecordKind, receive
from sfnwatch.model.times import iso, seconds_between
from sfnwatch.sources.permissions import Feature, operations

_LOG = logging.getLogger(__name__)

_PREFIXES = {"cloudwatch-logs": "logs", "sfn": "states"}
"""A service's name in botocore's hooks, where its IAM prefix is another."""
_OURS = operations(tuple(Feature))
"""Whatever else is asked, the session asks for its credentials."""
_MOST = 120
"""Characters of a code or an id: whoever answers at an endpoint writes them."""
_UNKNOWN = "unknown"


class _Noted(Struct):
    """What is told of a request: see `records.py`."""

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

    A source asks for one thing at a time: the first request, and botocore's own further
    tries, are those of one call.
    """

    clock: Clock
    execution_arn: str | None = None
    """The one execution it is all for; None where it is for several."""
    count: int = 0
    """Requests sent so far."""
    _noted: list[_Noted] = []
    """Those that are over, and are not handed over."""
    _note: str = ""
    _tries: Counter[str] = field(default_factory=Counter)
    _under_way: _Noted | None = None
    _sent_at: datetime | None = None
    """When that was sent."""

    @contextmanager
    def asking(self, note: str = "") -> Iterator["RequestLog"]:
        """Note all that is sent until the block ends; `note` says what for."""
        self._note = note
        self._tries = Counter()
        token = _ASKING.set(self)
        outcome = None
        try:
            yield self
        except BaseException as error:
            # An answer that could not be read, that came too late, or is not awaited.
            outcome = type(error.__cause__ or error).__name__
            raise
        finally:
            _ASKING.reset(token)
            self._finish(outcome)

    def take(self) -> Batch:
        """Hand over what was noted since the last time."""
        now = self.clock.now()
        noted = self._noted
        self._noted = []
        kind = RecordKind.REQUEST
        arn = self.execution_arn
        return tuple(receive(now, kind, arn, asdict(each)) for each in noted)

    def sent(self, event_name: str, request: Any) -> None:
        """Note a request that is on its way: botocore's own, and its event's name."""
        self._finish()
        service, operation = event_name.split(".")[1:3]
        service = _PREFIXES.get(service, service)
        region = (getattr(request, "context", None) or {}).get("client_region")
        host = urlsplit(getattr(request, "url", "") or "").netloc.rpartition("@")[2]
        self._tries[operation] += 1
        again = f"try {number}" if (number := self._tries[operation]) > 1 else ""
        ours = (service, operation) in _OURS
        note = self._note if ours else "for the credentials"
        note = ", ".join(words for words in (note, again) if words)
        _LOG.debug(
            "asks %s:%s in %s, of %s: %s", service, operation, region, host, note
        )
        self._sent_at = self.clock.now()
        self.count += 1
        told = operation, service, region, iso(self._sent_at)
        self._under_way = _Noted(*told, note=note)

    def answered(self, answer: Mapping[str, Any], error: BaseException | None) -> None:
        """Note what came of the request under way: an answer as botocore parsed it."""
        if (told := self._under_way) is None:
            return
        metadata = answer.get("ResponseMetadata", {})
        outcome = str(answer.get("Error", {}).get("Code", OK))
        outcome = outcome if error is None else type(error).__name__
        request_id = metadata.get("RequestId")
        status = metadata.get("HTTPStatusCode")
        told.seconds = self._seconds()
        told.status = status
        told.outcome = KNOWN_SECRETS.hide(outcome)[:_MOST] or _UNKNOWN
        if request_id:
            told.request_id = KNOWN_SECRETS.hide(str(request_id))[:_MOST]
        length = metadata.get("HTTPHeaders", {}).get("content-length")
        words = "{} to {service}:{operation} after {seconds:.3f} s: {outcome}, status"
        words += " {}, request ID {}, {} bytes"
        kind = "answer" if status else "no answer"
        shown = (each or "-" for each in (status, request_id, length))
        _LOG.debug("%s", words.format(kind, *shown, **asdict(told)))

    def brought(self, items: int) -> None:
        """Note how many events or records the answer held."""
        if self._under_way is not None:
            self._under_way.items = items

    def _finish(self, outcome: str | None = None) -> None:
        """Have done with the request under way; `outcome` is what ended the call."""
        told = self._under_way
        self._under_way = None
        if told is None:
            return
        if told.seconds is None:
            told.seconds = self._seconds()
        if outcome is not None and told.outcome in {OK, _UNKNOWN}:
            told.outcome = outcome
            name = told.operation
            took = told.seconds
            _LOG.debug("no answer of use to %s in %.3f s: %s", name, took, outcome)
        self._noted.append(told)

    def _seconds(self) -> float:
        now = self.clock.now()
        return round(max(0.0, seconds_between(self._sent_at or now, now)), 3)


_ASKING: ContextVar[RequestLog | None] = ContextVar("asking", default=None)
"""On whose behalf the task at work asks: the hooks are told nothing of it."""


def note_sent(request: Any, event_name: str, **_: Any) -> None:
    """Take botocore's `before-send`: once for each HTTP request."""
    if (log := _ASKING.get()) is not None:
        log.sent(event_name, request)


def note_answer(
    parsed_response: Mapping[str, Any] | None, exception: BaseException | None, **_: Any
) -> None:
    """Take botocore's `response-received`: once for each, unless none can be parsed."""
    if (log := _ASKING.get()) is not None:
        log.answered(parsed_response or {}, exception)
