"""Times as AWS, its command lines and its exports write them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.times import iso, maybe_iso, maybe_time, parse_time, seconds_between

WHEN = datetime(2024, 4, 2, 20, 58, 21, 501000, tzinfo=UTC)
moments = st.datetimes(
    min_value=datetime(1980, 1, 1),  # noqa: DTZ001 - Hypothesis wants naive bounds
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000))


@pytest.mark.parametrize(
    "value",
    [
        1712091501.501,
        1712091501501,
        "1712091501.501",
        "1712091501501",
        " 1712091501501 ",
        "2024-04-02T20:58:21.501Z",
        "1712091501501e0",
        "2024-04-02T20:58:21.501000+00:00",
        "2024-04-02T22:58:21.501+02:00",
        "2024-04-02 20:58:21.501",
        "2024-04-02 20:58:21.501 UTC",
        WHEN,
        WHEN.replace(tzinfo=None),
        WHEN.astimezone(datetime.fromisoformat("2024-01-01T00:00:00+09:00").tzinfo),
    ],
    ids=str,
)
def test_a_time_may_be_written_in_many_ways(value: Any) -> None:
    assert parse_time(value) == WHEN
    assert parse_time(value).tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        [],
        {},
        "",
        "now",
        "nan",
        "inf",
        "1e400",
        float("nan"),
        float("inf"),
        10**400,
        1e300,
        "2024-13-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
    ids=lambda value: str(value)[:30],
)
def test_nonsense_is_no_time(value: Any) -> None:
    with pytest.raises(ValueError, match=r"not a time|range|convert|Invalid"):
        parse_time(value)
    assert maybe_time(value) is None


@given(moments)
def test_what_is_written_is_read_back(at: datetime) -> None:
    assert parse_time(iso(at)) == at
    assert iso(at).endswith("Z")


@given(moments)
def test_milliseconds_since_the_epoch_are_read_as_numbers_and_as_text(
    at: datetime,
) -> None:
    """Python itself would read 13 digits, now and then, as a date of 1712."""
    milliseconds = (at - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)
    if milliseconds > 10**11:
        assert parse_time(str(milliseconds)) == parse_time(milliseconds) == at


@given(st.text() | st.integers() | st.floats())
def test_anything_is_a_time_or_a_value_error(value: Any) -> None:
    found = maybe_time(value)
    assert found is None or found.tzinfo is UTC


def test_absent_times_stay_absent() -> None:
    assert maybe_iso(None) is None
    assert maybe_iso(WHEN) == "2024-04-02T20:58:21.501Z"
    assert seconds_between(WHEN, WHEN + timedelta(milliseconds=1900)) == 1.9


def test_a_number_with_a_minus_where_a_date_has_one_is_a_number() -> None:
    assert parse_time("123e-1") == parse_time(12.3)
