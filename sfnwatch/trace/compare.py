"""Two executions beside each other: what was the same, what differed, where they part.

Times alone make no difference in kind: two runs that went through the same states with
the same outcomes did the same, however long they took and however often they polled.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import zip_longest

from sfnwatch.trace.compare_calls import pair_calls
from sfnwatch.trace.compare_definitions import compare_definitions, state_names
from sfnwatch.trace.compare_differences import find_differences
from sfnwatch.trace.compare_gaps import calls_compared, find_gaps
from sfnwatch.trace.compare_groups import group_pairs
from sfnwatch.trace.compare_pairs import Alike, Match, pair_visits
from sfnwatch.trace.compare_points import (
    Which,
)
from sfnwatch.trace.compare_subject import Known, Subject, subject
from sfnwatch.trace.compare_values import (
    Change,
    Comparison,
    Pair,
    TryPair,
)
from sfnwatch.trace.spans import Part
from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.values import replace
from sfnwatch.trace.visits import StateVisit


def compare(trace: Trace, a: str, b: str, now: datetime | None = None) -> Comparison:
    """Compare two executions of a trace, named by their ARNs.

    What still runs is measured to `now` or, without it, to the last that is known of
    it. Raises KeyError for an execution that the trace does not have.
    """
    return compare_apart(trace, a, trace, b, now)


def compare_apart(
    trace_a: Trace, a: str, trace_b: Trace, b: str, now: datetime | None = None
) -> Comparison:
    """Compare executions of two traces: two recordings of one ARN, for example."""
    known_a = Known(trace_a)
    known_b = known_a if trace_b is trace_a else Known(trace_b)
    one = subject(Which.A, known_a, a, now)
    other = subject(Which.B, known_b, b, now)
    visits_a, visits_b = one.timeline.visits, other.timeline.visits
    matches = pair_visits(visits_a, visits_b, _alike(one, other))
    pairs = _pairs(matches, one, other)
    comparison = Comparison(
        a=one.side(),
        b=other.side(),
        pairs=pairs,
        groups=group_pairs(pairs, one.now, other.now),
        seconds=Change(one.seconds, other.seconds),
        parts=_sums(pairs),
        calls_compared=calls_compared(one, other),
        same_input=_same(one.input, other.input),
        definitions=compare_definitions(one.timeline, other.timeline),
        gaps=tuple(find_gaps(one, other)),
    )
    return replace(comparison, differences=find_differences(comparison))


def _alike(one: Subject, other: Subject) -> Alike:
    """Tell states that do the same by different names: both start a job of one kind.

    A name that the other machine has as well stands for something else there.
    """
    names_a, names_b = state_names(one.timeline), state_names(other.timeline)

    def alike(a: StateVisit, b: StateVisit) -> bool:
        if a.name in names_b or b.name in names_a or a.type != b.type:
            return False
        job_a, job_b = _job(a), _job(b)
        return job_a is not None and job_a == job_b

    return alike


def _job(visit: StateVisit) -> tuple[str, str] | None:
    row = visit.attempts[0].integration if visit.attempts else None
    return (row.event_source, row.action_event) if row and row.starts_job else None


def _same(a: str | None, b: str | None) -> bool | None:
    return None if a is None or b is None else a == b


def _pairs(
    matches: tuple[Match, ...], one: Subject, other: Subject
) -> tuple[Pair, ...]:
    stops = _stops(matches)
    turns: dict[str, int] = {}
    depths: list[int] = []
    found: list[Pair] = []
    for place, match in enumerate(matches):
        turns[match.path] = turns.get(match.path, 0) + 1
        depths.append(0 if match.parent is None else depths[match.parent] + 1)
        found.append(
            Pair(
                path=match.path,
                occurrence=turns[match.path],
                depth=depths[-1],
                parent=match.parent,
                index=match.index,
                stop=stops[place],
                a=match.a,
                b=match.b,
                moved=match.moved,
                seconds=Change(one.length(match.a), other.length(match.b)),
                parts=_changes(one.parts(match.a), other.parts(match.b), match),
                tries=tuple(_tries(match, one, other)),
            )
        )
    return tuple(found)


def _stops(matches: tuple[Match, ...]) -> list[int]:
    """Find for each match the place after the last one that runs in it."""
    stops = [place + 1 for place in range(len(matches))]
    for place in range(len(matches) - 1, -1, -1):
        parent = matches[place].parent
        if parent is not None:
            stops[parent] = max(stops[parent], stops[place])
    return stops


def _changes(
    a: Mapping[Part, float], b: Mapping[Part, float], match: Match
) -> Mapping[Part, Change]:
    """Put the parts of a visit beside its counterpart's: what lacks took no time."""
    rest_a = None if match.a is None else 0.0
    rest_b = None if match.b is None else 0.0
    return {
        part: Change(a.get(part, rest_a), b.get(part, rest_b))
        for part in Part
        if part in a or part in b
    }


def _tries(match: Match, one: Subject, other: Subject) -> Iterator[TryPair]:
    tries_a = match.a.attempts if match.a is not None else ()
    tries_b = match.b.attempts if match.b is not None else ()
    for number, (a, b) in enumerate(zip_longest(tries_a, tries_b), start=1):
        length_a = (
            (a.ended_at - a.scheduled_at).total_seconds() if a and a.ended_at else None
        )
        length_b = (
            (b.ended_at - b.scheduled_at).total_seconds() if b and b.ended_at else None
        )
        yield TryPair(
            number=number,
            a=a,
            b=b,
            calls=pair_calls(one.tallies(a), other.tallies(b)),
            noticed_a=one.notice(a),
            noticed_b=other.notice(b),
            seconds=Change(length_a, length_b),
        )


def _sums(pairs: Iterable[Pair]) -> Mapping[Part, Change]:
    """Sum up what all states spent their time on; a Map's is that of those inside."""
    sums = {part: [0.0, 0.0] for part in Part if part is not Part.AROUND}
    for pair in pairs:
        for part, change in pair.parts.items():
            if part in sums:
                sums[part][0] += change.a or 0.0
                sums[part][1] += change.b or 0.0
    return {part: Change(a, b) for part, (a, b) in sums.items() if a or b}
