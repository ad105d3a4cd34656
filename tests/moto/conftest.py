"""One account for all tests of a worker: what is in it is told apart by names."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.cli.conftest import program
from tests.moto.account import Account, serving
from tests.moto.watching import STARTS, Together, watch

__all__ = ["program"]
_together: dict[str, Together] = {}


@pytest.fixture(scope="session")
def account_url() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture
def account(account_url: str, no_aws: None) -> Iterator[Account]:
    account = Account(account_url)
    yield account
    account.close()


@pytest.fixture
def together(account: Account) -> Together:
    """Give what several machines did at once; the first test to ask has them run."""
    if account.url not in _together:
        arns = {name: STARTS[name](account) for name in STARTS}
        watched = asyncio.run(watch(account, *arns.values()))
        _together[account.url] = Together(account, arns, watched)
    return _together[account.url]
