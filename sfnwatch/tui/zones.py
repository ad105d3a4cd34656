"""Times of day where the viewer is, or in UTC, as AWS has them."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

_ABBREVIATION = re.compile(r"[A-Z]{2,5}")
_MINUTE = 60


class _Local(tzinfo):
    """The zone of this machine, or of TZ, with the offset of each moment.

    The operating system knows both the zone and its history; it need not have a name
    that a time zone database would know.
    """

    def utcoffset(self, dt: datetime | None) -> timedelta:
        return _here(dt).utcoffset() or timedelta()

    def dst(self, dt: datetime | None) -> None:
        del dt

    def tzname(self, dt: datetime | None) -> str | None:
        return _here(dt).tzname()

    def fromutc(self, dt: datetime) -> datetime:
        offset = _told(dt.replace(tzinfo=UTC)).utcoffset() or timedelta()
        there = dt + offset
        # In the hour that comes twice, this is the second one.
        return there if self.utcoffset(there) == offset else there.replace(fold=1)


def _here(dt: datetime | None) -> datetime:
    """Take a time on the wall here as the moment it is."""
    return _told((dt or datetime.now(UTC)).replace(tzinfo=None))


def _told(dt: datetime) -> datetime:
    try:
        return dt.astimezone()
    except (OverflowError, OSError, ValueError):
        # Years that the operating system has no calendar for.
        return dt.replace(tzinfo=UTC)


_LOCAL = _Local()


def local_zone() -> tzinfo:
    """Give the zone of this machine; the variable TZ overrules it."""
    return _LOCAL


def zone_name(zone: tzinfo, at: datetime) -> str:
    """Name a zone as it is at some time: `UTC`, `JST`, `+05:30`."""
    there = in_zone(at, zone)
    name = there.tzname() or ""
    if _ABBREVIATION.fullmatch(name):
        return name
    minutes = round((there.utcoffset() or timedelta()).total_seconds() / _MINUTE)
    hours, minutes_left = divmod(abs(minutes), _MINUTE)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{minutes_left:02}"


def stamp(at: datetime, zone: tzinfo, *, millis: bool = True) -> str:
    """Write the time of day in a zone; whole seconds are all that CloudTrail has."""
    there = in_zone(at, zone)
    words = f"{there:%H:%M:%S}"
    return f"{words}.{there.microsecond // 1000:03}" if millis else words


def in_zone(at: datetime, zone: tzinfo) -> datetime:
    """Give the same moment in a zone, or in UTC where its year would leave ours."""
    try:
        return at.astimezone(zone)
    except (OverflowError, ValueError):
        return at.astimezone(UTC)
