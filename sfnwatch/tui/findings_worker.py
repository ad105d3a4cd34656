"""Computes the findings of the shown moment, in the background."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from textual.app import App

from sfnwatch.tui.headline import headline
from sfnwatch.tui.last_inputs import LastInputs
from sfnwatch.tui.screen_state import ScreenState

_LONGEST_REST_SECONDS = 5.0
"""Longest rest between two computations of all findings."""
_REST_FACTOR = 20
"""The rest is this many times as long as the last computation took."""
_AGED_SECONDS = 120.0
"""After these seconds findings are computed again, though nothing has come but
sfnwatch's own requests: with time, they cover more."""


class FindingsWorker:
    """Keeps the findings of the screen up to date, as often as time allows."""

    def __init__(
        self, app: App[Any], screen_state: ScreenState, show: Callable[[], None]
    ) -> None:
        """`show` shows that there are other findings."""
        self._app = app
        self._screen_state = screen_state
        self._show = show
        self._inputs = LastInputs()
        """What the current findings were computed from."""
        self._due_at = 0.0
        """The time, in seconds of a monotonic clock, before which it rests."""
        self._is_working = False

    @property
    def is_up_to_date(self) -> bool:
        """True once the findings are about the state that is shown."""
        return not self._inputs.differ(*self._current_inputs())

    def _current_inputs(self) -> tuple[object, ...]:
        screen_state = self._screen_state
        return (
            screen_state.news,
            screen_state.outline.options,
            screen_state.playback.position,
            screen_state.playback.clock,
            time.monotonic() // _AGED_SECONDS,
        )

    def work_if_due(self) -> None:
        """Begin to compute the findings, if they are outdated and time allows."""
        is_due = time.monotonic() >= self._due_at
        if is_due and not self._is_working and not self.is_up_to_date:
            self._is_working = True
            work: Callable[[], Awaitable[None]] = self._work
            self._app.run_worker(work, group="findings")

    async def _work(self) -> None:
        screen_state = self._screen_state
        inputs = self._current_inputs()
        begun = time.monotonic()
        try:
            findings = await screen_state.session.findings(screen_state.snapshot)
            screen_state.set_findings(findings)
        finally:
            self._is_working = False
        now = time.monotonic()
        rest = min(_LONGEST_REST_SECONDS, _REST_FACTOR * (now - begun))
        self._inputs.note(*inputs)
        self._due_at = now + rest
        screen_state.headline = headline(screen_state)
        self._show()
        if not self.is_up_to_date:
            self._app.set_timer(rest, self.work_if_due)
