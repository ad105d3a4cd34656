"""How far calls are known: whether a missing call may still arrive."""

import math
from collections import Counter
from datetime import datetime

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.times import microseconds


class Known:
    """How far calls are known: whether a missing call may still arrive.

    LookupEvents is late and out of order; the time up to which its calls are complete
    is measured. A file is believed complete up to its newest call of the account and
    Region.
    """

    def __init__(self) -> None:
        self.live = False
        """True where LookupEvents was asked."""
        self._measured = 0
        self._newest: Counter[tuple[str | None, str | None]] = Counter()
        """The newest call's microsecond, by account and Region of the record."""
        self._waiting: set[tuple[float, str]] = set()
        """Calls whose match waits until all calls up to a microsecond are known."""

    def measure(self, measured: datetime | None) -> bool:
        """Note the time up to which LookupEvents is believed to be complete.

        `measured` is None while that is not known for any time. Return True if less is
        known than before.
        """
        mark = 0 if measured is None else microseconds(measured)
        is_less = not self.live or mark < self._measured
        self.live = True
        self._measured = mark
        return is_less

    def note(self, call: ApiCall) -> None:
        place = call.account_id, call.region
        self._newest[place] = max(call.microseconds, self._newest[place])

    def is_complete(self, last: float, call: ApiCall) -> bool:
        """True if all calls of the call's account and Region are known up to `last`.

        `last` is in microseconds. If they are not all known, the call is matched again
        once they are.
        """
        newest = self._newest[call.account_id, call.region]
        is_known = last <= (self._measured if self.live else newest)
        if not is_known and last < math.inf:
            self._waiting.add((last, call.event_id))
        return is_known

    def now_known(self) -> set[str]:
        """Return the event ids of calls that need not wait any longer; remove them."""
        mark = self._measured if self.live else max(self._newest.values(), default=0)
        known = {waiting for waiting in self._waiting if waiting[0] <= mark}
        self._waiting -= known
        return {event_id for _, event_id in known}
