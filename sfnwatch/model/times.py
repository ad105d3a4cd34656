"""Times as AWS, its command lines and its exports write them, and as we do.

Everything inside is an aware UTC `datetime`; everything we write has milliseconds,
the resolution of GetExecutionHistory.
"""

import re
from datetime import UTC, datetime
from typing import Any

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_LENGTHS = {len("2023-11-15T00:28:24Z"), len("2023-11-15T00:28:24.102Z")}
_EPOCH_MS = 1e11
"""Epoch numbers above this are milliseconds: in seconds it would be the year 5138."""


def parse_time(value: Any) -> datetime:
    """Read an epoch number (s or ms), an ISO 8601 string or a datetime.

    A time without an offset is UTC, as CloudTrail's and Athena's are. Raises
    ValueError for anything else.
    """
    try:
        if isinstance(value, str):
            return _as_written(value) or _from_text(value.strip())
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _from_epoch(float(value))
    except (OverflowError, OSError) as error:
        raise ValueError(f"not a time: {value!r:.60}") from error
    raise ValueError(f"not a time: {value!r:.60}")


def _as_written(text: str) -> datetime | None:
    """Read what CloudTrail and `iso` write, which is nearly all there is to read."""
    if len(text) not in _LENGTHS or text[4] != "-" or text[-1] != "Z":
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _from_epoch(seconds: float) -> datetime:
    return datetime.fromtimestamp(
        seconds / 1000 if abs(seconds) > _EPOCH_MS else seconds, UTC
    )


def _from_text(text: str) -> datetime:
    is_date = text[4:5] == "-" and text[:4].isdigit()
    if not is_date and _NUMBER.fullmatch(text):
        # Python would read some, such as 1712091501000, as the ISO date of 1712-09-15.
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
    """Read a time that may be absent or nonsense."""
    if value is None:
        return None
    try:
        return parse_time(value)
    except ValueError:
        return None


def iso(at: datetime) -> str:
    """Write a time as `2023-11-15T00:28:24.102Z`."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds")[:-6] + "Z"


def maybe_iso(at: datetime | None) -> str | None:
    return None if at is None else iso(at)


def stamp(at: datetime | None) -> float:
    """Give a time as a number to sort by; no time comes before all others."""
    return at.timestamp() if at else 0.0


def seconds_between(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()
