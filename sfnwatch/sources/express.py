"""The history of an Express execution, from the log group of its state machine.

AWS keeps none itself: GetExecutionHistory and DescribeExecution refuse such an ARN.
What the state machine logs, and where, DescribeStateMachine tells; both are as they
are now, and may have been otherwise when the execution ran.

The ARN does not say when that was. So the log is read from a while ago on, and
backwards in stretches that grow, until an event of the execution turns up. An Express
execution lasts five minutes at most, started synchronously or not: from there on no
more than that has to be read. Delivery to the log is best effort: an event may come
late, or never.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from sfnwatch.model.arns import LogGroupName, parse_log_group
from sfnwatch.model.history import MOST_EVENTS, TERMINAL, HistoryEvent, decode_event
from sfnwatch.model.records import DecodeError, HealthState, Received, RecordKind
from sfnwatch.model.values import clean, list_of, mapping_of, parse_object, text_of
from sfnwatch.sources.answers import CallsAws, Failure, Text, json_bytes
from sfnwatch.sources.log_group import LOG_VERDICTS, LogEvent, LogReader, escape_pattern
from sfnwatch.sources.polling import FORBIDDEN, Interval, PollingSource, WatchContext
from sfnwatch.sources.targets import CallOptions, Target

_FIRST = timedelta(minutes=15)
"""How far back the log is read at once; each stretch before is so many times longer."""
_GROWTH = 4
_LONGEST = timedelta(minutes=5)
"""An Express execution is timed out then."""
_LATE = timedelta(minutes=5)
"""How long after that its events are awaited. No bound is documented."""
_MARGIN = timedelta(minutes=1)
"""What is read on either side. Where it was seen, a log event had its event's time."""
_SETTLED = timedelta(seconds=20)
"""How long after the last event those are awaited that are missing before it."""
_LEAST, _MOST = 1.0, 5.0
"""Seconds between readings, while events come and at most."""
_MOST_NAMED = 5
"""Missing events that are named."""
_NOT_YET = "Nothing of this execution is in the log yet."
_LEVELS = {
    "ERROR": "Its log level is ERROR: only failures are logged, so that states which"
    " succeed are missing here, and so is the start.",
    "FATAL": "Its log level is FATAL: only fatal errors are logged, so that its states"
    " are missing here.",
}
_NO_DATA = (
    "Its log has no execution data. Without request ids and task ARNs, calls are"
    " matched by role, action and time only."
)
_CONFIGURATION = (
    "level=ALL,includeExecutionData=true,destinations=[{cloudWatchLogsLogGroup="
    "{logGroupArn=LOG_GROUP_ARN:*}}]"
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


def _logs_nothing(state_machine_arn: str) -> str:
    """Say why there is nothing to watch, and how there would be."""
    arn = clean(state_machine_arn)
    return (
        f"{arn} logs nothing, and AWS keeps no other history of an Express execution."
        " For executions to come, turn logging on: aws stepfunctions"
        f" update-state-machine --state-machine-arn {arn}"
        f" --logging-configuration '{_CONFIGURATION}'"
    )


class Express(PollingSource):
    """A source: reads an Express execution's log to its end."""

    verdicts = LOG_VERDICTS

    def __init__(
        self, aws: CallsAws, context: WatchContext, target: Target, options: CallOptions
    ) -> None:
        super().__init__(aws, context, "history", "express", target.arn.arn)
        self.subject, self.region = target.arn.state_machine_arn, target.arn.region
        name, self._target = options.express_log_group, target
        self._group = parse_log_group(name) if name else None
        """What is read instead of what the state machine names."""
        self._look_back = timedelta(seconds=options.look_back)
        self._level = ""
        """ALL, ERROR, FATAL or OFF; empty where it is not known."""
        self._remark = ""
        """What a reader should know of what is missing."""
        self._began = self.clock.now()
        self._held: dict[int, HistoryEvent] = {}
        self._settled_at: datetime | None = None
        """When no more is awaited, the end being known."""

    async def close(self) -> None:
        self._target.finish()

    def judge(self, failure: Failure) -> None:
        if failure.state is HealthState.DENIED and self.bounded and not self._held:
            failure.state = HealthState.REFUSED

    async def read(self) -> str:
        group = await self._define()
        log = LogReader(self, group, self._target.arn)
        interval = Interval(_LEAST, _MOST)
        self._began = self.clock.now()
        older = self._older_stretches()
        while True:
            sought = not self._held
            news = await self._search(log, self._floor(), self._ceiling())
            if sought and not self._held and (stretch := next(older, None)):
                # What is new and what is old by turns: it may just have begun.
                await self._search(log, *stretch)
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
        machine = {"stateMachineArn": self.subject}
        name, note = "states:DescribeStateMachine", "the log group"
        request = self.request(name, _MachineAnswer, note, **machine)
        try:
            answer = await self.ask(request, FORBIDDEN if self._group else ())
        except Failure as failure:
            assert self._group is not None  # noqa: S101 - else nothing is tolerated
            self._remark = failure.message
            return self._group
        group = self._heed(mapping_of(answer.value.logging_configuration))
        if group is None:
            await self.refuse(_logs_nothing(self.subject))
        received = self.received(RecordKind.DEFINITION, answer.body)
        self._target.observe(received)
        self.hand_on(received)
        # The services and the role are known: the other lane can begin.
        self._target.set_ready()
        return group

    def _heed(self, configuration: Mapping[str, Any]) -> LogGroupName | None:
        """Note what is logged, by a loggingConfiguration; gives where, if anywhere."""
        self._level = text_of(configuration.get("level")) or "OFF"
        if self._level == "OFF":
            self._remark = "Its state machine logs nothing by now."
            return self._group
        data = configuration.get("includeExecutionData")
        remarks = (_LEVELS.get(self._level), None if data else _NO_DATA)
        self._remark = " ".join(filter(None, remarks))
        return self._group or _destination(configuration)

    # -- reading -------------------------------------------------------------------

    def _older_stretches(self) -> Iterator[tuple[datetime, datetime]]:
        """Give the stretches of the log in which it may yet be, the newest first."""
        last, length = self._began - self._look_back, _FIRST
        until = self._floor()
        while until > last:
            length *= _GROWTH
            since = max(until - length, last)
            yield since, until
            until = since

    def _times(self) -> list[datetime]:
        now = self.clock.now()
        return [min(event.at, now) for event in self._held.values()]

    def _floor(self) -> datetime:
        """Tell from where to read: an event of five minutes before may be missing."""
        if not self._held:
            return self._began - min(_FIRST, self._look_back)
        first = self._held.get(1)
        return (first.at if first else min(self._times()) - _LONGEST) - _MARGIN

    def _ceiling(self) -> datetime | None:
        """Tell up to where: none of it is later. A log event has its event's time."""
        return min(self._times()) + _LONGEST + _MARGIN if self._held else None

    async def _search(
        self, log: LogReader, since: datetime, until: datetime | None
    ) -> bool:
        """Read a stretch; True if anything of the execution is in it that is new.

        Once it is known where it is, only that is read.
        """
        note = "earlier log events" if until and not self._held else "log events"
        pattern = f'{{ $.execution_arn = "{escape_pattern(self._target.arn.arn)}" }}'
        sought, news = not self._held, False
        async for page in log.pages(since, pattern, note, until):
            found = [r for e in log.unseen(page) if (r := self._record(e))]
            self.hand_on(*found)
            news = news or bool(found)
            if sought and self._held:
                break
        return news

    def _record(self, logged: LogEvent) -> Received | None:
        """Make a record of a log event, and note what it tells; None for another's."""
        arn, record = self._target.arn.arn, parse_object(logged.message)
        if not record and arn in logged.message:
            return self.received(RecordKind.UNREAD, logged.data)  # it is cut
        if record.get("execution_arn") != arn:
            return None
        data = json_bytes(logged.message)
        try:
            event, _ = decode_event(record)
        except DecodeError:
            return self.received(RecordKind.UNREAD, data)
        self._held[event.id] = event
        received = self.received(RecordKind.EXPRESS, data)
        self._target.observe(received)
        return received

    # -- the end -------------------------------------------------------------------

    def _is_all_read(self) -> bool:
        """True when no more is to be awaited: after the end, what is missing before it.

        Of what ended long ago nothing more will come.
        """
        now = self.clock.now()
        if not self._has_ended:
            # It must have ended by then, and its end have been logged, if ever.
            return now >= min(self._times(), default=self._began) + _LONGEST + _LATE
        self._settled_at = self._settled_at or now + _SETTLED
        complete = self._level == "ALL" and not self._missing()
        old = now - max(self._times()) > _LONGEST
        return complete or old or now >= self._settled_at

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
            names = ", ".join(map(str, missing[:_MOST_NAMED]))
            more = ", …" if len(missing) > _MOST_NAMED else ""
            remarks.append(
                f"The log lacks {some} ({names}{more}); delivery to it is best effort."
            )
        return " ".join(filter(None, (*remarks, self._remark)))

    def _no_end(self) -> str:
        """Say what it means that no end was logged, or nothing at all."""
        only_failures = self._level in _LEVELS
        if self._held and only_failures:
            return "No failure ended it, as far as was logged."
        if self._held:
            return "No end of it was logged; delivery to a log is best effort."
        hours = self._look_back.total_seconds() / 3600
        return (
            f"Nothing of this execution is in the log of the {hours:g} hours before"
            " this watch, nor since. "
        ) + (
            "One that succeeds leaves nothing there."
            if only_failures
            else "It may be older, or have been logged elsewhere."
        )
