"""What of two executions is beside each other: visits, attempts, calls, iterations.

One execution is called A, the other B. Visits are matched level by level: those that
follow on each other inside the same branch or iteration of two states that are a pair
themselves. On a level the n-th visit of a name is the n-th of that name, so a loop is
matched turn by turn; where the orders differ, as many as possible keep theirs, and the
rest has moved. What is left between two of those that keep their order may still do the
same under another name.

Lengths are seconds; a difference is what B has more than A, a ratio how many times as
much. Where JSON has a key for a field, the field is called the same.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import zip_longest
from statistics import fmean, median
from typing import NamedTuple

from msgspec import Struct

from sfnwatch.analysis.case import AttemptCase, Case, MatchedCalls, Work, gaps, grouped
from sfnwatch.analysis.finding import Certainty
from sfnwatch.analysis.outcomes import caught_errors, ended_with
from sfnwatch.analysis.phases import Phase, end_of, length_of, seconds_by_phase
from sfnwatch.analysis.wording import named, ranked
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linker import role_of_call
from sfnwatch.model.values import clean, duration, text_of
from sfnwatch.model.visits import ROOT, Attempt, StateVisit

_PAUSE = 100
"""After so many visits the work may pause."""
_NEAR_SECONDS, _NEAR_SHARE = 0.5, 0.02
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
    best, most = None, 0.0
    for place, each in enumerate(lengths):
        more = (each.difference or 0.0) * sign
        if more > most and not each.near:
            best, most = place, more
    return best


# -- one execution ---------------------------------------------------------------------


class Side:
    """One execution; what still runs is measured to the last that is known of it."""

    def __init__(self, letter: str, case: Case) -> None:
        self.letter = letter
        """A or B."""
        self.moment = moment = case.moment
        self.execution, self.visits = case.execution, case.visits
        self.retrying, self.now = case.retrying, case.known_to
        begin = self.execution.started_at
        end = self.execution.stopped_at or self.now
        seconds = max(0.0, (end - (begin or end)).total_seconds())
        self.seconds = seconds if begin is not None else None
        """How long it took; so far, while it runs."""
        self.error = ended_with(moment, self.execution.ending)[0]
        """What it failed with."""
        first = self.execution.event(1)
        details = moment.trace.details(first) if first is not None else {}
        self.input = text_of(details.get("input"))
        """What it was given, as text; None where that is not known."""
        caught = caught_errors(self.execution, self.visits)
        self.caught = {each.visit.id: each for each in caught}
        """What was caught, by the id of the visit that failed."""
        attempts = [each for use in case.uses for each in use.attempts]
        self.attempts = {each.attempt.scheduled_id: each for each in attempts}
        """By the id of the event that scheduled it."""
        self.calls = MatchedCalls.joined(each.calls for each in attempts)
        """Every call that is matched to one of its attempts."""
        self.polls = MatchedCalls.joined(each.polls for each in attempts)
        """Those of its calls that asked for a job's end while its attempt waited."""
        self.complete_to = case.survey.coverage.measured
        """Up to when CloudTrail is complete, where that is measured."""
        rows = (each.attempt.integration for each in attempts)
        self.expects_calls = any(row is not None and row.recorded for row in rows)
        """True if an attempt of it made a call that CloudTrail records."""
        self.lacks_calls = self.expects_calls and not any(self.calls)
        """True if it made such calls, and none is matched."""

    def is_same(self, other: "Side") -> bool:
        """True if the other is the same execution, as of the same moment."""
        own, its = self.moment, other.moment
        shared = own.trace is its.trace and own.at == its.at and own.clock is its.clock
        return shared and self.execution.arn == other.execution.arn

    def case_of(self, attempt: Attempt | None) -> AttemptCase | None:
        return self.attempts[attempt.scheduled_id] if attempt is not None else None


Sides = tuple[Side, Side]
"""A and B."""


# -- calls and attempts ----------------------------------------------------------------


class CallTally:
    """The calls of one name that an attempt made, or may have made."""

    def __init__(self, calls: MatchedCalls) -> None:
        every, between = calls.every, gaps(calls.sure)
        self.count = len(every)
        self.error_codes = ranked(c.error_code for c in every if c.error_code)
        """How many calls ended with each, the most frequent first."""
        self.failed = sum(self.error_codes.values())
        self.interval_mean = fmean(between) if between else None
        """Seconds from one to the next; None for a single one."""
        self.interval_min = min(between, default=None)
        self.interval_max = max(between, default=None)
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

    def __init__(
        self, number: int, a: AttemptCase | None, b: AttemptCase | None
    ) -> None:
        self.number, self.a, self.b, self.cases = number, a, b, (a, b)
        in_a, in_b = map(_tallies, self.cases)
        self.calls = [CallPair(*k, in_a.get(k), in_b.get(k)) for k in {**in_a, **in_b}]
        """In the order in which A made the first of them; then what B alone made."""
        self.seconds = Lengths(*map(_attempt_length, self.cases))
        """From scheduled to ended; None while it runs."""


def _attempt_length(case: AttemptCase | None) -> float | None:
    if case is None or case.attempt.ended_at is None:
        return None
    return (case.attempt.ended_at - case.attempt.scheduled_at).total_seconds()


def _tallies(case: AttemptCase | None) -> Mapping[tuple[CallRole, str, str], CallTally]:
    """Count the calls of an attempt by role, source and name."""
    if case is None:
        return {}
    link, polls = case.moment.link, set(case.polls.ids)

    def kind(call: ApiCall) -> tuple[CallRole, str, str]:
        role = role_of_call(call, link(call))
        late = role is CallRole.POLL and call.event_id not in polls
        return CallRole.OTHER if late else role, call.event_source, call.event_name

    found = case.calls.grouped(kind)
    return {each: CallTally(calls) for each, calls in found.items()}


# -- visits ----------------------------------------------------------------------------


class _Aligned(NamedTuple):
    """A visit of A and its counterpart in B; one of the two may be missing."""

    a: StateVisit | None
    b: StateVisit | None
    moved: bool = False
    """True where the two come in another order."""


class VisitPair:
    """A visit of A beside its counterpart in B, or one that has none."""

    def __init__(
        self, place: int, parent: "VisitPair | None", of: _Aligned, sides: Sides
    ) -> None:
        """`place` is its own among all pairs, `parent` what it runs in."""
        self.a, self.b, self.moved = of
        there = [visit for visit in (self.a, self.b) if visit is not None]
        self.visit = there[0]
        """A's or, where there is none, B's."""
        self.place = place
        self.parent = parent.place if parent is not None else None
        self.depth: int = parent.depth + 1 if parent is not None else 0
        self.stop = place + 1
        """The place after the last pair that runs in it; those in between all do."""
        self.occurrence = 1
        """Which pair of its path it is."""
        self.both = len(there) == len(sides)
        self.running = any(visit.running for visit in there)
        self.is_container = self.visit.type in {"Map", "Parallel"}
        """True for what takes the time of the states inside."""
        own = list(zip((self.a, self.b), sides, strict=True))
        lengths = (length_of(v, side.now) if v is not None else None for v, side in own)
        self.seconds = Lengths(*lengths)
        """Of what still runs, so far."""
        self.phases = _phases(own)
        """What it was spent on; that it stood still is none of them."""
        tries = (visit.attempts if visit is not None else () for visit, _ in own)
        self.attempts = [
            AttemptPair(number, *map(Side.case_of, sides, pair))
            for number, pair in enumerate(zip_longest(*tries), start=1)
        ]

    @property
    def name_in_b(self) -> str | None:
        """B's name of it, where that is another."""
        return self.b.name if self.b and self.b.name != self.visit.name else None

    @property
    def title(self) -> str:
        """Name it by its path, and say which turn of it this is, if not the first."""
        path = clean(self.visit.path.removeprefix(f"{ROOT} / "), _PATH)
        other = f" ({named(self.name_in_b)} in B)" if self.name_in_b else ""
        return f"{path}{other}{self._turn}"

    @property
    def label(self) -> str:
        """Name it where it stands below what it runs in: `[3] Work`."""
        index = f"[{self.visit.index}] " if self.visit.index is not None else ""
        other = f" / {named(self.name_in_b)}" if self.name_in_b else ""
        return f"{index}{named(self.visit.name)}{other}{self._turn}"

    @property
    def _turn(self) -> str:
        return f" (visit {self.occurrence})" if self.occurrence > 1 else ""


KindOf = Callable[[StateVisit], Hashable | None]
"""What two visits of different names must have in common; None: nothing would do."""
_Level = Mapping[int | None, Sequence[StateVisit]]
"""The visits inside of one, by the branch or iteration that they run in."""


def pair_visits(sides: Sides, kind_of: KindOf) -> Work[list[VisitPair]]:
    """Pair the visits of two executions; what is inside of a state follows on it.

    On a level A's order is kept; what B alone has follows on what it followed there.
    """
    inside_a, inside_b = (_inside(side.visits) for side in sides)
    found: list[VisitPair] = []
    turns: Counter[str] = Counter()
    # Not by recursion: a history may be nested as deep as it is long.
    level = _align_level(inside_a.get(None, {}), inside_b.get(None, {}), kind_of)
    waiting: list[tuple[VisitPair | None, _Aligned]] = [(None, each) for each in level]
    while waiting:
        if not len(found) % _PAUSE:
            yield
        parent, aligned = waiting.pop()
        pair = VisitPair(len(found), parent, aligned, sides)
        found.append(pair)
        turns[pair.visit.path] += 1
        pair.occurrence = turns[pair.visit.path]
        own = inside_a.get(pair.a.id, {}) if pair.a is not None else {}
        its = inside_b.get(pair.b.id, {}) if pair.b is not None else {}
        waiting += ((pair, each) for each in _align_level(own, its, kind_of))
    for pair in reversed(found):
        if pair.parent is not None:
            around = found[pair.parent]
            around.stop = max(around.stop, pair.stop)
    return found


def _phases(own: Iterable[tuple[StateVisit | None, Side]]) -> Mapping[Phase, Lengths]:
    """Put the phases of a visit beside its counterpart's: what lacks took no time."""
    spent = [
        seconds_by_phase(visit, side.now, side.retrying) if visit is not None else None
        for visit, side in own
    ]
    phases = {phase for each in spent for phase in each or ()} - {Phase.STOPPED}
    return {
        phase: Lengths(*(None if e is None else e.get(phase, 0.0) for e in spent))
        for phase in Phase
        if phase in phases
    }


def _inside(visits: Iterable[StateVisit]) -> Mapping[int | None, _Level]:
    """Sort visits by the visit they run in, then by branch or iteration."""
    found: dict[int | None, dict[int | None, list[StateVisit]]] = {}
    for visit in sorted(visits, key=lambda visit: visit.id):
        found.setdefault(visit.parent, {}).setdefault(visit.index, []).append(visit)
    return found


def _align_level(a: _Level, b: _Level, kind_of: KindOf) -> list[_Aligned]:
    """Align what is inside of two states, the last first."""
    return [
        aligned
        for index in sorted({*a, *b}, key=lambda index: -1 if index is None else index)
        for aligned in _align(a.get(index, ()), b.get(index, ()), kind_of)
    ][::-1]


def _align(
    a: Sequence[StateVisit], b: Sequence[StateVisit], kind_of: KindOf
) -> Iterator[_Aligned]:
    """Match two sequences by name and turn, then by kind within each gap."""
    partners = _partners([v.name for v in a], [v.name for v in b])
    taken = set(partners)
    begin_a = begin_b = 0
    for at, place in (*_longest_rising(partners), (len(a), len(b))):
        lone_a = [n for n in range(begin_a, at) if partners[n] is None]
        lone_b = [n for n in range(begin_b, place) if n not in taken]
        kinds = _partners(
            [kind_of(a[n]) for n in lone_a], [kind_of(b[n]) for n in lone_b]
        )
        renamed = {lone_a[m]: lone_b[n] for m, n in _longest_rising(kinds)}
        for n in range(begin_a, at):
            partner = partners[n]
            other = renamed.get(n) if partner is None else partner
            its = b[other] if other is not None else None
            yield _Aligned(a[n], its, partner is not None)
        left = {*lone_b} - {*renamed.values()}
        yield from (_Aligned(None, b[n]) for n in sorted(left))
        if at < len(a):
            yield _Aligned(a[at], b[place])
        begin_a, begin_b = at + 1, place + 1


def _partners(
    a: Sequence[Hashable | None], b: Sequence[Hashable | None]
) -> list[int | None]:
    """Give for each key of A the place in B of the same turn of it; None has none."""
    places = {turn: place for place, turn in enumerate(_turns(b))}
    return [places.get(t) if t[0] is not None else None for t in _turns(a)]


def _turns(keys: Iterable[Hashable | None]) -> Iterator[tuple[Hashable | None, int]]:
    counted: Counter[Hashable | None] = Counter()
    for key in keys:
        counted[key] += 1
        yield key, counted[key]


def _longest_rising(places: Sequence[int | None]) -> list[tuple[int, int]]:
    """Choose the most positions whose places rise, each with its place.

    No place stands at two positions.
    """
    best: list[_Run] = []
    """Of the rising runs of each length the one that ends with the least place."""
    for at, place in enumerate(places):
        if place is not None:
            length = bisect_left(best, place, key=lambda run: run[1])
            best[length : length + 1] = [(at, place, best[length - 1 : length])]
    found: list[tuple[int, int]] = []
    runs = best[-1:]
    while runs:
        at, place, runs = runs[0]
        found.append((at, place))
    return found[::-1]


_Run = tuple[int, int, "list[_Run]"]
"""The end of a rising run: a position, its place, and the run before it."""


# -- iterations ------------------------------------------------------------------------


class Spread(Struct, frozen=True):
    """How long the iterations of one side took."""

    count: int
    median: float
    least: float
    least_index: int | None
    most: float
    most_index: int | None


class Iterations:
    """The iterations of one side's Map, or the branches of its Parallel, by index."""

    def __init__(self, visits: Iterable[StateVisit | None], now: datetime) -> None:
        self.seconds: dict[int | None, float] = {}
        self.statuses: dict[int | None, str] = {}
        """Each as the last of its states ended."""
        there = (visit for visit in visits if visit is not None)
        for index, own in grouped(there, lambda visit: visit.index).items():
            # From the first entered to the last ended, but for pauses.
            begin = min(visit.entered_at for visit in own)
            end = max(end_of(visit, now) for visit in own)
            paused = sum(visit.paused for visit in own)
            self.seconds[index] = (end - begin).total_seconds() - paused
            running = any(visit.running for visit in own)
            self.statuses[index] = "running" if running else own[-1].status

    @property
    def spread(self) -> Spread | None:
        lengths = self.seconds
        if not lengths:
            return None
        least, most = (f(lengths, key=lengths.__getitem__) for f in (min, max))
        middle = median(lengths.values())
        return Spread(len(lengths), middle, lengths[least], least, lengths[most], most)


class IterationGroup(Struct, frozen=True):
    """The iterations of a Map, or the branches of a Parallel, taken together."""

    places: Mapping[int | None, tuple[int, int]]
    """The places of the first pair of each, and after its last, by index."""
    a: Iterations
    b: Iterations

    def extreme(self, sign: int) -> tuple[int | None, Lengths] | None:
        """Give the one that took so much longer in B, by its index; for -1, less."""
        a, b = self.a.seconds, self.b.seconds
        each = [(index, Lengths(a.get(index), b.get(index))) for index in self.places]
        place = extreme((lengths for _, lengths in each), sign)
        return None if place is None else each[place]


def group_iterations(
    pairs: Sequence[VisitPair], sides: Sides
) -> Mapping[int, IterationGroup]:
    """Group what is in each Map and Parallel, by the place of its pair."""
    now_a, now_b = (side.now for side in sides)
    found = {}
    for state, inside in grouped(pairs, lambda pair: pair.parent).items():
        if state is not None:
            level = grouped(inside, lambda pair: pair.visit.index).items()
            places = {index: (own[0].place, own[-1].stop) for index, own in level}
            in_a = Iterations((pair.a for pair in inside), now_a)
            in_b = Iterations((pair.b for pair in inside), now_b)
            found[state] = IterationGroup(places, in_a, in_b)
    return found


# -- the whole -------------------------------------------------------------------------


class Difference(Struct, frozen=True):
    """A point at which the two did something else; times alone make none."""

    kind: str
    """first-state, next-state, type, resource, iterations, outcome, try, error, denied,
    call or status."""
    at: tuple[int, int]
    """An event id of A, and what comes first of those at the same."""
    text: str
    """A sentence on what the two did."""
    state: int | None = None
    """The place of the pair; None for the executions as such."""
    a: str | None = None
    """What it was in A, as the kind says: a state, a status, a resource, a call."""
    b: str | None = None
    attempt: int | None = None
    """Which attempt, from 1; of a call too."""
    call: CallPair | None = None
    index: int | None = None
    """The branch or iteration that began with another state."""
    certainty: Certainty = Certainty.FACT
    evidence: tuple[str, ...] = ()


class ComparisonGap(Struct, frozen=True):
    """Something that could not be compared, or only with care."""

    kind: str
    """same-execution, no-history, partial-history, running, other-machine, no-calls,
    late-calls, shared-calls or no-definition."""
    text: str
    side: str | None = None
    """The side where it is missing, `a` or `b`; None: both."""
    count: int = 0


class DefinitionChanges(Struct, frozen=True):
    """In which states the definitions differ, each in the order of its machine."""

    same: bool
    only_a: Sequence[str]
    only_b: Sequence[str]
    changed: Mapping[str, Sequence[str]]
    """A state's name, and which of its fields differ."""
    outside: bool
    """True if what is in no state differs: where it starts, its time-out."""


class Comparison:
    """Two executions beside each other; of use until their traces change."""

    def __init__(self, sides: Sides, pairs: Sequence[VisitPair]) -> None:
        self.sides = sides
        self.a, self.b = a, b = sides
        self.pairs = pairs
        """Every visit of both once, what is in a Map or Parallel right behind it."""
        self.groups = group_iterations(pairs, sides)
        """By the place of the Map or Parallel."""
        self.definitions: DefinitionChanges | None = None
        """None where one is not known."""
        self.differences: Sequence[Difference] = ()
        """In the order of A."""
        self.gaps: Sequence[ComparisonGap] = ()
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
            a, b = sum(s.a or 0.0 for s in told), sum(s.b or 0.0 for s in told)
            if phase is not Phase.CONTAINER and (a or b):
                found[phase] = Lengths(a, b)
        return found

    @cached_property
    def differing(self) -> Sequence[int]:
        """The places of pairs that did something else, or have no counterpart."""
        told = {each.state for each in self.differences if each.state is not None}
        return sorted(told | {pair.place for pair in self.pairs if not pair.both})

    def count_differing(self, start: int, stop: int) -> int:
        """Count the differing pairs from a place to before another."""
        return bisect_left(self.differing, stop) - bisect_left(self.differing, start)

    def extreme(self, sign: int) -> int | None:
        """Find the place of the state that took so much longer in B; for -1, less."""
        settled = (
            Lengths() if pair.is_container or pair.running else pair.seconds
            for pair in self.pairs
        )
        return extreme(settled, sign)
