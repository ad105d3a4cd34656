"""How far CloudTrail's clock is from the clock of the histories."""

from bisect import bisect_left, insort
from collections import defaultdict

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.linking.caller import SECOND, Caller
from sfnwatch.model.times import microseconds

NEAR = 3 * SECOND
"""A call this near before or after an attempt's time (microseconds) competes with a
call inside that time: the two clocks need not agree."""
_STEP = SECOND // 4
_LEAST_MEASURED = 3
"""With fewer id-matched calls of a service, its clock is not measured."""


class Skew:
    """How far CloudTrail's clock is from the histories' clock, service by service.

    A call that an id matches was made between its attempt's scheduling and its answer.
    A few such calls of one service bound how far its records are off. A single call may
    be an exception, and each service may have a clock of its own.
    """

    def __init__(self) -> None:
        self._services: defaultdict[str, _ServiceSkew] = defaultdict(_ServiceSkew)
        """By event source."""

    def note(self, call: ApiCall, caller: Caller | None) -> None:
        """Note the attempt that made a call; None where that is no longer known."""
        attempt = caller.attempt if caller is not None else None
        seen = None
        if attempt is not None and (attempt.submitted_at or attempt.ended_at):
            least = call.microseconds - microseconds(attempt.answered_at)
            most = call.microseconds + SECOND - microseconds(attempt.scheduled_at)
            seen = least, most
        if seen is not None or call.event_source in self._services:
            self._services[call.event_source].note(call.event_id, seen)

    def moved_services(self) -> set[str]:
        """Compute the bounds again; return the event sources whose bounds changed."""
        services = self._services.items()
        return {source for source, service in services if service.has_moved()}

    def bounds(self, event_source: str) -> tuple[int, int]:
        """Return the least and most microseconds CloudTrail's clock may be ahead."""
        return self._measured(event_source) or (0, 2 * SECOND)

    def near(self, event_source: str) -> int:
        """Return how many microseconds outside an attempt's time its call may be."""
        return 0 if self._measured(event_source) else NEAR

    def _measured(self, event_source: str) -> tuple[int, int] | None:
        service = self._services.get(event_source)
        return service.bounds if service is not None else None


class _ServiceSkew:
    """The clock skew of one service."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}
        """The least and the most skew that each call allows, by its event id."""
        self._least: list[int] = []
        """The least skews of all calls, sorted."""
        self._most: list[int] = []
        """The most skews of all calls, sorted."""
        self.bounds: tuple[int, int] | None = None

    def note(self, event_id: str, seen: tuple[int, int] | None) -> None:
        before = self._seen.pop(event_id, None)
        if before is not None:
            del self._least[bisect_left(self._least, before[0])]
            del self._most[bisect_left(self._most, before[1])]
        if seen is not None:
            self._seen[event_id] = seen
            insort(self._least, seen[0])
            insort(self._most, seen[1])

    def has_moved(self) -> bool:
        """Compute the bounds again; True if they changed."""
        before = self.bounds
        self.bounds = None
        if len(self._seen) >= _LEAST_MEASURED:
            least = self._least[-1]
            most = self._most[0]
            if most - least > 2 * NEAR:
                least = max(least, -NEAR)
                most = min(most, NEAR)
            if least <= most:
                # Rounded to steps: each new bound makes all windows be computed again.
                self.bounds = least // _STEP * _STEP, -(-most // _STEP) * _STEP
        return before != self.bounds
