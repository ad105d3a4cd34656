"""What of two executions is beside each other, and at which points they differ.

One execution is called A, the other B. Visits are matched level by level: those that
follow on each other inside the same branch or iteration of two states that are a pair
themselves. On a level the n-th visit of a name is the n-th of that name, so a loop is
matched turn by turn; where the orders differ, some have moved. What is left may still
do the same under another name.

Lengths are seconds; a difference is what B has more than A, a ratio how many times as
much. Where JSON has a key for a field, the field is called the same.
"""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import chain, zip_longest
from operator import itemgetter
from statistics import fmean, median
from typing import Any

from msgspec import Struct

from sfnwatch.analysis.case import AttemptCase, Case, Work, gaps
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.phases import (
    MatchedCalls,
    Phase,
    end_of,
    is_denial,
    length_of,
    seconds_by_phase,
)
from sfnwatch.analysis.verdict import ended_with
from sfnwatch.analysis.wording import (
    ended_words,
    grouped,
    listed,
    named,
    plural,
    ranked,
    resource_words,
    times,
)
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import role_of_call
from sfnwatch.model.state_language import states_of
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.model.values import text_of
from sfnwatch.model.visits import ROOT, StateVisit

_NEAR_SECONDS = 0.5
_NEAR_SHARE = 0.02
_SHORT_SHARE = 0.2
"""Short lengths no further apart than this are called about the same."""
_LARGE = 10
"""Ratios of at least this have no decimals, those below its inverse have four."""
_PATH = 400


class Lengths(Struct, frozen=True):
    """A length on both sides; None where there is none."""

    a: float | None = None
    b: float | None = None

    @property
    def difference(self) -> float | None:
        return None if self.a is None or self.b is None else self.b - self.a

    @property
    def ratio(self) -> float | None:
        return self.b / self.a if self.a and self.b is not None else None

    @property
    def longest(self) -> float:
        return max(self.a or 0.0, self.b or 0.0)

    @property
    def near(self) -> bool:
        """True for two lengths that a person would call the same."""
        if self.difference is None:
            return False
        short = min(_NEAR_SECONDS, _SHORT_SHARE * self.longest)
        return abs(self.difference) <= max(short, _NEAR_SHARE * self.longest)

    @property
    def more_words(self) -> str:
        """Write how much more or less: `+1m 18s`, `-0.42 s`."""
        more = self.difference
        if more is None:
            return ""
        return f"{'-' if more < 0 else '+'}{duration(abs(more))}"

    @property
    def ratio_words(self) -> str:
        """Write how many times as long, the same way for all: `×48`, `×0.0034`."""
        ratio = self.ratio
        if not ratio:
            return ""
        digits = 0 if ratio >= _LARGE else 2 if ratio >= 1 / _LARGE else 4
        return f"×{ratio:,.{digits}f}"


def extreme(lengths: Iterable[Lengths], sign: int) -> int | None:
    """Find which is so much longer in B than any other; for -1, shorter."""
    more = [0.0 if each.near else (each.difference or 0.0) * sign for each in lengths]
    most = max(more, default=0.0)
    return more.index(most) if most > 0 else None


# -- one execution ---------------------------------------------------------------------


class Side:
    """One execution; what still runs is measured to the last that is known of it."""

    def __init__(self, letter: str, case: Case) -> None:
        self.letter, self.case = letter, case
        """A or B, and what happened in its execution."""
        self.execution = case.execution
        self.now = case.known_to
        begun = case.execution.started_at
        known = case.survey.known_to(case.execution)
        seconds = round((known - begun).total_seconds(), 3) if begun and known else None
        self.seconds = None if seconds is None else max(0.0, seconds)
        """How long it took, so far while it runs."""
        self.error, _ = ended_with(case.moment, case.execution)
        """What it failed with."""
        first = self.execution.event(1)
        details = case.moment.trace.details(first) if first is not None else {}
        self.input = text_of(details.get("input"))
        """What it was given, as text; None where that is not known."""
        self.attempts = [each for use in case.uses for each in use.attempts]
        self.calls = MatchedCalls.joined(each.calls for each in self.attempts)
        """Every call that is matched to one of its attempts."""
        self.polls = MatchedCalls.joined(each.polls for each in self.attempts)
        """Those of its calls that asked for a job's end while its attempt waited."""
        rows = (each.attempt.integration for each in self.attempts)
        self.expects_calls = any(row is not None and row.recorded for row in rows)
        """True if an attempt of it made a call that CloudTrail records."""
        self.lacks_calls = self.expects_calls and not any(self.calls)
        """True if it made such calls, and none is matched."""


Sides = tuple[Side, Side]
"""A and B."""


# -- calls and attempts ----------------------------------------------------------------


class CallTally:
    """The calls of one name that an attempt made, or may have made."""

    def __init__(self, calls: MatchedCalls, apart: Sequence[float]) -> None:
        """`apart` has the seconds from one to the next."""
        every = calls.every
        self.count = len(every)
        self.error_codes = ranked(c.error_code for c in every if c.error_code)
        """How many calls ended with each, the most frequent first."""
        self.failed = sum(self.error_codes.values())
        self.interval_mean = fmean(apart) if apart else None
        self.interval_min = min(apart, default=None)
        self.interval_max = max(apart, default=None)
        self.guessed = len(calls.guessed)
        """How many of them are matched by a guess."""
        self.first = every[0].event_id
        """The first one's event id."""


class CallPair(Struct, frozen=True):
    """The calls of one name that an attempt made, on both sides."""

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
        """In the order in which A made the first of them; then what B alone made."""
        self.seconds = Lengths(*(case.seconds if case else None for case in cases))


def _tallies(case: AttemptCase | None) -> Mapping[tuple[CallRole, str, str], CallTally]:
    """Count the calls of an attempt by role, source and name."""
    if case is None:
        return {}
    link = case.moment.link
    polls = set(case.polls.ids)

    def kind(call: ApiCall) -> tuple[CallRole, str, str]:
        role = role_of_call(call, link(call))
        late = role is CallRole.POLL and call.event_id not in polls
        return CallRole.OTHER if late else role, call.event_source, call.event_name

    def apart(role: CallRole, calls: MatchedCalls) -> Sequence[float]:
        # From the action call on, as explain has it, where no others are polls, too.
        every = role is CallRole.POLL and len(calls.every) == len(case.polls.every)
        return case.spacing.seconds if every else gaps(calls.sure)

    found = case.calls.grouped(kind)
    return {
        each: CallTally(calls, apart(each[0], calls)) for each, calls in found.items()
    }


# -- visits ----------------------------------------------------------------------------

_Visits = Sequence[StateVisit]
_KeyOf = Callable[[StateVisit], Hashable]
"""Gives what two states have in common that may do the same."""
_Aligned = tuple[StateVisit | None, StateVisit | None, bool]
"""A visit of A and its counterpart in B, one of the two may be missing; and whether the
two come in another order."""


class VisitPair:
    """A visit of A beside its counterpart in B, or one that has none."""

    def __init__(
        self, place: int, around: "VisitPair | None", of: _Aligned, sides: Sides
    ) -> None:
        """`place` is its own among all pairs, `around` what it runs in."""
        self.a, self.b, self.moved = of
        self.sides = sides
        there = [visit for visit in (self.a, self.b) if visit is not None]
        self.visit = there[0]
        """A's or, where there is none, B's."""
        self.place = place
        self.around = around
        self.depth: int = around.depth + 1 if around is not None else 0
        self.stop = place + 1
        """The place after the last pair that runs in it; those in between all do."""
        self.occurrence = 1
        """Which pair of its path it is."""
        self.both = len(there) == len(sides)
        self.running = any(visit.running for visit in there)
        self.is_container = self.visit.type in {"Map", "Parallel"}
        """True for what takes the time of the states inside."""
        own = list(zip((self.a, self.b), sides, strict=True))
        self.seconds = Lengths(*(length_of(v, s.now) if v else None for v, s in own))
        """Of what still runs, so far."""
        spent = [seconds_by_phase(s.execution, v, s.now) if v else None for v, s in own]
        self.phases: Mapping[Phase, Lengths] = {
            phase: Lengths(*(e if e is None else e.get(phase, 0.0) for e in spent))
            for phase in Phase
            if phase is not Phase.STOPPED and any(e and phase in e for e in spent)
        }
        """What it was spent on; that it stood still is none of them. What lacks took
        no time."""
        tries = (s.case.attempts_of.get(v.id if v else 0, ()) for v, s in own)
        every = enumerate(zip_longest(*tries), start=1)
        self.attempts = [AttemptPair(number, cases) for number, cases in every]

    @property
    def title(self) -> str:
        """Name it by its path, and say which turn of it this is, if not the first."""
        path = clean(self.visit.path.removeprefix(f"{ROOT} / "), _PATH)
        return f"{path}{self._more}"

    @property
    def label(self) -> str:
        """Name it where it stands below what it runs in: `[3] Work`."""
        index = f"[{self.visit.index}] " if self.visit.index is not None else ""
        return f"{index}{named(self.visit.name)}{self._more}"

    @property
    def _more(self) -> str:
        """Give B's name of it, where that is another, and which turn this is."""
        other = self.b.name if self.b and self.b.name != self.visit.name else ""
        turn = f" (visit {self.occurrence})" if self.occurrence > 1 else ""
        return f"{other and f' / {named(other)}'}{turn}"


def pair_visits(sides: Sides) -> Work[list[VisitPair]]:
    """Pair the visits of two executions; what is inside of a state follows on it.

    On a level A's order is kept; what B alone has follows on what it followed there.
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


def _key_of(sides: Sides) -> _KeyOf:
    """Tell states apart by name; jobs whose names one machine alone has, by kind.

    Two that both start a job of one kind do the same by different names.
    """
    shared = _state_names(sides[0].execution) & _state_names(sides[1].execution)

    def key_of(visit: StateVisit) -> Hashable:
        row = visit.attempts[0].integration if visit.attempts else None
        if visit.name in shared or row is None or not row.starts_job:
            return visit.name
        return visit.type, row.event_source, row.action_event

    return key_of


def _state_names(execution: ExecutionAsOf) -> set[str]:
    """Name every state that a machine is known to have."""
    defined = {name for name, _ in states_of(execution.definition_text)}
    return defined | {visit.name for visit in execution.visits}


def _align_level(a: _Visits, b: _Visits, key_of: _KeyOf) -> list[_Aligned]:
    """Align what is inside of two states, branch by branch, the last first."""
    in_a, in_b = (grouped(visits, lambda visit: visit.index) for visits in (a, b))
    indexes = sorted({*in_a, *in_b}, key=lambda n: -1 if n is None else n)
    levels = (_align(in_a.get(n, ()), in_b.get(n, ()), key_of) for n in indexes)
    return list(chain.from_iterable(levels))[::-1]


def _align(a: _Visits, b: _Visits, key_of: _KeyOf) -> Iterator[_Aligned]:
    """Match two sequences by key and turn; what is farther back than another moved."""
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


# -- iterations ------------------------------------------------------------------------


class Iterations:
    """The iterations of one side's Map, or the branches of its Parallel, by index."""

    def __init__(self, visits: Iterable[StateVisit], now: datetime) -> None:
        self.seconds: dict[int | None, float] = {}
        self.statuses: dict[int | None, str] = {}
        """Each as the last of its states ended."""
        for index, own in grouped(visits, lambda visit: visit.index).items():
            # From the first entered to the last ended, but for pauses.
            begin = min(visit.entered_at for visit in own)
            end = max(end_of(visit, now) for visit in own)
            paused = sum(visit.paused for visit in own)
            self.seconds[index] = (end - begin).total_seconds() - paused
            running = any(visit.running for visit in own)
            self.statuses[index] = "running" if running else own[-1].status

    @property
    def spread(self) -> Mapping[str, Any] | None:
        """How many there are, and how long they took; None for none."""
        lengths = self.seconds
        if not lengths:
            return None
        least, most = (f(lengths, key=lengths.__getitem__) for f in (min, max))
        return {
            "count": len(lengths),
            "median": median(lengths.values()),
            "least": lengths[least],
            "least_index": least,
            "most": lengths[most],
            "most_index": most,
        }


class IterationGroup:
    """The iterations of a Map, or the branches of a Parallel, taken together."""

    def __init__(self, inside: Sequence[VisitPair], sides: Sides) -> None:
        level = grouped(inside, lambda pair: pair.visit.index).items()
        self.places = {index: (own[0].place, own[-1].stop) for index, own in level}
        """The places of the first pair of each, and after its last, by index."""
        self.a = Iterations(filter(None, (pair.a for pair in inside)), sides[0].now)
        self.b = Iterations(filter(None, (pair.b for pair in inside)), sides[1].now)

    def extreme(self, sign: int) -> tuple[int | None, Lengths] | None:
        """Give the one that took so much longer in B, by its index; for -1, less."""
        a = self.a.seconds
        b = self.b.seconds
        each = [(index, Lengths(a.get(index), b.get(index))) for index in self.places]
        place = extreme((lengths for _, lengths in each), sign)
        return None if place is None else each[place]


# -- the whole -------------------------------------------------------------------------


PairFields = Mapping[str, str]
"""What the definition of a state has, each field as a text."""


class DefinitionChanges:
    """In which states the definitions differ, each in the order of its machine."""

    def __init__(
        self,
        in_a: Mapping[str, PairFields],
        in_b: Mapping[str, PairFields],
        *,
        outside: bool,
    ) -> None:
        """Compare states by their names; `outside` says if what is in none differs."""
        self.same = in_a == in_b and not outside
        self.only_a = [name for name in in_a if name not in in_b]
        self.only_b = [name for name in in_b if name not in in_a]
        shared = (name for name in in_a if name in in_b)
        others = {name: in_a[name].items() ^ in_b[name].items() for name in shared}
        told = ((name, {key for key, _ in each}) for name, each in others.items())
        self.changed = {name: sorted(fields) for name, fields in told if fields}
        """A state's name, and which of its fields differ."""
        self.outside = outside


class Comparison:
    """Two executions beside each other; of use until their traces change."""

    def __init__(self, sides: Sides, pairs: Sequence[VisitPair]) -> None:
        self.sides = sides
        self.a, self.b = a, b = sides
        self.pairs = pairs
        """Every visit of both once, what is in a Map or Parallel right behind it."""
        inside = grouped(pairs, lambda pair: pair.around).items()
        self.groups = {p.place: IterationGroup(own, sides) for p, own in inside if p}
        """By the place of the Map or Parallel."""
        self.definitions: DefinitionChanges | None = None
        """None where one is not known."""
        self.gaps: Sequence[Finding] = ()
        """What could not be compared, or only with care."""
        self.running = a.execution.running or b.execution.running
        self.seconds = Lengths(a.seconds, b.seconds)
        """Of the whole executions; of what still runs, so far."""
        self.calls_compared = not (a.lacks_calls or b.lacks_calls)
        """False where one side's calls are not known."""
        given = a.input, b.input
        self.same_input = None if None in given else given[0] == given[1]
        """None where one is not known."""
        self.shared = sum(pair.both for pair in pairs)
        """How many visits the two have in common."""
        self.guesses = bool(a.calls.guessed or b.calls.guessed)
        """True if what is compared of calls rests on guesses, some of it."""

    @property
    def phases(self) -> Mapping[Phase, Lengths]:
        """What the states' time was spent on; those side by side count twice."""
        found: dict[Phase, Lengths] = {}
        for phase in Phase:
            told = [p.phases[phase] for p in self.pairs if phase in p.phases]
            a = sum(s.a or 0.0 for s in told)
            b = sum(s.b or 0.0 for s in told)
            if phase is not Phase.CONTAINER and (a or b):
                found[phase] = Lengths(a, b)
        return found

    @cached_property
    def differences(self) -> Sequence[Finding]:
        """At which points the two did something else, in the order of A.

        Times alone make none. Each is a sentence on what the two did; its kind is
        first-state, next-state, type, resource, iterations, outcome, try, error,
        denied, call or status, and its data has

        state     the place of the pair; None for the executions as such
        index     the branch or iteration that began with another state
        attempt   which attempt, from 1; of a call too
        a, b      what it was on each side: a state, a status, a resource, a call
        call      a CallPair
        """
        ways = (_in_states, _in_order, _iteration_counts, _endings)
        found = [each for find in ways for each in find(self)]
        return [difference for _, difference in sorted(found, key=itemgetter(0))]

    @cached_property
    def _differing(self) -> Sequence[int]:
        """The places of pairs that did something else, or have no counterpart."""
        told = {each.data["state"] for each in self.differences} - {None}
        return sorted(told | {pair.place for pair in self.pairs if not pair.both})

    def differs(self, start: int, stop: int) -> bool:
        """True if any pair differs, from a place to before another."""
        return bisect_left(self._differing, stop) > bisect_left(self._differing, start)

    def extreme(self, sign: int) -> int | None:
        """Find the place of the state that took so much longer in B; for -1, less."""
        settled = (
            Lengths() if pair.is_container or pair.running else pair.seconds
            for pair in self.pairs
        )
        return extreme(settled, sign)


# -- what is different -----------------------------------------------------------------
#
# Of one cause not every consequence is told: an attempt that failed makes another
# outcome, and that another next state. So each state tells of what came first in it.
# What was aborted comes after all that happened inside the same Map or Parallel: there
# lies the reason.

_BEFORE, _AT, _AFTER, _LAST = range(4)
_At = tuple[int, int]
"""An event id of A, and what comes first of those at the same."""
_PairEnd = tuple[str, str | None]
"""A status and an error."""
_Placed = tuple[_At, Finding]
_Found = Iterator[_Placed]
_LATE_OR_MADE = frozenset({CallRole.POLL, CallRole.ACTION})
"""A poll too few is a matter of time. An action that is missing was made all the same,
or the attempt would have failed: CloudTrail has not told of it."""


def _difference(
    at: _At, kind: str, text: str, a: str | None, b: str | None, **more: Any
) -> _Placed:
    where = dict.fromkeys(("state", "index", "attempt", "call"))
    return at, finding(kind, text, **{**where, "a": a, "b": b, **more})


def _both(name: str, verb: str, a: str, b: str) -> str:
    return f"{name} {verb}{' ' if verb else ''}{a} in A and {b} in B."


def _in_states(comparison: Comparison) -> _Found:
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
    """Find the first attempt that ended otherwise, or that only one side made."""
    for each in pair.attempts:
        if each.a is None or each.b is None:
            if (a if each.a is None else b).running:
                return None  # it may yet come
            counts = (len(a.attempts), len(b.attempts))
            at = (_end(a), _AT)
            text = _both(pair.title, "was tried", *map(times, counts))
            return _difference(at, "try", text, *map(str, counts), state=pair.place)
        one = each.a.attempt
        other = each.b.attempt
        alike = one.status == other.status or each.number == 1
        last = each is pair.attempts[-1]
        if "running" in {one.status, other.status} or (last and alike):
            return None  # the latter is told of the state
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
    """Compare how two things ended: by their status, else by their errors."""
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
    """Give the error a state failed with, its own or its last attempt's."""
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
    """Name what like calls were refused with."""
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
        # An event tells of the end as well: the refusals did no harm.
        text += " The state still succeeded in both."
    at = cases[0].attempt.event_ids[-1], _BEFORE
    if call.role is CallRole.ACTION:
        at = cases[0].attempt.scheduled_id, _AFTER
    every = (each for case in cases for each in case.calls.every)
    proofs = [each for each in every if each.event_name == name]
    where = {"state": pair.place, "attempt": attempt.number, "call": call}
    return _difference(at, kind, text, name, name, **where, proofs=proofs, fact=sure)


def _calls(letter: str, tally: CallTally | None, what: str) -> str:
    """Say what became of one side's calls: `all 5 … polls of B were denied with …`."""
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


def _in_order(comparison: Comparison) -> _Found:
    """Compare what follows on each other in each branch or iteration of both."""
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
        return  # it may yet go on
    names = [visit.name if visit else None for visit in visits]
    ends = [f"went on to {named(n)}" if n else "went no further" for n in names]
    text = f"After {pair.title}, A {ends[0]} and B {ends[1]}."
    at = _end(pair.a), _LAST
    yield _difference(at, "next-state", text, *names, state=pair.place)


def _iteration_counts(comparison: Comparison) -> _Found:
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


def _endings(comparison: Comparison) -> _Found:
    ends = [(s.execution.status.lower(), s.error) for s in comparison.sides]
    at = comparison.a.execution.event_count + 1, _LAST
    if not comparison.running and (found := _other_end("status", "", at, ends)):
        yield found
