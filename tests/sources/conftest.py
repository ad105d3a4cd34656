"""An account to watch, and no real waiting: neither by the clock nor by botocore."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from botocore.retries.standard import ExponentialBackoff

from sfnwatch.demo.plans import Scenario
from tests.sources.simulation import Simulate, Simulation


@pytest.fixture(autouse=True)
def hasty_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    """Botocore waits up to a second of real time before its own second try."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)


@pytest.fixture
async def simulate(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulate]:
    """Start an account with the given scenarios, and its server."""
    async with AsyncExitStack() as stack:

        async def start(*scenarios: str | Scenario) -> Simulation:
            simulation = Simulation(scenarios, monkeypatch)
            await simulation.start()
            stack.push_async_callback(simulation.stop)
            return simulation

        yield start


@pytest.fixture
async def sync(simulate: Simulate) -> Simulation:
    """The `sync` scenario: RunTask, five polls, 309 s."""
    return await simulate("sync")
