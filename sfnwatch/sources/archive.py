"""The calls around the executions, from the files of a trail.

A folder or a bucket: read is what may hold the time of the executions, in the accounts
and the Regions where they call something. A file is unpacked and looked through in a
thread, piece by piece, and only what may concern them is kept; so neither memory nor
the screen's frames depend on how large the archive is. A file that can't be read is
named, and the rest goes on.

While an execution runs, new files are looked for. How far the files are complete is an
inference from their stamps: nothing says that a file is the last of its time.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from functools import partial
from itertools import product
from pathlib import Path

import aiohttp
from botocore import exceptions as boto
from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.clock import Clock
from sfnwatch.errors import UsageError
from sfnwatch.model.arns import role_name
from sfnwatch.model.records import HealthState, Received, Record, RecordKind
from sfnwatch.model.values import clean, mapping_of, seconds_between, text_of
from sfnwatch.sources.answers import AwsRequest, CallsAws, Failure, Page, Text, Verdict
from sfnwatch.sources.polling import OVERLAP, CallSource, PollingSource, WatchContext
from sfnwatch.sources.targets import BEFORE_START, Relevance, Targets
from sfnwatch.sources.trail_files import (
    LOGS,
    ORGANIZATION,
    TRAIL,
    FileReport,
    FileWindow,
    FoundFiles,
    TrailFile,
    TrailReader,
    choose,
    find_files,
    named_in,
    said_by,
)

_RECENT = timedelta(hours=1)
"""How far back new files are looked for: a stamp is the time of delivery."""
_BEHIND = timedelta(minutes=10)
"""An event was at most 594 s older than the stamp of its file, in 2,900 measured."""
_AGAIN = 30.0
"""Seconds between looks for new files: CloudTrail delivers about every five minutes."""
_NAP = 0.5
"""Seconds between looks at whether the history has been read."""
_HISTORY = timedelta(seconds=30)
"""How long that is waited for, of an execution that has ended."""
_TELL = 1.0
"""Seconds between words on how far the reading has come."""
_TRIES = 3
"""How often a file is asked for whose answer is cut; and after so many files that may
not be read, with none that was, it is not they but the permission."""
_CHUNK = 1 << 16
"""Bytes read at once; unpacked they take a thread some 6 ms, and 64 MiB at worst."""


# -- whose they are --------------------------------------------------------------------


async def await_history(targets: Targets, clock: Clock) -> None:
    """Let the history of an execution that has ended be read, if that is soon done.

    All its roles are known then: what is asked for too early is asked once more, or has
    to be held back as long as nobody can be told to be concerned.
    """
    end = clock.now() + _HISTORY
    while targets.stopped_at is not None and not targets.finished:
        if clock.now() >= end:
            return
        await clock.sleep(_NAP)


def may_concern(record: Record, roles: frozenset[str], *, anybody: bool) -> bool:
    """Tell which of an archive's records are worth a second look.

    Nearly all are not, so this looks at no more than it must. `anybody` is true while
    what Step Functions called for others may yet be the executions'.
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


# -- where the files lie ---------------------------------------------------------------

_S3 = "s3://"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_NO_PLACE = "Name a folder, or s3://BUCKET/PREFIX."


class UnreadableError(Exception):
    """One file that can't be read; the others may be."""

    def __init__(self, why: str, failure: Failure | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.failure = failure
        """What it would be, were it so for every file."""


class BucketPlace(Struct, frozen=True):
    """`s3://BUCKET/PREFIX`, taken apart."""

    bucket: str
    prefix: str


def parse_place(text: str) -> BucketPlace | Path:
    """Tell a bucket from a folder; raises UsageError for what is neither."""
    if text.lower().startswith(_S3):
        bucket, _, prefix = text[len(_S3) :].partition("/")
        if _BUCKET.fullmatch(bucket):
            return BucketPlace(bucket, prefix)
        msg = f"{clean(text, 200)}: there is no name of a bucket in it."
        raise UsageError(msg, hint="Write s3://BUCKET/PREFIX; no ARN.")
    if not text.strip() or "\0" in text:
        raise UsageError("The archive has no place.", hint=_NO_PLACE)
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        msg = f"{clean(text, 200)}: there is no such home."
        raise UsageError(msg, hint=_NO_PLACE) from error


class ArchiveFolder:
    """A folder of this machine: a copy of the bucket, part of one, or any files."""

    is_live = False
    """True where CloudTrail itself delivers; a copy is as old as it is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = clean(str(path), 300)
        self.folders = path.absolute().parts
        """Those that the place itself names."""

    async def files(self, window: FileWindow, _: datetime | None) -> FoundFiles:
        """List what is wanted, each time anew; raises Failure."""
        return await asyncio.to_thread(find_files, self._path, window)

    async def chunks(self, file: TrailFile, _: str) -> AsyncGenerator[bytes, None]:
        """Yield a file's bytes, read in a thread: it may lie beyond a network.

        Raises UnreadableError.
        """
        try:
            with await asyncio.to_thread(Path(file.place).open, "rb") as stream:
                while chunk := await asyncio.to_thread(stream.read, _CHUNK):
                    yield chunk
        except OSError as error:
            raise UnreadableError(said_by(error)) from error


# -- a bucket --------------------------------------------------------------------------

_GONE = frozenset({"NoSuchKey", "InvalidObjectState"})
"""A file that is no longer there, or that lies in a vault from which it would first
have to be restored."""
_WRONG = {
    "AuthorizationHeaderMalformed|IllegalLocationConstraintException"
    "|PermanentRedirect": "Is the bucket in another Region, or partition?",
    "InvalidAccessKeyId|InvalidToken": "Check the credentials of the --profile.",
    "InvalidBucketName|NoSuchBucket": "Check the bucket's name, and the --profile.",
}
"""S3's own words for what will not change by asking again, and what to do."""
_TORN = (aiohttp.ClientError, boto.HTTPClientError, boto.IncompleteReadError, OSError)
"""How an answer ends that was cut on its way."""


class KeyRange(Struct, frozen=True):
    """The files of an account and Region: keys in the order of their stamps."""

    folder: str
    """The Region's."""
    prefix: str
    """What is listed: the folder, or that part of it which the place names."""
    account: str
    region: str

    def key(self, stamp: datetime) -> str:
        """Give what comes after every key of earlier stamps, and before the rest."""
        day, minute = stamp.strftime("%Y/%m/%d/"), stamp.strftime("%Y%m%dT%H%M")
        return f"{self.folder}{day}{self.account}_{TRAIL}_{self.region}_{minute}"


def split_prefix(prefix: str) -> tuple[str, tuple[str, ...], bool]:
    """Read a prefix, which may end above `AWSLogs`, at it, or anywhere below.

    Gives the head, up to `AWSLogs/` and, if the prefix names one, the organization;
    the folders that it names below: account, CloudTrail, Region, year, …; and true
    where no organization's folder can come between.
    """
    parts = [part for part in prefix.split("/") if part]
    if LOGS not in parts:
        parts.append(LOGS)
    cut = len(parts) - parts[::-1].index(LOGS)
    is_whole = len(parts) > cut
    if is_whole and ORGANIZATION.fullmatch(parts[cut]):
        cut += 1
    head = "".join(f"{part}/" for part in parts[:cut])
    return head, tuple(parts[cut:]), is_whole


class _Object(Struct, rename="pascal"):
    key: Text


class _Folder(Struct, rename="pascal"):
    prefix: Text


class _KeyListing(Page, rename="pascal"):
    contents: list[_Object] = field(default_factory=list)
    common_prefixes: list[_Folder] = field(default_factory=list)
    next_token: str | None = field(default=None, name="NextContinuationToken")


class ArchiveBucket:
    """The bucket that CloudTrail delivers to, or a copy of it.

    An account's files of a Region stand in the order of their stamps, so one listing
    that begins at a key and ends at another reads just the days that are wanted. What
    has not the name of a trail's file is passed over: its day could not be told.
    """

    is_live = True

    def __init__(self, source: PollingSource, place: BucketPlace) -> None:
        """Read a bucket on behalf of a source."""
        self._source, self._bucket = source, place.bucket
        self._region = source.targets.region
        """Where to ask; S3 tells which Region the bucket is in, and the SDK follows."""
        self.name = self._words(place.prefix)
        self.folders = tuple(place.prefix.split("/"))
        self._head, self._below, self._is_whole = split_prefix(place.prefix)
        self._heads: tuple[str, ...] | None = None
        self._listed: set[KeyRange] = set()

    def _words(self, key: str) -> str:
        return clean(f"s3://{self._bucket}/{key}", 300)

    async def files(self, window: FileWindow, recent: datetime | None) -> FoundFiles:
        """List each account's files of each Region, from the window's first stamp.

        What was listed whole before is listed anew only from `recent` on.
        """
        if self._heads is None:
            self._heads = (self._head, *await self._organizations())
        files: list[TrailFile] = []
        for each in self._ranges(self._heads, window):
            since = window.low
            if recent is not None and each in self._listed:
                since = max(since, recent)
            files += [file async for file in self._files(each, since, window)]
            self._listed.add(each)
        return FoundFiles(files)

    async def _organizations(self) -> list[str]:
        """Look for organizations' folders, where the prefix leaves that open."""
        if self._is_whole:
            return []
        asked = {"Prefix": f"{self._head}o-", "Delimiter": "/"}
        pages = self._pages("organizations", **asked)
        return [f.prefix async for page in pages for f in page.common_prefixes]

    def _ranges(self, heads: tuple[str, ...], window: FileWindow) -> list[KeyRange]:
        """Lay out what there is to list; what the place names stands for the usual."""
        found, below = [], self._below
        accounts, regions = sorted(window.accounts), sorted(window.regions)
        for head, *usual in product(heads, accounts, [TRAIL], regions):
            account, trail, region = (*below[:3], *usual[len(below[:3]) :])
            folder = f"{head}{account}/{trail}/{region}/"
            prefix = folder + "".join(f"{part}/" for part in below[3:])
            found.append(KeyRange(folder, prefix, account, region))
        return list(dict.fromkeys(found))

    async def _files(
        self, wanted: KeyRange, since: datetime, window: FileWindow
    ) -> AsyncIterator[TrailFile]:
        """Yield the files from a stamp to the window's last."""
        note = f"trail files of {wanted.region}"
        end = None if window.high is None else wanted.key(window.high)
        asked = {"Prefix": wanted.prefix, "StartAfter": wanted.key(since)}
        async for page in self._pages(note, **asked):
            keys = [each.key for each in page.contents]
            for key in keys:
                chosen = choose(key, key.rpartition("/")[2], window)
                if chosen is not None and chosen.stamp is not None:
                    yield chosen
            if end is not None and keys and keys[-1][: len(end)] > end:
                return

    async def _pages(self, note: str, **asked: str) -> AsyncIterator[_KeyListing]:
        name, words = "s3:ListObjectsV2", self._words(asked["Prefix"])
        whole = {"Bucket": self._bucket, **asked}
        request = AwsRequest(name, words, self._region, _KeyListing, whole, note)
        async for page in self._source.pages(request, next_key="ContinuationToken"):
            yield page.value

    async def chunks(self, file: TrailFile, note: str) -> AsyncGenerator[bytes, None]:
        """Yield a file's bytes as they come; raises UnreadableError, or Failure."""
        words = self._words(file.place)
        asked = {"Bucket": self._bucket, "Key": file.place}
        request = AwsRequest("s3:GetObject", words, self._region, dict, asked, note)
        try:
            answer = await self._source.ask_once(request)
        except Failure as failure:
            raise _of_one_file(failure) from failure
        body = answer.value["Body"]
        try:
            async for chunk in body.iter_chunks(_CHUNK):
                yield chunk
        except _TORN as error:
            msg = f"GetObject on {words}: the answer was cut."
            torn = Failure(HealthState.RETRYING, msg)
            raise UnreadableError("the answer was cut", torn) from error
        finally:
            body.close()


def _of_one_file(failure: Failure) -> Exception:
    """Tell what is wrong with one file from what is wrong with all."""
    why = clean(failure.code)
    if failure.code in _GONE:
        return UnreadableError(why)
    if failure.state is HealthState.DENIED or failure.code == "InternalError":
        return UnreadableError(why, failure)
    return failure


# -- the source ------------------------------------------------------------------------


class Archive(CallSource):
    """A source: reads a trail's files until all executions have ended."""

    verdicts = tuple(
        Verdict(codes, HealthState.REFUSED, advice) for codes, advice in _WRONG.items()
    )
    kind = RecordKind.TRAIL
    """What `read_next` makes of records."""

    def __init__(self, aws: CallsAws | None, context: WatchContext, place: str) -> None:
        """Make a source; `aws` is needed for a bucket.

        Raises UsageError for what is neither a folder nor a bucket.
        """
        super().__init__(aws, context, "archive")
        parsed = parse_place(place)
        self._place: ArchiveFolder | ArchiveBucket
        if isinstance(parsed, Path):
            self._place = ArchiveFolder(parsed)
        elif aws is not None:
            self._place = ArchiveBucket(self, parsed)
        else:
            raise UsageError(f"{clean(place, 200)} is no folder.", hint=_NO_PLACE)
        self._relevance = Relevance(self.targets)
        self._read: set[tuple[object, str]] = set()
        """What was asked, and the keys of files that were read, if not to their end."""
        self._report = FileReport()
        self._tries = 0
        """How often the file under way was asked for."""
        self._denied = 0
        """How many files were denied."""
        self._window = self._wanted()
        """What was last looked for."""
        self._asked: object = None
        self._looked_at: datetime | None = None
        self._told_at = self.clock.now()

    async def read(self) -> str:
        self._read.clear()
        self._report, self._denied = FileReport(), 0
        self._asked = self._looked_at = None
        while self.targets.started_at is None:
            # There is no execution to speak of, or it is not known yet.
            if self.targets.finished:
                return ""
            await self.rest(_NAP)
        await await_history(self.targets, self.clock)
        while True:
            files = await self.attempt(self._look)
            for number, file in enumerate(files, 1):
                place = f"{number} of {len(files)}"
                await self.attempt(partial(self._read_file, file, f"file {place}"))
                self._tell_progress(place)
            self.hand_on(*self._relevance.select(()))
            self.coverage = self._complete_to()
            # What became known while it was read may have more to be read.
            if self.last_round and self.asked(self._wanted()) == self._asked:
                return self._report.outcome(self._place.name, self._window)
            self.last_round = False
            self.say(self._report.troubles)
            await self.rest(_AGAIN)

    # -- finding files -----------------------------------------------------------------

    async def _look(self) -> list[TrailFile]:
        """Find the files that are new, in their order; each is read once."""
        self.last_round = self.is_over()
        window, now = self._wanted(), self.clock.now()
        asked = self.asked(window)
        recent = None
        if self._looked_at and asked == self._asked and not self.last_round:
            recent = self._looked_at - _RECENT
        found = await self._place.files(window, recent)
        self._window, self._asked, self._looked_at = window, asked, now
        self._report.begin(found)
        fresh = {each.key: each for each in found.files}
        new = [f for key, f in fresh.items() if (asked, key) not in self._read]
        return sorted(filter(self._may_tell, new), key=_oldest_first)

    def _may_tell(self, file: TrailFile) -> bool:
        """False for one that tells of the time between an end and a redrive alone."""
        at, spans = file.stamp, self.targets.spans
        times = (replace(self._window, first=s.first, last=s.last) for s in spans)
        return at is None or not spans or any(each.has_stamp(at) for each in times)

    def asked(self, window: FileWindow) -> object:
        """Give what has every file read again once it is another.

        An earlier execution becomes known: what was let go may be one of its.
        """
        return window.first

    def _wanted(self) -> FileWindow:
        """Say whose files of which time to read; what the place names goes first."""
        targets = self.targets
        accounts, regions = named_in(self._place.folders)
        usual = {each.arn.region for each in targets.each}
        usual.update(region for region, _ in targets.trail_queries)
        return FileWindow(
            accounts=frozenset(accounts or targets.accounts),
            regions=frozenset(regions or usual),
            first=targets.span.first or self.clock.now() - BEFORE_START,
            last=targets.span.last,
        )

    # -- reading them ------------------------------------------------------------------

    async def _read_file(self, file: TrailFile, note: str) -> None:
        """Read a file; one that can't be read is named."""
        try:
            trouble = await self._read_through(file, note)
        except UnreadableError as error:
            self._raise_if_of_all(error)
            trouble = error.why
        else:
            self._read.add((self._asked, file.key))
        self._report.files[file.place] = trouble
        self._tries = 0

    async def _read_through(self, file: TrailFile, note: str) -> str:
        """Read a file to its end, or to where it makes no more sense; says why.

        What is found is handed on at once: a file of many may unpack to anything.
        """
        reader = TrailReader(self.wanted(self._window))
        async with aclosing(self._place.chunks(file, note)) as stream:
            async for chunk in stream:
                reader.feed(chunk)
                if reader.trouble:
                    return reader.trouble
        while (found := await asyncio.to_thread(self.read_next, reader)) is not None:
            now = self.clock.now()
            received = (Received(now, self.kind, None, each) for each in found)
            self.hand_on(*self._relevance.select(received))
        return reader.trouble

    def wanted(self, window: FileWindow) -> Callable[[Record], bool]:
        """Give what tells which of a file's records are to be read."""
        targets = self.targets
        roles, every = targets.roles, all(each.roles for each in targets.each)
        anybody = not (targets.finished and every)
        return lambda record: (
            may_concern(record, roles, anybody=anybody) and window.has_event(record)
        )

    def read_next(self, reader: TrailReader) -> list[bytes] | None:
        """Read the next records of a file, in a thread; raises UnreadableError.

        None where there are no more.
        """
        return reader.read()

    def _raise_if_of_all(self, error: UnreadableError) -> None:
        """Raise a failure that is not that of one file; then it is tried again.

        What was passed over because of it, the next look finds.
        """
        failure = error.failure
        if failure is None:
            return
        if failure.state is HealthState.DENIED:
            self._denied += 1
            is_of_all = self._denied >= _TRIES and not self._read
        else:
            self._tries += 1
            is_of_all = self._tries < _TRIES
        if is_of_all:
            raise failure from error

    # -- what is said ------------------------------------------------------------------

    def _complete_to(self) -> datetime | None:
        """Infer how far the files are complete: until the newest stamp, less the lag.

        Of a Region without a file nothing is known.
        """
        newest = self._report.reached(self._window.regions)
        if newest is None:
            return None
        reached = newest - _BEHIND
        if self.last_round and self._place.is_live and self._looked_at is not None:
            # As LookupEvents' last round is.
            reached = max(reached, self._looked_at - OVERLAP)
        last = self._window.last
        return reached if last is None else min(reached, last)

    def _tell_progress(self, place: str) -> None:
        """Say how far the reading has come, now and then."""
        now = self.clock.now()
        if seconds_between(self._told_at, now) >= _TELL:
            self._told_at = now
            self.say(f"Reading the trail's files: {place}.")


def _oldest_first(file: TrailFile) -> tuple[float, str]:
    """What has no stamp comes first."""
    return file.stamp.timestamp() if file.stamp else 0.0, file.place
