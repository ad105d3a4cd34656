"""Times of day in the viewer's own zone, whatever day of the year it is."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.tui.zones import in_zone, local_zone, stamp, zone_name
from tests.builders import START

# As POSIX has them, so that they need no database.
BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
TOKYO, KOLKATA = "JST-9", "<+0530>-5:30"
NEW_YORK = "EST5EDT,M3.2.0,M11.1.0"
LORD_HOWE = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"
TIMES = st.datetimes(timezones=st.just(UTC))
RULES = st.sampled_from([BERLIN, TOKYO, KOLKATA, NEW_YORK, LORD_HOWE, "UTC"])


@contextmanager
def living_in(rule: str) -> Iterator[tzinfo]:
    """Move this machine for a while."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = rule
    time.tzset()
    try:
        yield local_zone()
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.mark.parametrize(
    ("rule", "at", "words", "name"),
    [
        (BERLIN, "2023-11-15T00:28:24.102", "01:28:24.102", "CET"),
        (BERLIN, "2023-07-15T00:28:24.102", "02:28:24.102", "CEST"),
        (BERLIN, "2023-03-26T00:59:59.999", "01:59:59.999", "CET"),
        (BERLIN, "2023-03-26T01:00:00.000", "03:00:00.000", "CEST"),
        (BERLIN, "2023-10-29T00:30:00.000", "02:30:00.000", "CEST"),
        (BERLIN, "2023-10-29T01:30:00.000", "02:30:00.000", "CET"),
        (TOKYO, "2023-11-15T00:28:24.102", "09:28:24.102", "JST"),
        (KOLKATA, "2023-11-15T00:28:24.102", "05:58:24.102", "+05:30"),
        (NEW_YORK, "2023-11-15T00:28:24.102", "19:28:24.102", "EST"),
        (LORD_HOWE, "2023-06-01T00:00:00.000", "10:30:00.000", "+10:30"),
        (LORD_HOWE, "2023-12-01T00:00:00.000", "11:00:00.000", "+11:00"),
        ("UTC", "2023-11-15T00:28:24.102", "00:28:24.102", "UTC"),
    ],
)
def test_each_moment_has_the_offset_of_its_day(
    rule: str, at: str, words: str, name: str
) -> None:
    with living_in(rule) as zone:
        assert stamp(utc(at), zone) == words
        assert zone_name(zone, utc(at)) == name


@given(TIMES, RULES)
def test_a_moment_stays_the_same_moment(at: datetime, rule: str) -> None:
    with living_in(rule) as zone:
        assert in_zone(at, zone).astimezone(UTC) == at


@given(st.datetimes(), RULES)
def test_every_wall_clock_has_an_offset(wall: datetime, rule: str) -> None:
    with living_in(rule) as zone:
        for fold in (0, 1):
            offset = wall.replace(tzinfo=zone, fold=fold).utcoffset()
            assert offset is not None
            assert abs(offset) < timedelta(hours=15)


def test_the_hour_that_comes_twice_keeps_its_order() -> None:
    with living_in(BERLIN) as zone:
        first = utc("2023-10-29T00:30:00").astimezone(zone)
        second = utc("2023-10-29T01:30:00").astimezone(zone)
        assert (first.fold, second.fold) == (0, 1)
        assert first.replace(tzinfo=None, fold=0) == second.replace(tzinfo=None, fold=0)
        assert first.astimezone(UTC) < second.astimezone(UTC)


@pytest.mark.parametrize(
    "at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
)
@pytest.mark.parametrize("rule", [TOKYO, NEW_YORK])
def test_a_year_out_of_reach_is_shown_in_utc(at: datetime, rule: str) -> None:
    for far in (timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))):
        assert len(stamp(at, far)) == len("00:00:00.000")
    with living_in(rule) as zone:
        assert len(stamp(at, zone)) == len("00:00:00.000")
        assert zone_name(zone, at)


def test_utc_is_utc() -> None:
    assert zone_name(UTC, START) == "UTC"
    assert stamp(START, UTC) == f"{START:%H:%M:%S}.{START.microsecond // 1000:03}"
    assert stamp(START, UTC, millis=False) == f"{START:%H:%M:%S}"


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        (timezone(timedelta(hours=-3)), "-03:00"),
        (timezone(timedelta(hours=-3, minutes=-30)), "-03:30"),
        (timezone(timedelta(hours=9), "Tokyo Standard Time"), "+09:00"),
        (timezone(timedelta(0), "\x1b]0;x\x07"), "+00:00"),
    ],
)
def test_a_zone_without_a_short_name_is_an_offset(zone: tzinfo, name: str) -> None:
    assert zone_name(zone, START) == name
