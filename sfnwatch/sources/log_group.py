"""The calls around the executions watched, from a trail that writes to CloudWatch Logs.

A trail's log group has what it is set to log: data events too, such as Lambda's Invoke,
which LookupEvents never has, in whole records. It is as late as CloudTrail is. A record
larger than 256 KB is not sent to CloudWatch Logs at all, and nothing tells of it.

Only what was called with a role of the executions' is asked for, or while none is known
what Step Functions called: not what this tool calls itself. Whether a log event bears
the time of the call or that of its delivery is not documented: each reading begins a
while back, now and then far back, and that does for both.
"""

import re
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from datetime import datetime, timedelta

from sfnwatch.clock import Clock
from sfnwatch.sources.aws import Aws
from sfnwatch.sources.drain import DRAIN, Drain
from sfnwatch.sources.drive import Driver, Failure, Patience, Step
from sfnwatch.sources.ledger import Ledger
from sfnwatch.sources.log_events import (
    LogEvent,
    LogEvents,
    Window,
    log_bucket,
)
from sfnwatch.sources.pacing import Interval, TokenBucket
from sfnwatch.sources.sieve import Sieve
from sfnwatch.sources.span import BEFORE_START
from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.events import Batch, From, HealthState, Received, SourceHealth
from sfnwatch.trace.log_groups import LogGroupName
from sfnwatch.trace.payload import parse_json, text_of
from sfnwatch.trace.text import clean
from sfnwatch.trace.values import replace

_OVERLAP = timedelta(minutes=15)
"""How far back each cycle reads again: most records are there by then."""
_FAR = timedelta(hours=2)
"""And how far back every so many cycles, and the last: stragglers have been seen that
were 25 and 85 minutes late."""
_THOROUGH = 6
_LEAST, _MOST = 5.0, 15.0
"""Seconds between cycles. CloudTrail is minutes late: faster would find no more."""
_LONGEST = 1024
"""Characters of a filter pattern."""
_ROLE = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
_USER = "$.userIdentity.sessionContext.sessionIssuer.userName"
"""Where a record names the role behind a session."""
_ROLELESS = ('($.eventName = "InvokeHTTPEndpoint")',)
"""A data event of HTTP tasks, whose record names no role."""
_BY_STEP_FUNCTIONS = (
    # `states.amazonaws.com`, or in China perhaps `states.amazonaws.com.cn`.
    '($.userIdentity.invokedBy = "states.*")',
    '($.sourceIPAddress = "states.*")',
)


def trail_pattern(roles: Collection[str]) -> str:
    """Write the filter for calls that may concern executions with these roles.

    Without a role, or with more than fit, it is all that Step Functions calls. In an
    account with many executions that is a multitude of what the roles call.
    """
    known = sorted(filter(_ROLE.fullmatch, roles))
    pattern = _pattern([*_ROLELESS, *(f'({_USER} = "{role}")' for role in known)])
    if known and len(pattern) <= _LONGEST:
        return pattern
    return _pattern(_BY_STEP_FUNCTIONS)


def _pattern(terms: Collection[str]) -> str:
    return f"{{ {' || '.join(terms)} }}"


class LogGroup:
    """A source: reads a trail's log group until all executions are over."""

    def __init__(
        self,
        aws: Aws,
        subjects: Subjects,
        clock: Clock,
        group: LogGroupName,
        *,
        drain: float = DRAIN,
        patience: Patience | None = None,
        bucket: TokenBucket | None = None,
        sieve: Sieve | None = None,
    ) -> None:
        """`sieve` is given where another way hands on the same records."""
        self._subjects, self._clock = subjects, clock
        self._drain = Drain(subjects, clock, drain)
        self._driver = Driver(
            "lookup",
            clock,
            patience=patience,
            cut_short=self._is_done_waiting,
            bell=subjects.bell,
            ledger=Ledger(clock, subjects.only),
            source="log-group",
        )
        home = subjects.each[0].arn
        bucket = bucket or log_bucket(clock)
        self._log = LogEvents(aws, group, home, self._driver, bucket)
        self._sieve = sieve or Sieve(subjects)
        self._interval = Interval(_LEAST, _MOST)
        self._window: Window | None = None
        self._known: tuple[frozenset[str], datetime | None] | None = None
        """The roles and the start of what was read last."""
        self._cycles = 0
        self._news = False
        self._found = False
        """True once a record of CloudTrail's came by, of whomever."""
        self._cut = 0
        """Records that end in the middle."""
        self._last_round = False

    def end_drain(self) -> None:
        """Stop waiting for late records: one more cycle, and that is it."""
        self._drain.end()

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield the calls that concern the executions, and every change of health."""
        await self._subjects.known.wait()
        async for batch in self._driver.run(self._step):
            yield batch

    async def _step(self) -> Step:
        window = self._window = self._window or self._plan()
        try:
            events = await self._log.page(window, "the trail's log")
        except Failure as failure:
            self._drain.give_up_if_over(failure, self._driver)
            raise
        kept = self._sieve.take(self._records(events))
        self._news = self._news or bool(kept)
        if not window.is_read:
            return Step(kept)
        self._window = None
        return self._end_of_cycle(kept)

    # -- when to stop ------------------------------------------------------------------

    def _is_done_waiting(self) -> bool:
        """True when a pause, made while there was a reason to wait, has lost it."""
        over = self._drain.is_over() and not self._last_round
        return self._drain.has_no_wait(self._driver, over=over)

    # -- a cycle -----------------------------------------------------------------------

    def _plan(self) -> Window:
        self._cycles += 1
        self._news = False
        self._last_round = self._drain.is_over()
        roles = self._subjects.roles
        return Window(self._floor(roles), trail_pattern(roles))

    def _floor(self, roles: frozenset[str]) -> datetime:
        """Tell from where to read: the start, when what to look for has changed."""
        now, started_at = self._clock.now(), self._subjects.started_at
        begin = (started_at or now - _OVERLAP) - BEFORE_START
        known = (roles, started_at)
        afresh, self._known = self._known != known, known
        if afresh:
            return begin
        thorough = self._last_round or self._cycles % _THOROUGH == 0
        return max(begin, now - (_FAR if thorough else _OVERLAP))

    def _records(self, events: Collection[LogEvent]) -> Iterator[Received]:
        """Take CloudTrail's records out of the log; other lines are nobody's here."""
        for event in events:
            text = text_of(event.get("message")) or ""
            record = parse_json(text)
            now = self._clock.now()
            if isinstance(record, Mapping) and "eventName" in record:
                self._found = True
                yield Received(now, From.TRAIL, None, record)
            elif record is None and text.startswith("{") and '"eventVersion"' in text:
                self._cut += 1
                yield Received(now, From.UNREAD, None, event)

    def _end_of_cycle(self, kept: Batch) -> Step:
        now = self._clock.now()
        stopped = self._subjects.stopped_at
        draining = HealthState.DRAINING if stopped else HealthState.LIVE
        complete = now - _OVERLAP if self._last_round else None
        health = replace(
            self._driver.health,
            state=HealthState.ENDED if self._last_round else draining,
            message=self._remark(),
            retry_in=None,
            complete_to=complete,
            lag=_OVERLAP.total_seconds() if complete else None,
            until=self._drain.until,
        )
        return Step(
            kept,
            pause=self._interval.after(news=self._news),
            done=self._last_round,
            health=health if self._differs(health) else None,
        )

    def _remark(self) -> str:
        """Say what the log lacks, if it is known to lack anything."""
        if self._cut:
            some = "1 record is" if self._cut == 1 else f"{self._cut} records are"
            return f"{some} cut in the log group, and can't be read."
        if self._last_round and not self._found and self._subjects.started_at:
            name = clean(self._log.group.name, 200)
            return (
                f"{name} ({self._log.region}) has no call by Step Functions or with"
                " the executions' roles. Is it the log group of a trail?"
            )
        return ""

    def _differs(self, health: SourceHealth) -> bool:
        """True for news of the lane; that time goes by is none."""
        old = self._driver.health
        return replace(health, requests=old.requests) != old
