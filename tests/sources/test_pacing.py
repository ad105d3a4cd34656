"""How often AWS is asked: never more than was promised, and less in silence."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.sources.pacing import Backoff, Interval, TokenBucket
from tests.builders import START, ManualClock


async def taken(
    bucket: TokenBucket, clock: ManualClock, idle: list[float]
) -> list[float]:
    """Take a token after each pause; give the seconds at which it was had."""
    times = []
    for seconds in idle:
        clock.advance(seconds)
        await bucket.take()
        times.append((clock.now() - START).total_seconds())
    return times


@given(
    st.floats(0.1, 20),
    st.integers(1, 5),
    st.lists(st.floats(0, 3), min_size=1, max_size=25),
)
def test_no_schedule_gets_more_than_the_rate_and_one_burst(
    rate: float, burst: int, idle: list[float]
) -> None:
    clock = ManualClock()
    bucket = TokenBucket(rate, burst, clock)
    times = asyncio.run(taken(bucket, clock, idle))
    for first, begin in enumerate(times):
        for count, end in enumerate(times[first:], start=1):
            assert count <= burst + (end - begin) * rate + 1e-3
    assert bucket.taken == len(idle)


@given(st.floats(0.1, 20), st.integers(1, 5), st.integers(1, 20))
def test_who_never_pauses_waits_no_longer_than_the_rate_asks(
    rate: float, burst: int, count: int
) -> None:
    clock = ManualClock()
    bucket = TokenBucket(rate, burst, clock)
    times = asyncio.run(taken(bucket, clock, [0.0] * count))
    assert times[-1] <= max(0, count - burst) / rate + 0.01 * count


def test_a_burst_is_had_at_once_and_then_one_token_at_a_time() -> None:
    clock = ManualClock()
    times = asyncio.run(taken(TokenBucket(2, 3, clock), clock, [0.0] * 6))
    assert times == pytest.approx([0, 0, 0, 0.5, 1.0, 1.5])


def test_a_rate_that_no_microsecond_divides_does_not_hang() -> None:
    clock = ManualClock()
    times = asyncio.run(taken(TokenBucket(3, 1, clock), clock, [0.0] * 7))
    assert times[-1] == pytest.approx(2, abs=0.01)


def test_a_clock_set_back_takes_no_tokens_away() -> None:
    clock = ManualClock()
    bucket = TokenBucket(1, 2, clock)
    assert asyncio.run(taken(bucket, clock, [0.0, -3600.0])) == [0, -3600]
    assert clock.slept == []


async def test_all_who_share_a_bucket_share_its_rate_and_are_served_in_turn() -> None:
    clock = ManualClock()
    bucket = TokenBucket(1, 1, clock)
    served: list[str] = []

    async def want(name: str) -> None:
        await bucket.take()
        served.append(name)

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(want(name))
    assert served == ["a", "b", "c"]
    assert (clock.now() - START).total_seconds() == pytest.approx(2)


@given(st.floats(0.1, 10), st.floats(1, 20), st.integers(1, 80), st.floats(0, 1))
def test_a_delay_is_never_none_and_never_above_its_ceiling(
    base: float, times: float, failures: int, luck: float
) -> None:
    cap = base * times
    backoff = Backoff(base, cap, lambda low, high: low + luck * (high - low))
    delays = [backoff.next() for _ in range(failures)]
    assert backoff.failures == failures
    for number, delay in enumerate(delays):
        assert base / 2 <= delay <= max(base / 2, min(cap, base * 2.0**number))


def test_the_longest_delays_double_up_to_the_cap() -> None:
    backoff = Backoff(1, 60, lambda _, high: high)
    assert [backoff.next() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_success_ends_the_back_off_and_tells_if_there_was_one() -> None:
    backoff = Backoff(1, 60, lambda _, high: high)
    assert not backoff.reset()
    assert [backoff.next(), backoff.next()] == [1, 2]
    assert backoff.reset()
    assert not backoff.reset()
    assert backoff.next() == 1


def test_by_itself_a_back_off_is_random_within_its_bounds() -> None:
    delays = {Backoff(1, 60).next() for _ in range(50)}
    assert len(delays) > 1
    assert all(0.5 <= delay <= 1 for delay in delays)


@given(st.lists(st.booleans(), max_size=40))
def test_a_pause_grows_in_silence_and_is_short_again_with_news(
    polls: list[bool],
) -> None:
    interval = Interval(1, 5)
    pauses = [interval.after(news=news) for news in polls]
    assert all(1 <= pause <= 5 for pause in pauses)
    assert all(pause == 1 for pause, news in zip(pauses, polls, strict=True) if news)
    for (before, after), news in zip(pairwise(pauses), polls[1:], strict=True):
        assert news or after == min(5, before * 1.5)
