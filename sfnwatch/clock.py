"""The clocks: every wait and every time stamp comes from one.

Live watching, the demo at 200 times the speed and the tests run the same code. They
differ only in the clock they are given.
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

    It uses the monotonic clock, so that a change of the machine's time can't move it.
    Such a change would be multiplied by `speed`.
    """

    def __init__(self, speed: float, origin: datetime | None = None) -> None:
        self._speed = speed
        self._origin = origin or datetime.now(UTC)
        self._started = time.monotonic()

    def now(self) -> datetime:
        elapsed = (time.monotonic() - self._started) * self._speed
        return self._origin + timedelta(seconds=elapsed)

    def restart(self) -> None:
        """Go back to the origin, so that whoever starts late misses nothing."""
        self._started = time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)  # noqa: TID251 - this is the clock


class ServerClock(SystemClock):
    """The machine's time, corrected by the times in AWS's answers.

    A call's delay is the difference between AWS's time and ours. It would be nonsense
    on a machine whose time is ten minutes off. An answer's Date has whole seconds and
    takes some time to arrive, so a difference of up to `_TOLERANCE` changes nothing.
    """

    _TOLERANCE = timedelta(seconds=3)

    def __init__(self) -> None:
        self._skew = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self._skew

    def heed(self, told: datetime) -> None:
        """Correct this clock by a server's time that has just been received."""
        if abs(told - self.now()) > self._TOLERANCE:
            self._skew = told - super().now()
            _LOG.debug("clock: AWS's is %.1f s ahead", self._skew.total_seconds())
