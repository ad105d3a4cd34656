"""The calls around the executions, from a trail that writes to CloudWatch Logs.

A trail's log group has what it is set to log: data events too, such as Lambda's Invoke,
which LookupEvents never has, in whole records. It is as late as CloudTrail is. A record
larger than 256 KB is not sent to CloudWatch Logs at all, and nothing tells of it.

Only what was called with a role of the executions' is asked for, or while none is known
what Step Functions called: not what this tool calls itself.
"""

import re
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any

from msgspec import Raw, Struct

from sfnwatch.model.arns import ExecutionArn, LogGroupName
from sfnwatch.model.records import HealthState, Received, RecordKind
from sfnwatch.model.values import clean, list_of, mapping_of, parse_json, text_of
from sfnwatch.sources.answers import (
    AwsAnswer,
    AwsRequest,
    CallsAws,
    Failure,
    ListPage,
    Verdict,
    json_bytes,
)
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.polling import (
    OVERLAP,
    CallSource,
    Interval,
    PollingSource,
    Rates,
    WatchContext,
)
from sfnwatch.sources.targets import Relevance, TimeSpan

# -- a log group, page by page ---------------------------------------------------------

LOG_RATES: Rates = {"logs:FilterLogEvents": (1.0, 2.0)}
"""For all who read logs in this process: how many a second an account has differs by
Region."""
LOG_VERDICTS = (
    Verdict(
        "ResourceNotFoundException",
        HealthState.REFUSED,
        "Check the log group's name and its Region.",
    ),
    Verdict(
        "InvalidParameterException", HealthState.REFUSED, "Check the log group's name."
    ),
)
_MOST_SEEN = 200_000
"""Ids of log events that are remembered; beyond, the oldest are let go."""


class LogPage(ListPage):
    """An answer of FilterLogEvents."""

    events: list[Raw]


class LogEvent(Struct):
    """One event of a log."""

    data: bytes
    """As it came: `{"eventId", "logStreamName", "timestamp", "message", …}`."""
    message: str
    """What was logged: for a trail, or a state machine, a JSON text."""


class LogReader:
    """Reads one log group on behalf of a source, by FilterLogEvents.

    That gives what matches a pattern in all of a group's streams, oldest first; a page
    may be empty with more to come. What is written late lies before what was read: so
    whoever follows a log begins each reading a while back, and what came by before is
    known by its id.
    """

    def __init__(
        self, source: PollingSource, group: LogGroupName, home: ExecutionArn
    ) -> None:
        self._source = source
        self.region = group.region or home.region
        self.name = clean(group.arn or group.name, 200)
        # In another account it is known by its ARN alone.
        abroad = group.arn is not None and group.account != home.account
        key = "logGroupIdentifier" if abroad else "logGroupName"
        self._which = {key: group.arn if abroad else group.name}
        self._seen: dict[str, None] = {}

    def pages(
        self, since: datetime, pattern: str, note: str, until: datetime | None = None
    ) -> AsyncGenerator[AwsAnswer[LogPage], None]:
        """Yield the pages of a time; `note` is for the request log."""
        asked: dict[str, Any] = {**self._which, "filterPattern": pattern}
        for key, at in (("startTime", since), ("endTime", until)):
            if at is not None:
                # In milliseconds; CloudWatch Logs knows no time before 1970.
                asked[key] = max(0, int(at.timestamp() * 1000))
        name = "logs:FilterLogEvents"
        return self._source.pages(
            AwsRequest(name, self.name, self.region, LogPage, asked, note)
        )

    def unseen(self, page: AwsAnswer[LogPage]) -> Iterator[LogEvent]:
        """Give a page's events, those that never came by."""
        for data in map(bytes, page.value.events):
            fields = mapping_of(parse_json(data))
            key = text_of(fields.get("eventId")) or data.decode()
            if key not in self._seen:
                self._seen[key] = None
                yield LogEvent(data, text_of(fields.get("message")) or "")
        while len(self._seen) > _MOST_SEEN:
            del self._seen[next(iter(self._seen))]


def escape_pattern(text: str) -> str:
    """Write a text as a string of a filter pattern; a `*` would match anything."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


# -- a trail's -------------------------------------------------------------------------

_FAR = timedelta(hours=2)
"""How far back every so many cycles read, and the last: stragglers have been seen that
were 25 and 85 minutes late. Whether a log event bears the time of the call or that of
its delivery is not documented: this does for both."""
_THOROUGH = 6
_LEAST, _MOST = 5.0, 15.0
"""Seconds between cycles. CloudTrail is minutes late: faster would find no more."""

_LONGEST = 1024
"""Characters of a filter pattern."""
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
    return pattern if known and len(pattern) <= _LONGEST else _BY_STEP_FUNCTIONS


def call_in(message: str) -> bytes | None:
    """Give the CloudTrail record that is logged; other lines are nobody's here."""
    record = parse_json(message)
    is_call = isinstance(record, Mapping) and "eventName" in record
    return json_bytes(message) if is_call else None


class LogGroup(CallSource):
    """A source: reads a trail's log group until all executions have ended."""

    verdicts = LOG_VERDICTS

    def __init__(
        self,
        aws: CallsAws,
        context: WatchContext,
        group: LogGroupName,
        relevance: Relevance,
    ) -> None:
        """Make a source; `relevance` is shared with what brings the same records."""
        super().__init__(aws, context, "log-group")
        self._log = LogReader(self, group, self.targets.roots[0].arn)
        self._relevance = relevance
        self._known: tuple[frozenset[str], datetime | None] | None = None
        """The roles and the start of what was read last."""
        self._cycles = 0
        self._found = False
        """True once a record of CloudTrail's came by, of whomever."""
        self._cut = 0
        """Records that end in the middle."""

    async def read(self) -> str:
        interval, self._known = Interval(_LEAST, _MOST), None
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
        news, pattern = False, trail_pattern(self.targets.roles)
        for first, last in self._times():
            async for page in self._log.pages(first, pattern, "the trail's log", last):
                selected = self._relevance.select(self._records(page))
                self.hand_on(*selected)
                news = news or bool(selected)
        return news

    def _times(self) -> list[tuple[datetime, datetime | None]]:
        """Tell from when to when to read: all, when what to look for has changed.

        But not what lies between an end and a redrive; the last time has no end.
        """
        now, known = self.clock.now(), (self.targets.roles, self.targets.started_at)
        begin = self.targets.since(now)
        *before, latest = self.targets.spans or [TimeSpan(begin)]
        begin = latest.first or begin
        afresh, self._known = self._known != known, known
        if afresh:
            earlier = [(span.first or begin, span.last) for span in before]
            return [*earlier, (begin, None)]
        thorough = self.last_round or self._cycles % _THOROUGH == 0
        return [(max(begin, now - (_FAR if thorough else OVERLAP)), None)]

    def _records(self, page: AwsAnswer[LogPage]) -> Iterator[Received]:
        now = self.clock.now()
        for event in self._log.unseen(page):
            text = event.message
            if (call := call_in(text)) is not None:
                self._found = True
                yield Received(now, RecordKind.TRAIL, None, call)
            elif '"eventVersion"' in text and parse_json(text) is None:
                self._cut += 1
                yield Received(now, RecordKind.UNREAD, None, event.data)

    def _remark(self) -> str:
        """Say what the log lacks, if it is known to lack anything."""
        if self._cut:
            some = "1 record is" if self._cut == 1 else f"{self._cut} records are"
            return f"{some} cut in the log group, and can't be read."
        if self.last_round and not self._found and self.targets.started_at:
            return (
                f"{self._log.name} ({self._log.region}) has no call by Step Functions"
                " or with the executions' roles. Is it the log group of a trail?"
            )
        return ""


# -- following it ----------------------------------------------------------------------

_TIMEOUT = "SessionTimeoutException"
"""How a session says that it has been open for three hours, as documented."""
_SAMPLED = (
    "More records came than a live tail gives, 500 a second: the rest comes by"
    " FilterLogEvents."
)
_Session = AsyncGenerator[Mapping[str, Any], None]


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

    verdicts = (
        *LOG_VERDICTS,
        # As many sessions are open as may be: others' may end.
        Verdict("LimitExceededException", HealthState.RETRYING, at_least=60.0),
        Verdict(
            # What a log group says that is not of the standard class [inferred].
            "InvalidOperationException",
            HealthState.REFUSED,
            "Leave out --live-tail: the log group is read anyway.",
        ),
    )

    def __init__(
        self,
        aws: AwsClient,
        context: WatchContext,
        group: LogGroupName,
        relevance: Relevance,
    ) -> None:
        """Make a source; `relevance` is the log group's own, which does not repeat."""
        super().__init__(aws, context, "live-tail")
        self._client, self._relevance = aws, relevance
        home = self.targets.roots[0].arn
        self.region = group.region or home.region
        where = f"{self.region}:{home.account}:log-group:{group.name}"
        # A live tail takes no other name.
        self.subject = group.arn or f"arn:{home.partition}:logs:{where}"

    async def read(self) -> str:
        while not self.is_over():
            await self.attempt(self._follow)
        return ""

    async def _follow(self) -> None:
        """Follow one session to its end, or until another one is needed."""
        pattern, is_new = trail_pattern(self.targets.roles), True
        self.always = {
            "logGroupIdentifiers": [self.subject],
            "logEventFilterPattern": pattern,
        }
        asked = self.request("logs:StartLiveTail", dict)
        session = self._client.stream(asked, "responseStream")
        async with aclosing(session):
            with self.requests.asking("a live tail of the trail's log"):
                await self._next(session)
            self.succeeded()
            try:
                while pattern == trail_pattern(self.targets.roles):
                    # What came in a second; that nothing did is told as well.
                    told = mapping_of((await self._next(session)).get("sessionUpdate"))
                    is_new = False
                    self.hand_on(*self._relevance.select(self._records(told)))
                    metadata = mapping_of(told.get("sessionMetadata"))
                    # That a sample was had stays true for the while.
                    sampled = metadata.get("sampled") is True
                    self.say(_SAMPLED if sampled else self.health.message)
                    if self.is_over():
                        return
            except Failure as failure:
                if failure.code != _TIMEOUT or is_new:
                    raise

    async def _next(self, session: _Session) -> Mapping[str, Any]:
        try:
            return await anext(session)
        except StopAsyncIteration as error:
            msg = f"StartLiveTail on {self.subject}: the session was ended."
            raise Failure(HealthState.RETRYING, msg) from error

    def _records(self, told: Mapping[str, Any]) -> Iterator[Received]:
        """Take CloudTrail's records out; one that is cut is told by the log group."""
        for result in map(mapping_of, list_of(told.get("sessionResults"))):
            call = call_in(text_of(result.get("message")) or "")
            if call is not None:
                yield Received(self.clock.now(), RecordKind.TRAIL, None, call)
