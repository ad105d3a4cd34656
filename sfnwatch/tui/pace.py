"""How soon something is shown, and how often."""

import time
from collections.abc import Callable

from textual.message_pump import MessagePump
from textual.timer import Timer

_SLOW = 1 / 200
"""Showing that takes more seconds is slow: it waits until all other changes are
painted."""
_FRAME_SECONDS = 1 / 60
"""Seconds between two frames."""
PATIENCE = 4
"""What is slow to show stays this many times as long, while more comes."""


class Pace:
    """Shows something again and again, less often if showing takes long."""

    def __init__(self, node: MessagePump, show: Callable[[], None]) -> None:
        self._node = node
        self._show = show
        self._begun = self._took = self._due_at = self._calm_at = 0.0
        """When it was last shown, and how long that took; when it is due while more
        comes, and when if nothing more comes."""
        self._later: Timer | None = None

    def show(self, patience: int, most: float = 60.0, calm: float = 60.0) -> None:
        """Show it now or, if it took long, after `patience` times as long.

        While more comes, it is shown after `most` seconds at the latest. If nothing
        more comes, it is shown after `calm` seconds.
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
        """Forget how long it took, so that the next time does not wait."""
        self._took = 0.0

    def has_rested(self, times: int) -> bool:
        """True once `times` times the duration of the last showing has passed."""
        return time.monotonic() - self._begun >= times * self._took

    @property
    def is_waiting(self) -> bool:
        """True while something waits to be shown, since the last time took long."""
        return self._later is not None

    def _show_now(self) -> None:
        if self._later is not None:
            self._later.stop()
            self._later = None
        self._begun = time.monotonic()
        self._show()
        self._took = time.monotonic() - self._begun
