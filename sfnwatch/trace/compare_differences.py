"""At which points two executions did something else, in the order of the first.

Of one cause not every consequence is told: a try that failed makes another outcome, and
that another next state. So each state tells of what came first in it. What was aborted
comes after all that happened inside the same Map or Parallel: there lies the reason.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.compare_points import (
    CallPair,
    CallTally,
    Difference,
    Sort,
)
from sfnwatch.trace.compare_values import (
    Comparison,
    Pair,
    TryPair,
)
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import resource_words

Order = tuple[int, int]
"""An event id of A, and what comes first of those with the same."""
Ordered = tuple[Order, Difference]
_BEFORE, _AT, _AFTER, _LAST = range(4)


def find_differences(comparison: Comparison) -> tuple[Difference, ...]:
    """Find every point at which the two did something else."""
    search = _Search(comparison)
    found = list(search.all())
    found.sort(key=lambda ordered: ordered[0])
    return tuple(difference for _, difference in found)


class _Level(Struct, frozen=True):
    """What follows on each other in one branch or iteration: places of pairs."""

    parent: int | None
    index: int | None
    a: list[int] = field(default_factory=list)
    b: list[int] = field(default_factory=list)


class _Search:
    def __init__(self, comparison: Comparison) -> None:
        self._of = comparison
        self._pairs = comparison.pairs

    def all(self) -> Iterator[Ordered]:
        for place, pair in enumerate(self._pairs):
            if pair.a is not None and pair.b is not None:
                yield from self._of_pair(place, pair, pair.a, pair.b)
        for level in self._levels():
            yield from self._next_states(level)
        for place, group in self._of.groups.items():
            pair = self._pairs[place]
            counts = [s.count if s else 0 for s in (group.a, group.b)]
            settled = pair.both and not pair.running
            if settled and counts[0] != counts[1] and pair.a is not None:
                a, b = map(str, counts)
                order = (pair.a.id, _AFTER)
                yield order, Difference(Sort.ITERATIONS, place, a, b)
        yield from self._of_executions()

    # -- of a pair of visits ---------------------------------------------------------

    def _of_pair(
        self, place: int, pair: Pair, a: StateVisit, b: StateVisit
    ) -> Iterator[Ordered]:
        if a.type != b.type:
            yield (a.id, _AT), Difference(Sort.TYPE, place, a.type, b.type)
            return
        other = _other_resource(place, pair)
        if other is not None:
            yield (a.id, _AT), other
        elif self._of.calls_compared:
            yield from _of_calls(place, pair)
        tried = _other_try(place, pair)
        if tried is not None:
            yield tried
        elif "running" not in {a.status, b.status}:
            yield from self._outcome(place, pair, a, b)

    def _outcome(
        self, place: int, pair: Pair, a: StateVisit, b: StateVisit
    ) -> Iterator[Ordered]:
        if a.status != b.status:
            order = (_end(a), _AFTER)
            if "aborted" in {a.status, b.status} and pair.parent is not None:
                around = self._pairs[pair.parent].a
                order = (_end(around) if around else _end(a), _BEFORE)
            yield order, Difference(Sort.OUTCOME, place, a.status, b.status)
        elif a.status != "succeeded" and error_of(a) != error_of(b):
            difference = Difference(Sort.ERROR, place, error_of(a), error_of(b))
            yield (_end(a), _AFTER), difference

    # -- of what followed ------------------------------------------------------------

    def _levels(self) -> Iterator[_Level]:
        """Yield the levels that both have, each side's places in its own order."""
        found: dict[tuple[int | None, int | None], _Level] = {}
        for place, pair in enumerate(self._pairs):
            key = pair.parent, pair.index
            level = found.setdefault(key, _Level(*key))
            if pair.a is not None:
                level.a.append(place)
            if pair.b is not None:
                level.b.append(place)
        for level in found.values():
            level.b.sort(key=lambda place: _id(self._pairs[place].b))
            if level.a and level.b:
                yield level

    def _next_states(self, level: _Level) -> Iterator[Ordered]:
        if level.a[0] != level.b[0]:
            names = (self._name(level.a[:1]), self._name(level.b[:1]))
            order = (_id(self._pairs[level.a[0]].a), _BEFORE)
            difference = Difference(
                Sort.FIRST_STATE, level.parent, *names, index=level.index
            )
            yield order, difference
        at_b = {place: at for at, place in enumerate(level.b)}
        for at, place in enumerate(level.a):
            pair = self._pairs[place]
            if pair.a is None or place not in at_b or pair.moved:
                continue
            after_a = level.a[at + 1 : at + 2]
            after_b = level.b[at_b[place] + 1 : at_b[place] + 2]
            if after_a == after_b or self._told(pair):
                continue
            if self._may_go_on(level, after_a, after_b):
                continue
            names = (self._name(after_a), self._name(after_b))
            order = (_end(pair.a), _LAST)
            yield order, Difference(Sort.NEXT_STATE, place, *names)

    def _told(self, pair: Pair) -> bool:
        """True if the pair itself ended differently, which explains what followed."""
        return (
            pair.a is not None and pair.b is not None and pair.a.status != pair.b.status
        )

    def _may_go_on(
        self, level: _Level, after_a: Sequence[int], after_b: Sequence[int]
    ) -> bool:
        """True if a side has nothing here because it has not come further."""
        around = None if level.parent is None else self._pairs[level.parent]
        if around is None:
            running = self._of.a.running, self._of.b.running
        else:
            running = _runs(around.a), _runs(around.b)
        return (running[0] and not after_a) or (running[1] and not after_b)

    def _name(self, places: Sequence[int]) -> str | None:
        return self._pairs[places[0]].name if places else None

    # -- of the executions -----------------------------------------------------------

    def _of_executions(self) -> Iterator[Ordered]:
        a, b = self._of.a, self._of.b
        if a.running or b.running:
            return
        order = (a.events + 1, _LAST)
        if a.status != b.status:
            yield (
                order,
                Difference(Sort.STATUS, None, a.status.lower(), b.status.lower()),
            )
        elif a.error != b.error:
            yield order, Difference(Sort.ERROR, None, a.error, b.error)


# -- of tries ------------------------------------------------------------------------


def error_of(visit: StateVisit) -> str | None:
    """Give the error a state failed with, its own or its last try's."""
    last = visit.attempts[-1].error if visit.attempts else None
    return visit.error or last


def _other_resource(place: int, pair: Pair) -> Difference | None:
    for tried in pair.tries[:1]:
        if tried.a is not None and tried.b is not None:
            a, b = resource_words(tried.a), resource_words(tried.b)
            if a != b:
                return Difference(Sort.RESOURCE, place, a, b, number=tried.number)
    return None


def _other_try(place: int, pair: Pair) -> Ordered | None:
    """Find the first try that ended otherwise, or that only one side made."""
    for tried in pair.tries:
        a, b, number = tried.a, tried.b, tried.number
        if a is None or b is None:
            return _lone_try(place, pair, tried)
        if "running" in {a.status, b.status}:
            return None
        order = (a.event_ids[-1], _AT)
        if a.status != b.status and len(pair.tries) > 1:
            difference = Difference(Sort.TRY, place, a.status, b.status, number)
            return order, difference
        last = number == len(pair.tries)
        if a.status == b.status and a.error != b.error and not last:
            return order, Difference(Sort.ERROR, place, a.error, b.error, number)
    return None


def _lone_try(place: int, pair: Pair, tried: TryPair) -> Ordered | None:
    """Tell of a try that has no counterpart, unless that may yet come."""
    lacking = pair.b if tried.b is None else pair.a
    if _runs(lacking) or pair.a is None:
        return None
    counts = [len(v.attempts) if v else 0 for v in (pair.a, pair.b)]
    a, b = map(str, counts)
    return (_end(pair.a), _AT), Difference(Sort.TRY, place, a, b)


def _of_calls(place: int, pair: Pair) -> Iterator[Ordered]:
    for tried in pair.tries:
        if tried.a is None or tried.b is None:
            continue
        for call in tried.calls:
            if _other_call(call):
                sort = Sort.DENIED if _errors(call.a) != _errors(call.b) else Sort.CALL
                difference = Difference(
                    sort, place, call.name, call.name, tried.number, call
                )
                yield _call_order(tried.a, call), difference


def _other_call(call: CallPair) -> bool:
    """True if a call was refused on one side only, or made on one side only.

    A poll too few is a matter of time. An action that is missing was made all the
    same, or the try would have failed: CloudTrail has not told of it.
    """
    if _errors(call.a) != _errors(call.b):
        return True
    lone = call.a is None or call.b is None
    return lone and call.role not in {CallRole.POLL, CallRole.ACTION}


def _errors(tally: CallTally | None) -> frozenset[str]:
    """Name what like calls were refused with."""
    return frozenset(code for code, _ in tally.errors) if tally else frozenset()


def _call_order(attempt: Attempt, call: CallPair) -> Order:
    if call.role is CallRole.ACTION:
        return attempt.scheduled_id, _AFTER
    return attempt.event_ids[-1], _BEFORE


# -- of visits -----------------------------------------------------------------------


def _id(visit: StateVisit | None) -> int:
    return visit.id if visit is not None else 0


def _end(visit: StateVisit) -> int:
    return max(visit.event_ids, default=visit.id)


def _runs(visit: StateVisit | None) -> bool:
    return visit is not None and visit.ended_at is None
