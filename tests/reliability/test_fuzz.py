"""A short run of the fuzzer, and what it has found before."""

import pytest

from tests.reliability.fuzz_targets import TARGETS
from tests.reliability.fuzzer import fuzzed

COUNTS = {"answers": 60, "records": 100}
FOUND = {"filter": [b"~d " + b"9" * 400 + b"y"]}
"""Inputs that ended in a traceback once, or never ended, by target."""


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_ends_in_a_traceback(target: str) -> None:
    assert fuzzed(target, 1, COUNTS.get(target, 400)).crashes == {}


@pytest.mark.parametrize(
    ("target", "data"), [(key, data) for key in FOUND for data in FOUND[key]]
)
def test_nor_does_one_that_did_once(target: str, data: bytes) -> None:
    TARGETS[target].read(data)
