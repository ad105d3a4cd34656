"""Clocks that cost no time."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush

EPOCH = datetime(2023, 11, 15, 0, 28, 24, 250_000, UTC)
_TICK = 0.0005
"""Real seconds between looks while a request is under way."""
_LEAST = timedelta(microseconds=1)
_TURNS = 10
"""Turns of the loop after which whoever has been woken waits again."""


class ManualClock:
    """Moves only when somebody sleeps, and then at once."""

    def __init__(self, at: datetime = EPOCH) -> None:
        self.at = at
        self.slept: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)
        self.on_sleep()

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class SteppedClock:
    """Stands still while a request is under way; else it is at once the next moment.

    So a watch of ten minutes takes as long as its requests do, and the machine's own
    speed changes nothing of what it sees.
    """

    def __init__(self, at: datetime = EPOCH) -> None:
        self._now = at
        self._waiting: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._turn = 0
        self._due: asyncio.Handle | None = None
        self._quiet = 0
        self._busy = 0
        self._at: dict[datetime, Callable[[], None]] = {}

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self._turn += 1
        # However short: who waits for what is not there yet must see time pass.
        due = self._now + max(timedelta(seconds=seconds), _LEAST)
        heappush(self._waiting, (due, self._turn, future))
        self._look_again()
        await future

    def restart(self) -> None:
        """Nothing is missed of what starts late."""

    def advance(self, seconds: float) -> None:
        """Go on before anybody watches."""
        self._now += timedelta(seconds=seconds)

    def when(self, seconds: float, do: Callable[[], None]) -> None:
        """Do something `seconds` after the epoch."""
        self._at[EPOCH + timedelta(seconds=seconds)] = do

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let no time pass."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1

    @contextmanager
    def released(self) -> Iterator[None]:
        """Let time pass while a request is under way: it is slow."""
        self._busy -= 1
        try:
            yield
        finally:
            self._busy += 1

    def _look_again(self) -> None:
        if self._due is not None:
            return
        loop = asyncio.get_running_loop()
        if self._busy:
            self._due = loop.call_later(_TICK, self._look)
        else:
            self._due = loop.call_soon(self._look)

    def _look(self) -> None:
        self._due = None
        self._quiet = 0 if self._busy else self._quiet + 1
        if self._quiet > _TURNS:
            self._quiet = 0
            self._move(*heappop(self._waiting))
        if self._waiting:
            self._look_again()

    def _move(self, due: datetime, _: int, future: asyncio.Future[None]) -> None:
        for snapshot in sorted(at for at in self._at if at <= due):
            self._now = max(self._now, snapshot)
            self._at.pop(snapshot)()
        self._now = max(self._now, due)
        if not future.done():
            future.set_result(None)
