"""Signals that suspend are handled by the loop, where nothing else is under way."""

import asyncio
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from sfnwatch.clock import SystemClock
from sfnwatch.tui.suspending import suspend_in_the_loop

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "SIGTSTP"), reason="there is no SIGTSTP on this system"
)


@pytest.fixture
def handled() -> Iterator[list[int]]:
    """Handle both signals as a driver does, between any two instructions."""
    told: list[int] = []

    def handle(number: int, _: Any) -> None:
        told.append(number)

    numbers = (signal.SIGTSTP, signal.SIGCONT)
    before = [signal.signal(number, handle) for number in numbers]
    yield told
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


async def test_a_handler_waits_for_its_turn_in_the_loop(handled: list[int]) -> None:
    os.kill(os.getpid(), signal.SIGTSTP)
    assert handled == [signal.SIGTSTP], "amid what was under way"
    suspend_in_the_loop()
    try:
        os.kill(os.getpid(), signal.SIGTSTP)
        os.kill(os.getpid(), signal.SIGCONT)
        assert handled == [signal.SIGTSTP]
        while len(handled) < 3:
            await SystemClock().sleep(0.01)
        assert sorted(handled[1:]) == sorted((signal.SIGTSTP, signal.SIGCONT))
    finally:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTSTP, signal.SIGCONT):
            loop.remove_signal_handler(number)


async def test_what_nobody_handles_is_left_to_the_system() -> None:
    before = signal.getsignal(signal.SIGTSTP)
    signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    try:
        suspend_in_the_loop()
        assert signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTSTP, before)
