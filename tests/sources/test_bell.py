"""Naps that end when the reason for them has gone."""

import asyncio

from sfnwatch.clock import SystemClock
from sfnwatch.sources.bell import Bell
from tests.builders import ManualClock


async def test_it_wakes_those_that_have_nothing_left_to_wait_for() -> None:
    bell, over = Bell(), [False]
    async with asyncio.TaskGroup() as group:
        sleep = group.create_task
        waiting = sleep(bell.sleep(SystemClock(), 600, lambda: over[0]))
        resting = sleep(bell.sleep(SystemClock(), 600, lambda: False))
        await SystemClock().sleep(0)
        bell.ring()
        await asyncio.wait({waiting}, timeout=0.01)
        assert not waiting.done()
        over[0] = True
        bell.ring()
        await waiting
        assert not resting.done()
        resting.cancel()
    assert len(asyncio.all_tasks()) == 1, "nobody sleeps on"


async def test_without_being_rung_a_nap_is_as_long_as_any() -> None:
    clock = ManualClock()
    await Bell().sleep(clock, 5, lambda: True)
    assert clock.slept == [5]
