"""How often something is shown: at once, or seldom where that takes long."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from sfnwatch.tui import pace
from sfnwatch.tui.pace import Pace

TAKES = 0.02
"""Seconds that showing takes."""


class Screen:
    """A clock, timers, and the moments at which something was shown."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.shown_at = 0.0, list[float]()
        self._timers: list[tuple[float, Callable[[], None]]] = []
        monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: self.now))
        node: Any = self
        self.pace = Pace(node, self._show)

    def _show(self) -> None:
        self.shown_at.append(self.now)
        self.now += TAKES

    def set_timer(self, wait: float, then: Callable[[], None]) -> SimpleNamespace:
        self._timers.append((self.now + wait, then))
        return SimpleNamespace(stop=lambda: None)

    def go_on(self, until: float) -> None:
        while due := [each for each in self._timers if each[0] <= until]:
            first = min(due, key=lambda each: each[0])
            self._timers.remove(first)
            self.now = max(self.now, first[0])
            first[1]()
        self.now = max(self.now, until)


def test_what_takes_long_is_shown_seldom_while_more_comes_and_soon_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = Screen(monkeypatch)
    for number in range(101):
        screen.go_on(number / 50)
        screen.pace.show(60, 1.0, 0.15)
    assert screen.shown_at == pytest.approx([0.0, 1.0, 2.0])
    screen.go_on(10.0)
    assert not screen.pace.is_waiting
    assert screen.shown_at[3:] == [pytest.approx(2.15, abs=0.05)]


def test_what_is_shown_quickly_is_shown_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = Screen(monkeypatch)
    screen.pace.show(60, 1.0)
    screen.pace.hurry()
    screen.pace.show(60, 1.0)
    assert screen.shown_at == [0.0, TAKES]
    assert not screen.pace.is_waiting
