"""The clocks every wait and every stamp goes through."""

from datetime import UTC, datetime, timedelta

import pytest

from sfnwatch.clock import ServerClock, SpedClock, SystemClock

EPOCH = datetime(2023, 11, 15, 0, 28, 24, tzinfo=UTC)


def test_a_sped_clock_begins_at_its_origin_and_runs_ahead() -> None:
    clock = SpedClock(1000, EPOCH)
    first, second = clock.now(), clock.now()
    assert EPOCH <= first <= second < EPOCH + timedelta(hours=1)


async def test_a_sped_clock_waits_its_own_seconds() -> None:
    clock = SpedClock(10_000, EPOCH)
    await clock.sleep(60)
    assert clock.now() - EPOCH >= timedelta(seconds=60)


def test_a_change_of_speed_does_not_move_the_time() -> None:
    clock = SpedClock(1, EPOCH)
    clock.set_speed(600)
    assert EPOCH <= clock.now() < EPOCH + timedelta(minutes=10)
    assert clock.speed == 600


@pytest.mark.parametrize("speed", [0, -1])
def test_time_that_stands_still_or_runs_back_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        SpedClock(speed)


@pytest.mark.parametrize("minutes", [-10, 10, 600])
def test_a_machine_that_is_off_goes_by_the_servers_time(minutes: int) -> None:
    clock = ServerClock()
    told = SystemClock().now() + timedelta(minutes=minutes)
    clock.heed(told)
    assert abs(clock.now() - told) < timedelta(seconds=1)
    clock.heed(SystemClock().now())
    assert abs(clock.now() - SystemClock().now()) < timedelta(seconds=1)


def test_a_whole_second_and_a_slow_answer_change_nothing() -> None:
    clock = ServerClock()
    clock.heed(SystemClock().now() - timedelta(seconds=1.9))
    assert abs(clock.now() - SystemClock().now()) < timedelta(seconds=0.5)
