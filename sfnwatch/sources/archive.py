"""The calls around the executions, from the files of a trail.

The files lie in a folder or a bucket. The source reads the files that may cover the
time of the executions, in the accounts and Regions in which they make calls. A thread
unpacks and searches each file piece by piece and keeps only what may concern the
executions. So neither memory nor the screen's frame rate depends on the size of the
archive. A file that can't be read is named, and reading goes on with the next.

While an execution runs, the source looks for new files. How far the files are complete
is inferred from their stamps: nothing marks a file as the last of its time.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from sfnwatch.model.arns import role_name
from sfnwatch.model.records import Received, Record, RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean
from sfnwatch.model.times import iso, stamp
from sfnwatch.model.values import mapping_of, text_of
from sfnwatch.sources.answers import CallsAws, Failure, Verdict
from sfnwatch.sources.archive_bucket import WRONG_PLACE, ArchiveBucket, parse_place
from sfnwatch.sources.archive_folder import ArchiveFolder
from sfnwatch.sources.call_source import OVERLAP, CallSource
from sfnwatch.sources.polling import WatchContext
from sfnwatch.sources.targets import BEFORE_START
from sfnwatch.sources.trail_files import (
    ACCOUNT_ID,
    FileWindow,
    TrailFile,
    UnreadableError,
)
from sfnwatch.sources.trail_reader import TrailReader, troubles_of

_MOST = 1 << 30
"""The largest file to read, in bytes as stored; CloudTrail's own have some
megabytes."""
_RECENT = timedelta(hours=1)
"""How far back new files are looked for. A file's stamp is the time of its delivery."""
_BEHIND = timedelta(minutes=10)
"""In 2,900 events measured, none was more than 594 s older than its file's stamp."""
_AGAIN = 30.0
"""Seconds between looks for new files. CloudTrail delivers about every five minutes."""
_NAP = 0.5
"""Seconds between looks whether any execution is known yet."""
_FEW = 3
"""When this many files are denied and none was read, the permission is missing
altogether: it is not a matter of single files."""
_TOLD = 100
"""Report progress each time this many files are read."""


def may_concern(record: Record, roles: frozenset[str], *, anybody: bool) -> bool:
    """True if a record of an archive is worth a second look.

    Nearly all records are not, so this looks at as little as possible. Pass `anybody`
    as true while a call that Step Functions made in any role may turn out to be one of
    the executions' calls.
    """
    identity = mapping_of(record.get("userIdentity"))
    issuer = mapping_of(mapping_of(identity.get("sessionContext")).get("sessionIssuer"))
    arn = text_of(issuer.get("arn")) or text_of(identity.get("arn"))
    callers = (identity.get("invokedBy"), record.get("sourceIPAddress"))
    return (
        role_name(arn) in roles
        or "sfnwatch/" in (text_of(record.get("userAgent")) or "")
        or (anybody and any(str(caller).startswith("states.") for caller in callers))
    )


class Archive(CallSource):
    """A source: reads a trail's files until all executions have ended."""

    verdicts = (
        Verdict(WRONG_PLACE, "Check the bucket's name and Region, and the --profile."),
    )
    kind = RecordKind.TRAIL
    """The kind of the records that `read_next` returns."""

    def __init__(self, aws: CallsAws | None, context: WatchContext) -> None:
        """Make a source; `aws` is needed for a bucket only.

        Raises UsageError for a place that is neither a folder nor a bucket.
        """
        super().__init__(aws, context, "archive")
        parsed = parse_place(context.options.calls.archive or "")
        self._place: ArchiveFolder | ArchiveBucket
        if isinstance(parsed, Path):
            self._place = ArchiveFolder(parsed)
        else:
            self._place = ArchiveBucket(self, *parsed)
        self._read: set[str] = set()
        """The keys of the files that were read, wholly or in part, since `_asked`
        changed."""
        self._tried: dict[str, str] = {}
        """The trouble with each file that was tried: why not all of it was read; empty
        if all of it was."""
        self._newest: dict[str, datetime] = {}
        """The newest stamp of a file, by Region."""
        self._denied = 0
        """The number of files that were denied."""
        self._window = self._wanted()
        """The window of the latest look for files."""
        self._asked: object = None
        self._looked_at: datetime | None = None
        """The time of the latest look that listed all the files asked for."""

    async def read(self) -> str:
        self._tried = {}
        self._newest = {}
        self._denied = 0
        self._asked = None
        while self.targets.started_at is None:
            # No execution is known: there is none, or none yet.
            if self.targets.finished:
                return ""
            await self.rest(_NAP)
        await self.await_history()
        while True:
            files = await self.attempt(self._look)
            for number, file in enumerate(files, 1):
                place = f"{number} of {len(files)}"
                await self.attempt(partial(self._read_file, file, f"file {place}"))
                if number % _TOLD == 0:
                    self.say(f"Reading the trail's files: {place}.")
            self.select()
            self.coverage = self._complete_to()
            # Roles or accounts that became known while reading may need more files.
            if self.last_round and self.asked(self._wanted()) == self._asked:
                return self._troubles if self._tried else self._no_file()
            self.last_round = False
            self.say(self._troubles)
            await self.rest(_AGAIN)

    async def _look(self) -> list[TrailFile]:
        """Find the new files, in their order; each file is read once."""
        self.last_round = self.is_over()
        now = self.clock.now()
        self._window = self._wanted()
        if (asked := self.asked(self._window)) != self._asked:
            self._asked = asked
            self._looked_at = None
            self._read.clear()
        window = self._window
        if self._place.is_live and self._looked_at and not self.last_round:
            # List only the folders of today. A copy can receive old days' files late,
            # so a copy is always listed whole.
            first = max(window.first, self._looked_at - _RECENT)
            window = replace(window, first=first)
        files = await self._place.files(window)
        self._looked_at = now
        for file in files:
            if file.region is not None and file.stamp is not None:
                known = self._newest.get(file.region, file.stamp)
                self._newest[file.region] = max(known, file.stamp)
        new = {each.key: each for each in files if each.key not in self._read}
        wanted = filter(self._may_tell, new.values())
        return sorted(wanted, key=lambda file: (stamp(file.stamp), file.place))

    def _may_tell(self, file: TrailFile) -> bool:
        """False if a file covers only the time between an end and a redrive."""
        at = file.stamp
        spans = self.targets.spans
        times = (replace(self._window, first=s.first, last=s.last) for s in spans)
        return at is None or not spans or any(each.has_stamp(at) for each in times)

    def asked(self, window: FileWindow) -> object:
        """Return a key; once it changes, every file is read again.

        It changes when an earlier execution becomes known: records that were dropped
        may be its.
        """
        return window.first, window.regions, window.accounts

    def _wanted(self) -> FileWindow:
        """Return which accounts, Regions and time to read files of.

        If the place itself names an account, only that account is read.
        """
        targets = self.targets
        named = [part for part in self._place.folders if ACCOUNT_ID.fullmatch(part)]
        accounts = frozenset(named[-1:] or targets.accounts)
        regions = {each.arn.region for each in targets.each}
        regions.update(region for region, _ in targets.trail_queries)
        first = targets.span.first or self.clock.now() - BEFORE_START
        return FileWindow(accounts, frozenset(regions), first, targets.span.last)

    async def _read_file(self, file: TrailFile, note: str) -> None:
        """Read a file; if it can't be read, note that for another try in the next look.

        Raises Failure if the trouble is not this file's alone.
        """
        try:
            self._tried[file.place] = await self._read_through(file, note)
            self._read.add(file.key)
        except UnreadableError as error:
            self._tried[file.place] = str(error)
        except Failure as failure:
            self._denied += failure.state is HealthState.DENIED
            nowhere = self._denied >= _FEW and not self._read
            if failure.state is not HealthState.DENIED or nowhere:
                raise
            self._tried[file.place] = clean(failure.code)

    async def _read_through(self, file: TrailFile, note: str) -> str:
        """Read a file until its end or until it can't be read further.

        Return why it was not read to its end; empty if it was. Records are handed on as
        they are found, because a file may unpack to any size.
        """
        blocks = deque[bytes]()
        size = 0
        async with aclosing(self._place.chunks(file, note)) as stream:
            async for chunk in stream:
                blocks.append(chunk)
                size += len(chunk)
                if size > _MOST:
                    return f"has more than {_MOST >> 30} GiB"
        reader = TrailReader(blocks, self.wanted(self._window))
        while (found := await asyncio.to_thread(self.read_next, reader)) is not None:
            now = self.clock.now()
            self.select(Received(now, self.kind, None, each) for each in found)
        return reader.trouble

    def wanted(self, window: FileWindow) -> Callable[[Record], bool]:
        """Return a function that is true for the records of a file to be read."""
        targets = self.targets
        # Taken now, because the function below runs in a thread.
        roles = frozenset(targets.roles)
        every = all(t.has_role for t in targets.each)
        anybody = not (targets.finished and every)
        return lambda record: (
            may_concern(record, roles, anybody=anybody) and window.has_event(record)
        )

    def read_next(self, reader: TrailReader) -> list[bytes] | None:
        """Read the next records of a file, in a thread; raises UnreadableError.

        Return None at the end of the file.
        """
        return reader.read()

    @property
    def _troubles(self) -> str:
        return troubles_of(self._tried)

    def _no_file(self) -> str:
        window = self._window
        accounts = sorted(window.accounts)
        regions = sorted(window.regions)
        return (
            f"No file of a trail in {self._place.name} for {', '.join(accounts)}"
            f" in {', '.join(regions)}, delivered from {iso(window.low)} on. Is it the"
            " trail's place, and has the trail these Regions?"
        )

    def _complete_to(self) -> datetime | None:
        """Infer how far the files are complete: to the newest stamp, less the lag.

        The Region whose newest stamp is the oldest counts. None if a Region has no
        file: nothing is known of it.
        """
        regions = self._window.regions
        if not regions <= self._newest.keys():
            return None
        reached = min(self._newest[region] for region in regions) - _BEHIND
        if self.last_round and self._place.is_live and self._looked_at is not None:
            # The same is assumed as for the last round of LookupEvents.
            reached = max(reached, self._looked_at - OVERLAP)
        last = self._window.last
        return reached if last is None else min(reached, last)
