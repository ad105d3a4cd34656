"""One account for all tests of a worker: what is in it is told apart by names."""

from collections.abc import Iterator

import pytest

from tests.cli.conftest import program
from tests.moto.account import MotoAccount, serving

__all__ = ["program"]


@pytest.fixture(scope="session")
def account_url() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture
def account(account_url: str, no_aws: None) -> Iterator[MotoAccount]:
    account = MotoAccount(account_url)
    yield account
    account.close()
