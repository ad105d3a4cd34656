"""How soon something is shown, and how often."""

import time
from collections.abc import Callable

from textual.message_pump import MessagePump
from textual.timer import Timer

_SLOW = 1 / 200
"""Seconds from which on showing takes long: it waits until all else that has changed is
painted."""
_FRAME_SECONDS = 1 / 60
"""Seconds between two frames."""
PATIENCE = 4
"""What took long to show stays so many times as long, while more comes."""


class Pace:
    """Shows something again and again, but less often where that takes long."""

    def __init__(self, node: MessagePump, show: Callable[[], None]) -> None:
        self._node = node
        self._show = show
        self._begun = self._took = self._due_at = self._calm_at = 0.0
        """When it was shown last, and how long that took; and when it is shown next:
        while more comes, and where nothing does."""
        self._later: Timer | None = None

    def show(self, patience: int, most: float = 60.0, calm: float = 60.0) -> None:
        """Show it now or, where it took long, `patience` times as long later.

        What was shown stays `most` so many seconds while there is something else, and
        `calm` so many once nothing more is.
        """
        now = time.monotonic()
        self._due_at = self._begun + min(patience * self._took, most)
        self._calm_at = now + calm
        if self._due_at <= now and self._took <= _SLOW:
            self._show_now()
        elif self._later is None:
            self._later = self._node.set_timer(_FRAME_SECONDS, self._look)

    def _look(self) -> None:
        wait = min(self._due_at, self._calm_at) - time.monotonic()
        if wait <= 0:
            self._show_now()
        else:
            # A timer of less than a microsecond never fires.
            self._later = self._node.set_timer(max(wait, _FRAME_SECONDS), self._look)

    def hurry(self) -> None:
        """Wait for nothing with the next one."""
        self._took = 0.0

    def has_rested(self, times: int) -> bool:
        """True once it was shown so many times as long ago as that took."""
        return time.monotonic() - self._begun >= times * self._took

    @property
    def is_waiting(self) -> bool:
        """True while something waits to be shown, as the last took long to."""
        return self._later is not None

    def _show_now(self) -> None:
        if self._later is not None:
            self._later.stop()
            self._later = None
        self._begun = time.monotonic()
        self._show()
        self._took = time.monotonic() - self._begun
