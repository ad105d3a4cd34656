"""How often to ask: a token bucket, a back-off, an interval that eases off."""

import asyncio
import random
from collections.abc import Callable
from datetime import datetime

from sfnwatch.clock import Clock

_LEAST = 0.001
"""Seconds to sleep at least: a clock tells no more than microseconds, so what is left
of a token by rounding might never be made up."""

Uniform = Callable[[float, float], float]
"""A random number between two: `random.uniform`, or a test's own."""


class TokenBucket:
    """At most `rate` takes a second on average, `burst` at once, for all who share it.

    LookupEvents has 2 requests a second for an account and Region, shared with the
    console and every other tool; one bucket serves the whole process.
    """

    def __init__(self, rate: float, burst: float, clock: Clock) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._tokens = burst
        self._refilled: datetime | None = None
        self._turn = asyncio.Lock()
        self.taken = 0

    async def take(self) -> None:
        """Wait for a token; those who wait are served in turn."""
        async with self._turn:
            self._refill()
            while self._tokens < 1:
                missing = (1 - self._tokens) / self._rate
                await self._clock.sleep(max(_LEAST, missing))
                self._refill()
            self._tokens -= 1
            self.taken += 1

    def _refill(self) -> None:
        now = self._clock.now()
        if self._refilled is not None:
            # A clock set back must not take tokens away.
            passed = max(0.0, (now - self._refilled).total_seconds())
            self._tokens = min(self._burst, self._tokens + passed * self._rate)
        self._refilled = now


class Backoff:
    """Delays after failures: random × min(cap, base·2ⁿ), reset by a success.

    It begins where botocore's own retries, which count the same way, end.
    """

    def __init__(
        self, base: float, cap: float, uniform: Uniform = random.uniform
    ) -> None:
        self._base, self._cap, self._uniform = base, cap, uniform
        self.failures = 0

    def next(self) -> float:
        """Give the seconds to wait before the next try; never none at all."""
        ceiling = min(self._cap, self._base * 2 ** min(self.failures, 30))
        self.failures += 1
        return max(self._base / 2, self._uniform(0, ceiling))

    def reset(self) -> bool:
        """Note a success; True if there had been failures."""
        failing, self.failures = self.failures > 0, 0
        return failing


class Interval:
    """A pause that grows in silence and is short again as soon as something comes."""

    def __init__(self, least: float, most: float, growth: float = 1.5) -> None:
        self._least, self._most, self._growth = least, most, growth
        self._current = least

    def after(self, *, news: bool) -> float:
        """Give the pause after a poll that brought news, or none."""
        if news:
            self._current = self._least
        else:
            self._current = min(self._most, self._current * self._growth)
        return self._current
