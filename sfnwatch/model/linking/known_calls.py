"""How far calls are known: whether one that has not come may come yet."""

import math
from collections import Counter
from datetime import datetime

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.times import microseconds


class Known:
    """How far calls are known: whether one that has not come may come yet.

    LookupEvents is late and out of order: up to when it has told all is measured. A
    file is taken at its word, up to the newest call in it of that account and Region.
    """

    def __init__(self) -> None:
        self.live = False
        """True where LookupEvents was asked."""
        self._measured = 0
        self._newest: Counter[tuple[str | None, str | None]] = Counter()
        """By the account and the Region that calls were recorded in."""
        self._waiting: set[tuple[float, str]] = set()
        """Calls whose match waits until all calls up to a moment are known."""

    def measure(self, measured: datetime | None) -> bool:
        """Note up to when LookupEvents, which was asked, is believed to have told all.

        None while it is not believed of any time. True if it is less than it was.
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
        """Tell whether all calls up to a microsecond are known, where a call is of.

        If they are not, the call is asked about again when they are.
        """
        newest = self._newest[call.account_id, call.region]
        is_known = last <= (self._measured if self.live else newest)
        if not is_known and last < math.inf:
            self._waiting.add((last, call.event_id))
        return is_known

    def now_known(self) -> set[str]:
        """Give the calls that wait no more."""
        mark = self._measured if self.live else max(self._newest.values(), default=0)
        known = {waiting for waiting in self._waiting if waiting[0] <= mark}
        self._waiting -= known
        return {event_id for _, event_id in known}
