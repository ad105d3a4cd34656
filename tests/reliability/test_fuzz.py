"""A short run of the fuzzer, and what it has found before."""

import pytest

from tests.reliability.fuzz import TARGETS, inputs

FOUND = {"filter": [b"~d " + b"9" * 400 + b"y"]}
"""Inputs that ended in a traceback once, or never ended, by target."""


@pytest.mark.parametrize("target", list(TARGETS))
def test_no_input_ends_in_a_traceback(target: str) -> None:
    for data in [*FOUND.get(target, []), *inputs(target, 1, 500)]:
        try:
            TARGETS[target](data)
        except Exception as error:  # noqa: BLE001 - it is shown with its input
            pytest.fail(f"{target} {data!r}: {error!r}")
