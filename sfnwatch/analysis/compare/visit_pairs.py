"""Pairs the visits, attempts and calls of two executions that stand for the same.

Visits are paired level by level. A level is what runs inside the same branch or
iteration of two states that are a pair themselves. On a level, A's n-th visit of a name
is paired with B's n-th visit of that name, so a loop is paired turn by turn. If the
orders differ, some visits have moved. Visits that are left over may still do the same
under another name.
"""

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from statistics import fmean

from msgspec import Struct

from sfnwatch.analysis.case import AttemptCase, Work, gaps
from sfnwatch.analysis.compare.compared_execution import ExecutionPair
from sfnwatch.analysis.compare.length_pair import LengthPair
from sfnwatch.analysis.grouping import grouped, ranked
from sfnwatch.analysis.names import named
from sfnwatch.analysis.phases import (
    MatchedCalls,
    Phase,
    length_of,
    seconds_by_phase,
)
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import role_of_call
from sfnwatch.model.state_language import states_of
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import ROOT, StateVisit

PATH_LENGTH = 400


class CallTally:
    """The calls of one name that an attempt made, or may have made."""

    def __init__(self, calls: MatchedCalls, apart: Sequence[float]) -> None:
        """`apart` has the seconds from one call to the next."""
        every = calls.every
        self.count = len(every)
        self.error_codes = ranked(c.error_code for c in every if c.error_code)
        """The number of calls by error code, the most frequent first."""
        self.failed = sum(self.error_codes.values())
        self.interval_mean = fmean(apart) if apart else None
        self.interval_min = min(apart, default=None)
        self.interval_max = max(apart, default=None)
        self.guessed = len(calls.guessed)
        """The number of calls matched by a guess."""
        self.first = every[0].event_id
        """The event id of the first call."""


class CallPair(Struct, frozen=True):
    """The calls of one name that a pair of attempts made."""

    role: CallRole
    event_source: str
    event_name: str
    a: CallTally | None
    b: CallTally | None


class AttemptPair:
    """The n-th attempts of a visit and of its counterpart, from 1."""

    def __init__(self, number: int, cases: Sequence[AttemptCase | None]) -> None:
        self.number = number
        self.cases = cases
        self.a, self.b = cases
        in_a, in_b = map(_tallies, cases)
        self.calls = [CallPair(*k, in_a.get(k), in_b.get(k)) for k in {**in_a, **in_b}]
        """In the order in which A first made them; then those that only B made."""
        self.seconds = LengthPair(*(case.seconds if case else None for case in cases))


def _tallies(case: AttemptCase | None) -> Mapping[tuple[CallRole, str, str], CallTally]:
    """Count the calls of an attempt by role, source and name."""
    if case is None:
        return {}
    link = case.snapshot.link
    polls = set(case.polls.ids)

    def kind(call: ApiCall) -> tuple[CallRole, str, str]:
        role = role_of_call(call, link(call))
        late = role is CallRole.POLL and call.event_id not in polls
        return CallRole.OTHER if late else role, call.event_source, call.event_name

    def apart(role: CallRole, calls: MatchedCalls) -> Sequence[float]:
        # If these are all the polls, from the action call on, as in a report.
        every = role is CallRole.POLL and len(calls.every) == len(case.polls.every)
        return case.spacing.seconds if every else gaps(calls.sure)

    found = case.calls.grouped(kind)
    return {
        each: CallTally(calls, apart(each[0], calls)) for each, calls in found.items()
    }


_Visits = Sequence[StateVisit]
_KeyOf = Callable[[StateVisit], Hashable]
"""Returns a key that is equal for two states that may do the same."""
_Aligned = tuple[StateVisit | None, StateVisit | None, bool]
"""A visit of A, its counterpart in B (one of the two may be missing), and whether the
visit has moved: B has another order."""


class VisitPair:
    """A visit of A with its counterpart in B, or a visit without one."""

    def __init__(
        self, place: int, around: "VisitPair | None", of: _Aligned, sides: ExecutionPair
    ) -> None:
        """`place` is its index among all pairs, `around` the pair that it runs in."""
        self.a, self.b, self.moved = of
        self.sides = sides
        there = [visit for visit in (self.a, self.b) if visit is not None]
        self.visit = there[0]
        """A's visit, or B's if A has none."""
        self.place = place
        self.around = around
        self.depth: int = around.depth + 1 if around is not None else 0
        self.stop = place + 1
        """The place after the last pair that runs inside it; all in between do, too."""
        self.occurrence = 1
        """Its number among the pairs of its path, from 1."""
        self.both = len(there) == len(sides)
        self.running = any(visit.running for visit in there)
        self.is_container = self.visit.type in {"Map", "Parallel"}
        """True for a Map or Parallel: its time is that of the states inside."""
        own = list(zip((self.a, self.b), sides, strict=True))
        self.seconds = LengthPair(*(length_of(v, s.now) if v else None for v, s in own))
        """The lengths of the visits; of a running one, so far."""
        spent = [seconds_by_phase(s.execution, v, s.now) if v else None for v, s in own]
        self.phases: Mapping[Phase, LengthPair] = {
            phase: LengthPair(*(e if e is None else e.get(phase, 0.0) for e in spent))
            for phase in Phase
            if phase is not Phase.STOPPED and any(e and phase in e for e in spent)
        }
        """The lengths by phase, without `STOPPED`. A phase that is missing took no
        time."""
        tries = (s.case.attempts_of.get(v.id if v else 0, ()) for v, s in own)
        every = enumerate(zip_longest(*tries), start=1)
        self.attempts = [AttemptPair(number, cases) for number, cases in every]

    @property
    def title(self) -> str:
        """The pair's path, with the number of its visit if it is not the first."""
        path = clean(self.visit.path.removeprefix(f"{ROOT} / "), PATH_LENGTH)
        return f"{path}{self._more}"

    @property
    def label(self) -> str:
        """The pair's name below the state that it runs in: `[3] Work`."""
        index = f"[{self.visit.index}] " if self.visit.index is not None else ""
        return f"{index}{named(self.visit.name)}{self._more}"

    @property
    def _more(self) -> str:
        """B's name if it is another, and the visit's number if it is not the first."""
        other = self.b.name if self.b and self.b.name != self.visit.name else ""
        turn = f" (visit {self.occurrence})" if self.occurrence > 1 else ""
        return f"{other and f' / {named(other)}'}{turn}"


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
    waiting: list[tuple[VisitPair | None, _Aligned]] = [(None, each) for each in level]
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


def _align_level(a: _Visits, b: _Visits, key_of: _KeyOf) -> list[_Aligned]:
    """Align the visits inside two states, branch by branch, in reverse order."""
    in_a, in_b = (grouped(visits, lambda visit: visit.index) for visits in (a, b))
    indexes = sorted({*in_a, *in_b}, key=lambda n: -1 if n is None else n)
    levels = (_align(in_a.get(n, ()), in_b.get(n, ()), key_of) for n in indexes)
    return list(chain.from_iterable(levels))[::-1]


def _align(a: _Visits, b: _Visits, key_of: _KeyOf) -> Iterator[_Aligned]:
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
