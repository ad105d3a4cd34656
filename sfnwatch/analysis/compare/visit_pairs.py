"""Pairs the visits, attempts and calls of two executions that stand for the same.

Visits are paired level by level. A level is what runs inside the same branch or
iteration of two states that are a pair themselves. On a level, A's n-th visit of a name
is paired with B's n-th visit of that name, so a loop is paired turn by turn. If the
orders differ, some visits have moved. Visits that are left over may still do the same
under another name.
"""

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import chain

from sfnwatch.analysis.compare.compared_execution import ExecutionPair
from sfnwatch.analysis.compare.visit_pair import AlignedVisits, VisitPair
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.work import Work
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.state_language import states_of
from sfnwatch.model.visits import StateVisit

_Visits = Sequence[StateVisit]
_KeyOf = Callable[[StateVisit], Hashable]
"""Returns a key that is equal for two states that may do the same."""


def pair_visits(sides: ExecutionPair) -> Work[list[VisitPair]]:
    """Pair the visits of two executions; the visits inside a state follow it.

    A level is in A's order. A visit that only B has comes after the visit that it
    follows in B.
    """
    key_of = _key_of(sides)
    inside_a, inside_b = (grouped(s.case.visits, lambda v: v.parent) for s in sides)
    found: list[VisitPair] = []
    turns: Counter[str] = Counter()
    # Not by recursion: a history may be nested as deep as it is long.
    level = _align_level(inside_a.get(None, ()), inside_b.get(None, ()), key_of)
    waiting: list[tuple[VisitPair | None, AlignedVisits]] = [
        (None, each) for each in level
    ]
    while waiting:
        yield
        around, aligned = waiting.pop()
        pair = VisitPair(len(found), around, aligned, sides)
        found.append(pair)
        turns[pair.visit.path] += 1
        pair.occurrence = turns[pair.visit.path]
        own = inside_a.get(pair.a.id, ()) if pair.a is not None else ()
        its = inside_b.get(pair.b.id, ()) if pair.b is not None else ()
        waiting += ((pair, each) for each in _align_level(own, its, key_of))
    for pair in reversed(found):
        if pair.around is not None:
            pair.around.stop = max(pair.around.stop, pair.stop)
    return found


def _key_of(sides: ExecutionPair) -> _KeyOf:
    """Return a function for a state's key: its name, as a rule.

    If only one of the two machines has the name of a state that starts a job, the key
    is the kind of job: two states that start one kind of job do the same under
    different names.
    """
    shared = _state_names(sides[0].execution) & _state_names(sides[1].execution)

    def key_of(visit: StateVisit) -> Hashable:
        row = visit.attempts[0].integration if visit.attempts else None
        if visit.name in shared or row is None or not row.starts_job:
            return visit.name
        return visit.type, row.event_source, row.action_event

    return key_of


def _state_names(execution: ExecutionAsOf) -> set[str]:
    """Return the names of all states that a machine is known to have."""
    defined = {name for name, _ in states_of(execution.definition_text)}
    return defined | {visit.name for visit in execution.visits}


def _align_level(a: _Visits, b: _Visits, key_of: _KeyOf) -> list[AlignedVisits]:
    """Align the visits inside two states, branch by branch, in reverse order."""
    in_a, in_b = (grouped(visits, lambda visit: visit.index) for visits in (a, b))
    indexes = sorted({*in_a, *in_b}, key=lambda n: -1 if n is None else n)
    levels = (_align(in_a.get(n, ()), in_b.get(n, ()), key_of) for n in indexes)
    return list(chain.from_iterable(levels))[::-1]


def _align(a: _Visits, b: _Visits, key_of: _KeyOf) -> Iterator[AlignedVisits]:
    """Match two sequences by key and turn.

    A visit has moved if its counterpart in B comes before that of an earlier visit.
    """
    places = {turn: place for place, turn in enumerate(_turns(map(key_of, b)))}
    partners = [places.get(turn) for turn in _turns(map(key_of, a))]
    lone = deque(sorted({*range(len(b))} - {*partners}))
    reached = -1
    for visit, partner in zip(a, partners, strict=True):
        if partner is None:
            yield visit, None, False
            continue
        while lone and lone[0] < partner:
            yield None, b[lone.popleft()], False
        yield visit, b[partner], partner < reached
        reached = max(reached, partner)
    yield from ((None, b[place], False) for place in lone)


def _turns(keys: Iterable[Hashable]) -> Iterator[tuple[Hashable, int]]:
    counted: Counter[Hashable] = Counter()
    for key in keys:
        counted[key] += 1
        yield key, counted[key]
