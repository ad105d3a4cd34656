"""The one clock every wait and every stamp goes through.

Live watching, the demo at 200 times the speed and the tests run the same code:
they differ only in the clock they are given.
"""

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_LOG = logging.getLogger(__name__)


class Clock(Protocol):
    """Time as the sources, the demo account and the player see it."""

    def now(self) -> datetime:
        """Aware UTC time."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock's time."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251 - this is the clock


class SpedClock:
    """Time that starts at `origin` and runs `speed` times as fast as the machine's.

    Driven by the monotonic clock, so that a change of the machine's time, which
    would be multiplied by `speed`, can't move it.
    """

    def __init__(self, speed: float, origin: datetime | None = None) -> None:
        self._speed = speed
        self._origin = origin or datetime.now(UTC)
        self._started = time.monotonic()

    def now(self) -> datetime:
        elapsed = (time.monotonic() - self._started) * self._speed
        return self._origin + timedelta(seconds=elapsed)

    def restart(self) -> None:
        """Begin anew at the origin, so that nothing is missed of what starts late."""
        self._started = time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)  # noqa: TID251 - this is the clock


class ServerClock(SystemClock):
    """The machine's time, put right by what a server's answers say of theirs.

    A call's delay is the difference between AWS's time and ours: with a machine ten
    minutes off it would be nonsense. An answer's Date has whole seconds and takes
    its time to arrive, so what agrees within that changes nothing.
    """

    _TOLERANCE = timedelta(seconds=3)

    def __init__(self) -> None:
        self._skew = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self._skew

    def heed(self, told: datetime) -> None:
        """Take in a server's time, as just received."""
        if abs(told - self.now()) > self._TOLERANCE:
            self._skew = told - super().now()
            _LOG.debug("clock: AWS's is %.1f s ahead", self._skew.total_seconds())
