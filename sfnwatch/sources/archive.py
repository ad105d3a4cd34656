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
    ACCOUNT_ID_PATTERN,
    FileWindow,
    TrailFile,
    UnreadableError,
)
from sfnwatch.sources.trail_reader import TrailReader, troubles_of

_LARGEST_FILE_BYTES = 1 << 30
"""The largest file to read, in bytes as stored; CloudTrail's own have some
megabytes."""
_RECENT = timedelta(hours=1)
"""How far back new files are looked for. A file's stamp is the time of its delivery."""
_BEHIND = timedelta(minutes=10)
"""In 2,900 events measured, none was more than 594 s older than its file's stamp."""
_LOOK_SECONDS = 30.0
"""Seconds between looks for new files. CloudTrail delivers about every five minutes."""
_START_LOOK_SECONDS = 0.5
"""Seconds between looks whether any execution is known yet."""
_DENIED_FILES = 3
"""When this many files are denied and none was read, the permission is missing
altogether: it is not a matter of single files."""
_FILES_PER_REPORT = 100
"""Report progress each time this many files are read."""
_NO_FILE = (
    "No file of a trail in {place} for {accounts} in {regions}, delivered from {first}"
    " on. Is it the trail's place, and has the trail these Regions?"
)


def may_concern(record: Record, roles: frozenset[str], *, anybody: bool) -> bool:
    """True if a record of an archive is worth a second look.

    Nearly all records are not, so this looks at as little as possible. Pass `anybody`
    as true while a call that Step Functions made in any role may turn out to be one of
    the executions' calls.
    """
    identity = mapping_of(record.get("userIdentity"))
    issuer = mapping_of(mapping_of(identity.get("sessionContext")).get("sessionIssuer"))
    arn = text_of(issuer.get("arn")) or text_of(identity.get("arn"))
    if role_name(arn) in roles:
        return True
    if "sfnwatch/" in (text_of(record.get("userAgent")) or ""):
        return True
    if not anybody:
        return False
    invoked_by = str(identity.get("invokedBy"))
    source = str(record.get("sourceIPAddress"))
    return invoked_by.startswith("states.") or source.startswith("states.")


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
        """The keys of the files that were read, wholly or in part, since `_scope`
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
        self._scope: object = None
        """What the latest look asked for; see `scope`."""
        self._looked_at: datetime | None = None
        """The time of the latest look that listed all the files asked for."""

    async def read(self) -> str:
        self._tried = {}
        self._newest = {}
        self._denied = 0
        self._scope = None
        while self.targets.started_at is None:
            # No execution is known: there is none, or none yet.
            if self.targets.finished:
                return ""
            await self.rest(_START_LOOK_SECONDS)
        await self.await_history()
        while True:
            files = await self.attempt(self._look)
            for number, file in enumerate(files, 1):
                progress = f"{number} of {len(files)}"
                await self.attempt(partial(self._read_file, file, f"file {progress}"))
                if number % _FILES_PER_REPORT == 0:
                    self.say(f"Reading the trail's files: {progress}.")
            self.select()
            self.coverage = self._complete_to()
            # Roles or accounts that became known while reading may need more files.
            if self.last_round and self.scope(self._wanted()) == self._scope:
                if not self._tried:
                    return self._no_file()
                return troubles_of(self._tried)
            self.last_round = False
            self.say(troubles_of(self._tried))
            await self.rest(_LOOK_SECONDS)

    async def _look(self) -> list[TrailFile]:
        """Find the new files, in their order; each file is read once."""
        self.last_round = self.is_over()
        now = self.clock.now()
        self._window = self._wanted()
        window = self._window
        scope = self.scope(window)
        if scope != self._scope:
            self._scope = scope
            self._looked_at = None
            self._read.clear()
        if self._place.is_live and self._looked_at and not self.last_round:
            # List only the folders of today. A copy can receive old days' files late,
            # so a copy is always listed whole.
            first = max(window.first, self._looked_at - _RECENT)
            window = replace(window, first=first)
        files = await self._place.files(window)
        self._looked_at = now
        for file in files:
            if file.region is not None and file.stamp is not None:
                newest = self._newest.get(file.region, file.stamp)
                self._newest[file.region] = max(newest, file.stamp)
        new: dict[str, TrailFile] = {}
        for file in files:
            if file.key not in self._read and self._covers_a_run(file):
                new[file.key] = file
        return sorted(new.values(), key=lambda file: (stamp(file.stamp), file.place))

    def _covers_a_run(self, file: TrailFile) -> bool:
        """False if a file covers only the time between an end and a redrive."""
        spans = self.targets.spans
        if file.stamp is None or not spans:
            return True
        for span in spans:
            window = replace(self._window, first=span.first, last=span.last)
            if window.has_stamp(file.stamp):
                return True
        return False

    def scope(self, window: FileWindow) -> object:
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
        accounts = targets.accounts
        for folder in self._place.folders:
            if ACCOUNT_ID_PATTERN.fullmatch(folder):
                accounts = frozenset({folder})
        regions = {target.arn.region for target in targets.watched}
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
            if failure.state is not HealthState.DENIED:
                raise
            self._denied += 1
            if self._denied >= _DENIED_FILES and not self._read:
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
                if size > _LARGEST_FILE_BYTES:
                    return f"has more than {_LARGEST_FILE_BYTES >> 30} GiB"
        reader = TrailReader(blocks, self.wanted(self._window))
        while True:
            records = await asyncio.to_thread(self.read_next, reader)
            if records is None:
                return reader.trouble
            now = self.clock.now()
            self.select(Received(now, self.kind, None, data) for data in records)

    def wanted(self, window: FileWindow) -> Callable[[Record], bool]:
        """Return a function that is true for the records of a file to be read."""
        targets = self.targets
        # Taken now, because the function below runs in a thread.
        roles = frozenset(targets.roles)
        all_have_roles = all(target.has_role for target in targets.watched)
        anybody = not (targets.finished and all_have_roles)

        def is_wanted(record: Record) -> bool:
            concerns = may_concern(record, roles, anybody=anybody)
            return concerns and window.has_event(record)

        return is_wanted

    def read_next(self, reader: TrailReader) -> list[bytes] | None:
        """Read the next records of a file, in a thread; raises UnreadableError.

        Return None at the end of the file.
        """
        return reader.read()

    def _no_file(self) -> str:
        window = self._window
        return _NO_FILE.format(
            place=self._place.name,
            accounts=", ".join(sorted(window.accounts)),
            regions=", ".join(sorted(window.regions)),
            first=iso(window.low),
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
        last = self._window.last or reached
        return min(reached, last)
