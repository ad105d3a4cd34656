"""A finding on how long after the calls CloudTrail showed their records."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median, quantiles

from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.quantities import plural, spoken
from sfnwatch.model.snapshot import Snapshot

_CALL_TIME_STEP = timedelta(seconds=1)
_LAG = (
    "CloudTrail showed {calls} made during the watch: half of them within {half}, 90%"
    " within {most}, the last after {last}."
)


def record_delays(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield how long after the calls their records were seen.

    Only calls made during the watch count: a record that was there before does not show
    when it arrived.
    """
    watch_began = _first_seen(snapshot)
    if watch_began is None:
        return
    lags = []
    for call in snapshot.calls:
        was_watched = watch_began - call.event_time < _CALL_TIME_STEP
        if call.seen_at is not None and was_watched:
            lag = (call.seen_at - call.event_time).total_seconds()
            lags.append((max(0.0, lag), call.event_id))
    if not lags:
        return
    seconds = [lag for lag, _ in lags]
    longest, latest = max(lags)
    p90 = longest
    if len(seconds) > 1:
        # With few values, `quantiles` extrapolates beyond the largest of them.
        p90 = min(quantiles(seconds, n=10)[-1], longest)
    half = median(seconds)
    text = _LAG.format(
        calls=plural(len(lags), "call"),
        half=spoken(half),
        most=spoken(p90),
        last=spoken(longest),
    )
    yield finding(
        "lag",
        text,
        [latest],
        count=len(lags),
        median=round(half, 1),
        p90=round(p90, 1),
        max=round(longest, 1),
    )


def _first_seen(snapshot: Snapshot) -> datetime | None:
    """Return the time at which the first record was seen; None if none was watched."""
    seen_at = [call.seen_at for call in snapshot.calls]
    for execution in snapshot.roots.values():
        seen_at += [event.seen_at for event in execution.events]
    return min(filter(None, seen_at), default=None)
