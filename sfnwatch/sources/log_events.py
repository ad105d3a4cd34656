"""A log group of CloudWatch Logs, read page by page.

FilterLogEvents gives what matches a pattern in all of a group's streams, oldest first.
A page may be empty with more to come. Its quota is low, and shared by the account: one
bucket serves the whole process. What is written late lies before what was read: so
whoever follows a log begins each reading a while back, and what came by before is
known by its id.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from sfnwatch.clock import Clock
from sfnwatch.sources.aws import Aws
from sfnwatch.sources.drive import Driver, Failure
from sfnwatch.sources.pacing import TokenBucket
from sfnwatch.sources.trouble import StalePageError, code_of
from sfnwatch.trace.arns import ExecutionArn
from sfnwatch.trace.events import HealthState
from sfnwatch.trace.log_groups import LogGroupName
from sfnwatch.trace.text import clean

LogEvent = Mapping[str, Any]
"""`{"eventId", "logStreamName", "timestamp", "ingestionTime", "message"}`."""

_RATE, _BURST = 1.0, 2.0
"""FilterLogEvents a second. How many an account has differs by Region."""
_RESTARTS = 3
"""How often a reading is begun again because its page's token is not taken."""
_MOST_SEEN = 200_000
"""Ids of log events that are remembered; beyond, the oldest are let go."""


def log_bucket(clock: Clock) -> TokenBucket:
    """Make the bucket that all who read logs in this process share."""
    return TokenBucket(_RATE, _BURST, clock)


class Window(Struct):
    """A stretch of a log, as far as it has been read."""

    since: datetime
    pattern: str
    until: datetime | None = None
    token: str | None = None
    pages: int = 0
    restarts: int = 0

    @property
    def is_read(self) -> bool:
        return self.pages > 0 and self.token is None


class LogEvents:
    """Reads windows of one log group; gives each event once."""

    def __init__(
        self,
        aws: Aws,
        group: LogGroupName,
        home: ExecutionArn,
        driver: Driver,
        bucket: TokenBucket,
    ) -> None:
        self._aws, self.group = aws, group
        self._driver, self._bucket = driver, bucket
        self.region = group.region or home.region
        # In another account it is known by its ARN alone.
        abroad = group.arn is not None and group.account != home.account
        key = "logGroupIdentifier" if abroad else "logGroupName"
        self._which = {key: group.arn if abroad else group.name}
        self._seen: dict[str, None] = {}

    async def page(self, window: Window, what: str) -> list[LogEvent]:
        """Read the next page; `what` is for the call log.

        Raises Failure. A token that is not taken begins the reading again.
        """
        try:
            answer = await self._ask(window, what)
        except StalePageError as error:
            self._restart(window, str(error))
            return []
        except Failure as failure:
            if self._is_stale(window, failure):
                self._restart(window, failure.message)
                return []
            raise judged(failure) from failure.__cause__
        window.pages, window.token = window.pages + 1, answer.get("nextToken")
        return list(self._unseen(answer["events"]))

    async def _ask(self, window: Window, what: str) -> dict[str, Any]:
        await self._bucket.take()
        note = f"{what}, page {window.pages + 1}" if window.pages else what
        name = clean(self.group.arn or self.group.name)
        more: dict[str, Any] = {}
        if window.until is not None:
            more["endTime"] = _milliseconds(window.until)
        if window.token:
            more["nextToken"] = window.token
        with self._driver.ledger.asking(note) as asked:
            answer: dict[str, Any] = await self._aws.call(
                "logs:FilterLogEvents",
                name,
                self.region,
                startTime=_milliseconds(window.since),
                filterPattern=window.pattern,
                **self._which,
                **more,
            )
            if "events" not in answer:
                # A body that was cut may parse as an empty answer: that is no news.
                msg = f"FilterLogEvents on {name}: an empty answer."
                raise Failure(HealthState.RETRYING, msg)
            asked.brought(len(answer["events"]))
        return answer

    @staticmethod
    def _is_stale(window: Window, failure: Failure) -> bool:
        """True for a token that is not taken: CloudWatch Logs has no code for that."""
        cause = failure.__cause__
        code = code_of(cause) if cause is not None else ""
        return window.token is not None and code == "InvalidParameterException"

    @staticmethod
    def _restart(window: Window, said: str) -> None:
        window.token, window.pages = None, 0
        window.restarts += 1
        if window.restarts > _RESTARTS:
            raise Failure(HealthState.REFUSED, said)

    def _unseen(self, events: list[LogEvent]) -> Iterator[LogEvent]:
        for event in events:
            key = str(event.get("eventId") or event)
            if key not in self._seen:
                self._seen[key] = None
                yield event
        while len(self._seen) > _MOST_SEEN:
            del self._seen[next(iter(self._seen))]


def judged(failure: Failure) -> Failure:
    """Say of what will never be answered that it won't."""
    code = code_of(failure.__cause__) if failure.__cause__ is not None else ""
    if code == "ResourceNotFoundException":
        advice = "Check the log group's name and its Region."
    elif code == "InvalidParameterException":
        advice = "Check the log group's name."
    else:
        return failure
    return Failure(HealthState.REFUSED, f"{failure.message} {advice}")


def _milliseconds(at: datetime) -> int:
    """Write a time as CloudWatch Logs counts it; it knows none before 1970."""
    return max(0, int(at.timestamp() * 1000))


def escaped(text: str) -> str:
    """Write a text as a string of a filter pattern; a `*` would match anything."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
