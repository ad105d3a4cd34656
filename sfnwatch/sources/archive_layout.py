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

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import product

from msgspec import Struct

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
_ORGANIZATION = re.compile(r"o-[a-z0-9]+")
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-[0-9]+")
_YEAR, _TWO = re.compile(r"20[0-9]{2}"), re.compile(r"[0-9]{2}")
_LOGS, _TRAIL = "AWSLogs", "CloudTrail"


class TrailFile(Struct, frozen=True):
    """A file that may hold calls, wherever it lies."""

    place: str
    """Its path, or its key."""
    stamp: datetime | None = None
    """When it was delivered; None for a name that doesn't say."""
    region: str | None = None
    key: str = ""
    """What tells it from every other, and from itself after a change."""


class Name(Struct, frozen=True):
    """A trail file's name, taken apart."""

    account: str
    region: str
    stamp: datetime


class Window(Struct, frozen=True):
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

    def holds(self, at: datetime) -> bool:
        """True for the time of an event that is wanted."""
        return self.first <= at and (self.last is None or at <= self.last)

    def has_stamp(self, stamp: datetime) -> bool:
        return self.low <= stamp and (self.high is None or stamp <= self.high)

    def has_days(self, year: int, month: int | None, day: int | None) -> bool:
        """True where a year, a month or a day has stamps that are wanted."""
        try:
            begin = date(year, 1 if month is None else month, 1 if day is None else day)
            month = 12 if month is None else month
            end = date(year, month, monthrange(year, month)[1] if day is None else day)
        except ValueError:
            return False  # no day of any calendar
        after = self.high is not None and begin > self.high.date()
        return end >= self.low.date() and not after

    def takes(self, name: Name) -> bool:
        """True for a file of these accounts, Regions and times."""
        return (
            name.account in self.accounts
            and name.region in self.regions
            and self.has_stamp(name.stamp)
        )


def parse_name(name: str) -> Name | None:
    """Take a file's name apart; None for one that CloudTrail would not give."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        stamp = datetime.strptime(match["stamp"], "%Y%m%dT%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None
    return Name(match["account"], match["region"], stamp)


def may_be_trail(name: str) -> bool:
    """True for a file that may hold records, whoever gave it its name."""
    if any(other in name for other in _OTHERS):
        return False
    return name.endswith((".json", ".json.gz"))


def choose(place: str, name: str, window: Window, key: str = "") -> TrailFile | None:
    """Give the file if it is wanted; one whose name tells nothing always is."""
    if not may_be_trail(name):
        return None
    told = parse_name(name)
    if told is None:
        return TrailFile(place, key=key or place)
    if not window.takes(told):
        return None
    return TrailFile(place, told.stamp, told.region, key or place)


class Said(Struct, frozen=True):
    """What a place itself says of what is wanted."""

    account: str | None = None
    region: str | None = None


def said_by(parts: Sequence[str]) -> Said:
    """Read a place's own folders: who names an account's, wants that account."""
    account = region = None
    for before, part in zip(["", *parts], parts, strict=False):
        if _ACCOUNT.fullmatch(part):
            account = part
        if before == _TRAIL and _REGION.fullmatch(part):
            region = part
    return Said(account, region)


def is_passed_over(above: Sequence[str], name: str, window: Window) -> bool:
    """True for a folder that can hold nothing wanted, by its name and those above."""
    grandparent, parent = ["", "", *above][-2:]
    if name in _OTHERS:
        return True
    if _ACCOUNT.fullmatch(name):
        return name not in window.accounts
    if _ACCOUNT.fullmatch(parent) and _is_logs(grandparent):
        return name != _TRAIL  # another service's logs, beside CloudTrail's
    if parent == _TRAIL and _REGION.fullmatch(name):
        return name not in window.regions
    return _is_of_other_days(grandparent, parent, name, window)


def _is_logs(name: str) -> bool:
    return name == _LOGS or _ORGANIZATION.fullmatch(name) is not None


def _is_of_other_days(grandparent: str, parent: str, name: str, window: Window) -> bool:
    if _YEAR.fullmatch(name):
        return not window.has_days(int(name), None, None)
    if not _TWO.fullmatch(name):
        return False
    if _YEAR.fullmatch(parent):
        return not window.has_days(int(parent), int(name), None)
    if _YEAR.fullmatch(grandparent) and _TWO.fullmatch(parent):
        return not window.has_days(int(grandparent), int(parent), int(name))
    return False


# -- a bucket's keys -----------------------------------------------------------------


class Roots(Struct, frozen=True):
    """Where in a bucket the accounts' folders are, as far as its prefix tells."""

    head: str
    """Up to `AWSLogs/` and, if the prefix names one, the organization."""
    is_whole: bool
    """False where an organization's folder may yet come between."""
    below: tuple[str, ...] = ()
    """Folders that the prefix names below: account, CloudTrail, Region, year, …"""


def roots_of(prefix: str) -> Roots:
    """Read a prefix: it may end above `AWSLogs`, at it, or anywhere below."""
    parts = [part for part in prefix.split("/") if part]
    if _LOGS not in parts:
        return Roots("".join(f"{part}/" for part in (*parts, _LOGS)), is_whole=False)
    at = len(parts) - parts[::-1].index(_LOGS)
    below = parts[at:]
    named = bool(below) and _ORGANIZATION.fullmatch(below[0]) is not None
    cut = at + 1 if named else at
    head = "".join(f"{part}/" for part in parts[:cut])
    return Roots(head, is_whole=named or bool(below), below=tuple(parts[cut:]))


class Chain(Struct, frozen=True):
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
        return f"{self.folder}{day}{self.account}_{_TRAIL}_{self.region}_{minute}"


def chains(heads: Sequence[str], below: Sequence[str], window: Window) -> list[Chain]:
    """Lay out what there is to list: each account's files of each Region.

    What the place names stands for the usual.
    """
    found = []
    for head in heads:
        for usual in product(sorted(window.accounts), [_TRAIL], sorted(window.regions)):
            account, trail, region = (*below[:3], *usual[len(below[:3]) :])
            folder = f"{head}{account}/{trail}/{region}/"
            prefix = folder + "".join(f"{part}/" for part in below[3:])
            found.append(Chain(folder, prefix, account, region))
    return list(dict.fromkeys(found))
