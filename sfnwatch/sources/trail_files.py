"""How CloudTrail lays a trail's files out, and which of them a watch needs.

A file's key is, as documented, `[PREFIX/]AWSLogs/[o-ORGANIZATION/]ACCOUNT/CloudTrail/
REGION/YYYY/MM/DD/ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_RANDOM.json.gz`. Both the
folder and the stamp say when it was delivered, and "a log file delivered at a specific
time can contain records written at any point before that time".

So how late is late? Of 2,900 recorded records the stamp was 3 s to 594 s after the
event. The margins here are generous: stamps from 5 minutes before the window, should a
stamp be rounded down, to 2 hours after it, since a record has been seen to come between
25 and 85 minutes late. What comes later yet, a trail that could not deliver may try for
30 days, is not found.
"""

import os
import re
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.model.json_stream import JsonStream, TextStream
from sfnwatch.model.records import HealthState, Record
from sfnwatch.model.values import clean, iso, maybe_time
from sfnwatch.sources.answers import Failure, record_bytes

EARLY = timedelta(minutes=5)
"""A stamp may be so much before an event in its file."""
LATE = timedelta(hours=2)
"""A stamp may be so much after an event in its file."""
_NAME = re.compile(
    r"(?P<account>[0-9]{12})_CloudTrail_(?P<region>[a-z0-9-]+)_"
    r"(?P<stamp>[0-9]{8}T[0-9]{4})Z_[^/]*\.json(?:\.gz)?"
)
_OTHERS = ("CloudTrail-Digest", "CloudTrail-Insight")
"""Folders, and parts of names, of what holds no calls."""
_ACCOUNT = re.compile(r"[0-9]{12}")
ORGANIZATION = re.compile(r"o-[a-z0-9]+")
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-[0-9]+")
_DAYS = re.compile(r"(?:.*/)?(20[0-9]{2}(?:/[0-9]{2}){0,2})", re.DOTALL)
LOGS, TRAIL = "AWSLogs", "CloudTrail"
_NAMED = 3
"""Files named at most; the rest are counted."""


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
        if at is None:
            return True
        return self.first <= at and (self.last is None or at <= self.last)

    def has_stamp(self, stamp: datetime) -> bool:
        return self.low <= stamp and (self.high is None or stamp <= self.high)

    def has_day(self, day: str) -> bool:
        """True where `2024`, `2024/01` or `2024/01/31` has stamps that are wanted."""
        low = f"{self.low:%Y/%m/%d}"[: len(day)]
        return low <= day and (
            self.high is None or day <= f"{self.high:%Y/%m/%d}"[: len(day)]
        )


def choose(place: str, name: str, window: FileWindow) -> TrailFile | None:
    """Give a file if it is wanted; one whose name tells nothing always is.

    Digests, and what is no JSON, never are.
    """
    other = any(part in name for part in _OTHERS)
    if other or not name.endswith((".json", ".json.gz")):
        return None
    match = _NAME.fullmatch(name)
    try:
        text = match["stamp"] if match else ""
        stamp = datetime.strptime(text, "%Y%m%dT%H%M").replace(tzinfo=UTC)
    except ValueError:
        match = None
    if match is None:
        return TrailFile(place, place)
    region = match["region"]
    ours = match["account"] in window.accounts and region in window.regions
    wanted = ours and window.has_stamp(stamp)
    return TrailFile(place, place, stamp, region) if wanted else None


def named_in(folders: Sequence[str]) -> tuple[list[str], list[str]]:
    """Read the account and the Region that a place's own folders name, if they do.

    Who names an account's, wants that account.
    """
    accounts = [part for part in folders if _ACCOUNT.fullmatch(part)]
    regions = [
        part
        for above, part in pairwise(folders)
        if above == TRAIL and _REGION.fullmatch(part)
    ]
    return accounts[-1:], regions[-1:]


# -- folders ---------------------------------------------------------------------------


def is_passed_over(above: Sequence[str], name: str, window: FileWindow) -> bool:
    """True for a folder that can hold nothing wanted, by its name and those above."""
    grandparent, parent = ["", "", *above][-2:]
    if name in _OTHERS:
        return True
    if _ACCOUNT.fullmatch(name):
        return name not in window.accounts
    is_logs = grandparent == LOGS or ORGANIZATION.fullmatch(grandparent)
    if _ACCOUNT.fullmatch(parent) and is_logs:
        return name != TRAIL  # another service's logs, beside CloudTrail's
    if parent == TRAIL and _REGION.fullmatch(name):
        return name not in window.regions
    days = _DAYS.fullmatch("/".join((*above, name)))
    return days is not None and not window.has_day(days[1])


class FoundFiles(Struct, frozen=True):
    """What a look at a place has found."""

    files: Sequence[TrailFile]
    troubles: Sequence[tuple[str, str]] = ()
    """Folders that can't be listed, and why."""


def find_files(path: Path, window: FileWindow) -> FoundFiles:
    """Find the files that a window may need: by its days, accounts and Regions.

    Folders that can hold nothing of it are not opened; links to folders are not
    followed. Raises Failure where there is nothing at all.
    """
    troubles: list[tuple[str, str]] = []

    def note(error: OSError) -> None:
        if error.filename == str(path):
            raise error
        troubles.append((str(error.filename), said_by(error)))

    try:
        if path.is_file():
            # One that was named itself is taken, whatever it is called.
            return FoundFiles([TrailFile(str(path), _key(str(path), path.stat()))])
        files: list[TrailFile | None] = []
        for folder, folders, names in os.walk(path, onerror=note):
            above = Path(folder).absolute().parts
            folders[:] = [n for n in folders if not is_passed_over(above, n, window)]
            files += [_file(f"{folder}/{name}", name, window) for name in names]
    except OSError as error:
        shown = clean(str(path), 300)
        msg = f"Reading the trail's files in {shown}: {said_by(error)}."
        raise Failure(HealthState.REFUSED, f"{msg} Name another folder.") from error
    return FoundFiles([file for file in files if file is not None], troubles)


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


def said_by(error: OSError) -> str:
    """Give the system's words for an error, cleaned."""
    return clean(error.strerror or str(error), 200)


# -- the records of a file -------------------------------------------------------------

_MOST = 1 << 30
"""Bytes of a file, as it lies there; CloudTrail's own have some megabytes."""
_AT_ONCE = 2_000
"""Values looked at between two moments at which the reading can be stopped."""


class TrailReader:
    """Takes a file's bytes, and then gives the records in it that are wanted.

    The bytes are held as they came, and of what they unpack to never more than a piece.
    It may be one list of records, several that were put together, or a record a line.
    """

    def __init__(self, wanted: Callable[[Record], bool]) -> None:
        self._wanted = wanted
        self._blocks = deque[bytes]()
        self._size = 0
        self._looked = self._look()
        self.trouble = ""
        """Why not all of it was read; empty if it was. Known at the end of the file."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the file."""
        self._size += len(data)
        self._blocks.append(data)
        if self._size > _MOST:
            self.trouble = f"has more than {_MOST >> 30} GiB"

    def read(self) -> list[bytes] | None:
        """Give what is wanted of the next records; None where there are no more."""
        looked = list(islice(self._looked, _AT_ONCE))
        return list(filter(None, looked)) if looked else None

    def _look(self) -> Iterator[bytes | None]:
        """Yield each record, or None for one that is not wanted."""
        text = TextStream(self._blocks.popleft() for _ in range(len(self._blocks)))
        stream, count, odd, trouble = JsonStream(text), 0, 0, ""
        try:
            if stream.is_over:
                trouble = "is empty"
            for place, value in stream.items():
                if place and isinstance(place[-1], str):
                    continue  # what stands beside the list
                if isinstance(value, dict) and "eventName" in value:
                    count += 1
                    is_wanted = self._wanted(value)
                    yield record_bytes(stream.text, value) if is_wanted else None
                else:
                    odd += 1
        except UnicodeDecodeError:
            trouble = "not UTF-8 text"
        except ValueError as error:
            trouble = str(error)
        if text.cut or trouble:
            after = f", after record {count}" if count else ""
            self.trouble = f"{text.cut or trouble}{after}"
        elif odd:
            word = "value" if odd == 1 else "values"
            self.trouble = f"{odd} {word} in it can't be read as a record"


# -- what is said of the reading -------------------------------------------------------


class FileReport:
    """Counts the files, and keeps the names of those that could not be read."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        """Each file that was tried, and why not all of it was read; empty if it was."""
        self.folders: dict[str, str] = {}
        """Those that can't be listed, and why."""
        self.newest: dict[str, datetime] = {}
        """The newest stamp of a file of each Region."""

    def begin(self, found: FoundFiles) -> None:
        """Note what a look has found."""
        self.folders = dict(found.troubles)
        for file in found.files:
            if file.region is not None and file.stamp is not None:
                known = self.newest.get(file.region, file.stamp)
                self.newest[file.region] = max(known, file.stamp)

    def reached(self, regions: Iterable[str]) -> datetime | None:
        """Give the stamp up to which there are files of all these Regions."""
        stamps = [self.newest.get(region) for region in regions]
        known = [stamp for stamp in stamps if stamp is not None]
        return min(known) if known and len(known) == len(stamps) else None

    @property
    def troubles(self) -> str:
        """Say what could not be read; empty if all was well."""
        bad = {place: why for place, why in self.files.items() if why}
        sentences = []
        if bad:
            counted = f"{len(bad)} of the trail's {len(self.files)} files"
            sentences.append(f"{counted} could not be read whole: {_listed(bad)}.")
        if self.folders:
            counted = f"{len(self.folders)} folder" + "s" * (len(self.folders) > 1)
            named = _listed(self.folders)
            sentences.append(f"{counted} could not be listed: {named}.")
        return " ".join(sentences)

    def outcome(self, place: str, window: FileWindow) -> str:
        """Say in the end what could not be read, or for what there was no file."""
        if self.files:
            return self.troubles
        until = f"to {iso(window.high)}" if window.high else "on"
        return (
            f"No file of a trail in {place} for {', '.join(sorted(window.accounts))}"
            f" in {', '.join(sorted(window.regions))}, delivered from {iso(window.low)}"
            f" {until}. Is it the trail's place, and has the trail these Regions?"
        )


def _listed(bad: dict[str, str]) -> str:
    named = [
        f"{clean(place.rpartition('/')[2] or place, 120)}: {clean(why, 200)}"
        for place, why in sorted(bad.items())[:_NAMED]
    ]
    rest = len(bad) - len(named)
    return "; ".join([*named, f"and {rest} more"] if rest else named)
