"""The seconds between the polls of a job: what tells how often it is asked for."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import mean
from typing import Any

from sfnwatch.next.analysis.wording import cadence, decimal, listed, named
from sfnwatch.next.model.api_call import ApiCall
from sfnwatch.next.model.coverage import Coverage

KEPT = 100
"""So many intervals are listed in data."""
_LISTED = 6
"""So many intervals are worth reading; of more, the extremes are."""


class Intervals:
    """The seconds between polls; from the action call on, where that is known."""

    def __init__(self, action: ApiCall | None, polls: Sequence[ApiCall]) -> None:
        after = polls and action and polls[0].event_time < action.event_time
        self.action = None if after else action
        """The call they are counted from."""
        begun = [self.action] if self.action is not None and polls else []
        moments = [call.event_time for call in (*begun, *polls)]
        self.seconds = [(b - a).total_seconds() for a, b in pairwise(moments)]

    @property
    def data(self) -> dict[str, Any]:
        """The figures, in seconds."""
        counted_from = self.action.event_name if self.action else None
        return {
            **spread(self.seconds),
            "intervals": self.seconds[:KEPT],
            "from": counted_from,
        }

    @property
    def words(self) -> str:
        """Say how often: `, about once a minute: at intervals of 55 and 59 s, …`."""
        gaps, action = self.seconds, self.action
        if not gaps:
            return ""
        name = named(action.event_name) if action else ""
        if len(gaps) == 1:
            return f", {decimal(gaps[0])} s {f'after {name}' if name else 'apart'}"
        if len(gaps) <= _LISTED:
            each = f"at intervals of {listed([decimal(gap) for gap in gaps])} s"
        else:
            each = f"every {decimal(min(gaps))} to {decimal(max(gaps))} s"
        since = f", counted from {name}" if name else ""
        return f", {cadence(mean(gaps))}: {each}{since} (mean {decimal(mean(gaps))} s)"


def spread(seconds: Sequence[float]) -> dict[str, Any]:
    return {
        "interval_mean": round(mean(seconds), 1) if seconds else None,
        "interval_min": min(seconds, default=None),
        "interval_max": max(seconds, default=None),
    }


def settled_intervals(
    coverage: Coverage, action: ApiCall | None, polls: Sequence[ApiCall]
) -> Intervals:
    """Give the intervals that no later record can divide.

    CloudTrail delivers out of order: between two polls one may still be missing, and
    the gap would be told as how often they come.
    """
    settled = action is not None and coverage.settled([action])
    return Intervals(action if settled else None, coverage.settled(polls))
