"""A source of calls that begins anew when an execution is redriven after its drain.

Fourteen days may lie between an end and a redrive. In that time nothing is looked up;
then only what came since the redrive is.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Generic, TypeVar

from sfnwatch.clock import Clock
from sfnwatch.sources.queue import Queue
from sfnwatch.sources.subjects import Subjects
from sfnwatch.sources.ways import Way
from sfnwatch.trace.events import Batch

_NAP = 5.0
"""Seconds between looks at whether there is something to look up again."""
_W = TypeVar("_W", bound=Way)


class Again(Generic[_W]):
    """One way in which calls come, as often as it is needed."""

    def __init__(
        self, make: Callable[[], _W], subjects: Subjects, clock: Clock
    ) -> None:
        self._make, self._subjects, self._clock = make, subjects, clock
        self._way = make()
        self._resting = False

    def end_drain(self) -> None:
        self._way.end_drain()

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield what the way brings; after its end, wait for a redrive."""
        subjects = self._subjects
        while True:
            known = subjects.redrives
            async with aclosing(self._way.batches()) as batches:  # type: ignore[type-var]
                async for batch in batches:
                    if subjects.stopped_at is not None:
                        known = subjects.redrives  # that end will be drained
                    yield batch
            self._resting = True
            while subjects.redrives <= known:
                if subjects.over:
                    return
                await self._clock.sleep(_NAP)
            subjects.look_up_since_redrive()
            self._begin_anew()

    def _begin_anew(self) -> None:
        self._way, self._resting = self._make(), False


class QueueAgain(Again[Queue]):
    """A queue, whose tasks are known by what the histories tell."""

    def __init__(
        self, make: Callable[[], Queue], subjects: Subjects, clock: Clock
    ) -> None:
        super().__init__(make, subjects, clock)
        self._missed: list[Batch] = []
        """What came in while it rested."""

    def heed(self, batch: Batch) -> None:
        """Consume what other sources bring, now or when it goes on."""
        if self._resting:
            self._missed.append(batch)
        else:
            self._way.heed(batch)

    def _begin_anew(self) -> None:
        super()._begin_anew()
        for batch in self._missed:
            self._way.heed(batch)
        self._missed.clear()
