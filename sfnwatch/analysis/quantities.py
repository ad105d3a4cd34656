"""Numbers, counts and lengths of time, as words of a sentence."""

from datetime import datetime

from sfnwatch.model.times import duration

_MINUTE = 60
_MINUTELY = (50, 70)
_FIVE_MINUTELY = (270, 330)


def spoken(seconds: float) -> str:
    """Return a length of time in words: `0.26 s`, `58.6 s`, `5m 09s`, `2h 03m`."""
    if seconds < 0:
        return f"-{spoken(-seconds)}"
    if round(seconds, 1) < _MINUTE:
        return f"{decimal(seconds, 2 if seconds < 1 else 1)} s"
    return duration(seconds)


def decimal(value: float, places: int = 1) -> str:
    """Return a number without trailing zeros: `55`, `58.6`."""
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def time_of_day(at: datetime, since: datetime | None = None) -> str:
    """Return the time of day in UTC, with the date if it is not the date of `since`."""
    dated = since is not None and since.date() != at.date()
    return f"{at:%Y-%m-%d %H:%M:%S}" if dated else f"{at:%H:%M:%S}"


def times(count: int) -> str:
    """Return a count in words: `once`, `twice`, `5 times`."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: `1 poll`, `5 polls`, `2 retries`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def cadence(seconds: float) -> str:
    """Return how often something comes, given the seconds from one to the next."""
    if _MINUTELY[0] <= seconds <= _MINUTELY[1]:
        return "about once a minute"
    if _FIVE_MINUTELY[0] <= seconds <= _FIVE_MINUTELY[1]:
        return "about once every 5 minutes"
    # CloudTrail's times are whole seconds, so the interval may be 0.
    return f"about every {spoken(seconds)}" if seconds > 0 else "within a second"
