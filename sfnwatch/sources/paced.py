"""Requests for what executions began, held well inside what an account refills.

Some quotas refill one request a second for the whole account and Region, shared with
everybody: of each at most half is taken, after a burst, by all children together.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from sfnwatch.clock import Clock
from sfnwatch.sources.pacing import TokenBucket

RATES: Mapping[str, tuple[float, float]] = {
    "states:DescribeExecution": (2.0, 20.0),
    "states:DescribeStateMachineForExecution": (0.5, 20.0),
    "states:DescribeMapRun": (0.5, 10.0),
    "states:ListExecutions": (1.0, 20.0),
    "states:GetExecutionHistory": (4.0, 40.0),
}
"""Requests a second, and at once, of those that children share. The account's own:
10, 1, 1, 2 and 20 a second at least, after 250, 200, 200, 100 and 400."""


class Asks(Protocol):
    """Sends a request to AWS: `Aws`, or one that waits its turn before."""

    async def call(
        self, operation: str, subject: str, region: str, **kwargs: Any
    ) -> Any: ...


class Paced:
    """Asks on behalf of all children; each operation waits for its turn."""

    def __init__(self, aws: Asks, clock: Clock) -> None:
        self._aws = aws
        self._buckets = {
            operation: TokenBucket(rate, burst, clock)
            for operation, (rate, burst) in RATES.items()
        }

    async def call(
        self, operation: str, subject: str, region: str, **kwargs: Any
    ) -> Any:
        """Wait for a turn, and ask; raises what `Aws.call` raises."""
        await self._buckets[operation].take()
        return await self._aws.call(operation, subject, region, **kwargs)
