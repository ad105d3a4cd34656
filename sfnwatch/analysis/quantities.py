"""Numbers, counts and lengths of time, as words of a sentence."""

from datetime import datetime

from sfnwatch.model.times import duration

_MINUTE_SECONDS = 60
_ONCE_A_MINUTE_SECONDS = (50, 70)
_EVERY_FIVE_MINUTES_SECONDS = (270, 330)


def spoken(seconds: float) -> str:
    """Return a length of time in words: `0.26 s`, `58.6 s`, `5m 09s`, `2h 03m`."""
    if seconds < 0:
        return f"-{spoken(-seconds)}"
    if round(seconds, 1) >= _MINUTE_SECONDS:
        return duration(seconds)
    places = 2 if seconds < 1 else 1
    return f"{decimal(seconds, places)} s"


def decimal(value: float, places: int = 1) -> str:
    """Return a number without trailing zeros: `55`, `58.6`. `places` is at least 1."""
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".")


def time_of_day(at: datetime, since: datetime | None = None) -> str:
    """Return the time of day in UTC, with the date if it is not the date of `since`."""
    if since is None or since.date() == at.date():
        return f"{at:%H:%M:%S}"
    return f"{at:%Y-%m-%d %H:%M:%S}"


def times(count: int) -> str:
    """Return a count in words: `once`, `twice`, `5 times`."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def times_words(ratio: float) -> str:
    """Return a multiple of the usual: `3.1 ×`, `0.05 ×`, `< 0.01 ×`."""
    least = 0.01
    if ratio < least:
        return f"< {least} ×"
    places = 1 if ratio >= 1 else 2
    return f"{ratio:.{places}f} ×"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: `1 poll`, `5 polls`, `2 retries`."""
    return f"{count:,} {agreeing(count, one, many or f'{one}s')}"


def agreeing(count: int, one: str, many: str) -> str:
    """Return the form of a word that agrees with a count: `is`, `are`."""
    return one if count == 1 else many


def cadence(seconds: float) -> str:
    """Return how often something comes, given the seconds from one to the next."""
    least, most = _ONCE_A_MINUTE_SECONDS
    if least <= seconds <= most:
        return "about once a minute"
    least, most = _EVERY_FIVE_MINUTES_SECONDS
    if least <= seconds <= most:
        return "about once every 5 minutes"
    # CloudTrail's times are whole seconds, so the interval may be 0.
    if seconds <= 0:
        return "within a second"
    return f"about every {spoken(seconds)}"
