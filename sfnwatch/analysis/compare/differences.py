"""Finds what two executions did differently."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from sfnwatch.analysis.compare.attempt_pair import AttemptPair, CallPair, CallTally
from sfnwatch.analysis.compare.visit_pair import VisitPair
from sfnwatch.analysis.denials import is_denial
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.lists import listed
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import plural, times
from sfnwatch.analysis.statuses import ended_words
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.visits import StateVisit

if TYPE_CHECKING:
    from sfnwatch.analysis.compare.comparison import Comparison

#
# Not every consequence of a cause is reported: an attempt that failed leads to another
# outcome, and that leads to another next state. So each state reports what came first.
# An aborted state comes after all that happened inside the same Map or Parallel, since
# the reason lies there.
_BEFORE, _AT, _AFTER, _LAST = range(4)
_At = tuple[int, int]
"""An event id of A, and the order of differences at the same event."""
_PairEnd = tuple[str, str | None]
"""A status and an error."""
_Placed = tuple[_At, Finding]
_Found = Iterator[_Placed]
_LATE_OR_MADE = frozenset({CallRole.POLL, CallRole.ACTION})
"""A missing poll is a matter of time. A missing action was made all the same, or the
attempt would have failed: CloudTrail has no record of it."""


def _difference(
    at: _At, kind: str, text: str, a: str | None, b: str | None, **more: Any
) -> _Placed:
    where = dict.fromkeys(("state", "index", "attempt", "call"))
    return at, finding(kind, text, **{**where, "a": a, "b": b, **more})


def _both(name: str, verb: str, a: str, b: str) -> str:
    return f"{name} {verb}{' ' if verb else ''}{a} in A and {b} in B."


def in_states(comparison: "Comparison") -> _Found:
    for pair in comparison.pairs:
        a = pair.a
        b = pair.b
        if a is None or b is None:
            continue
        if a.type != b.type:
            types = (f"a {named(visit.type)} state" for visit in (a, b))
            text = _both(pair.title, "is", *types)
            at = (a.id, _AT)
            yield _difference(at, "type", text, a.type, b.type, state=pair.place)
            continue
        resource = _other_resource(pair, a.id)
        calls = _other_calls(pair) if comparison.calls_compared and not resource else ()
        attempt = _other_attempt(pair, a, b)
        outcome = None if attempt or pair.running else _other_outcome(pair, a, b)
        yield from filter(None, (resource, *calls, attempt, outcome))


def _other_resource(pair: VisitPair, event_id: int) -> _Placed | None:
    first = [case.attempt for each in pair.attempts[:1] for case in each.cases if case]
    names = [resource_words(attempt) for attempt in first]
    if len(set(names)) <= 1:
        return None
    text = _both(pair.title, "runs", *names)
    at = (event_id, _AT)
    a, b = names
    return _difference(at, "resource", text, a, b, state=pair.place, attempt=1)


def _other_attempt(pair: VisitPair, a: StateVisit, b: StateVisit) -> _Placed | None:
    """Return the first attempt that ended otherwise, or that only one side made."""
    for each in pair.attempts:
        if each.a is None or each.b is None:
            if (a if each.a is None else b).running:
                return None  # the attempt may yet come
            counts = (len(a.attempts), len(b.attempts))
            at = (_end(a), _AT)
            text = _both(pair.title, "was tried", *map(times, counts))
            return _difference(at, "try", text, *map(str, counts), state=pair.place)
        one = each.a.attempt
        other = each.b.attempt
        alike = one.status == other.status or each.number == 1
        last = each is pair.attempts[-1]
        if "running" in {one.status, other.status} or (last and alike):
            return None  # the state's own outcome reports the last attempt
        ends = [(attempt.status, attempt.error) for attempt in (one, other)]
        name = f"Attempt {each.number} of {pair.title}"
        at = (one.event_ids[-1], _AT)
        where: dict[str, Any] = {"state": pair.place, "attempt": each.number}
        if found := _other_end("try", name, at, ends, **where):
            return found
    return None


def _other_outcome(pair: VisitPair, a: StateVisit, b: StateVisit) -> _Placed | None:
    at = (_end(a), _AFTER)
    statuses = {a.status, b.status}
    if pair.around and pair.around.a and len(statuses) > 1 and "aborted" in statuses:
        at = _end(pair.around.a), _BEFORE
    ends = [(visit.status, error_of(visit)) for visit in (a, b)]
    return _other_end("outcome", pair.title, at, ends, state=pair.place)


def _other_end(
    kind: str, name: str, at: _At, ends: Sequence[_PairEnd], **more: Any
) -> _Placed | None:
    """Compare two ends by their statuses, or by their errors if these are equal."""
    (a, error_a), (b, error_b) = ends
    if a != b:
        in_a, in_b = map(_ended, ends)
        text = _both(name, "", in_a, in_b) if name else f"A {in_a} and B {in_b}."
        return _difference(at, kind, text, a, b, **more)
    if a == "succeeded" or error_a == error_b:
        return None
    errors = (named(e) if e else "no error named" for e in (error_a, error_b))
    who = name or "The execution"
    text = _both(who, "failed", *(f"with {error}" for error in errors))
    return _difference(at, "error", text, error_a, error_b, **more)


def error_of(visit: StateVisit) -> str | None:
    """Return the error that a state failed with: its own or its last attempt's."""
    return visit.error or (visit.attempts[-1].error if visit.attempts else None)


def _end(visit: StateVisit) -> int:
    return max(visit.event_ids, default=visit.id)


def _ended(end: _PairEnd) -> str:
    status, error = end
    reason = f" with {named(error)}" if error and status != "succeeded" else ""
    then = " (caught)" if status == "caught" else ""
    return f"{ended_words(status)}{reason}{then}"


def _other_calls(pair: VisitPair) -> _Found:
    for each in pair.attempts:
        for call in each.calls if each.a and each.b else ():
            denied = codes_of(call.a) != codes_of(call.b)
            lone = call.a is None or call.b is None
            if denied or (lone and call.role not in _LATE_OR_MADE):
                yield _other_call(pair, each, call)


def codes_of(tally: CallTally | None) -> frozenset[str]:
    """Return the error codes of calls; none for no calls."""
    return frozenset(tally.error_codes) if tally is not None else frozenset()


def _other_call(pair: VisitPair, attempt: AttemptPair, call: CallPair) -> _Placed:
    kind = "call" if codes_of(call.a) == codes_of(call.b) else "denied"
    cases = [case for case in attempt.cases if case is not None]
    polling = call.role is CallRole.POLL
    name = call.event_name
    what = f"{named(name)} {'poll' if polling else 'call'}"
    so_far = [" so far" if polling and not case.complete else "" for case in cases]
    tallies = call.a, call.b
    each = zip("AB", tallies, so_far, strict=True)
    told = [f"{_calls(letter, tally, what)}{more}" for letter, tally, more in each]
    sure = not any(so_far) and all(tally and not tally.guessed for tally in tallies)
    number = f" (attempt {attempt.number})" if len(pair.attempts) > 1 else ""
    text = f"For {pair.title}{number}, {'; '.join(told)}."
    if polling and {v and v.status for v in (pair.a, pair.b)} == {"succeeded"}:
        # An event reports the end as well, so the denials did no harm.
        text += " The state still succeeded in both."
    at = cases[0].attempt.event_ids[-1], _BEFORE
    if call.role is CallRole.ACTION:
        at = cases[0].attempt.scheduled_id, _AFTER
    every = (each for case in cases for each in case.calls.every)
    proofs = [each for each in every if each.event_name == name]
    where = {"state": pair.place, "attempt": attempt.number, "call": call}
    return _difference(at, kind, text, name, name, **where, proofs=proofs, fact=sure)


def _calls(letter: str, tally: CallTally | None, what: str) -> str:
    """Describe the calls of one side: `all 5 … polls of B were denied with …`."""
    if tally is None:
        return f"no {what} is matched to {letter}"
    count = tally.count
    failed = tally.failed
    many = f"all {count} {what}s" if count > 1 else f"the {what}"
    if 0 < failed < count:
        many = f"{failed} of {count} {what}s"
    if tally.guessed:
        many = f"up to {plural(failed or count, what)}"
    if not failed:
        return f"{many} of {letter} succeeded"
    codes = listed([named(code) for code in tally.error_codes])
    denied = "was denied" if failed == 1 else "were denied"
    how = denied if all(map(is_denial, tally.error_codes)) else "failed"
    return f"{many} of {letter} {how} with {codes}"


def in_order(comparison: "Comparison") -> _Found:
    """Compare the order of the states in each branch or iteration of both."""
    levels = grouped(comparison.pairs, lambda pair: (pair.around, pair.visit.index))
    for level in levels.values():
        in_a = [pair for pair in level if pair.a]
        of_b = {pair.b.id: pair for pair in level if pair.b}
        in_b = [of_b[number] for number in sorted(of_b)]
        if in_a and in_b and in_a[0] is not in_b[0]:
            yield _first_state(in_a[0], in_b[0])
        after_b = {pair.place: after for pair, after in zip_longest(in_b, in_b[1:])}
        for pair, next_a in zip_longest(in_a, in_a[1:]):
            next_b = after_b.get(pair.place)
            if pair.both and next_a is not next_b:
                ends = [next_a.a if next_a else None, next_b.b if next_b else None]
                yield from _next_state(pair, ends)


def _first_state(a: VisitPair, b: VisitPair) -> _Placed:
    names = (a.visit.name, (b.b or b.visit).name)
    index = a.visit.index
    number = f"[{index}]" if index is not None else ""
    inside = f"In {a.around.title}{number}, " if a.around else ""
    text = f"{inside}A started with {named(names[0])} and B with {named(names[1])}."
    at = (a.visit.id, _BEFORE)
    place = a.around and a.around.place
    return _difference(at, "first-state", text, *names, state=place, index=index)


def _next_state(pair: VisitPair, visits: Sequence[StateVisit | None]) -> _Found:
    if not pair.a or not pair.b or pair.moved or pair.a.status != pair.b.status:
        return  # another end explains what followed
    around: list[StateVisit | ExecutionAsOf | None]
    around = [side.execution for side in pair.sides]
    if pair.around is not None:
        around = [pair.around.a, pair.around.b]
    if any(o and o.running and not v for o, v in zip(around, visits, strict=True)):
        return  # it may yet continue
    names = [visit.name if visit else None for visit in visits]
    ends = [f"went on to {named(n)}" if n else "went no further" for n in names]
    text = f"After {pair.title}, A {ends[0]} and B {ends[1]}."
    at = _end(pair.a), _LAST
    yield _difference(at, "next-state", text, *names, state=pair.place)


def iteration_counts(comparison: "Comparison") -> _Found:
    for place, group in comparison.groups.items():
        pair = comparison.pairs[place]
        counts = len(group.a.seconds), len(group.b.seconds)
        if pair.a and pair.b and counts[0] != counts[1] and not pair.running:
            thing = ("iteration", "iterations")
            if pair.visit.type == "Parallel":
                thing = ("branch", "branches")
            text = _both(pair.title, "had", plural(counts[0], *thing), f"{counts[1]:,}")
            at = (pair.a.id, _AFTER)
            told = map(str, counts)
            yield _difference(at, "iterations", text, *told, state=place)


def endings(comparison: "Comparison") -> _Found:
    ends = [(s.execution.status.lower(), s.error) for s in comparison.sides]
    at = comparison.a.execution.event_count + 1, _LAST
    if not comparison.running and (found := _other_end("status", "", at, ends)):
        yield found
