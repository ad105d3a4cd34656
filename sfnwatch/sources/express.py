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

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sfnwatch.clock import Clock
from sfnwatch.sources.aws import Aws
from sfnwatch.sources.drive import Driver, Failure, Patience, Step
from sfnwatch.sources.express_logging import (
    Logging,
    holes,
    logging_of,
    refusal,
)
from sfnwatch.sources.ledger import Ledger
from sfnwatch.sources.log_events import (
    LogEvent,
    LogEvents,
    Window,
    escaped,
    log_bucket,
)
from sfnwatch.sources.pacing import Interval, TokenBucket
from sfnwatch.sources.subject import Subject
from sfnwatch.trace.events import Batch, From, HealthState, Received, SourceHealth
from sfnwatch.trace.express import as_history, decode_express, execution_of
from sfnwatch.trace.history import DecodeError, HistoryEvent
from sfnwatch.trace.log_groups import LogGroupName
from sfnwatch.trace.payload import mapping_of, parse_json, text_of
from sfnwatch.trace.timeline import TERMINAL
from sfnwatch.trace.values import replace

LOOK_BACK = 24 * 3600.0
"""Seconds before the watch in which the execution is looked for, by default."""
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
_MOST_EVENTS = 25_000
"""No history has more; an id beyond is nonsense, and no gap before it is counted."""
_NOT_YET = "Nothing of this execution is in the log yet."
_LEAST, _MOST = 1.0, 5.0
"""Seconds between readings, while events come and at most."""


class Express:
    """A source: reads an Express execution's log to its end."""

    def __init__(
        self,
        aws: Aws,
        subject: Subject,
        clock: Clock,
        *,
        group: LogGroupName | None = None,
        look_back: float = LOOK_BACK,
        patience: Patience | None = None,
        bucket: TokenBucket | None = None,
    ) -> None:
        self._aws, self._subject, self._clock = aws, subject, clock
        self._group = group
        """A log group to read instead of the one the state machine names."""
        self._look_back = timedelta(seconds=look_back)
        self._bucket = bucket or log_bucket(clock)
        arn = subject.arn.arn
        ledger = Ledger(clock, arn)
        self._driver = Driver(
            "history", clock, patience=patience, ledger=ledger, source="express"
        )
        self._pattern = f'{{ $.execution_arn = "{escaped(arn)}" }}'
        self._interval = Interval(_LEAST, _MOST)
        self._logging = Logging()
        self._log: LogEvents | None = None
        self._began = clock.now()
        self._window: Window | None = None
        """The newest stretch of the log, being read."""
        self._stretches: list[Window] = []
        """Those before it in which the execution may yet be found."""
        self._old_next = True
        """True if it was an older stretch's turn last."""
        self._held: dict[int, HistoryEvent] = {}
        self._settled_at: datetime | None = None
        """When no more is awaited, the end being known."""

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield the definition, the events, and every change of health."""
        try:
            async for batch in self._driver.run(self._step):
                yield tuple(map(self._observe, batch))
        finally:
            self._subject.over = True
            self._subject.learned()

    def _observe(self, received: Received) -> Received:
        """Let the look-up know; it knows the events of a history."""
        if received.source != From.EXPRESS:
            return self._subject.observe(received)
        told = replace(received, source=From.HISTORY, data=as_history(received.data))
        self._subject.observe(told)
        return received

    async def _step(self) -> Step:
        if self._log is None:
            return await self._define()
        window = self._turn()
        try:
            events = await self._log.page(window, self._reading(window))
        except Failure as failure:
            if failure.state is HealthState.DENIED and self._is_hopeless():
                failure.state = HealthState.REFUSED
            raise
        sought = not self._held
        records = tuple(self._records(events))
        if sought and self._held:
            # Where it is, is known: from now on only that is read.
            self._stretches, self._window = [], None
        elif window.is_read:
            return self._read_to_end(window, records)
        return self._go_on(records)

    def _go_on(self, records: Batch = (), pause: float = 0.0) -> Step:
        return Step(records, pause, health=self._health(HealthState.LIVE))

    def _is_hopeless(self) -> bool:
        """True when nothing is held and nobody watches who could grant it."""
        return self._driver.bounded and not self._held

    # -- what is logged, and where -----------------------------------------------------

    async def _define(self) -> Step:
        arn = self._subject.arn
        machine = arn.state_machine_arn
        try:
            with self._driver.ledger.asking("the log group"):
                answer: dict[str, Any] = await self._aws.call(
                    "states:DescribeStateMachine",
                    machine,
                    arn.region,
                    stateMachineArn=machine,
                )
        except Failure as failure:
            return self._do_without(failure)
        answer.pop("ResponseMetadata", None)
        self._logging = logging_of(answer, self._group)
        group = self._logging.group
        if group is None:
            raise Failure(HealthState.REFUSED, refusal(machine))
        received = Received(self._clock.now(), From.DEFINITION, arn.arn, answer)
        self._subject.observe(received)
        self._begin(group)
        # The plan and the role are known: the other lane can begin.
        self._subject.learned()
        return self._go_on((received,))

    def _do_without(self, failure: Failure) -> Step:
        """Go on without the definition, if it is known which log group to read."""
        gone = failure.state in {HealthState.DENIED, HealthState.REFUSED}
        if self._group is None or not gone:
            if failure.state is HealthState.DENIED and self._is_hopeless():
                failure.state = HealthState.REFUSED
            raise failure
        self._logging = Logging(group=self._group, remarks=(failure.message,))
        self._begin(self._group)
        return self._go_on()

    def _begin(self, group: LogGroupName) -> None:
        """Lay out which stretches of the log to read, the newest first."""
        arn = self._subject.arn
        self._log = LogEvents(self._aws, group, arn, self._driver, self._bucket)
        now = self._began = self._clock.now()
        last, length = now - self._look_back, _FIRST
        until = now - min(length, self._look_back)
        self._window = Window(until, self._pattern)
        while until > last:
            length *= _GROWTH
            since = max(until - length, last)
            self._stretches.append(Window(since, self._pattern, until))
            until = since

    # -- reading -----------------------------------------------------------------------

    def _turn(self) -> Window:
        """Give the window whose next page is to be read: new and old by turns."""
        self._old_next = bool(self._stretches) and not self._old_next
        if self._old_next:
            return self._stretches[0]
        if self._window is None:
            self._window = Window(self._floor(), self._pattern, self._ceiling())
        return self._window

    def _reading(self, window: Window) -> str:
        """Say what a page is for, in the call log's words."""
        return "log events" if window is self._window else "earlier log events"

    def _times(self) -> list[datetime]:
        return [event.timestamp for event in self._held.values()]

    def _floor(self) -> datetime:
        """Tell from where to read: an event of five minutes before may be missing."""
        if not self._held:
            return self._began - _FIRST
        first = self._held.get(1)
        begin = first.timestamp if first else min(self._times()) - _LONGEST
        return begin - _MARGIN

    def _ceiling(self) -> datetime | None:
        """Tell up to where: none of it is later. A log event has its event's time."""
        return min(self._times()) + _LONGEST + _MARGIN if self._held else None

    def _records(self, events: list[LogEvent]) -> Iterator[Received]:
        arn = self._subject.arn.arn
        for logged in events:
            data = mapping_of(parse_json(logged.get("message")))
            now = self._clock.now()
            if execution_of(data) == arn:
                yield self._hold(Received(now, From.EXPRESS, arn, data))
            elif not data and arn in (text_of(logged.get("message")) or ""):
                yield Received(now, From.UNREAD, arn, logged)  # it is cut

    def _hold(self, received: Received) -> Received:
        try:
            event = decode_express(received.data, received.at)
        except DecodeError:
            return replace(received, source=From.UNREAD)
        self._held[event.id] = event
        return received

    def _read_to_end(self, window: Window, records: Batch) -> Step:
        """Go on behind a window that is read: with an older one, or later again."""
        if window is not self._window:
            self._stretches.remove(window)
            return self._go_on(records)
        self._window = None
        if self._stretches:
            return self._go_on(records)
        if self._is_over():
            return Step(records, done=True, health=self._ended())
        return self._go_on(records, self._interval.after(news=bool(records)))

    # -- the end -----------------------------------------------------------------------

    def _is_over(self) -> bool:
        """True when no more is to be awaited: after the end, what is missing before it.

        Of what was over long ago nothing more will come.
        """
        now = self._clock.now()
        if not self._is_ended:
            return now >= self._last_chance()
        self._settled_at = self._settled_at or now + _SETTLED
        complete = self._logging.has_all and not self._missing()
        old = now - max(self._times()) > _LONGEST
        return complete or old or now >= self._settled_at

    @property
    def _is_ended(self) -> bool:
        return any(event.type in TERMINAL for event in self._held.values())

    def _last_chance(self) -> datetime:
        """Tell when it must be over, and its end have been logged, if ever."""
        return min(self._times(), default=self._began) + _LONGEST + _LATE

    def _missing(self) -> list[int]:
        """List the ids of events that the log lacks before the last it has."""
        last = min(max(self._held, default=0), _MOST_EVENTS)
        return [number for number in range(1, last) if number not in self._held]

    def _ended(self) -> SourceHealth | None:
        remarks = [self._nothing()] if not self._held else []
        if not self._is_ended:
            remarks += [self._logging.no_end] if self._held else []
            if self._held or not self._logging.has_all:
                # It ran, and runs no more: the calls it made may yet come.
                self._subject.stopped_at = max(self._times(), default=self._began)
        if self._logging.level in {"ALL", ""} and self._missing():
            remarks.append(holes(self._missing()))
        remarks += self._logging.remarks
        return self._health(HealthState.ENDED, remarks)

    def _remarks(self) -> tuple[str, ...]:
        """Say while it runs what is known to be missing."""
        waiting = self._log is not None and not self._held and not self._stretches
        return (*([_NOT_YET] if waiting else []), *self._logging.remarks)

    def _nothing(self) -> str:
        hours = self._look_back.total_seconds() / 3600
        return (
            f"Nothing of this execution is in the log of the {hours:g} hours before"
            f" this watch, nor since. {self._logging.nothing}"
        )

    def _health(
        self, state: HealthState, remarks: Sequence[str] | None = None
    ) -> SourceHealth | None:
        """Say how it is going, if that has changed."""
        remarks = self._remarks() if remarks is None else remarks
        health = replace(
            self._driver.health, state=state, message=" ".join(remarks), retry_in=None
        )
        return health if health != self._driver.health else None
