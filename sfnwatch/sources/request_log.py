"""What this tool itself sends to AWS, noted as it is sent and answered.

Botocore's hooks tell of each HTTP request, its own retries and those for credentials
too. Nothing but the fields written here is taken from them: no parameter, header or
body, so that neither payload nor credential can get into a recording this way.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from sfnwatch.clock import Clock
from sfnwatch.model.records import Batch, RecordKind, receive
from sfnwatch.model.requests import OK
from sfnwatch.model.times import iso, seconds_between
from sfnwatch.sources.permissions import GRANTS

_PREFIXES = {"cloudwatch-logs": "logs", "sfn": "states"}
"""A service's name in botocore's hooks, where its IAM prefix is another."""
_OURS = frozenset(grant.service for grant in GRANTS)
"""Whatever else is asked, the session asks for its credentials."""
_MOST = 120
"""Characters of a code or an id: whoever answers at an endpoint writes them."""
_UNKNOWN = "unknown"
_LATEST = 10.0
"""Seconds after which a request is told, though nothing else is."""


class RequestLog:
    """The requests made for one source, until they are handed over."""

    def __init__(self, clock: Clock, execution_arn: str | None = None) -> None:
        self.clock = clock
        self.execution_arn = execution_arn
        """The one execution it is all for; None where it is for several."""
        self.count = 0
        """Requests sent so far."""
        self._noted: list[dict[str, Any]] = []
        self._since: datetime | None = None
        """When the first was sent of those that are not handed over."""

    @contextmanager
    def asking(self, note: str = "") -> Iterator["CallLog"]:
        """Note all that is sent until the block ends; `note` says what for."""
        call = CallLog(self, note)
        token = _ASKING.set(call)
        outcome = None
        try:
            yield call
        except BaseException as error:
            # An answer that could not be read, that came too late, or is not awaited.
            outcome = type(error.__cause__ or error).__name__
            raise
        finally:
            _ASKING.reset(token)
            call.finish(outcome)

    def begin(self) -> datetime:
        """Count a request that is on its way; gives the time."""
        self.count += 1
        at = self.clock.now()
        self._since = self._since or at
        return at

    def add(self, record: dict[str, Any]) -> None:
        """Keep what is known of a request that is over."""
        self._noted.append(record)

    def is_due(self, pause: float) -> bool:
        """True when the next chance to hand over, in `pause` seconds, is too late."""
        if self._since is None or not self._noted:
            return False
        return _seconds(self._since, self.clock) + pause >= _LATEST

    def take(self) -> Batch:
        """Hand over what was noted since the last time."""
        now = self.clock.now()
        noted, self._noted, self._since = self._noted, [], None
        return tuple(
            receive(now, RecordKind.REQUEST, self.execution_arn, record)
            for record in noted
        )


class CallLog:
    """The requests of one call: the first, and botocore's own further tries."""

    def __init__(self, log: RequestLog, note: str) -> None:
        self._log, self._note = log, note
        self._tries: Counter[str] = Counter()
        self._at: datetime | None = None
        """When the request under way was sent."""
        self._record: dict[str, Any] = {}

    def sent(self, service: str, operation: str, region: str | None) -> None:
        """Note a request that is on its way."""
        self.finish()
        self._tries[operation] += 1
        again = f"try {number}" if (number := self._tries[operation]) > 1 else ""
        note = self._note if service in _OURS else "for the credentials"
        self._at = self._log.begin()
        self._record = {
            "operation": operation,
            "service": service,
            "region": region,
            "sent_at": iso(self._at),
            "seconds": None,
            "outcome": _UNKNOWN,
            "status": None,
            "request_id": None,
            "items": None,
            "note": ", ".join(words for words in (note, again) if words),
        }

    def answered(
        self, outcome: str, status: int | None, request_id: str | None
    ) -> None:
        """Note what came of the request under way."""
        if self._at is not None:
            self._record |= {
                "seconds": _seconds(self._at, self._log.clock),
                "outcome": outcome[:_MOST] or _UNKNOWN,
                "status": status,
                "request_id": request_id and request_id[:_MOST],
            }

    def brought(self, items: int) -> None:
        """Note how many events or records the answer held."""
        self._record["items"] = items

    def finish(self, outcome: str | None = None) -> None:
        """Hand the request under way to the log; `outcome` is what ended the call."""
        at, self._at, record = self._at, None, self._record
        if at is None:
            return
        if record["seconds"] is None:
            record["seconds"] = _seconds(at, self._log.clock)
        if outcome is not None and record["outcome"] in {OK, _UNKNOWN}:
            record["outcome"] = outcome
        self._log.add(record)


def _seconds(since: datetime, clock: Clock) -> float:
    return round(max(0.0, seconds_between(since, clock.now())), 3)


_ASKING: ContextVar[CallLog | None] = ContextVar("asking", default=None)
"""On whose behalf the task at work asks: the hooks are told nothing of it."""


def note_sent(request: Any, event_name: str, **_: Any) -> None:
    """Take botocore's `before-send`: once for each HTTP request."""
    call = _ASKING.get()
    if call is not None:
        service, operation = event_name.split(".")[1:3]
        context = getattr(request, "context", None) or {}
        region = context.get("client_region")
        call.sent(_PREFIXES.get(service, service), operation, region)


def note_answer(
    parsed_response: Mapping[str, Any] | None, exception: BaseException | None, **_: Any
) -> None:
    """Take botocore's `response-received`: once for each, unless none can be parsed."""
    call = _ASKING.get()
    if call is None:
        return
    answer = parsed_response or {}
    told = answer.get("ResponseMetadata", {})
    outcome = str(answer.get("Error", {}).get("Code", OK))
    if exception is not None:
        outcome = type(exception).__name__
    request_id = told.get("RequestId")
    call.answered(outcome, told.get("HTTPStatusCode"), request_id and str(request_id))
