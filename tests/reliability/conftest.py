"""The simulated account, as the sources' own tests have it, and the program."""

from tests.program.conftest import program
from tests.sources.conftest import hasty_botocore, simulate, sync

__all__ = ["hasty_botocore", "program", "simulate", "sync"]
