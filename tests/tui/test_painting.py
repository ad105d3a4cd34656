"""A screen wakes up to paint, and for nothing else."""

import asyncio

from textual.app import App
from textual.screen import Screen

from sfnwatch.clock import SystemClock
from sfnwatch.tui.painting import PaintedScreen, Painter

PERIOD = 0.02


class Painted(App[None]):
    def get_default_screen(self) -> Screen[None]:
        return PaintedScreen(id="_default")


async def _turns(count: int = 5) -> None:
    for _ in range(count):
        await SystemClock().sleep(0)


async def test_it_paints_at_once_and_then_no_sooner_than_a_period_later() -> None:
    painted: list[float] = []
    clock = asyncio.get_running_loop().time
    async with Painted().run_test() as pilot:
        screen = pilot.app.screen
        painter: Painter

        def paint() -> None:
            painter.pause()
            painted.append(clock())

        made = screen.set_interval(PERIOD, paint, name="screen_update", pause=True)
        assert isinstance(made, Painter)
        painter = made
        await _turns()
        assert painted == []
        painter.resume()
        await _turns()
        assert len(painted) == 1, "nothing was painted for long"
        painter.resume()
        painter.pause()
        painter.resume()
        while len(painted) < 2:
            await _turns()
        assert painted[1] - painted[0] >= PERIOD * 0.99


async def test_what_is_taken_back_is_not_painted() -> None:
    painted: list[int] = []
    async with Painted().run_test() as pilot:

        def paint() -> None:
            painter.pause()
            painted.append(1)

        screen = pilot.app.screen
        painter = screen.set_interval(PERIOD, paint, name="screen_update", pause=True)
        painter.resume()
        await _turns()
        painter.resume()
        await _turns()
        painter.pause()
        await SystemClock().sleep(2 * PERIOD)
        assert painted == [1]


async def test_the_program_s_screens_are_painted_so() -> None:
    async with Painted().run_test() as pilot:
        assert isinstance(pilot.app.screen._update_timer, Painter)
        other = pilot.app.screen.set_interval(1, lambda: None)
        assert not isinstance(other, Painter)
