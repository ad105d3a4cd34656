"""The simulated account, as the sources' own tests have it."""

from tests.sources.conftest import hasty_botocore, simulate, sync

__all__ = ["hasty_botocore", "simulate", "sync"]
