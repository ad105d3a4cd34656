"""A short run of the fuzzer, and what it has found before."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.clock import ServerClock
from sfnwatch.sources.wire import time_of
from tests import examples
from tests.model.test_hostile import Path, paths, spoiled
from tests.reliability.fuzz import TARGETS, fuzzed

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


ACCOUNT = json.loads(TARGETS["answers"].corpus()[0])
"""An answer of each operation."""
PLACES = [path for path in paths(ACCOUNT) if path]
ODD: tuple[object, ...] = (
    *(0, -1, 1e300, -1e300, 10**30, 1e18, True, None, "", "x", "\ud800", [], [1], {}),
    *(253402300799, 253402300799.999, -62135596800, -62135596799),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", {"a": 1}),
)
"""What stands in a place where something else is expected; and the calendar's ends."""


@examples(60)
@given(st.sampled_from(PLACES), st.sampled_from(ODD))
def test_whatever_stands_in_one_place_of_an_answer_the_watch_ends_well(
    place: Path, odd: object
) -> None:
    told = json.dumps(spoiled(ACCOUNT, place, odd)).encode()
    TARGETS["answers"].read(told)


@examples(200)
@given(
    st.text(max_size=20)
    | st.builds(
        "{}, {:02} {} {} {:02}:00:00 {}".format,
        st.sampled_from(["Mon", "Xyz"]),
        st.integers(-1, 33),
        st.sampled_from(["Jan", "Dec", "Foo"]),
        st.sampled_from([0, 1, 99, 1970, 1999, 2000, 2199, 2200, 9999, 10**5, 10**12]),
        st.integers(0, 25),
        st.sampled_from(["GMT", "-2359", "+2359", "+9999", "-0000", ""]),
    )
)
def test_no_date_of_an_answer_takes_the_clock_to_another_age(date: str) -> None:
    answer = {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}
    told, clock = time_of(answer), ServerClock()
    if told is not None:
        clock.heed(told)
    assert 1999 <= (clock.now() - timedelta(days=1)).year < 2200
