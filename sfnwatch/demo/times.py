"""The forms in which AWS writes times."""

from datetime import UTC, datetime, timedelta

_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


def after(at: datetime, seconds: float) -> datetime:
    """Return the time `seconds` later, to the millisecond as AWS keeps it."""
    return to_ms(at + timedelta(seconds=seconds))


def to_ms(at: datetime) -> datetime:
    """Drop what is below a millisecond."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def whole(at: datetime) -> datetime:
    """Drop what is below a second, as CloudTrail does."""
    return at.replace(microsecond=0)


def epoch_seconds(at: datetime) -> float:
    """Return AWS JSON's timestamp: seconds, with milliseconds as a fraction."""
    return epoch_ms(at) / 1000


def epoch_ms(at: datetime) -> int:
    """Return Step Functions' form in the outputs of optimised integrations."""
    return round(at.timestamp() * 1000)


def iso_ms(at: datetime) -> str:
    """Return Step Functions' form in the outputs of SDK integrations."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def iso(at: datetime) -> str:
    """Return CloudTrail's eventTime."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def in_words(at: datetime) -> str:
    """Return CloudTrail's form for times inside requests and responses."""
    at = at.astimezone(UTC)
    half = "AM" if at.hour < 12 else "PM"  # noqa: PLR2004 - noon
    # Not strftime's %b and %p: they follow the machine's language.
    day = f"{_MONTHS[at.month - 1]} {at.day}, {at.year}"
    return f"{day}, {at.hour % 12 or 12}:{at:%M:%S} {half}"


def http_date(at: datetime) -> str:
    """Return the Date header."""
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    at = at.astimezone(UTC)
    month = _MONTHS[at.month - 1]
    return f"{days[at.weekday()]}, {at:%d} {month} {at:%Y %H:%M:%S} GMT"
