"""A screen that wakes up to paint, and for nothing else.

Textual's own timer sleeps for one more period after each frame: once a second, where
only the clock moves, it would wake as often for nothing as for the clock. And a key
pressed within that period waits for its end, though nothing was painted for long.
"""

import asyncio
from typing import Any

from textual.screen import Screen
from textual.timer import Timer, TimerCallback

_PAINTING = "screen_update"
"""What Textual calls the timer it paints by."""


class Painter(Timer):
    """Paints as soon as it is to; the next time no sooner than a period later."""

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        painted = clock() - self._interval
        wanted: asyncio.Event = self._active
        while True:
            await wanted.wait()
            early = painted + self._interval - clock()
            if early > 0:
                await asyncio.sleep(early)  # noqa: TID251 - frames are the machine's
                continue
            await self._tick(next_timer=clock(), count=0)
            # From its end: where to paint takes long there is time for keys as well.
            painted = clock()


class PaintedScreen(Screen[Any]):
    """The screen the program begins with.

    Textual paints it as soon as it is laid out, and again as each part hears of its
    size; the first picture is that of parts that have heard.
    """

    _begun = False

    def begin(self) -> None:
        """Paint it for the first time, and from now on."""
        self._begun = True
        self.refresh()

    def _compositor_refresh(self) -> None:
        if self._begun:
            super()._compositor_refresh()

    def set_interval(
        self,
        interval: float,
        callback: TimerCallback | None = None,
        *,
        name: str | None = None,
        repeat: int = 0,
        pause: bool = False,
    ) -> Timer:
        if name != _PAINTING:
            return super().set_interval(
                interval, callback, name=name, repeat=repeat, pause=pause
            )
        painter = Painter(self, interval, name=name, callback=callback, pause=pause)
        painter._start()  # noqa: SLF001 - as Textual does it
        self._timers.add(painter)
        return painter
