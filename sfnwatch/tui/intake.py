"""What comes in, gone on with by the frame and not by the batch.

A fold costs the same whether it adds one record or a hundred, and a backfill hands
over hundreds of batches before the screen could draw one.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sfnwatch.trace.events import Batch, Received
from sfnwatch.trace.timeline import Trace

FRAME = 1 / 20
"""Seconds between two folds at least."""
_QUIET = 2 * FRAME
"""Seconds without anything new after which no more is expected at once."""
_SHARE = 4
"""A fold that took long is followed by so many times as long without one."""

_POURING = 8
"""With more than one new record to so many shown it is a first load that comes in."""
_TIMES = 4
"""A page of such a load has so many times as many records as the one before."""
_PATIENCE = 2.0
"""Seconds after which there is another in any case."""


class Intake:
    """Collects batches and says when they are due.

    With a `fold` of its own each is handed on as it comes, for what is done with every
    record by itself: of all at once it would take longer than a frame.
    """

    def __init__(
        self,
        take: Callable[[Batch], None],
        monotonic: Callable[[], float],
        fold: Callable[[], None] | None = None,
    ) -> None:
        self.folds = 0
        self.pending = 0
        """How many records wait to be folded."""
        self._take, self._monotonic = take, monotonic
        self._fold = fold
        self._waiting: list[Received] = []
        self._next = self._came = 0.0

    def take(self, batch: Batch) -> float | None:
        """Take a batch in; say in how many seconds to fold, if that is news."""
        first = not self.pending
        self.pending += len(batch)
        if self._fold is not None:
            self._take(batch)
        else:
            self._waiting += batch
        self._came = self._monotonic()
        if not first or not batch:
            return None
        return max(0.0, self._next - self._monotonic())

    @property
    def quiet(self) -> bool:
        """True if nothing has come for a moment: it may be all there is by now."""
        return self._monotonic() - self._came > _QUIET

    def fold(self) -> bool:
        """Fold what was taken, or hand it on; True if there was anything."""
        if not self.pending:
            return False
        batch, self._waiting = self._waiting, []
        self.pending = 0
        begun = self._monotonic()
        if self._fold is not None:
            self._fold()
        else:
            self._take(tuple(batch))
        self.folds += 1
        self.spent(self._monotonic() - begun)
        return True

    def spent(self, seconds: float, least: float = FRAME) -> None:
        """Count work that a fold has led to, so that it does not fill all the time.

        The next is due after some times as long, and no less than so many seconds.
        """
        self._next = self._monotonic() + max(least, _SHARE * seconds)


def size_of(trace: Trace) -> int:
    """Count the records of a trace that can have a row."""
    return sum(len(t.events) for t in trace.histories.values()) + len(trace.calls)


class Paging:
    """Says when another page is due, while more comes in.

    A page that took long is followed by so many times as long without one. And while a
    long history pours in, no page stays: each delays what comes, so they are few.
    """

    def __init__(
        self, rest: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._pace, self._monotonic = Pace(rest, monotonic), monotonic
        self._made = monotonic()

    def is_due(self, shown: int, new: int) -> bool:
        """Tell whether so many records, and so many new ones, are worth a page."""
        if not self._pace.is_due:
            return False
        pours = new * _POURING > shown
        grown = shown + new >= _TIMES * shown
        return not pours or grown or self._monotonic() >= self._made + _PATIENCE

    @contextmanager
    def working(self) -> Iterator[None]:
        """Make one."""
        with self._pace.working():
            yield
        self._made = self._monotonic()


class Pace:
    """Lets work that is done again and again take a part of the time only."""

    def __init__(
        self, rest: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._rest, self._monotonic = rest, monotonic
        self._due = monotonic()

    @property
    def is_due(self) -> bool:
        return self._monotonic() >= self._due

    @contextmanager
    def working(self) -> Iterator[None]:
        """Do some of it; it is due after so many times as long as it took."""
        begun = self._monotonic()
        yield
        now = self._monotonic()
        self._due = now + self._rest * (now - begun)
