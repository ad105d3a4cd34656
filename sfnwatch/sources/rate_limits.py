"""Limits to the rate of requests: the whole account shares AWS's quotas."""

import asyncio
from collections.abc import Mapping

from sfnwatch.clock import Clock
from sfnwatch.model.times import seconds_between
from sfnwatch.sources.answers import AwsAnswer, AwsRequest, CallsAws
from sfnwatch.sources.polling import T

_GROWTH = 1.5
"""The ratio of each pause without news to the one before."""
_SHORTEST_SLEEP_SECONDS = 0.001
"""A clock has only microseconds, so the rest of a token that
rounding leaves might never be made up."""
RATES: Mapping[str, tuple[float, float]] = {
    # Half of the quota of an account and Region is left to its people.
    "cloudtrail:LookupEvents": (1.0, 2.0),
    # An account's quota differs by Region.
    "logs:FilterLogEvents": (1.0, 2.0),
    "states:DescribeExecution": (2.0, 20.0),
    "states:DescribeStateMachineForExecution": (0.5, 20.0),
    "states:DescribeMapRun": (0.5, 10.0),
    "states:ListExecutions": (1.0, 20.0),
    "states:ListMapRuns": (0.5, 20.0),
    "states:GetExecutionHistory": (4.0, 40.0),
}
"""The most requests in a second, and at once, that all sources of a watch send
together; the histories of the executions that the user named are not limited. Some
quotas of Step Functions refill one a second for the whole account and Region, shared
with everybody: the account's own are 10, 1, 1, 2, 1 and 20 a second at least, after
250, 200, 200, 100, 100 and 400."""


class TokenBucket:
    """Allows `rate` takes a second on average, and `burst` at once, to all its users.

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
        """Wait for a token, and take it; waiting callers are served in turn."""
        async with self._turn:
            while True:
                missing = 1 - self._refilled()
                if missing <= 0:
                    break
                seconds = missing / self._rate
                await self._clock.sleep(max(_SHORTEST_SLEEP_SECONDS, seconds))
            self._tokens -= 1

    def _refilled(self) -> float:
        """Return the present number of tokens."""
        now = self._clock.now()
        # A clock set back must not take tokens away.
        passed = max(0.0, seconds_between(self._refilled_at, now))
        self._tokens = min(self._burst, self._tokens + passed * self._rate)
        self._refilled_at = now
        return self._tokens


class RateLimitedAws:
    """Asks for several sources; in each Region an operation waits for its turn."""

    def __init__(self, aws: CallsAws, clock: Clock) -> None:
        self._aws = aws
        self._clock = clock
        self._buckets: dict[tuple[str, str], TokenBucket] = {}

    async def call(self, request: AwsRequest[T]) -> AwsAnswer[T]:
        """Wait for a turn, and ask; raises the errors of the client's own call."""
        limits = RATES.get(request.operation)
        if limits is not None:
            key = (request.operation, request.region)
            if key not in self._buckets:
                rate, burst = limits
                self._buckets[key] = TokenBucket(rate, burst, self._clock)
            await self._buckets[key].take()
        return await self._aws.call(request)


class Interval:
    """A pause that grows while nothing comes, and is short again after news."""

    def __init__(self, least: float, most: float) -> None:
        self._least = least
        self._most = most
        self._current = least

    def after(self, *, news: bool) -> float:
        """Return the seconds to pause after a poll that brought news, or none."""
        if news:
            self._current = self._least
        else:
            self._current = min(self._most, self._current * _GROWTH)
        return self._current
