"""The times between the polls of a job."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any

from msgspec import Struct

from sfnwatch.analysis.lists import listed
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import cadence, decimal
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.times import seconds_between

_KEPT_INTERVALS = 100
"""The most intervals between polls that a finding's data holds."""
_LISTED_INTERVALS = 6
"""The most intervals that a sentence lists; of more, it gives only the extremes."""


class PollIntervals(Struct, frozen=True):
    """The seconds between polls: how often Step Functions asked for a job."""

    seconds: Sequence[float]
    since: str | None = None
    """The action call from which the first interval counts; None if not known."""

    @property
    def data(self) -> dict[str, Any]:
        """The intervals with their mean, minimum and maximum, in seconds."""
        data = interval_statistics(self.seconds)
        data["intervals"] = self.seconds[:_KEPT_INTERVALS]
        data["from"] = self.since
        return data

    def words(self, *, several: bool = False) -> str:
        """Describe how often: `, about once a minute: at intervals of 55 and 59 s, …`.

        For several attempts, only the extremes are given. Empty without intervals.
        """
        if not self.seconds:
            return ""
        mean = fmean(self.seconds)
        if several:
            return f", {cadence(mean)}{self._extremes()}"
        if len(self.seconds) == 1:
            from_where = f"after {named(self.since)}" if self.since else "apart"
            return f", {decimal(mean)} s {from_where}"
        since = f", counted from {named(self.since)}" if self.since else ""
        if len(self.seconds) > _LISTED_INTERVALS:
            return f", {cadence(mean)}{self._extremes()}{since}"
        seconds = listed([decimal(interval) for interval in self.seconds])
        intervals = f"at intervals of {seconds} s{since} (mean {decimal(mean)} s)"
        return f", {cadence(mean)}: {intervals}"

    def _extremes(self) -> str:
        """Return the shortest and the longest interval: ` (55 to 60 s)`."""
        least = decimal(min(self.seconds))
        most = decimal(max(self.seconds))
        return f" ({least} to {most} s)" if least != most else ""


def measure_intervals(
    action: ApiCall | None, polls: Sequence[ApiCall]
) -> PollIntervals:
    """Measure from poll to poll, and from the action call if it came before them."""
    if action is None or (polls and polls[0].event_time < action.event_time):
        return PollIntervals(intervals_between(polls))
    return PollIntervals(intervals_between([action, *polls]), action.event_name)


def intervals_between(calls: Sequence[ApiCall]) -> list[float]:
    """Return the seconds from each call to the next."""
    times = [call.event_time for call in calls]
    return [seconds_between(before, after) for before, after in pairwise(times)]


def interval_statistics(seconds: Sequence[float]) -> dict[str, Any]:
    return {
        "interval_mean": round(fmean(seconds), 1) if seconds else None,
        "interval_min": min(seconds, default=None),
        "interval_max": max(seconds, default=None),
    }
