"""How names and times are shown."""

from datetime import UTC, datetime

from msgspec import Struct

from sfnwatch.model.texts import clean
from sfnwatch.model.times import clock
from sfnwatch.tui.spans import Masks


class Looks(Struct, frozen=True):
    """How names and times are shown, as a presenter or a reader has chosen."""

    mask: Masks = str
    masked: bool = False
    local: bool = False
    origin: datetime | None = None
    """The time from which times count, if executions are aligned at their starts."""

    def at(self, at: datetime) -> datetime:
        """Return a time in the chosen zone."""
        try:
            return at.astimezone(None if self.local else UTC)
        except (OverflowError, OSError, ValueError):
            # A record may hold the first or the last date there is.
            return at

    def time(self, at: datetime, *, whole: bool = False) -> str:
        """Return a time of day, or the time since the start; `whole` omits the ms."""
        if self.origin is not None:
            passed = round((at - self.origin).total_seconds() * 1000)
            seconds, millis = divmod(abs(passed), 1000)
            rest = "" if whole else f".{millis:03}"
            return f"{'−' if passed < 0 else '+'}{clock(seconds)}{rest}"
        return self.time_of_day(at, whole=whole)

    def time_of_day(self, at: datetime, *, whole: bool = False) -> str:
        """Return a time of day, even if times count from a start."""
        shown = self.at(at)
        rest = "" if whole else f".{shown.microsecond // 1000:03}"
        return f"{shown:%H:%M:%S}{rest}"

    def zone(self, at: datetime | None = None) -> str:
        """Return the name of the zone that times are in."""
        if not self.local:
            return "UTC"
        return clean(self.at(at or datetime.now(UTC)).strftime("%Z") or "local", 12)
