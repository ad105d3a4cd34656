"""The calls of two tries beside each other: how many, how often, how many denied."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import mean

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.compare_points import (
    CallPair,
    CallTally,
    Kind,
)
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.lanes import polls_of
from sfnwatch.trace.links import Link


def pair_calls(
    a: Mapping[Kind, CallTally], b: Mapping[Kind, CallTally]
) -> tuple[CallPair, ...]:
    """Pair the calls of two tries by role and name, in the order of A."""
    return tuple(
        CallPair(role, name, source, a.get(kind), b.get(kind))
        for kind in dict.fromkeys((*a, *b))
        for role, source, name in (kind,)
    )


def tally_calls(
    attempt: Attempt, calls: Sequence[ApiCall], links: Mapping[str, Link]
) -> Mapping[Kind, CallTally]:
    """Count a try's calls, which come in the order of their times, by role and name."""
    polls = {call.event_id for call in polls_of(attempt, calls)}
    by_kind: dict[Kind, list[ApiCall]] = defaultdict(list)
    for call in calls:
        role = links[call.event_id].role
        if role is CallRole.POLL and call.event_id not in polls:
            role = CallRole.OTHER
        by_kind[role, call.event_source, call.event_name].append(call)
    return {kind: _tally(alike, links) for kind, alike in by_kind.items()}


def _tally(calls: Sequence[ApiCall], links: Mapping[str, Link]) -> CallTally:
    times = [call.event_time for call in calls]
    gaps = [(after - before).total_seconds() for before, after in pairwise(times)]
    return CallTally(
        count=len(calls),
        first=calls[0].event_id,
        errors=_errors(calls),
        interval=mean(gaps) if gaps else None,
        shortest=min(gaps, default=None),
        longest=max(gaps, default=None),
        guessed=sum(not links[call.event_id].rule.exact for call in calls),
    )


def _errors(calls: Iterable[ApiCall]) -> tuple[tuple[str, int], ...]:
    counted = Counter(call.error_code for call in calls if call.error_code)
    return tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0])))
