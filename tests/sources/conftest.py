"""An account to watch, and no real waiting: neither by the clock nor by botocore."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from botocore.retries.standard import ExponentialBackoff

from tests.sources.simulation import Simulation, simulated


@pytest.fixture(autouse=True)
def hasty_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    """Botocore waits up to a second of real time before its own second try."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)


Simulate = Callable[..., Awaitable[Simulation]]


@pytest.fixture
async def simulate() -> AsyncIterator[Simulate]:
    """Start an account with the given scenarios."""
    async with AsyncExitStack() as stack:

        async def start(*scenarios: Any) -> Simulation:
            return await stack.enter_async_context(simulated(*scenarios))

        yield start


@pytest.fixture
async def sync(simulate: Simulate) -> Simulation:
    """The `sync` scenario: RunTask, five polls, 309 s."""
    return await simulate("sync")


Configure = Callable[[str], None]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Writes the file of profiles, in a home without a login."""
    path = tmp_path / "aws-config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    monkeypatch.setenv("HOME", str(tmp_path))

    def write(text: str) -> None:
        path.write_text(text)

    return write
