"""A source of calls: it goes on after the end of what it watches.

CloudTrail is minutes late: the time for which it goes on is its drain.
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
"""Coverage must be so far past the end before the drain is cut short: it tells of most
records, and of 2,900 measured a tenth came later than 7 minutes."""
OVERLAP = timedelta(minutes=15)
"""How far back each round reads again: most records are there by then. And so far back
the last one is believed complete."""
_DRAINED_TRIES = 3
"""Failures in a row after which, the drain over, nothing more is tried."""
_DRAINED_TRIES_THROTTLED = 10
"""The same where others take the quota: they will not for ever."""
_HISTORY_WAIT = timedelta(seconds=30)
"""How long the history of what has ended is waited for."""
_HISTORY_NAP_SECONDS = 0.5
"""Seconds between looks for it."""
_IDLE = 5.0
"""Seconds between looks for something to ask for."""


class CallSource(PollingSource):
    """A source of calls: after the end it awaits those that are late."""

    def __init__(
        self, aws: CallsAws | None, context: WatchContext, source: str = ""
    ) -> None:
        super().__init__(aws, context, "lookup", source, context.targets.only)
        self.relevance = Relevance(self.targets)
        self._drain = timedelta(seconds=context.options.drain)
        self._cut_short = False
        self.last_round = False
        """To be set when a round begins which is to be the last."""

    @property
    def until(self) -> datetime | None:
        """When its drain ends; None while an execution runs."""
        stopped = self.targets.stopped_at
        return stopped + self._drain if stopped else None

    def end_drain(self) -> None:
        """Stop waiting for late records: one more look, and that is it."""
        self._cut_short = True

    def is_over(self) -> bool:
        """True when the next round is to be the last."""
        stopped = self.targets.stopped_at
        if stopped is None or not self.targets.have_ended:
            # A history that is refused has no end to wait for.
            return self.targets.finished
        quick = self.coverage is not None and self.coverage >= stopped + _QUIET
        # Who waits for longer than by default waits for the records that coverage
        # tells nothing of.
        quick = quick and self._drain <= timedelta(seconds=_USUAL_DRAIN)
        return self._cut_short or quick or self.clock.now() >= stopped + self._drain

    def select(self, records: Iterable[Received] = ()) -> bool:
        """Hand on what concerns the executions; True if there is any.

        What was held back may be among it, so it is worth asking with nothing new.
        """
        selected = self.relevance.select(records)
        self.hand_on(*selected)
        return bool(selected)

    async def idle(self, queries: Collection[Query], nothing: str) -> str | None:
        """Wait for something to ask for; gives the last words where there is nothing.

        A state may yet call something: `nothing` is said meanwhile. Without the
        definition, what is called is known only as it happens.
        """
        while not queries:
            known = self.targets.ready and self.targets.started_at is not None
            words = nothing if known else ""
            if self.targets.have_ended:
                return words
            self.say(words)
            await self.rest(_IDLE)
        return None

    async def await_history(self) -> None:
        """Let the history of an execution that has ended be read, if that is soon done.

        All its roles are known then: what is asked for too early is asked once more, or
        has to be held back as long as nobody can be told to be concerned.
        """
        end = self.clock.now() + _HISTORY_WAIT
        targets = self.targets
        while targets.stopped_at is not None and not targets.finished:
            if self.clock.now() >= end:
                return
            await self.clock.sleep(_HISTORY_NAP_SECONDS)

    def judge(self, failure: Failure) -> None:
        """Give up after the end what is not permitted, or fails again and again."""
        denied = failure.state is HealthState.DENIED
        hopeless = self.targets.have_ended if denied else self.is_over()
        if hopeless:
            throttled = failure.state is HealthState.THROTTLED
            tries = _DRAINED_TRIES_THROTTLED if throttled else _DRAINED_TRIES
            self.give_up(failure, tries)

    def waits_in_vain(self) -> bool:
        if self.health.state is HealthState.EXPIRED:
            return False
        if self.health.state is HealthState.DENIED:
            return self.targets.have_ended
        return self.is_over() and not self.last_round

    async def run(self, consume: TakesBatches) -> None:
        """Hand over calls, once something is known to ask for.

        Fourteen days may lie between an end and a redrive that is followed. In that
        time nothing is looked up. Then all is once more: what was late, or was refused
        at the time, is there now.
        """
        await self.targets.known.wait()
        while True:
            known = self.targets.redrives
            await super().run(consume)
            if self.targets.stopped_at is not None:
                known = self.targets.redrives  # that end has been drained
            if not self.context.options.follow_redrive:
                return
            while self.targets.redrives <= known:
                if self.targets.finished:
                    return
                await self.clock.sleep(NAP_SECONDS)
            # What an heir keeps for one reading, `read` sets.
            self._cut_short = self.last_round = False
