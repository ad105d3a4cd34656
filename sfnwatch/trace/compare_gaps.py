"""What could not be compared, and why: nothing is said of what nobody knows."""

from collections.abc import Iterator
from datetime import datetime

from sfnwatch.trace.compare_points import (
    Gap,
    GapKind,
)
from sfnwatch.trace.compare_subject import Subject
from sfnwatch.trace.lanes import complete_to
from sfnwatch.trace.links import Rule


def calls_compared(one: Subject, other: Subject) -> bool:
    """True if both sides' calls are known, or neither has any to know."""
    return not (_lacks_calls(one) or _lacks_calls(other))


def find_gaps(one: Subject, other: Subject) -> Iterator[Gap]:
    """Yield what could not be compared, what matters most first."""
    if one.arn == other.arn and one.trace is other.trace:
        yield Gap(GapKind.SAME_EXECUTION)
    elif one.timeline.state_machine_arn != other.timeline.state_machine_arn:
        yield Gap(GapKind.OTHER_MACHINE)
    for side in (one, other):
        yield from _of_history(side)
    lacking = [side for side in (one, other) if _lacks_calls(side)]
    if lacking:
        yield Gap(GapKind.NO_CALLS, lacking[0].which if len(lacking) == 1 else None)
    for side in (one, other):
        if side not in lacking:
            yield from _late(side)
        yield from _shared(side)
    undefined = [side for side in (one, other) if side.timeline.defined is None]
    if undefined:
        which = undefined[0].which if len(undefined) == 1 else None
        yield Gap(GapKind.NO_DEFINITION, which)


def _of_history(side: Subject) -> Iterator[Gap]:
    events = side.timeline.events
    if not events:
        yield Gap(GapKind.NO_HISTORY, side.which)
    elif max(events) > len(events):
        # Ids are given without a gap, from 1.
        missing = max(events) - len(events)
        yield Gap(GapKind.PARTIAL_HISTORY, side.which, missing)
    if side.timeline.running and events:
        yield Gap(GapKind.RUNNING, side.which)


def _lacks_calls(side: Subject) -> bool:
    """True if it made calls that CloudTrail records, and none of them is known."""
    return side.expects_calls and not side.calls


def _late(side: Subject) -> Iterator[Gap]:
    stopped, known_to = side.timeline.stopped_at, _measured(side)
    if side.expects_calls and stopped and known_to and known_to < stopped:
        seconds = (stopped - known_to).total_seconds()
        yield Gap(GapKind.LATE_CALLS, side.which, round(seconds))


def _shared(side: Subject) -> Iterator[Gap]:
    """Tell of calls that fit several tries, one of this side's among them."""
    shared = sum(
        link.rule is Rule.AMBIGUOUS
        and any(arn == side.arn for arn, _ in link.candidates)
        for link in side.trace.links.values()
    )
    if shared:
        yield Gap(GapKind.SHARED_CALLS, side.which, shared)


def _measured(side: Subject) -> datetime | None:
    """Up to when CloudTrail was measured to be complete; of files nobody knows."""
    return complete_to(side.trace) if "lookup" in side.trace.health else None
