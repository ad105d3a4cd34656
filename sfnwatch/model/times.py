"""Reads times as AWS writes them, and writes times as people read them.

Inside the program a time is an aware UTC `datetime`. Written times have milliseconds,
the resolution of GetExecutionHistory.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_EPOCH_MS = 1e11
"""Epoch numbers above this are milliseconds: as seconds it would be the year 5138."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime(2, 1, 1, tzinfo=UTC)
_LAST = datetime(9998, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
ONE_SECOND = timedelta(seconds=1)
"""CloudTrail writes whole seconds: a call was made within this after its time."""


def parse_time(value: Any) -> datetime:
    """Return the time of an epoch number (s or ms), an ISO 8601 string or a datetime.

    A time without an offset is taken for UTC, as in CloudTrail and Athena. A time at
    the ends of the calendar is moved off them, so that margins can be added to it and
    subtracted. Raises ValueError for anything else.
    """
    try:
        at = _parsed(value)
    except (OverflowError, OSError) as error:
        raise ValueError(f"not a time: {value!r:.60}") from error
    return on_calendar(at)


def on_calendar(at: datetime) -> datetime:
    """Return a time, moved off the ends of the calendar if it is there."""
    return at if _FIRST.year <= at.year < _LAST.year else min(max(at, _FIRST), _LAST)


def _parsed(value: Any) -> datetime:
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_epoch(float(value))
    raise ValueError(f"not a time: {value!r:.60}")


def _from_epoch(seconds: float) -> datetime:
    in_milliseconds = abs(seconds) > _EPOCH_MS
    return datetime.fromtimestamp(seconds / 1000 if in_milliseconds else seconds, UTC)


def _from_text(text: str) -> datetime:
    if "T" not in text and _NUMBER.fullmatch(text):
        # Python would read some numbers, such as 1712091501000, as the date 1712-09-15.
        return _from_epoch(float(text))
    try:
        # Athena writes a timestamp with its zone as `2023-11-15 00:28:25.000 UTC`.
        parsed = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError as error:
        raise ValueError(f"not a time: {text!r:.60}") from error
    if parsed.tzinfo is UTC:
        return parsed
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def maybe_time(value: Any) -> datetime | None:
    """Return the time of a value; None if it is absent or nonsense."""
    if value is None:
        return None
    try:
        return parse_time(value)
    except ValueError:
        return None


def iso(at: datetime) -> str:
    """Return a time as `2023-11-15T00:28:24.102Z`."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds")[:-6] + "Z"


@lru_cache(maxsize=256)
def maybe_iso(at: datetime | None) -> str | None:
    return None if at is None else iso(at)


def stamp(at: datetime | None) -> float:
    """Return a time as a number to sort by; None comes before all times since 1970."""
    return at.timestamp() if at else 0.0


def microseconds(at: datetime) -> int:
    """Return a time as microseconds since 1970.

    Unlike datetimes, such numbers can go past the year 9999.
    """
    return (at - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    return _EPOCH + count * _MICROSECOND


def seconds_between(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()


def duration(seconds: float) -> str:
    """Return a length of time in words: `0.26 s`, `5m 09s`, `2h 03m`."""
    if seconds < 0:
        return "-" + duration(-seconds)
    if seconds < 10:  # noqa: PLR2004 - two digits are enough from here
        return f"{seconds:.2f} s"
    if seconds < 59.95:  # noqa: PLR2004 - what would be rounded up to 60.0
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {rest:02}s"


def clock(seconds: float) -> str:
    """Return an elapsed time as a clock shows it: `04:52`, `1:04:52`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
