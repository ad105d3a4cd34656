"""The calls around the executions watched, from the files of a trail.

A folder or a bucket: read is what may hold the time of the executions, in the account
and the Regions where they call something. A file is unpacked and looked through in a
thread, piece by piece, and only what may concern them is kept; so neither memory nor
the screen's frames depend on how large the archive is. A file that can't be read is
named, and the rest goes on.

While an execution runs, new files are looked for. How far the files are complete is an
inference from their stamps: nothing says that a file is the last of its time.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

from sfnwatch.clock import Clock
from sfnwatch.sources.archive_bucket import Bucket
from sfnwatch.sources.archive_filter import Concerning
from sfnwatch.sources.archive_folder import Folder
from sfnwatch.sources.archive_layout import TrailFile, Window
from sfnwatch.sources.archive_reading import Reading
from sfnwatch.sources.archive_report import nothing_found
from sfnwatch.sources.archive_shelf import BucketPlace, Shelf, parse_place
from sfnwatch.sources.aws import Aws
from sfnwatch.sources.drain import DRAIN, Drain
from sfnwatch.sources.drive import Driver, Failure, Patience, Step
from sfnwatch.sources.ledger import Ledger
from sfnwatch.sources.sieve import Sieve
from sfnwatch.sources.span import BEFORE_START, span
from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.events import Batch, From, HealthState, Received, SourceHealth
from sfnwatch.trace.times import seconds_between
from sfnwatch.trace.values import replace

_RECENT = timedelta(hours=1)
"""How far back new files are looked for: a stamp is the time of delivery."""
_BEHIND = timedelta(minutes=10)
"""An event was at most 594 s older than the stamp of its file, in 2,900 measured."""
_OVERLAP = timedelta(minutes=15)
"""A bucket's last listing is believed complete to so long ago, as LookupEvents is."""
_AGAIN = 30.0
"""Seconds between looks for new files: CloudTrail delivers about every five minutes."""
_PAUSE = 0.5
"""Seconds between looks at whether the history has been read."""
_HISTORY_FIRST = timedelta(seconds=30)
"""Of an execution that is over all roles are known once its history was read: so long
that is waited for, since what nobody can be told to concern has to be held back."""
_TELL = 1.0
"""Seconds between words on how far the reading has come."""


class Archive:
    """A source: reads a trail's files until all executions are over and drained."""

    def __init__(
        self,
        aws: Aws,
        subjects: Subjects,
        clock: Clock,
        place: str,
        *,
        drain: float = DRAIN,
        patience: Patience | None = None,
    ) -> None:
        self._subjects, self._clock = subjects, clock
        self._drain = Drain(subjects, clock, drain)
        self._driver = Driver(
            "lookup",
            clock,
            patience=patience,
            cut_short=self._is_done_waiting,
            bell=subjects.bell,
            ledger=Ledger(clock, subjects.only),
            source="archive",
        )
        self._shelf = _shelf(aws, parse_place(place), subjects, self._driver.ledger)
        self._reading = Reading(self._shelf)
        self._sieve = Sieve(subjects)
        self._newest: dict[str, datetime] = {}
        """The newest stamp seen of each Region."""
        self._window: Window | None = None
        """What was last looked for."""
        self._looked_at: datetime | None = None
        self._since = clock.now()
        self._told_at = clock.now()
        self._last_round = False

    def end_drain(self) -> None:
        """Stop waiting for late files: one more look, and that is it."""
        self._drain.end()

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield the calls that concern the executions, and every change of health."""
        await self._subjects.known.wait()
        self._since = self._clock.now()
        async for batch in self._driver.run(self._step):
            yield batch

    async def _step(self) -> Step:
        try:
            return await self._next()
        except Failure as failure:
            if failure.state is HealthState.DENIED and self._reading.waiting:
                self._begin_anew()  # none of the files may be read
            self._drain.give_up_if_over(failure, self._driver, over=self._is_over())
            raise

    async def _next(self) -> Step:
        if not self._reading.waiting:
            if self._is_too_early():
                return Step(pause=_PAUSE)
            if self._subjects.started_at is None:
                return self._end_of_round(())  # there is no execution to speak of
            await self._look()
        records: Batch = ()
        if self._reading.waiting and self._window is not None:
            records = await self._read_next(self._window)
        if self._reading.waiting:
            return Step(records, health=self._progress())
        return self._end_of_round((*records, *self._sieve.take(())))

    def _is_too_early(self) -> bool:
        if self._subjects.over or self._looked_at is not None:
            return False
        if self._subjects.started_at is None:
            return True
        waited = self._clock.now() - self._since
        return self._subjects.stopped_at is not None and waited < _HISTORY_FIRST

    def _is_done_waiting(self) -> bool:
        """True when a pause, made while there was a reason to wait, has lost it."""
        looked = self._looked_at is not None
        over = looked and self._is_over() and not self._last_round
        return self._drain.has_no_wait(self._driver, over=over)

    def _is_over(self) -> bool:
        """True when the next round is to be the last."""
        return self._drain.is_over(self._complete_to())

    # -- finding files -----------------------------------------------------------------

    async def _look(self) -> None:
        """Find the files that are new."""
        self._last_round = self._is_over()
        window = self._wanted()
        if self._window is not None and window.first < self._window.first:
            # An earlier execution became known: what was let go may be one of its.
            self._begin_anew()
        recent = None
        if self._looked_at is not None and not self._last_round:
            recent = self._looked_at - _RECENT
        at = self._clock.now()
        found = await self._shelf.files(window, recent)
        self._window, self._looked_at = window, at
        self._reading.add(found)
        for file in found.files:
            self._note_stamp(file)

    def _begin_anew(self) -> None:
        self._reading.forget()
        self._looked_at = None

    def _wanted(self) -> Window:
        """Say whose files of which time to read; what the place names goes first."""
        said, each = self._shelf.said, self._subjects.each
        regions = {one.arn.region for one in each}
        regions.update(region for region, _ in self._subjects.trail_plan)
        accounts = {one.arn.account for one in each}
        first, last = span(self._subjects)
        return Window(
            accounts=frozenset({said.account} if said.account else accounts),
            regions=frozenset({said.region} if said.region else regions),
            first=first or self._clock.now() - BEFORE_START,
            last=last,
        )

    def _note_stamp(self, file: TrailFile) -> None:
        if file.region is not None and file.stamp is not None:
            known = self._newest.get(file.region, file.stamp)
            self._newest[file.region] = max(known, file.stamp)

    def _filter(self, window: Window) -> Concerning:
        each = self._subjects.each
        return Concerning(
            window=window,
            roles=self._subjects.roles,
            anybody=not self._subjects.over or any(not one.roles for one in each),
        )

    async def _read_next(self, window: Window) -> Batch:
        found = await self._reading.next(self._filter(window))
        at = self._clock.now()
        return self._sieve.take(Received(at, From.TRAIL, None, each) for each in found)

    # -- what is said ------------------------------------------------------------------

    def _progress(self) -> SourceHealth | None:
        """Say how far the reading has come, now and then."""
        now = self._clock.now()
        if seconds_between(self._told_at, now) < _TELL:
            return None
        self._told_at = now
        return replace(
            self._driver.health,
            state=self._state,
            message=self._reading.report.progress,
            retry_in=None,
        )

    @property
    def _state(self) -> HealthState:
        return HealthState.DRAINING if self._drain.has_begun else HealthState.LIVE

    def _complete_to(self) -> datetime | None:
        """Infer how far the files are complete: until the newest stamp, less the lag.

        Of a Region without a file nothing is known.
        """
        window = self._window
        if window is None or window.regions - self._newest.keys():
            return None
        reached = min(self._newest[region] for region in window.regions) - _BEHIND
        if self._last_round and self._shelf.is_live and self._looked_at is not None:
            reached = max(reached, self._looked_at - _OVERLAP)
        return reached if window.last is None else min(reached, window.last)

    def _result(self, *, done: bool) -> str:
        """Say what could not be read; of a running execution no file may be there."""
        report = self._reading.report
        if done and not report.files and self._window is not None:
            return nothing_found(self._shelf.name, self._window)
        return report.troubles

    def _end_of_round(self, records: Batch) -> Step:
        done = self._last_round or (
            self._subjects.started_at is None and self._drain.has_begun
        )
        now, complete = self._clock.now(), self._complete_to()
        self._told_at = now
        health = replace(
            self._driver.health,
            state=HealthState.ENDED if done else self._state,
            message=self._result(done=done),
            retry_in=None,
            complete_to=complete,
            lag=round(seconds_between(complete, now), 1) if complete else None,
            until=self._drain.until,
        )
        differs = replace(health, lag=None, requests=0) != replace(
            self._driver.health, lag=None, requests=0
        )
        return Step(records, _AGAIN, done=done, health=health if differs else None)


def _shelf(
    aws: Aws, place: BucketPlace | Path, subjects: Subjects, ledger: Ledger
) -> Shelf:
    if isinstance(place, BucketPlace):
        return Bucket(aws, place, subjects.region, ledger)
    return Folder(place)
