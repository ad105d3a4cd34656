"""What the program is said to need, and that it can be had."""

from importlib.metadata import version

from packaging.version import Version

from tests.packaging.lowest import constraints


def test_every_dependency_has_a_lowest_version_that_can_be_installed() -> None:
    found = dict(each.split("==") for each in constraints())
    assert {"textual", "aiobotocore", "duckdb", "textual-serve"} <= found.keys()
    for name, lowest in found.items():
        assert Version(lowest) <= Version(version(name)), name
