"""What this tool itself sends to AWS, noted as it is sent and answered.

Botocore's hooks tell of each HTTP request, its own retries and those for credentials
too. Nothing but the fields written here is taken from them: no parameter, header or
body, so that neither payload nor credential can get into a recording this way.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Self

from msgspec import Struct

from sfnwatch.clock import Clock
from sfnwatch.sources.allowed import GRANTS
from sfnwatch.trace.events import Batch, From, Received
from sfnwatch.trace.requests import OK
from sfnwatch.trace.times import iso, seconds_between

_PREFIXES = {"cloudwatch-logs": "logs", "sfn": "states"}
"""A service's name in botocore's hooks, where its IAM prefix is another."""
_OURS = frozenset(grant.service for grant in GRANTS)
"""Whatever else is asked, the session asks for its credentials."""
_MOST = 120
"""Characters of a code or an id: whoever answers at an endpoint writes them."""
_UNKNOWN = "unknown"
_LATEST = 10.0
"""Seconds after which a request is told, though nothing else is."""


class _Sent(Struct, frozen=True):
    """A request under way."""

    service: str
    operation: str
    region: str | None
    at: datetime
    number: int
    """Which try it is: botocore makes a second one by itself."""


class Ledger:
    """The requests made for one source, until they are handed over."""

    def __init__(self, clock: Clock, execution_arn: str | None = None) -> None:
        self._clock = clock
        self.execution_arn = execution_arn
        """The one execution it is all for; None where it is for several."""
        self._note = ""
        self._sent: _Sent | None = None
        self._tries: dict[str, int] = {}
        self._noted: list[dict[str, Any]] = []
        self._since: datetime | None = None
        self.count = 0
        """Requests sent so far."""

    @contextmanager
    def asking(self, note: str = "") -> Iterator[Self]:
        """Note all that is sent until the block ends; `note` says what for."""
        self._note, self._tries = note, {}
        token = _ASKING.set(self)
        try:
            yield self
        except Exception as error:
            # An answer that could not be parsed, or that came too late.
            self.answered(type(error).__name__)
            raise
        finally:
            _ASKING.reset(token)
            self._sent = None

    def sent(self, service: str, operation: str, region: str | None) -> None:
        """Note a request that is on its way."""
        self.answered(_UNKNOWN)  # nothing was heard of the one before
        self.count += 1
        number = self._tries[operation] = self._tries.get(operation, 0) + 1
        at = self._clock.now()
        self._since = self._since or at
        self._sent = _Sent(service, operation, region, at, number)

    def answered(
        self, outcome: str, status: int | None = None, request_id: str | None = None
    ) -> None:
        """Note what came of the request under way, if there is one."""
        sent, self._sent = self._sent, None
        if sent is None:
            return
        seconds = seconds_between(sent.at, self._clock.now())
        self._noted.append(
            {
                "operation": sent.operation,
                "service": sent.service,
                "region": sent.region,
                "sent_at": iso(sent.at),
                "seconds": round(max(0.0, seconds), 3),
                "outcome": outcome[:_MOST],
                "status": status,
                "request_id": request_id and request_id[:_MOST],
                "items": None,
                "note": self._words(sent),
            }
        )

    def _words(self, sent: _Sent) -> str:
        note = self._note if sent.service in _OURS else "for the credentials"
        again = f"try {sent.number}" if sent.number > 1 else ""
        return ", ".join(words for words in (note, again) if words)

    def brought(self, items: int) -> None:
        """Note how many events or records the last answer held."""
        if self._noted:
            self._noted[-1]["items"] = items

    def is_due(self, pause: float) -> bool:
        """True when the next chance to hand over, in `pause` seconds, is too late."""
        if self._since is None or not self._noted:
            return False
        return seconds_between(self._since, self._clock.now()) + pause >= _LATEST

    def take(self) -> Batch:
        """Hand over what was noted since the last time."""
        now = self._clock.now()
        noted, self._noted, self._since = self._noted, [], None
        return tuple(
            Received(now, From.REQUEST, self.execution_arn, data) for data in noted
        )


_ASKING: ContextVar[Ledger | None] = ContextVar("asking", default=None)
"""On whose behalf the task at work asks: the hooks are told nothing of it."""


def note_sent(request: Any, event_name: str, **_: Any) -> None:
    """Botocore's `before-send`: once for each HTTP request."""
    ledger = _ASKING.get()
    if ledger is not None:
        service, operation = event_name.split(".")[1:3]
        context = getattr(request, "context", None) or {}
        region = context.get("client_region")
        ledger.sent(_PREFIXES.get(service, service), operation, region)


def note_answer(
    parsed_response: Mapping[str, Any] | None,
    exception: BaseException | None,
    **_: Any,
) -> None:
    """Botocore's `response-received`: once for each, unless nothing can be parsed."""
    ledger = _ASKING.get()
    if ledger is None:
        return
    answer = parsed_response or {}
    told = answer.get("ResponseMetadata", {})
    status, request_id = told.get("HTTPStatusCode"), told.get("RequestId")
    code: str | None = answer.get("Error", {}).get("Code")
    if exception is not None:
        code = type(exception).__name__
    elif code is None:
        code = OK
    ledger.answered(
        str(code) or _UNKNOWN, status, None if request_id is None else str(request_id)
    )
