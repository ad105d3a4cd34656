"""What CloudWatch Logs has: a trail's records, and the events of Express executions.

A trail's log group has what the trail is set to log: data events too, such as Lambda's
Invoke, which LookupEvents never has, in whole records. It is as late as CloudTrail is.
A record larger than 256 KB is not sent to CloudWatch Logs at all, and nothing tells of
it. Only what was called with a role of the executions' is asked for, or while none is
known what Step Functions called: not what this tool calls itself.

Of Express executions AWS keeps no history itself: GetExecutionHistory and
DescribeExecution refuse their ARNs. What the state machine logs, and where,
DescribeStateMachine tells; both are as they are now, and may have been otherwise when
the execution ran.

Nor does the ARN say when that was. So the log is read from a while ago on, and
backwards in stretches that grow, until an event of the execution turns up. An Express
execution lasts five minutes at most, started synchronously or not: from there on no
more than that has to be read. Delivery to the log is best effort: an event may come
late, or never.
"""

import re
from collections.abc import AsyncGenerator, Collection, Iterable, Iterator, Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any

from msgspec import Raw, Struct

from sfnwatch.model.arns import ExecutionArn, LogGroupName, parse_log_group
from sfnwatch.model.history_event import (
    MOST_EVENTS,
    TERMINAL,
    HistoryEvent,
    decode_event,
)
from sfnwatch.model.records import DecodeError, Received, RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.values import (
    clean,
    list_of,
    mapping_of,
    parse_json,
    parse_object,
    text_of,
)
from sfnwatch.sources.answers import (
    AwsRequest,
    CallsAws,
    Failure,
    Page,
    Text,
    Verdict,
    json_bytes,
)
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.call_source import OVERLAP, CallSource
from sfnwatch.sources.polling import FORBIDDEN, PollingSource, WatchContext
from sfnwatch.sources.rate_limits import Interval
from sfnwatch.sources.targets import Target, TimeSpan

# -- a log group, page by page ---------------------------------------------------------

LOG_VERDICTS = (
    Verdict(
        "InvalidParameterException|ResourceNotFoundException",
        "Check the log group's name and its Region.",
    ),
)
_MOST_SEEN = 200_000
"""Ids of log events that are remembered; beyond, the oldest are let go."""


class _LogPage(Page):
    events: list[Raw]


LogEvent = tuple[str, bytes]
"""What was logged, a JSON text for a trail or a state machine; and all of the event, as
it came: `{"eventId", "logStreamName", "timestamp", "message", …}`."""


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

    async def pages(
        self, span: TimeSpan, pattern: str, note: str
    ) -> AsyncGenerator[list[LogEvent], None]:
        """Yield the events of each page that never came by."""
        asked: dict[str, Any] = {**self._which, "filterPattern": pattern}
        for key, at in (("startTime", span.first), ("endTime", span.last)):
            if at is not None:
                # In milliseconds; CloudWatch Logs knows no time before 1970.
                asked[key] = max(0, int(at.timestamp() * 1000))
        name = "logs:FilterLogEvents"
        request = AwsRequest(name, self.name, self.region, _LogPage, asked, note)
        async for page in self._source.pages(request):
            yield list(self._unseen(map(bytes, page.value.events)))

    def _unseen(self, events: Iterable[bytes]) -> Iterator[LogEvent]:
        for data in events:
            fields = parse_object(data)
            key = text_of(fields.get("eventId")) or data.decode()
            if key not in self._seen:
                self._seen[key] = None
                yield text_of(fields.get("message")) or "", data
        while len(self._seen) > _MOST_SEEN:
            del self._seen[next(iter(self._seen))]


# -- a trail's -------------------------------------------------------------------------

_FAR = timedelta(hours=2)
"""How far back every so many cycles read, and the last: stragglers have been seen that
were 25 and 85 minutes late. Whether a log event bears the time of the call or that of
its delivery is not documented: this does for both."""
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
        interval, self._known = Interval(*_PAUSES), None
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
        for span in self._times():
            async for events in self.log.pages(span, pattern, "the trail's log"):
                news = self.select(self._records(events)) or news
        return news

    def _times(self) -> list[TimeSpan]:
        """Tell from when to when to read: all, when what to look for has changed.

        But not what lies between an end and a redrive; the last time has no end.
        """
        now, targets = self.clock.now(), self.targets
        known = len(targets.roles), targets.started_at
        afresh, self._known = self._known != known, known
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


# -- following it ----------------------------------------------------------------------


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
        self._client, self.relevance = aws, beside.relevance
        group, home = beside.group, self.targets.roots[0].arn
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


# -- an Express execution's ------------------------------------------------------------

_FIRST = timedelta(minutes=15)
"""How far back the log is read at once; each stretch before is so many times longer."""
_GROWTH = 4
_LONGEST = timedelta(minutes=5)
"""An Express execution is timed out then."""
_LATE = timedelta(minutes=5)
"""How long after that its events are awaited. No bound is documented."""
_MARGIN = timedelta(minutes=1)
"""What is read on either side. Where it was seen, a log event had its event's time."""
_SETTLED = timedelta(seconds=30)
"""How long after the last event those are awaited that are missing before it."""
_EXPRESS_PAUSES = (1.0, 5.0)
"""Seconds between readings, while events come and at most."""
_NOT_YET = "Nothing of this execution is in the log yet."
_ONLY_FAILURES = (
    "Its log level is {}: only failures are logged, so that states which succeed are"
    " missing here, and so is the start."
)
_NO_DATA = (
    "Its log has no execution data. Without request ids and task ARNs, calls are"
    " matched by role, action and time only."
)
_LOGS_NOTHING = (
    "{} logs nothing, and AWS keeps no other history of an Express execution. For"
    " executions to come, turn its logging on, with level ALL and execution data."
)


class _MachineAnswer(Struct, rename="camel"):
    """What DescribeStateMachine must tell."""

    state_machine_arn: Text
    logging_configuration: Any = None


def _destination(configuration: Mapping[str, Any]) -> LogGroupName | None:
    for each in list_of(configuration.get("destinations")):
        group = mapping_of(mapping_of(each).get("cloudWatchLogsLogGroup"))
        try:
            return parse_log_group(text_of(group.get("logGroupArn")) or "")
        except ValueError:
            continue
    return None


class Express(PollingSource):
    """A source: reads an Express execution's log to its end."""

    verdicts = LOG_VERDICTS

    def __init__(self, aws: CallsAws, context: WatchContext, target: Target) -> None:
        super().__init__(aws, context, "history", "express", target.arn.arn)
        self.subject, self.region = target.arn.state_machine_arn, target.arn.region
        name, self._target = context.options.calls.express_log_group, target
        self._group = parse_log_group(name) if name else None
        """What is read instead of what the state machine names."""
        self._look_back = timedelta(seconds=context.options.calls.look_back)
        self._level = ""
        """ALL, ERROR, FATAL or OFF; empty where it is not known."""
        self._remark = ""
        """What a reader should know of what is missing."""
        self._began = self.clock.now()
        self._held: dict[int, HistoryEvent] = {}

    async def close(self) -> None:
        self._target.finish()

    def judge(self, failure: Failure) -> None:
        if failure.state is HealthState.DENIED and self.bounded and not self._held:
            failure.state = HealthState.REFUSED

    async def read(self) -> str:
        group = await self._define()
        log = LogReader(self, group, self._target.arn)
        interval = Interval(*_EXPRESS_PAUSES)
        self._began = self.clock.now()
        older = self._older_stretches()
        while True:
            sought = not self._held
            news = await self._search(log, self._span())
            if sought and not self._held and (stretch := next(older, None)):
                # What is new and what is old by turns: it may just have begun.
                await self._search(log, stretch)
            elif sought and self._held:
                continue
            elif self._is_all_read():
                return self._last_words()
            else:
                unseen = "" if self._held else _NOT_YET
                self.say(" ".join(filter(None, (unseen, self._remark))))
                await self.rest(interval.after(news=news))

    # -- what is logged, and where -------------------------------------------------

    async def _define(self) -> LogGroupName:
        """Ask where it is logged; for a group that is given that need not be told."""
        asked, note = {"stateMachineArn": self.subject}, "the log group"
        name = "states:DescribeStateMachine"
        request = self.request(name, _MachineAnswer, note, **asked)
        try:
            answer = await self.ask(request, FORBIDDEN if self._group else ())
        except Failure as failure:
            assert self._group is not None  # noqa: S101 - else nothing is tolerated
            self._remark = failure.message
            return self._group
        configuration = mapping_of(answer.value.logging_configuration)
        self._level = text_of(configuration.get("level")) or "OFF"
        group = self._group
        if self._level == "OFF":
            self._remark = "Its state machine logs nothing by now."
        else:
            group = group or _destination(configuration)
            data = configuration.get("includeExecutionData")
            if self._level in {"ERROR", "FATAL"}:
                self._remark = _ONLY_FAILURES.format(self._level)
            self._remark += "" if data else f" {_NO_DATA}"
        if group is None:
            await self.refuse(_LOGS_NOTHING.format(clean(self.subject)))
        received = self.received(RecordKind.DEFINITION, answer.body)
        self._target.observe(received)
        self.hand_on(received)
        # The services and the role are known: the other lane can begin.
        self._target.set_ready()
        return group

    # -- reading -------------------------------------------------------------------

    def _older_stretches(self) -> Iterator[TimeSpan]:
        """Give the stretches of the log in which it may yet be, the newest first."""
        last, length = self._began - self._look_back, _FIRST
        until = max(self._began - _FIRST, last)
        while until > last:
            length *= _GROWTH
            since = max(until - length, last)
            yield TimeSpan(since, until)
            until = since

    def _times(self) -> list[datetime]:
        return [min(event.at, self.clock.now()) for event in self._held.values()]

    def _span(self) -> TimeSpan:
        """Tell from where to where to read: a log event has its event's time.

        One of five minutes before may be missing, and none of it is later.
        """
        if not self._held:
            return TimeSpan(self._began - min(_FIRST, self._look_back))
        first, known = self._held.get(1), min(self._times())
        begin = first.at if first else known - _LONGEST
        return TimeSpan(begin - _MARGIN, known + _LONGEST + _MARGIN)

    async def _search(self, log: LogReader, span: TimeSpan) -> bool:
        """Read a stretch; True if anything of the execution is in it that is new.

        Once it is known where it is, only that is read.
        """
        note = "earlier log events" if span.last and not self._held else "log events"
        # A backslash or a quote would end the text that is asked for.
        arn = re.sub(r'(["\\])', r"\\\1", self._target.arn.arn)
        pattern = f'{{ $.execution_arn = "{arn}" }}'
        sought, news = not self._held, False
        async for events in log.pages(span, pattern, note):
            found = [r for each in events if (r := self._record(*each))]
            self.hand_on(*found)
            news = news or bool(found)
            if sought and self._held:
                break
        return news

    def _record(self, text: str, data: bytes) -> Received | None:
        """Make a record of a log event, and note what it tells; None for another's."""
        received = self.received(RecordKind.EXPRESS, json_bytes(text))
        arn, record = self._target.arn.arn, received.record
        if not record and arn in text:
            return self.received(RecordKind.UNREAD, data)  # it is cut
        if record.get("execution_arn") != arn:
            return None
        try:
            event, _ = received.once(decode_event)
        except DecodeError:
            return self.received(RecordKind.UNREAD, received.data)
        self._held[event.id] = event
        self._target.observe(received)
        return received

    # -- the end -------------------------------------------------------------------

    def _is_all_read(self) -> bool:
        """True when no more is to be awaited: nor, after the end, what lies before."""
        now = self.clock.now()
        if not self._has_ended:
            # It must have ended by then, and its end have been logged, if ever.
            return now >= min(self._times(), default=self._began) + _LONGEST + _LATE
        complete = self._level == "ALL" and not self._missing()
        return complete or now >= max(self._times()) + _SETTLED

    @property
    def _has_ended(self) -> bool:
        return any(event.type in TERMINAL for event in self._held.values())

    def _missing(self) -> list[int]:
        """List the ids of events that the log lacks before the last it has."""
        # An id beyond is nonsense, and no gap before it is counted.
        last = min(max(self._held, default=0), MOST_EVENTS)
        return [number for number in range(1, last) if number not in self._held]

    def _last_words(self) -> str:
        """Say what the log lacks; and without an end, that it has one all the same."""
        level, missing = self._level, self._missing()
        remarks = [] if self._has_ended else [self._no_end()]
        if not self._has_ended and (self._held or level != "ALL"):
            # It ran, and runs no more: the calls it made may yet come.
            self._target.stopped_at = max(self._times(), default=self._began)
        if level in {"ALL", ""} and missing:
            some = "1 event" if len(missing) == 1 else f"{len(missing)} events"
            remarks.append(f"The log lacks {some}; delivery to it is best effort.")
        return " ".join(filter(None, (*remarks, self._remark)))

    def _no_end(self) -> str:
        """Say that no end was logged, or nothing at all."""
        if self._held:
            return "No end of it was logged; delivery to a log is best effort."
        hours = self._look_back.total_seconds() / 3600
        return (
            f"Nothing of this execution is in the log of the {hours:g} hours before"
            " this watch, nor since. It may be older, or have been logged elsewhere."
        )
