"""Pairs the visits, attempts and calls of two executions that stand for the same.

Visits are paired level by level. A level is what runs inside the same branch or
iteration of two states that are a pair themselves. On a level, A's n-th visit of a name
is paired with B's n-th visit of that name, so a loop is paired turn by turn. If the
orders differ, some visits have moved. Visits that are left over may still do the same
under another name.
"""

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

from sfnwatch.analysis.compare.compared_execution import (
    ComparedExecution,
    ExecutionPair,
)
from sfnwatch.analysis.compare.visit_pair import AlignedVisits, VisitPair
from sfnwatch.analysis.grouping import grouped
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.state_language import states_of
from sfnwatch.model.visits import StateVisit

_Visits = Sequence[StateVisit]
_KeyOf = Callable[[StateVisit], Hashable]
"""Returns a key that is equal for two states that may do the same."""


def pair_visits(sides: ExecutionPair) -> list[VisitPair]:
    """Pair the visits of two executions; the visits inside a state follow it.

    A level is in A's order. A visit that only B has comes after the visit that it
    follows in B.
    """
    key_of = _key_of(sides)
    levels_a, levels_b = map(_visits_by_parent, sides)
    pairs: list[VisitPair] = []
    visit_counts: Counter[str] = Counter()
    # Not by recursion: a history may be nested as deep as it is long.
    level = _align_level(levels_a.get(None, ()), levels_b.get(None, ()), key_of)
    waiting: list[tuple[VisitPair | None, AlignedVisits]]
    waiting = [(None, visits) for visits in level]
    while waiting:
        around, visits = waiting.pop()
        pair = VisitPair(len(pairs), around, visits, sides)
        pairs.append(pair)
        visit_counts[pair.visit.path] += 1
        pair.occurrence = visit_counts[pair.visit.path]
        inside_a = _inside(levels_a, pair.a)
        inside_b = _inside(levels_b, pair.b)
        level = _align_level(inside_a, inside_b, key_of)
        waiting.extend((pair, inner) for inner in level)
    for pair in reversed(pairs):
        if pair.around is not None:
            pair.around.stop = max(pair.around.stop, pair.stop)
    return pairs


def _visits_by_parent(side: ComparedExecution) -> Mapping[int | None, _Visits]:
    return grouped(side.analysis.visits, lambda visit: visit.parent)


def _inside(levels: Mapping[int | None, _Visits], visit: StateVisit | None) -> _Visits:
    return levels.get(visit.id, ()) if visit else ()


def _key_of(sides: ExecutionPair) -> _KeyOf:
    """Return a function for a state's key: its name, as a rule.

    If only one of the two machines has the name of a state that starts a job, the key
    is the kind of job: two states that start one kind of job do the same under
    different names.
    """
    in_a, in_b = sides
    shared_names = _state_names(in_a.execution) & _state_names(in_b.execution)

    def key_of(visit: StateVisit) -> Hashable:
        if visit.name in shared_names or not visit.attempts:
            return visit.name
        integration = visit.attempts[0].integration
        if integration is None or not integration.starts_job:
            return visit.name
        return visit.type, integration.event_source, integration.action_event

    return key_of


def _state_names(execution: ExecutionAsOf) -> set[str]:
    """Return the names of all states that a machine is known to have."""
    names = {visit.name for visit in execution.visits}
    names.update(name for name, _ in states_of(execution.definition_text))
    return names


def _align_level(a: _Visits, b: _Visits, key_of: _KeyOf) -> list[AlignedVisits]:
    """Align the visits inside two states, branch by branch, in reverse order."""
    branches_a = grouped(a, lambda visit: visit.index)
    branches_b = grouped(b, lambda visit: visit.index)
    indexes = {*branches_a, *branches_b}
    aligned: list[AlignedVisits] = []
    for index in sorted(indexes, key=_branch_order):
        branch_a = branches_a.get(index, ())
        branch_b = branches_b.get(index, ())
        aligned += _align(branch_a, branch_b, key_of)
    aligned.reverse()
    return aligned


def _branch_order(index: int | None) -> int:
    return -1 if index is None else index


def _align(a: _Visits, b: _Visits, key_of: _KeyOf) -> Iterator[AlignedVisits]:
    """Match two sequences by key and turn.

    A visit has moved if its counterpart in B comes before that of an earlier visit.
    """
    turns_b = enumerate(_turns(map(key_of, b)))
    places = {turn: place for place, turn in turns_b}
    partners = list(map(places.get, _turns(map(key_of, a))))
    lone_places = {*range(len(b))}.difference(partners)
    lone = deque(sorted(lone_places))
    """The places of B's visits without a counterpart that are still to come."""
    reached = -1
    for visit, partner in zip(a, partners, strict=True):
        if partner is None:
            yield AlignedVisits(visit, None)
            continue
        while lone and lone[0] < partner:
            yield AlignedVisits(None, b[lone.popleft()])
        yield AlignedVisits(visit, b[partner], partner < reached)
        reached = max(reached, partner)
    for place in lone:
        yield AlignedVisits(None, b[place])


def _turns(keys: Iterable[Hashable]) -> Iterator[tuple[Hashable, int]]:
    """Yield each key with its number among the equal keys so far, from 1."""
    counts: Counter[Hashable] = Counter()
    for key in keys:
        counts[key] += 1
        yield key, counts[key]
