"""A source of calls: it goes on after the end of the executions it watches.

CloudTrail is minutes late. The time for which the source goes on is its drain.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sfnwatch.model.records import Received
from sfnwatch.model.source_health import HealthState
from sfnwatch.sources.answers import CallsAws, Failure
from sfnwatch.sources.live_options import LiveOptions
from sfnwatch.sources.polling import (
    NAP_SECONDS,
    PollingSource,
    TakesBatches,
    WatchContext,
)
from sfnwatch.sources.relevance import Relevance
from sfnwatch.sources.targets import Query

_USUAL_DRAIN = LiveOptions().drain
_QUIET = timedelta(minutes=6)
"""How far past the end coverage must be before the drain is cut short. Coverage is
known for most records only: of 2,900 measured, a tenth came later than 7 minutes."""
OVERLAP = timedelta(minutes=15)
"""How far back each round reads again, since most records have come by then. The last
round is believed complete up to this long before its time."""
_DRAINED_TRIES = 3
"""Failures in a row after which nothing more is tried once the drain is over."""
_DRAINED_TRIES_THROTTLED = 10
"""The same for throttling: others who use up the quota will not do so for ever."""
_HISTORY_WAIT = timedelta(seconds=30)
"""How long to wait for the history of an execution that has ended."""
_HISTORY_NAP_SECONDS = 0.5
"""Seconds between looks whether the history has come."""
_IDLE = 5.0
"""Seconds between looks whether there is something to ask for."""


class CallSource(PollingSource):
    """A source of calls: after the end it waits for late records."""

    def __init__(
        self, aws: CallsAws | None, context: WatchContext, source: str = ""
    ) -> None:
        super().__init__(aws, context, "lookup", source, context.targets.only)
        self.relevance = Relevance(self.targets)
        self._drain = timedelta(seconds=context.options.drain)
        self._cut_short = False
        self.last_round = False
        """Set at the start of a round that is to be the last."""

    @property
    def until(self) -> datetime | None:
        """The time at which the drain ends; None while an execution runs."""
        stopped = self.targets.stopped_at
        return stopped + self._drain if stopped else None

    def end_drain(self) -> None:
        """Stop waiting for late records: make one more round, then end."""
        self._cut_short = True

    def is_over(self) -> bool:
        """True if the next round is to be the last."""
        stopped = self.targets.stopped_at
        if stopped is None or not self.targets.have_ended:
            # A history that is refused has no end to wait for.
            return self.targets.finished
        quick = self.coverage is not None and self.coverage >= stopped + _QUIET
        # A drain longer than the default is meant for the records that coverage says
        # nothing about, so it is not cut short.
        quick = quick and self._drain <= timedelta(seconds=_USUAL_DRAIN)
        return self._cut_short or quick or self.clock.now() >= stopped + self._drain

    def select(self, records: Iterable[Received] = ()) -> bool:
        """Hand on the records that concern the executions; True if there are any.

        Records held back earlier may be among them, so a call without new records can
        help.
        """
        selected = self.relevance.select(records)
        self.hand_on(*selected)
        return bool(selected)

    async def idle(self, queries: Collection[Query], nothing: str) -> str | None:
        """Wait until there is something to ask for, then return None.

        Return the source's last words if the executions end first. `nothing` is shown
        while there are no queries: a state may still make a call. Without the
        definition, calls are known only as they happen.
        """
        while not queries:
            message = ""
            if self.targets.ready and self.targets.started_at is not None:
                message = nothing
            if self.targets.have_ended:
                return message
            self.say(message)
            await self.rest(_IDLE)
        return None

    async def await_history(self) -> None:
        """Wait for the history of an execution that has ended, if it is read soon.

        All its roles are known then. A request made too early would have to be
        repeated, or its records held back until it is known which of them concern the
        executions.
        """
        end = self.clock.now() + _HISTORY_WAIT
        targets = self.targets
        while targets.stopped_at is not None and not targets.finished:
            if self.clock.now() >= end:
                return
            await self.clock.sleep(_HISTORY_NAP_SECONDS)

    def judge(self, failure: Failure) -> None:
        """Give up on a denial or repeated failures once the executions have ended."""
        is_over = self.is_over()
        if failure.state is HealthState.DENIED:
            is_over = self.targets.have_ended
        if not is_over:
            return
        tries = _DRAINED_TRIES
        if failure.state is HealthState.THROTTLED:
            tries = _DRAINED_TRIES_THROTTLED
        self.give_up(failure, tries)

    def waits_in_vain(self) -> bool:
        if self.health.state is HealthState.EXPIRED:
            return False
        if self.health.state is HealthState.DENIED:
            return self.targets.have_ended
        return self.is_over() and not self.last_round

    async def run(self, consume: TakesBatches) -> None:
        """Hand over calls as soon as there is something to ask for.

        With redrives followed, up to fourteen days may lie between an end and a
        redrive, and nothing is looked up in that time. Then everything is looked up
        once more: records that were late or refused before are available now.
        """
        await self.targets.known.wait()
        while True:
            known = self.targets.redrives
            await super().run(consume)
            if self.targets.stopped_at is not None:
                known = self.targets.redrives  # drained
            if not self.context.options.follow_redrive:
                return
            while self.targets.redrives <= known:
                if self.targets.finished:
                    return
                await self.clock.sleep(NAP_SECONDS)
            # `read` resets the fields that subclasses keep for one reading.
            self._cut_short = self.last_round = False
