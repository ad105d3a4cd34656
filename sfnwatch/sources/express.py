"""An Express execution, read from its log.

AWS keeps no history of it: GetExecutionHistory refuses its ARN. DescribeStateMachine
returns what the state machine logs, and where. Both are the present settings, which may
have been different when the execution ran.

The ARN does not contain the time of the execution. So the log is read from a while ago
on, and backwards in growing stretches, until an event of the execution turns up. An
Express execution lasts five minutes at most, started synchronously or not, so no more
than that is read from there on. Delivery to the log is best effort: an event may come
late, or never.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from sfnwatch.model.arns import LogGroupName, parse_log_group
from sfnwatch.model.history_event import (
    MOST_EVENTS,
    STATUS_BY_END,
    HistoryEvent,
    decode_event,
)
from sfnwatch.model.records import DecodeError, Received, RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean
from sfnwatch.model.values import list_of, mapping_of, text_of
from sfnwatch.sources.answers import CallsAws, Failure, Text, json_bytes
from sfnwatch.sources.log_reader import LOG_VERDICTS, LogReader
from sfnwatch.sources.polling import FORBIDDEN, PollingSource, WatchContext
from sfnwatch.sources.rate_limits import Interval
from sfnwatch.sources.targets import Target, TimeSpan

_FIRST = timedelta(minutes=15)
"""How far back the log is read at first. Each earlier stretch is `_GROWTH` times
longer."""
_GROWTH = 4
_LONGEST = timedelta(minutes=5)
"""An Express execution times out after this time."""
_LATE = timedelta(minutes=5)
"""How long after that its events are awaited. No bound is documented."""
_MARGIN = timedelta(minutes=1)
"""The time read on either side. Every log event seen had the time of its event."""
_SETTLED = timedelta(seconds=30)
"""How long after the last event the missing earlier ones are awaited."""
_SHORTEST_PAUSE_SECONDS = 1.0
"""Seconds between readings while events come."""
_LONGEST_PAUSE_SECONDS = 5.0
"""The most seconds between readings."""
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
    """The fields that DescribeStateMachine's answer must have."""

    state_machine_arn: Text
    logging_configuration: Any = None


def _destination(configuration: Mapping[str, Any]) -> LogGroupName | None:
    for destination in list_of(configuration.get("destinations")):
        group = mapping_of(mapping_of(destination).get("cloudWatchLogsLogGroup"))
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
        self.subject = target.arn.state_machine_arn
        self.region = target.arn.region
        self._target = target
        self._given_group: LogGroupName | None = None
        """The log group to read instead of the one the state machine names."""
        name = context.options.calls.express_log_group
        if name:
            self._given_group = parse_log_group(name)
        self._look_back = timedelta(seconds=context.options.calls.look_back)
        self._level = ""
        """ALL, ERROR, FATAL or OFF; empty if unknown."""
        self._remark = ""
        """A remark about what is missing, for the user."""
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
        interval = Interval(_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        self._began = self.clock.now()
        older = self._older_stretches()
        while True:
            had_events = bool(self._held)
            news = await self._search(log, self._span())
            if self._held and not had_events:
                continue  # now its own time is read, which is known
            stretch = None if self._held else next(older, None)
            if stretch is not None:
                # Read new and old stretches by turns: the execution may just have
                # begun.
                await self._search(log, stretch)
                continue
            if self._is_all_read():
                return self._last_remarks()
            remark = self._remark
            if not self._held:
                remark = f"{_NOT_YET} {remark}".rstrip()
            self.say(remark)
            await self.rest(interval.after(news=news))

    async def _define(self) -> LogGroupName:
        """Return the log group; with one given, a refusal to answer does no harm."""
        request = self.request(
            "states:DescribeStateMachine",
            _MachineAnswer,
            "the log group",
            stateMachineArn=self.subject,
        )
        group = self._given_group
        try:
            answer = await self.ask(request, FORBIDDEN if group else ())
        except Failure as failure:
            assert group is not None  # noqa: S101 - else none is tolerated
            self._remark = failure.message
            return group
        configuration = mapping_of(answer.value.logging_configuration)
        self._level = text_of(configuration.get("level")) or "OFF"
        if self._level == "OFF":
            self._remark = "Its state machine logs nothing by now."
        else:
            group = group or _destination(configuration)
            if self._level in {"ERROR", "FATAL"}:
                self._remark = _ONLY_FAILURES.format(self._level)
            if not configuration.get("includeExecutionData"):
                self._remark += f" {_NO_DATA}"
        if group is None:
            await self.refuse(_LOGS_NOTHING.format(clean(self.subject)))
        received = self.received(RecordKind.DEFINITION, answer.body)
        self._target.observe(received)
        self.hand_on(received)
        # The services and the role are known, so the calls' lane can begin.
        self._target.set_ready()
        return group

    def _older_stretches(self) -> Iterator[TimeSpan]:
        """Yield the stretches of the log in which it may still be, the newest first."""
        last = self._began - self._look_back
        length = _FIRST
        until = max(self._began - _FIRST, last)
        while until > last:
            length *= _GROWTH
            since = max(until - length, last)
            yield TimeSpan(since, until)
            until = since

    def _times(self) -> list[datetime]:
        return [min(event.at, self.clock.now()) for event in self._held.values()]

    def _span(self) -> TimeSpan:
        """Return the span to read: a log event has its event's time.

        If the first event is missing, it is at most five minutes before the earliest
        one held. The last is at most five minutes after it.
        """
        if not self._held:
            return TimeSpan(self._began - min(_FIRST, self._look_back))
        earliest = min(self._times())
        begin = earliest - _LONGEST
        if 1 in self._held:
            begin = self._held[1].at
        return TimeSpan(begin - _MARGIN, earliest + _LONGEST + _MARGIN)

    async def _search(self, log: LogReader, span: TimeSpan) -> bool:
        """Read a stretch; True if it has anything new of the execution.

        If it brings the first event, the reading stops there: then only the execution's
        own time is read.
        """
        had_events = bool(self._held)
        note = "log events"
        if span.last and not had_events:
            note = "earlier log events"
        # A backslash or a quote would end the string in the filter pattern.
        arn = re.sub(r'(["\\])', r"\\\1", self._target.arn.arn)
        pattern = f'{{ $.execution_arn = "{arn}" }}'
        news = False
        async for events in log.pages(span, pattern, note):
            records: list[Received] = []
            for text, data in events:
                record = self._record(text, data)
                if record is not None:
                    records.append(record)
            self.hand_on(*records)
            if records:
                news = True
            if self._held and not had_events:
                break
        return news

    def _record(self, text: str, data: bytes) -> Received | None:
        """Return a log event's record and note its event.

        None for an event of another execution.
        """
        received = self.received(RecordKind.EXPRESS, json_bytes(text))
        arn = self._target.arn.arn
        record = received.record
        if not record and arn in text:
            return self.received(RecordKind.UNREAD, data)  # it is truncated
        if record.get("execution_arn") != arn:
            return None
        try:
            event, _ = received.once(decode_event)
        except DecodeError:
            return self.received(RecordKind.UNREAD, received.data)
        self._held[event.id] = event
        self._target.observe(received)
        return received

    def _is_all_read(self) -> bool:
        """True if nothing more is awaited: no end, nor an event before the end."""
        now = self.clock.now()
        if not self._has_ended:
            # It must have ended by then, and its end must have been logged, if ever.
            earliest = min(self._times(), default=self._began)
            return now >= earliest + _LONGEST + _LATE
        if self._level == "ALL" and not self._missing():
            return True
        return now >= max(self._times()) + _SETTLED

    @property
    def _has_ended(self) -> bool:
        return any(event.type in STATUS_BY_END for event in self._held.values())

    def _missing(self) -> list[int]:
        """Return the ids that are missing in the log before its last event."""
        # An id above that is wrong, so the gap before it is not counted.
        last = min(max(self._held, default=0), MOST_EVENTS)
        return [number for number in range(1, last) if number not in self._held]

    def _last_remarks(self) -> str:
        """Return remarks on what the log lacks.

        Without an end in the log, note that the execution has ended all the same.
        """
        remarks: list[str] = []
        if not self._has_ended:
            remarks.append(self._no_end())
            if self._held or self._level != "ALL":
                # It has run and runs no longer, but its calls may still come.
                self._target.stopped_at = max(self._times(), default=self._began)
        missing = len(self._missing())
        if self._level in {"ALL", ""} and missing:
            events = "1 event" if missing == 1 else f"{missing} events"
            remarks.append(f"The log lacks {events}; delivery to it is best effort.")
        if self._remark:
            remarks.append(self._remark)
        return " ".join(remarks)

    def _no_end(self) -> str:
        """Return a remark that no end was logged, or nothing at all."""
        if self._held:
            return "No end of it was logged; delivery to a log is best effort."
        hours = self._look_back.total_seconds() / 3600
        return (
            f"Nothing of this execution is in the log of the {hours:g} hours before"
            " this watch, nor since. It may be older, or have been logged elsewhere."
        )
