"""The choice of a trail's files that may hold events of the executions' time.

A file's key is, as documented, `[PREFIX/]AWSLogs/[o-ORGANIZATION/]ACCOUNT/CloudTrail/
REGION/YYYY/MM/DD/ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_RANDOM.json.gz`. Both the
folder and the stamp say when it was delivered, and "a log file delivered at a specific
time can contain records written at any point before that time".

In 2,900 recorded records the stamp was 3 s to 594 s after the event. The margins here
are generous: stamps from 5 minutes before the window, in case a stamp is rounded down,
to 2 hours after it, since a record has been seen to come between 25 and 85 minutes
late. Records that come even later are not found: a trail that could not deliver may try
for 30 days.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from sfnwatch.model.records import Record
from sfnwatch.model.times import maybe_time
from sfnwatch.sources.targets import TimeSpan

EARLY = timedelta(minutes=5)
"""The most by which a stamp may be before an event in its file."""
LATE = timedelta(hours=2)
"""The most by which a stamp may be after an event in its file."""
_NAME = re.compile(
    r"(?P<account>[0-9]{12})_CloudTrail_(?P<region>[a-z0-9-]+)_"
    r"(?P<stamp>[0-9]{8}T[0-9]{4}Z)_[^/]*\.json(?:\.gz)?"
)
_OTHERS = ("CloudTrail-Digest", "CloudTrail-Insight")
"""Folders of files without calls, and parts of their names."""
ACCOUNT_ID_PATTERN = re.compile(r"[0-9]{12}")
_ORGANIZATION = re.compile(r"o-[a-z0-9]+")
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-[0-9]+")
_DAYS = re.compile(r"(?:.*/)?(20[0-9]{2}(?:/[0-9]{2}){0,2})", re.DOTALL)
LOGS_FOLDER = "AWSLogs"
TRAIL_FOLDER = "CloudTrail"


class TrailFile(Struct, frozen=True):
    """A file that may hold calls, in a folder or a bucket."""

    place: str
    """Its path, or its key in the bucket."""
    key: str
    """Differs for each file, and for one file after a change."""
    stamp: datetime | None = None
    """When it was delivered; None, as is `region`, if its name does not have it."""
    region: str | None = None


class FileWindow(Struct, frozen=True):
    """The accounts, the Regions and the time whose files are wanted."""

    accounts: frozenset[str]
    regions: frozenset[str]
    first: datetime
    """The time of the first event."""
    last: datetime | None
    """The time of the last event; None while an execution runs."""

    @property
    def low(self) -> datetime:
        """The earliest stamp of a file that may hold an event of the window."""
        return self.first - EARLY

    @property
    def high(self) -> datetime | None:
        """The latest such stamp; None while an execution runs."""
        if self.last is None:
            return None
        return self.last + LATE

    def has_event(self, record: Record) -> bool:
        """True for a CloudTrail record of the window's time, or without a time."""
        at = maybe_time(record.get("eventTime"))
        return at is None or TimeSpan(self.first, self.last).has(at)

    def has_stamp(self, stamp: datetime) -> bool:
        return TimeSpan(self.low, self.high).has(stamp)

    def has_day(self, day: str) -> bool:
        """True if a year, month or day, as `2024/01/31`, has stamps that are wanted."""
        low = f"{self.low:%Y/%m/%d}"
        if day < low[: len(day)]:
            return False
        return self.high is None or day <= f"{self.high:%Y/%m/%d}"[: len(day)]


def wanted_file(place: str, name: str, window: FileWindow) -> TrailFile | None:
    """Return a file if it is wanted, else None.

    A file whose name is not a trail's is always wanted. Digests, and files that are not
    JSON, never are.
    """
    is_digest = any(part in name for part in _OTHERS)
    if is_digest or not name.endswith((".json", ".json.gz")):
        return None
    match = _NAME.fullmatch(name)
    if match is None:
        return TrailFile(place, place)
    stamp = maybe_time(match["stamp"])
    if stamp is None:
        return TrailFile(place, place)
    region = match["region"]
    if match["account"] not in window.accounts or region not in window.regions:
        return None
    if not window.has_stamp(stamp):
        return None
    return TrailFile(place, place, stamp, region)


class UnreadableError(Exception):
    """One file can't be read; the others may still be read."""


def is_wanted(above: Sequence[str], name: str, window: FileWindow) -> bool:
    """False if a folder can hold no wanted file, by its name and the names above it."""
    if name in _OTHERS:
        return False
    if ACCOUNT_ID_PATTERN.fullmatch(name):
        return name in window.accounts
    grandparent, parent = ["", "", *above][-2:]
    is_logs = grandparent == LOGS_FOLDER or _ORGANIZATION.fullmatch(grandparent)
    if ACCOUNT_ID_PATTERN.fullmatch(parent) and is_logs:
        return name == TRAIL_FOLDER  # others hold other services' logs
    if parent == TRAIL_FOLDER and _REGION.fullmatch(name):
        return name in window.regions
    day = _DAYS.fullmatch("/".join((*above, name)))
    return day is None or window.has_day(day[1])
