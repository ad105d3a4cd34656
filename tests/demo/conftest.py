"""Accounts to ask, over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from sfnwatch.demo.account import Account
from sfnwatch.demo.scenarios import Scenario
from tests.demo.serving import Served, served
from tests.sources.clocks import ManualClock

Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def serve(clock: ManualClock) -> AsyncIterator[Serve]:
    """Serve an account with the given scenarios."""
    async with AsyncExitStack() as stack:

        async def start(*scenarios: str | Scenario, token: str | None = None) -> Served:
            account = Account(scenarios, clock=clock, seed=7)
            return await stack.enter_async_context(served(account, clock, token=token))

        yield start


@pytest.fixture
async def demo(serve: Serve) -> Served:
    """The scenarios of one task each; at the epoch the last has just started."""
    return await serve("sync", "sync-denied", "async", "sdk", "redrive", "failure")
