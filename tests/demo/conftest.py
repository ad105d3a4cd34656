"""An account whose time the test moves, its server, and real clients of it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sfnwatch.demo.account import Account
from sfnwatch.demo.scenarios import SCENARIOS
from sfnwatch.demo.server import DemoServer
from tests.demo.clients import Cli, Clients, Direct, ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def account(clock: ManualClock) -> Account:
    """All scenarios; at the epoch the last of them has just started."""
    return Account(SCENARIOS, clock=clock, seed=7)


@pytest.fixture
def direct(account: Account, clock: ManualClock) -> Direct:
    return Direct(account, clock)


@pytest.fixture
async def server(account: Account) -> AsyncIterator[DemoServer]:
    async with DemoServer(account) as server:
        yield server


@pytest.fixture
def clients(server: DemoServer) -> Iterator[Clients]:
    clients = Clients(server.endpoint_url)
    yield clients
    clients.close()


@pytest.fixture
def cli(server: DemoServer, tmp_path: Path) -> Cli:
    return Cli(server.endpoint_url, tmp_path)
