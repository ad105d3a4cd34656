"""A trail's records in a log group, read page by page or followed live.

It has what the trail is set to log: data events too, such as Lambda's Invoke, which
LookupEvents never has, in whole records. It is as late as CloudTrail is. A record
larger than 256 KB is not sent to CloudWatch Logs at all, and nothing tells of it. Only
what was called with a role of the executions' is asked for, or while none is known what
Step Functions called: not what this tool calls itself.
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
"""How far back every so many cycles read, and the last: one record was seen to come
between 25 and 85 minutes late. Whether a log event bears the time of the call or that
of its delivery is not documented: this does for both."""
_THOROUGH = 6
_PAUSES = (5.0, 15.0)
"""Seconds between cycles. CloudTrail is minutes late: faster would find no more."""

_PATTERN_LONGEST = 1024
"""Characters."""
_ROLE = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
_USER = "$.userIdentity.sessionContext.sessionIssuer.userName"
"""Where a record names the role behind a session."""
_ROLELESS = '($.eventName = "InvokeHTTPEndpoint")'
"""A data event of HTTP tasks, whose record names no role."""
_BY_STEP_FUNCTIONS = (
    # `states.amazonaws.com`, or in China perhaps `states.amazonaws.com.cn`.
    '{ ($.userIdentity.invokedBy = "states.*") || ($.sourceIPAddress = "states.*") }'
)


def trail_pattern(roles: Collection[str]) -> str:
    """Write the filter for calls that may concern executions with these roles.

    Without a role, or with more than fit, it is all that Step Functions calls. In an
    account with many executions that is a multitude of what the roles call.
    """
    known = sorted(filter(_ROLE.fullmatch, roles))
    terms = [_ROLELESS, *(f'({_USER} = "{role}")' for role in known)]
    pattern = f"{{ {' || '.join(terms)} }}"
    return pattern if known and len(pattern) <= _PATTERN_LONGEST else _BY_STEP_FUNCTIONS


def call_in(message: str, now: datetime) -> Received | None:
    """Give the CloudTrail record that is logged; other lines are nobody's here."""
    received = Received(now, RecordKind.TRAIL, None, json_bytes(message))
    return received if "eventName" in received.record else None


class LogGroup(CallSource):
    """A source: reads a trail's log group until all executions have ended."""

    verdicts = LOG_VERDICTS

    def __init__(self, aws: CallsAws, context: WatchContext) -> None:
        super().__init__(aws, context, "log-group")
        self.group = parse_log_group(context.options.calls.log_group or "")
        self.log = LogReader(self, self.group, self.targets.roots[0].arn)
        self._known: tuple[int, datetime | None] | None = None
        """How many roles, and which start, were known when it was read last."""
        self._cycles = 0
        self._found = False
        """True once a record of CloudTrail's came by, of whomever."""
        self._cut = 0
        """Records that end in the middle."""

    async def read(self) -> str:
        interval = Interval(*_PAUSES)
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
        """Read the log once; True if there was anything of the executions'."""
        self._cycles += 1
        news = False
        pattern = trail_pattern(self.targets.roles)
        for span in self._times():
            async for events in self.log.pages(span, pattern, "the trail's log"):
                news = self.select(self._records(events)) or news
        return news

    def _times(self) -> list[TimeSpan]:
        """Tell from when to when to read: all, when what to look for has changed.

        But not what lies between an end and a redrive; the last time has no end.
        """
        now = self.clock.now()
        targets = self.targets
        known = len(targets.roles), targets.started_at
        afresh = self._known != known
        self._known = known
        *before, latest = targets.spans or [TimeSpan()]
        begin = latest.first or targets.since(now)
        if afresh:
            return [*before, TimeSpan(begin)]
        thorough = self.last_round or self._cycles % _THOROUGH == 0
        return [TimeSpan(max(begin, now - (_FAR if thorough else OVERLAP)))]

    def _records(self, events: Iterable[LogEvent]) -> Iterator[Received]:
        now = self.clock.now()
        for text, data in events:
            if (call := call_in(text, now)) is not None:
                self._found = True
                yield call
            elif '"eventVersion"' in text and parse_json(text) is None:
                self._cut += 1
                yield Received(now, RecordKind.UNREAD, None, data)

    def _remark(self) -> str:
        """Say what the log lacks, if it is known to lack anything."""
        if self._cut:
            some = "1 record is" if self._cut == 1 else f"{self._cut} records are"
            return f"{some} cut in the log group, and can't be read."
        if self.last_round and not self._found and self.targets.started_at:
            return (
                f"{self.log.name} ({self.log.region}) has no call by Step Functions"
                " or with the executions' roles. Is it the log group of a trail?"
            )
        return ""


class LiveTail(CallSource):
    """A source: follows a trail's log group until all executions are drained.

    A session streams what the log group takes in, a second after it did. Of more than
    500 records in a second it has a sample, and between two sessions nothing: so beside
    it FilterLogEvents goes on, and nothing is lost. The minutes until CloudTrail has
    written a record into the log group are no fewer for it.

    A session has ended after three hours, and is begun anew; or when a role has become
    known, since what is asked for is written into it. It is paid for by the minute: so
    it ends with the drain, and of what ended long ago none is begun.
    """

    verdicts = LOG_VERDICTS

    def __init__(self, aws: AwsClient, beside: LogGroup) -> None:
        """Make a source beside another, which does not repeat what this one brings."""
        super().__init__(aws, beside.context, "live-tail")
        self._client = aws
        self.relevance = beside.relevance
        group = beside.group
        home = self.targets.roots[0].arn
        self.region = beside.log.region
        where = f"{self.region}:{home.account}:log-group:{group.name}"
        # A live tail takes no other name.
        self.subject = group.arn or f"arn:{home.partition}:logs:{where}"

    async def read(self) -> str:
        while not self.is_over():
            await self.attempt(self._follow)
        return ""

    async def _follow(self) -> None:
        """Follow one session to its end, or until another one is needed."""
        pattern = trail_pattern(self.targets.roles)
        asked: dict[str, Any] = {"logGroupIdentifiers": [self.subject]}
        asked["logEventFilterPattern"] = pattern
        request = self.request("logs:StartLiveTail", dict, **asked)
        msg = f"StartLiveTail on {self.subject}: the session was ended."
        ended = Failure(HealthState.RETRYING, msg)
        session = self._client.stream(request, "responseStream")
        async with aclosing(session):
            with self.requests.asking("a live tail of the trail's log"):
                begun = await anext(session, None)
            if begun is None:
                raise ended
            self.succeeded()
            # What came in a second; that nothing did is told as well.
            async for update in session:
                self.select(self._records(mapping_of(update.get("sessionUpdate"))))
                self.say()
                if self.is_over() or pattern != trail_pattern(self.targets.roles):
                    return
            raise ended

    def _records(self, told: Mapping[str, Any]) -> Iterator[Received]:
        """Take CloudTrail's records out; one that is cut is told by the log group."""
        for result in map(mapping_of, list_of(told.get("sessionResults"))):
            message = text_of(result.get("message")) or ""
            if (call := call_in(message, self.clock.now())) is not None:
                yield call
