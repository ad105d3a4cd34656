"""How often AWS is asked: quotas are the whole account's, shared with everybody."""

import asyncio
from collections.abc import Mapping

from sfnwatch.clock import Clock
from sfnwatch.model.times import seconds_between
from sfnwatch.sources.answers import AwsAnswer, AwsRequest, CallsAws
from sfnwatch.sources.polling import T

_GROWTH = 1.5
"""How much longer each pause is than the one before."""
_LEAST = 0.001
"""Seconds to sleep at least: a clock tells no more than microseconds, so what is left
of a token by rounding might never be made up."""
RATES: Mapping[str, tuple[float, float]] = {
    # Half of an account's and Region's quota is left to its people.
    "cloudtrail:LookupEvents": (1.0, 2.0),
    # How many a second an account has differs by Region.
    "logs:FilterLogEvents": (1.0, 2.0),
    "states:DescribeExecution": (2.0, 20.0),
    "states:DescribeStateMachineForExecution": (0.5, 20.0),
    "states:DescribeMapRun": (0.5, 10.0),
    "states:ListExecutions": (1.0, 20.0),
    "states:ListMapRuns": (0.5, 20.0),
    "states:GetExecutionHistory": (4.0, 40.0),
}
"""How many requests a second, and at once, all sources of a watch send together, but
for the histories that somebody named. Some quotas of Step Functions' refill one a
second for the whole account and Region, shared with everybody: the account's own are
10, 1, 1, 2, 1 and 20 a second at least, after 250, 200, 200, 100, 100 and 400."""


class TokenBucket:
    """At most `rate` takes a second on average, `burst` at once, for all who share it.

    LookupEvents has 2 requests a second for an account and Region, shared with the
    console and every other tool.
    """

    def __init__(self, rate: float, burst: float, clock: Clock) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = burst
        self._refilled_at = clock.now()
        self._turn = asyncio.Lock()

    async def take(self) -> None:
        """Wait for a token; those who wait are served in turn."""
        async with self._turn:
            while (missing := 1 - self._refilled()) > 0:
                await self._clock.sleep(max(_LEAST, missing / self._rate))
            self._tokens -= 1

    def _refilled(self) -> float:
        """Give how many tokens there are by now."""
        now = self._clock.now()
        # A clock set back must not take tokens away.
        passed = max(0.0, seconds_between(self._refilled_at, now))
        self._tokens = min(self._burst, self._tokens + passed * self._rate)
        self._refilled_at = now
        return self._tokens


class RateLimitedAws:
    """Asks on behalf of several; in each Region an operation waits for its turn."""

    def __init__(self, aws: CallsAws, clock: Clock) -> None:
        self._aws = aws
        self._clock = clock
        self._buckets: dict[tuple[str, str], TokenBucket] = {}

    async def call(self, request: AwsRequest[T]) -> AwsAnswer[T]:
        """Wait for a turn, and ask; raises what the client's own call raises."""
        if rate := RATES.get(request.operation):
            made = TokenBucket(*rate, self._clock)
            queue = (request.operation, request.region)
            await self._buckets.setdefault(queue, made).take()
        return await self._aws.call(request)


class Interval:
    """A pause that grows in silence and is short again as soon as something comes."""

    def __init__(self, least: float, most: float) -> None:
        self._least = least
        self._most = most
        self._current = least

    def after(self, *, news: bool) -> float:
        """Give the pause after a poll that brought news, or none."""
        grown = min(self._most, self._current * _GROWTH)
        self._current = self._least if news else grown
        return self._current
