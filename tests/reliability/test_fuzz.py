"""A short run of the fuzzer; and dates, which set the clock."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.clock import ServerClock
from sfnwatch.sources.failures import time_of
from tests import examples
from tests.reliability.fuzz import TARGETS, fuzzed

COUNTS = {"answers": 120, "records": 100}


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_ends_in_a_traceback(target: str) -> None:
    assert fuzzed(target, 1, COUNTS.get(target, 400)).crashes == {}


@examples(80)
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
