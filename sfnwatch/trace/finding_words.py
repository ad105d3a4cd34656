"""Numbers and lengths of time, as findings say them to people."""

from collections.abc import Iterable, Sequence

from sfnwatch.trace.text import clean

NAME = 80
"""No name takes more of a sentence; AWS allows state names no longer."""
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_MINUTELY, _FIVE_MINUTELY = (50, 70), (270, 330)


def spoken(seconds: float) -> str:
    """Say a length of time: `0.26 s`, `58.6 s`, `5 min 9 s`, `2 h 3 min`."""
    if seconds < 0:
        return f"-{spoken(-seconds)}"
    if round(seconds, 1) < _MINUTE:
        return f"{decimal(seconds, 2 if seconds < 1 else 1)} s"
    if round(seconds) < _HOUR:
        return _two(round(seconds), 60, "min", "s")
    if round(seconds / _MINUTE) < _DAY / _MINUTE:
        return _two(round(seconds / _MINUTE), 60, "h", "min")
    return _two(round(seconds / _HOUR), 24, "d", "h")


def _two(count: int, ratio: int, large: str, small: str) -> str:
    whole, rest = divmod(count, ratio)
    return f"{whole} {large} {rest} {small}" if rest else f"{whole} {large}"


def decimal(value: float, places: int = 1) -> str:
    """Write a number without zeros that say nothing: `55`, `58.6`."""
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def plural(count: int, one: str, many: str | None = None) -> str:
    """Count things: `1 poll`, `5 polls`, `2 tries`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def listed(items: Sequence[str]) -> str:
    """Join as people do: `a, b and c`."""
    if len(items) < 2:  # noqa: PLR2004 - one needs no joining
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def some(items: Iterable[str], most: int = 3) -> str:
    """Join the first few, and say how many there are besides."""
    every = list(items)
    rest = len(every) - most
    return listed(every if rest <= 0 else [*every[:most], f"{rest} more"])


def cadence(seconds: float) -> str:
    """Say how often something comes that comes every so many seconds."""
    if _MINUTELY[0] <= seconds <= _MINUTELY[1]:
        return "about once a minute"
    if _FIVE_MINUTELY[0] <= seconds <= _FIVE_MINUTELY[1]:
        return "about once in 5 minutes"
    return f"about every {spoken(seconds)}"


def named(name: str | None) -> str:
    """Clean a name that strangers chose, for a sentence."""
    return clean(name or "?", NAME)
