"""How late CloudTrail was, as far as it was seen."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median, quantiles

from sfnwatch.trace.finding import Certainty, Finding, evidence
from sfnwatch.trace.finding_words import plural, spoken
from sfnwatch.trace.timeline import Trace

_WHOLE_SECONDS = timedelta(seconds=1)
_LEAST = 2


def lag(trace: Trace) -> Iterator[Finding]:
    """Measure from each call to when it was seen.

    Only calls made while somebody watched: a record that was there before says
    nothing of when it came.
    """
    begun = _begun(trace)
    if begun is None:
        return
    late = sorted(
        ((call.seen_at - call.event_time).total_seconds(), call.event_id)
        for call in trace.ordered_calls
        if call.seen_at is not None and begun - call.event_time < _WHOLE_SECONDS
    )
    if not late:
        return
    seconds = [max(0.0, each) for each, _ in late]
    p90 = quantiles(seconds, n=10)[-1] if len(seconds) >= _LEAST else seconds[0]
    # Quantiles of few values are guessed past the last of them.
    p90 = min(p90, seconds[-1])
    yield Finding(
        kind="lag",
        certainty=Certainty.FACT,
        text=(
            f"CloudTrail showed {plural(len(seconds), 'call')} made while this was"
            f" watched: half of them within {spoken(median(seconds))}, nine in ten"
            f" within {spoken(p90)}, the last after {spoken(seconds[-1])}."
        ),
        evidence=evidence([late[-1][1]]),
        data={
            "count": len(seconds),
            "median": round(median(seconds), 1),
            "p90": round(p90, 1),
            "max": round(seconds[-1], 1),
        },
    )


def _begun(trace: Trace) -> datetime | None:
    """Tell when the watch began: when anything was first seen."""
    moments = [call.seen_at for call in trace.calls.values()]
    for timeline in trace.timelines.values():
        moments.extend(event.seen_at for event in timeline.events.values())
    return min((at for at in moments if at is not None), default=None)
