"""The calls around the executions, from the files of a trail.

A folder or a bucket: read is what may hold the time of the executions, in the accounts
and the Regions where they call something. A file is unpacked and looked through in a
thread, piece by piece, and only what may concern them is kept; so neither memory nor
the screen's frames depend on how large the archive is. A file that can't be read is
named, and the rest goes on.

A file's key is, as documented, `[PREFIX/]AWSLogs/[o-ORGANIZATION/]ACCOUNT/CloudTrail/
REGION/YYYY/MM/DD/ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_RANDOM.json.gz`. Both the
folder and the stamp say when it was delivered, and "a log file delivered at a specific
time can contain records written at any point before that time".

So how late is late? Of 2,900 recorded records the stamp was 3 s to 594 s after the
event. The margins here are generous: stamps from 5 minutes before the window, should a
stamp be rounded down, to 2 hours after it, since a record has been seen to come between
25 and 85 minutes late. What comes later yet, a trail that could not deliver may try for
30 days, is not found.

While an execution runs, new files are looked for. How far the files are complete is an
inference from their stamps: nothing says that a file is the last of its time.
"""

import asyncio
import os
import re
import stat
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path

import aiohttp
from botocore import exceptions as boto
from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.errors import UsageError
from sfnwatch.model.arns import role_name
from sfnwatch.model.json_stream import JsonStream, TextStream
from sfnwatch.model.records import Received, Record, RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean
from sfnwatch.model.times import iso, maybe_time, stamp
from sfnwatch.model.values import mapping_of, text_of
from sfnwatch.sources.answers import AwsRequest, CallsAws, Failure, Page, Text, Verdict
from sfnwatch.sources.call_source import OVERLAP, CallSource
from sfnwatch.sources.polling import PollingSource, WatchContext
from sfnwatch.sources.targets import BEFORE_START, TimeSpan

# -- which files -----------------------------------------------------------------------

EARLY = timedelta(minutes=5)
"""A stamp may be so much before an event in its file."""
LATE = timedelta(hours=2)
"""A stamp may be so much after an event in its file."""
_NAME = re.compile(
    r"(?P<account>[0-9]{12})_CloudTrail_(?P<region>[a-z0-9-]+)_"
    r"(?P<stamp>[0-9]{8}T[0-9]{4}Z)_[^/]*\.json(?:\.gz)?"
)
_OTHERS = ("CloudTrail-Digest", "CloudTrail-Insight")
"""Folders, and parts of names, of what holds no calls."""
_ACCOUNT = re.compile(r"[0-9]{12}")
_ORGANIZATION = re.compile(r"o-[a-z0-9]+")
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-[0-9]+")
_DAYS = re.compile(r"(?:.*/)?(20[0-9]{2}(?:/[0-9]{2}){0,2})", re.DOTALL)
_LOGS, _TRAIL = "AWSLogs", "CloudTrail"


class TrailFile(Struct, frozen=True):
    """A file that may hold calls, wherever it lies."""

    place: str
    """Its path, or its key."""
    key: str
    """What tells it from every other, and from itself after a change."""
    stamp: datetime | None = None
    """When it was delivered; None, as what follows, for a name that doesn't say."""
    region: str | None = None


class FileWindow(Struct, frozen=True):
    """Which files are wanted: whose, from where, and of what time."""

    accounts: frozenset[str]
    regions: frozenset[str]
    first: datetime
    """The time of the first event."""
    last: datetime | None
    """The time of the last one; None while an execution runs."""

    @property
    def low(self) -> datetime:
        """The earliest stamp that may hold an event of it."""
        return self.first - EARLY

    @property
    def high(self) -> datetime | None:
        """The latest one."""
        return None if self.last is None else self.last + LATE

    def has_event(self, record: Record) -> bool:
        """True for a CloudTrail record of its time, or one that doesn't say."""
        at = maybe_time(record.get("eventTime"))
        return at is None or TimeSpan(self.first, self.last).has(at)

    def has_stamp(self, stamp: datetime) -> bool:
        return TimeSpan(self.low, self.high).has(stamp)

    def has_day(self, day: str) -> bool:
        """True where `2024`, `2024/01` or `2024/01/31` has stamps that are wanted."""
        low = f"{self.low:%Y/%m/%d}"
        high = "9999" if self.high is None else f"{self.high:%Y/%m/%d}"
        return low[: len(day)] <= day <= high[: len(day)]


def choose(place: str, name: str, window: FileWindow) -> TrailFile | None:
    """Give a file if it is wanted; one whose name tells nothing always is.

    Digests, and what is no JSON, never are.
    """
    other = any(part in name for part in _OTHERS)
    if other or not name.endswith((".json", ".json.gz")):
        return None
    match = _NAME.fullmatch(name)
    at = maybe_time(match["stamp"]) if match else None
    if match is None or at is None:
        return TrailFile(place, place)
    region = match["region"]
    ours = match["account"] in window.accounts and region in window.regions
    wanted = ours and window.has_stamp(at)
    return TrailFile(place, place, at, region) if wanted else None


class UnreadableError(Exception):
    """One file that can't be read; the others may be."""


# -- a folder --------------------------------------------------------------------------

_CHUNK = 1 << 16
"""Bytes read at once; unpacked they take a thread some 6 ms, and 64 MiB at worst."""


class ArchiveFolder:
    """A folder of this machine: a copy of the bucket, part of one, or any files."""

    is_live = False
    """True where CloudTrail itself delivers; a copy is as old as it is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = clean(str(path), 300)
        self.folders = path.absolute().parts
        """Those that the place itself names."""

    async def files(self, window: FileWindow) -> list[TrailFile]:
        """List what is wanted; raises Failure."""
        return await asyncio.to_thread(self._files, window)

    def _files(self, window: FileWindow) -> list[TrailFile]:
        """Find files by their days, accounts and Regions.

        Folders that can hold nothing wanted are not opened; links to folders are not
        followed. Raises Failure where there is nothing at all.
        """
        path, files = self._path, list[TrailFile | None]()
        try:
            if path.is_file():
                # One that was named itself is taken, whatever it is called.
                return [TrailFile(str(path), _key(str(path), path.stat()))]
            path.stat()
            for folder, folders, names in os.walk(path):
                above = Path(folder).absolute().parts
                folders[:] = [n for n in folders if is_wanted(above, n, window)]
                files += [_file(f"{folder}/{name}", name, window) for name in names]
        except OSError as error:
            msg = f"Reading the trail's files in {self.name}: {_said_by(error)}."
            raise Failure(HealthState.REFUSED, f"{msg} Name another folder.") from error
        return list(filter(None, files))

    async def chunks(self, file: TrailFile, _: str) -> AsyncGenerator[bytes, None]:
        """Yield a file's bytes, read in a thread: it may lie beyond a network.

        Raises UnreadableError.
        """
        try:
            with await asyncio.to_thread(Path(file.place).open, "rb") as stream:
                while chunk := await asyncio.to_thread(stream.read, _CHUNK):
                    yield chunk
        except OSError as error:
            raise UnreadableError(_said_by(error)) from error


def is_wanted(above: Sequence[str], name: str, window: FileWindow) -> bool:
    """False for a folder that can hold nothing wanted, by its name and those above."""
    grandparent, parent = ["", "", *above][-2:]
    if name in _OTHERS:
        return False
    if _ACCOUNT.fullmatch(name):
        return name in window.accounts
    is_logs = grandparent == _LOGS or _ORGANIZATION.fullmatch(grandparent)
    if _ACCOUNT.fullmatch(parent) and is_logs:
        return name == _TRAIL  # else another service's logs, beside CloudTrail's
    if parent == _TRAIL and _REGION.fullmatch(name):
        return name in window.regions
    days = _DAYS.fullmatch("/".join((*above, name)))
    return days is None or window.has_day(days[1])


def _file(path: str, name: str, window: FileWindow) -> TrailFile | None:
    chosen = choose(path, name, window)
    if chosen is None:
        return None
    try:
        told = Path(path).stat()
    except OSError:
        return chosen  # reading it will say what it is
    if not stat.S_ISREG(told.st_mode):
        return None  # a pipe would never end
    return replace(chosen, key=_key(path, told))


def _key(path: str, told: os.stat_result) -> str:
    """Tell a file from what it becomes: it may still be on its way here."""
    return f"{path} {told.st_size} {told.st_mtime_ns}"


def _said_by(error: OSError) -> str:
    """Give the system's words for an error, cleaned."""
    return clean(error.strerror or str(error), 200)


# -- a bucket --------------------------------------------------------------------------

_OF_ONE_FILE = frozenset({"InvalidObjectState", "NoSuchKey"})
"""What is wrong with one file: it lies in a vault from which it would first have to be
restored, or is no longer there."""
_WRONG = (
    "AuthorizationHeaderMalformed|IllegalLocationConstraintException|InvalidBucketName"
    "|InvalidToken|NoSuchBucket|PermanentRedirect"
)
"""S3's own words for what will not change by asking again."""
_DEEPEST = 7
"""Folders below `AWSLogs`: organization, account, CloudTrail, Region, year, month and
day; whoever names more below one another would have no end."""
_TORN = (aiohttp.ClientError, boto.HTTPClientError, boto.IncompleteReadError, OSError)
"""How an answer ends that was cut on its way."""


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

    It is gone through folder by folder, like one of this machine, but from `AWSLogs` on
    alone; the prefix may end above that, at it, or anywhere below. What has not the
    name of a trail's file is passed over: its day could not be told.
    """

    is_live = True

    def __init__(self, source: PollingSource, bucket: str, prefix: str) -> None:
        """Read a bucket on behalf of a source."""
        self._source, self._bucket = source, bucket
        self._region = source.targets.region
        """Where to ask; S3 tells which Region the bucket is in, and the SDK follows."""
        self.name = self._words(prefix)
        self.folders = tuple(filter(None, prefix.split("/")))
        if _LOGS not in self.folders:
            self.folders = (*self.folders, _LOGS)

    def _words(self, key: str) -> str:
        return clean(f"s3://{self._bucket}/{key}", 300)

    async def files(self, window: FileWindow) -> list[TrailFile]:
        """List what is wanted; raises Failure."""
        files, folders = list[TrailFile](), [self.folders]
        asked, note = {"Bucket": self._bucket, "Delimiter": "/"}, "the trail's files"
        list_objects, deepest = "s3:ListObjectsV2", len(self.folders) + _DEEPEST
        for folder in folders:  # more are added on the way
            asked["Prefix"] = prefix = "".join(f"{part}/" for part in folder)
            words, shape = self._words(prefix), _KeyListing
            request = AwsRequest(list_objects, words, self._region, shape, asked, note)
            pages = self._source.pages(request, next_key="ContinuationToken")
            async for page in pages:
                for each in page.value.common_prefixes if len(folder) < deepest else ():
                    name = each.prefix.rstrip("/").rpartition("/")[2]
                    if is_wanted(folder, name, window):
                        folders.append((*folder, name))
                keys = [each.key for each in page.value.contents]
                chosen = (choose(k, k.rpartition("/")[2], window) for k in keys)
                files += [file for file in chosen if file and file.stamp]
        return files

    async def chunks(self, file: TrailFile, note: str) -> AsyncGenerator[bytes, None]:
        """Yield a file's bytes as they come; raises UnreadableError, or Failure."""
        words = self._words(file.place)
        asked = {"Bucket": self._bucket, "Key": file.place}
        request = AwsRequest("s3:GetObject", words, self._region, dict, asked, note)
        try:
            answer = await self._source.ask_once(request)
        except Failure as failure:
            if failure.code in _OF_ONE_FILE:
                raise UnreadableError(failure.code) from failure
            raise
        body = answer.value["Body"]
        try:
            async for chunk in body.iter_chunks(_CHUNK):
                yield chunk
        except _TORN as error:
            msg = f"GetObject on {words}: the answer was cut."
            raise Failure(HealthState.RETRYING, msg) from error
        finally:
            body.close()


_S3 = "s3://"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")


def parse_place(text: str) -> tuple[str, str] | Path:
    """Read a bucket and prefix, or a folder; raises UsageError for what is neither."""
    if text.lower().startswith(_S3):
        bucket, _, prefix = text[len(_S3) :].partition("/")
        if _BUCKET.fullmatch(bucket):
            return bucket, prefix
    elif text.strip() and "\0" not in text:
        with suppress(RuntimeError):  # there is no such home
            return Path(text).expanduser()
    msg = f"{clean(text, 200) or 'Nothing'} is no folder, and no bucket."
    raise UsageError(msg, hint="Name a folder, or s3://BUCKET/PREFIX; no ARN.")


# -- the records of a file -------------------------------------------------------------

_MOST = 1 << 30
"""Bytes of a file, as it lies there; CloudTrail's own have some megabytes."""
_AT_ONCE = 1_000
"""Values looked at between two moments at which the reading can be stopped. DuckDB
takes longer for each, and memory, if it gets more."""


class TrailReader:
    """Gives the records of a file that are wanted.

    The bytes are held as they came, and of what they unpack to never more than a piece.
    It may be one list of records, several that were put together, or a record a line.
    """

    def __init__(
        self, blocks: Iterable[bytes], wanted: Callable[[Record], bool]
    ) -> None:
        """Read a file's bytes, in pieces of any size, each of which is let go of."""
        self._blocks, self._wanted = deque(blocks), wanted
        self._looked = self._look()
        self.trouble = ""
        """Why not all of it was read; empty if it was. Known at the end of the file."""

    def read(self) -> list[bytes] | None:
        """Give what is wanted of the next records; None where there are no more."""
        looked = list(islice(self._looked, _AT_ONCE))
        return list(filter(None, looked)) if looked else None

    def _look(self) -> Iterator[bytes | None]:
        """Yield each record, or None for one that is not wanted."""
        text = TextStream(self._blocks.popleft() for _ in range(len(self._blocks)))
        stream, trouble = JsonStream(text), ""
        try:
            if stream.is_over:
                trouble = "is empty"
            for place, value in stream.items():
                if place and isinstance(place[-1], str):
                    continue  # what stands beside the list
                if isinstance(value, dict) and "eventName" in value:
                    yield stream.text.encode() if self._wanted(value) else None
                else:
                    trouble = "not all in it can be read as records"
        except UnicodeDecodeError:
            trouble = "not UTF-8 text"
        except ValueError as error:
            trouble = str(error)
        self.trouble = text.cut or trouble


# -- what is said of the reading -------------------------------------------------------

_NAMED = 3
"""Files named at most; the rest are counted."""


def troubles_of(files: dict[str, str]) -> str:
    """Say which of the files that were tried could not be read, and why not.

    Empty if all was well, as a file's reason is.
    """
    bad = {place: why for place, why in files.items() if why}
    named = [
        f"{clean(place.rpartition('/')[2], 120)}: {clean(why, 200)}"
        for place, why in sorted(bad.items())[:_NAMED]
    ]
    if rest := len(bad) - len(named):
        named.append(f"and {rest} more")
    counted = f"{len(bad)} of the trail's {len(files)} files"
    return f"{counted} could not be read whole: {'; '.join(named)}." if bad else ""


# -- the source ------------------------------------------------------------------------

_RECENT = timedelta(hours=1)
"""How far back new files are looked for: a stamp is the time of delivery."""
_BEHIND = timedelta(minutes=10)
"""An event was at most 594 s older than the stamp of its file, in 2,900 measured."""
_AGAIN = 30.0
"""Seconds between looks for new files: CloudTrail delivers about every five minutes."""
_NAP = 0.5
"""Seconds between looks at whether anything is known of an execution."""
_FEW = 3
"""After so many files that may not be read, with none that was, it is not they but the
permission."""
_TOLD = 100
"""Files between words on how far the reading has come."""


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


class Archive(CallSource):
    """A source: reads a trail's files until all executions have ended."""

    verdicts = (
        Verdict(_WRONG, "Check the bucket's name and Region, and the --profile."),
    )
    kind = RecordKind.TRAIL
    """What `read_next` makes of records."""

    def __init__(self, aws: CallsAws | None, context: WatchContext) -> None:
        """Make a source; `aws` is needed for a bucket.

        Raises UsageError for what is neither a folder nor a bucket.
        """
        super().__init__(aws, context, "archive")
        parsed = parse_place(context.options.calls.archive or "")
        self._place: ArchiveFolder | ArchiveBucket
        if isinstance(parsed, Path):
            self._place = ArchiveFolder(parsed)
        else:
            self._place = ArchiveBucket(self, *parsed)
        self._read: set[str] = set()
        """The keys of files that were read, if not to their end, as `_asked`."""
        self._tried: dict[str, str] = {}
        """Each file that was tried, and why not all of it was read; empty if it was."""
        self._newest: dict[str, datetime] = {}
        """The newest stamp of a file of each Region."""
        self._denied = 0
        """How many files were denied."""
        self._window = self._wanted()
        """What was last looked for."""
        self._asked: object = None
        self._looked_at: datetime | None = None
        """When all was listed that is asked for."""

    async def read(self) -> str:
        self._tried, self._newest, self._denied, self._asked = {}, {}, 0, None
        while self.targets.started_at is None:
            # There is no execution to speak of, or it is not known yet.
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
            # What became known while it was read may have more to be read.
            if self.last_round and self.asked(self._wanted()) == self._asked:
                return self._troubles if self._tried else self._no_file()
            self.last_round = False
            self.say(self._troubles)
            await self.rest(_AGAIN)

    # -- finding files -----------------------------------------------------------------

    async def _look(self) -> list[TrailFile]:
        """Find the files that are new, in their order; each is read once."""
        self.last_round, now = self.is_over(), self.clock.now()
        self._window = self._wanted()
        if (asked := self.asked(self._window)) != self._asked:
            self._asked, self._looked_at = asked, None
            self._read.clear()
        window = self._window
        if self._place.is_live and self._looked_at and not self.last_round:
            # The folders of today; a copy's files may come late, whatever their day.
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
        """False for one that tells of the time between an end and a redrive alone."""
        at, spans = file.stamp, self.targets.spans
        times = (replace(self._window, first=s.first, last=s.last) for s in spans)
        return at is None or not spans or any(each.has_stamp(at) for each in times)

    def asked(self, window: FileWindow) -> object:
        """Give what has every file read again once it is another.

        An earlier execution becomes known: what was let go may be one of its.
        """
        return window.first, window.regions, window.accounts

    def _wanted(self) -> FileWindow:
        """Say whose files of which time to read; who names an account's, wants that."""
        targets = self.targets
        named = [part for part in self._place.folders if _ACCOUNT.fullmatch(part)]
        accounts = frozenset(named[-1:] or targets.accounts)
        regions = {each.arn.region for each in targets.each}
        regions.update(region for region, _ in targets.trail_queries)
        first = targets.span.first or self.clock.now() - BEFORE_START
        return FileWindow(accounts, frozenset(regions), first, targets.span.last)

    # -- reading them ------------------------------------------------------------------

    async def _read_file(self, file: TrailFile, note: str) -> None:
        """Read a file; one that can't be read is named, and found by the next look.

        Raises Failure for what is not wrong with this file alone.
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
        """Read a file to its end, or to where it makes no more sense; says why.

        What is found is handed on at once: a file of many may unpack to anything.
        """
        blocks, size = deque[bytes](), 0
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
        """Give what tells which of a file's records are to be read."""
        targets = self.targets
        # As of now: it is asked in a thread.
        roles, every = frozenset(targets.roles), all(t.has_role for t in targets.each)
        anybody = not (targets.finished and every)
        return lambda record: (
            may_concern(record, roles, anybody=anybody) and window.has_event(record)
        )

    def read_next(self, reader: TrailReader) -> list[bytes] | None:
        """Read the next records of a file, in a thread; raises UnreadableError.

        None where there are no more.
        """
        return reader.read()

    # -- what is said ------------------------------------------------------------------

    @property
    def _troubles(self) -> str:
        return troubles_of(self._tried)

    def _no_file(self) -> str:
        window = self._window
        accounts, regions = sorted(window.accounts), sorted(window.regions)
        return (
            f"No file of a trail in {self._place.name} for {', '.join(accounts)}"
            f" in {', '.join(regions)}, delivered from {iso(window.low)} on. Is it the"
            " trail's place, and has the trail these Regions?"
        )

    def _complete_to(self) -> datetime | None:
        """Infer how far the files are complete: until the newest stamp, less the lag.

        Of a Region without a file nothing is known.
        """
        regions = self._window.regions
        if not regions <= self._newest.keys():
            return None
        reached = min(self._newest[region] for region in regions) - _BEHIND
        if self.last_round and self._place.is_live and self._looked_at is not None:
            # As LookupEvents' last round is.
            reached = max(reached, self._looked_at - OVERLAP)
        last = self._window.last
        return reached if last is None else min(reached, last)
