"""A trail's records in a log group, read page by page or followed live.

The log group has everything that the trail is set to log, in whole records. This
includes data events such as Lambda's Invoke, which LookupEvents never has. It is as
late as CloudTrail is. A record larger than 256 KB is not sent to CloudWatch Logs at
all, and nothing reports that. The filter matches only calls made with the executions'
roles, or while no role is known, calls made by Step Functions. It does not match this
tool's own calls.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any

from sfnwatch.model.arns import parse_log_group
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.values import list_of, mapping_of, parse_json, text_of
from sfnwatch.sources.answers import CallsAws, Failure, json_bytes
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.call_source import OVERLAP, CallSource
from sfnwatch.sources.log_reader import LOG_VERDICTS, LogEvent, LogReader
from sfnwatch.sources.polling import WatchContext
from sfnwatch.sources.rate_limits import Interval
from sfnwatch.sources.targets import TimeSpan

_FAR = timedelta(hours=2)
"""How far back the last cycle and every `_THOROUGH_CYCLE`th cycle read: one record was
seen to come between 25 and 85 minutes late. It is not documented whether a log event
has the time of the call or of its delivery; this covers both."""
_THOROUGH_CYCLE = 6
_SHORTEST_PAUSE_SECONDS = 5.0
"""Seconds between cycles while calls come. CloudTrail is minutes late: shorter pauses
would find no more."""
_LONGEST_PAUSE_SECONDS = 15.0
"""The most seconds between cycles."""

_LONGEST_PATTERN = 1024
"""The most characters of a filter pattern."""
_ROLE = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
_USER = "$.userIdentity.sessionContext.sessionIssuer.userName"
"""The member of a record that names the role behind a session."""
_ROLELESS = '($.eventName = "InvokeHTTPEndpoint")'
"""A data event of HTTP tasks, whose record names no role."""
_BY_STEP_FUNCTIONS = (
    # `states.amazonaws.com`, or in China perhaps `states.amazonaws.com.cn`.
    '{ ($.userIdentity.invokedBy = "states.*") || ($.sourceIPAddress = "states.*") }'
)


def trail_pattern(roles: Collection[str]) -> str:
    """Return the filter pattern for calls that may concern executions with these roles.

    Without a role, or with more roles than fit, it matches all calls by Step Functions.
    In an account with many executions those are many times the roles' calls.
    """
    names = sorted(filter(_ROLE.fullmatch, roles))
    by_roles = [f'({_USER} = "{name}")' for name in names]
    pattern = f"{{ {' || '.join([_ROLELESS, *by_roles])} }}"
    if not by_roles or len(pattern) > _LONGEST_PATTERN:
        return _BY_STEP_FUNCTIONS
    return pattern


def call_in(message: str, now: datetime) -> Received | None:
    """Return the CloudTrail record in a log line; None for any other line."""
    received = Received(now, RecordKind.TRAIL, None, json_bytes(message))
    if "eventName" not in received.record:
        return None
    return received


class LogGroup(CallSource):
    """A source: reads a trail's log group until all executions have ended."""

    verdicts = LOG_VERDICTS

    def __init__(self, aws: CallsAws, context: WatchContext) -> None:
        super().__init__(aws, context, "log-group")
        self.group = parse_log_group(context.options.calls.log_group or "")
        self.log = LogReader(self, self.group, self.targets.roots[0].arn)
        self._known: tuple[int, datetime | None] | None = None
        """The number of roles, and the earliest start, that were known at the last
        reading."""
        self._cycles = 0
        self._found = False
        """True once any CloudTrail record was read, whoever made the call."""
        self._cut = 0
        """The number of truncated records."""

    async def read(self) -> str:
        interval = Interval(_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        self._known = None
        while True:
            self.last_round = self.is_over()
            news = await self._cycle()
            if self.last_round:
                self.coverage = self.clock.now() - OVERLAP
                return self._remark()
            self.say(self._remark())
            await self.rest(interval.after(news=news))

    async def _cycle(self) -> bool:
        """Read the log once; True if it had anything new of the executions."""
        self._cycles += 1
        news = False
        pattern = trail_pattern(self.targets.roles)
        for span in self._times():
            async for events in self.log.pages(span, pattern, "the trail's log"):
                if self.select(self._records(events)):
                    news = True
        return news

    def _times(self) -> list[TimeSpan]:
        """Return the spans to read: all when the roles or the start have changed.

        The time between an end and a redrive is left out, and the last span has no end.
        """
        now = self.clock.now()
        targets = self.targets
        *before, latest = targets.spans or [TimeSpan()]
        begin = latest.first or targets.since(now)
        known = len(targets.roles), targets.started_at
        if self._known != known:
            self._known = known
            return [*before, TimeSpan(begin)]
        back = OVERLAP
        if self.last_round or self._cycles % _THOROUGH_CYCLE == 0:
            back = _FAR
        return [TimeSpan(max(begin, now - back))]

    def _records(self, events: Iterable[LogEvent]) -> Iterator[Received]:
        now = self.clock.now()
        for text, data in events:
            call = call_in(text, now)
            if call is not None:
                self._found = True
                yield call
            elif '"eventVersion"' in text and parse_json(text) is None:
                self._cut += 1
                yield Received(now, RecordKind.UNREAD, None, data)

    def _remark(self) -> str:
        """Return a remark on what the log is known to lack; empty if nothing."""
        if self._cut:
            records = "1 record is" if self._cut == 1 else f"{self._cut} records are"
            return f"{records} cut in the log group, and can't be read."
        if self.last_round and not self._found and self.targets.started_at:
            return (
                f"{self.log.name} ({self.log.region}) has no call by Step Functions"
                " or with the executions' roles. Is it the log group of a trail?"
            )
        return ""


class LiveTail(CallSource):
    """A source: follows a trail's log group until all executions are drained.

    A session streams what the log group receives, one second later. If more than 500
    records match in a second it streams a sample, and between two sessions nothing. So
    FilterLogEvents goes on beside it, and nothing is lost. A session does not shorten
    the minutes until CloudTrail has written a record into the log group.

    A session ends after three hours, and a new one is started. A new one is also
    started when a role becomes known, because the filter is fixed when a session
    starts. A session is charged by the minute. So it ends with the drain, and none is
    started for executions that ended long ago.
    """

    verdicts = LOG_VERDICTS

    def __init__(self, aws: AwsClient, beside: LogGroup) -> None:
        """Make a source beside a LogGroup, which does not repeat this one's finds."""
        super().__init__(aws, beside.context, "live-tail")
        self._client = aws
        self.relevance = beside.relevance
        self.region = beside.log.region
        home = self.targets.roots[0].arn
        owner = f"arn:{home.partition}:logs:{self.region}:{home.account}"
        # A live tail takes no other form of the name.
        self.subject = beside.group.arn or f"{owner}:log-group:{beside.group.name}"

    async def read(self) -> str:
        while not self.is_over():
            await self.attempt(self._follow)
        return ""

    async def _follow(self) -> None:
        """Follow one session to its end, or until the filter changes or all is over."""
        pattern = trail_pattern(self.targets.roles)
        request = self.request(
            "logs:StartLiveTail",
            dict,
            logGroupIdentifiers=[self.subject],
            logEventFilterPattern=pattern,
        )
        msg = f"StartLiveTail on {self.subject}: the session was ended."
        ended = Failure(HealthState.RETRYING, msg)
        session = self._client.stream(request, "responseStream")
        async with aclosing(session):
            with self.requests.asking("a live tail of the trail's log"):
                begun = await anext(session, None)
            if begun is None:
                raise ended
            self.succeeded()
            # An update comes every second, even if nothing was logged.
            async for update in session:
                self.select(self._records(mapping_of(update.get("sessionUpdate"))))
                self.say()
                if self.is_over() or pattern != trail_pattern(self.targets.roles):
                    return
            raise ended

    def _records(self, update: Mapping[str, Any]) -> Iterator[Received]:
        """Yield CloudTrail's records; the LogGroup reports those that are truncated."""
        for result in list_of(update.get("sessionResults")):
            message = text_of(mapping_of(result).get("message")) or ""
            call = call_in(message, self.clock.now())
            if call is not None:
                yield call
