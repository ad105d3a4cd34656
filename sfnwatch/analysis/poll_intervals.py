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
        listed = {"intervals": self.seconds[:_KEPT_INTERVALS], "from": self.since}
        return {**interval_statistics(self.seconds), **listed}

    def words(self, *, several: bool = False) -> str:
        """Describe how often: `, about once a minute: at intervals of 55 and 59 s, …`.

        For several attempts, only the extremes are given. Empty without intervals.
        """
        gaps = self.seconds
        name = named(self.since) if self.since else ""
        if not gaps:
            return ""
        if len(gaps) == 1 and not several:
            return f", {decimal(gaps[0])} s {f'after {name}' if name else 'apart'}"
        often = cadence(fmean(gaps))
        average = decimal(fmean(gaps))
        since = f", counted from {name}" if name and not several else ""
        if several or len(gaps) > _LISTED_INTERVALS:
            least = decimal(min(gaps))
            most = decimal(max(gaps))
            extremes = f" ({least} to {most} s)" if least != most else ""
            return f", {often}{extremes}{since}"
        each = listed([decimal(gap) for gap in gaps])
        return f", {often}: at intervals of {each} s{since} (mean {average} s)"


def measure_intervals(
    action: ApiCall | None, polls: Sequence[ApiCall]
) -> PollIntervals:
    """Measure from poll to poll, and from the action call if it came before them."""
    if action is None or (polls and polls[0].event_time < action.event_time):
        return PollIntervals(seconds_between(polls))
    return PollIntervals(seconds_between([action, *polls]), action.event_name)


def seconds_between(calls: Sequence[ApiCall]) -> list[float]:
    """Return the seconds from each call to the next."""
    times = [call.event_time for call in calls]
    return [(after - before).total_seconds() for before, after in pairwise(times)]


def interval_statistics(seconds: Sequence[float]) -> dict[str, Any]:
    return {
        "interval_mean": round(fmean(seconds), 1) if seconds else None,
        "interval_min": min(seconds, default=None),
        "interval_max": max(seconds, default=None),
    }
