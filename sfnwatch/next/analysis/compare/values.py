"""What of two executions is compared, beside each other.

One execution is called A, the other B. Lengths are seconds; a difference is what B has
more than A, a ratio how many times as much. Where JSON has a key for a field, the field
is called the same.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from itertools import groupby, pairwise, zip_longest
from statistics import mean, median

from msgspec import Struct
from msgspec.structs import asdict

from sfnwatch.next.analysis.case import AttemptCase, Case, Work
from sfnwatch.next.analysis.compare.alignment import Match
from sfnwatch.next.analysis.failures import Caught, caught_errors
from sfnwatch.next.analysis.finding import Certainty
from sfnwatch.next.analysis.phases import Phase, end_of, length_of, seconds_by_phase
from sfnwatch.next.analysis.wording import named
from sfnwatch.next.model.api_call import ApiCall
from sfnwatch.next.model.integrations import CallRole
from sfnwatch.next.model.json_text import text_of
from sfnwatch.next.model.links import LinkRule
from sfnwatch.next.model.text import clean, duration
from sfnwatch.next.model.visits import ROOT, StateVisit

_PAUSE = 100
"""After so many visits the work may pause."""
_NEVER = datetime.min.replace(tzinfo=UTC)
_NEAR_SECONDS, _NEAR_SHARE = 0.5, 0.02
_SHORT_SHARE = 0.2
"""Short lengths no further apart than this are called about the same."""
_LARGE = 10
"""Ratios of at least this have no decimals, those below its inverse have four."""
_PATH = 400
_WEAK = frozenset({LinkRule.UNIQUE_CANDIDATE})


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


def status_words(status: str | None) -> str:
    """Say a status as people do; one of AWS's future is taken as it is."""
    return named((status or "unknown").lower().replace("_", " "))


# -- one execution ---------------------------------------------------------------------


class Side:
    """One execution; what still runs is measured to `now`, or to its last event."""

    def __init__(self, letter: str, case: Case, now: datetime | None) -> None:
        self.letter = letter
        """A or B."""
        self.moment, self.coverage = case.moment, case.survey.coverage
        self.execution, self.visits = case.execution, case.visits
        attempts = (each for use in case.uses for each in use.attempts)
        self.attempts = {each.attempt.scheduled_id: each for each in attempts}
        """By the id of the event that scheduled it."""
        now = now or self.moment.at
        last = self.execution.events[-1].at if self.execution.events else _NEVER
        self.now = max(now, last) if now is not None else last

    @property
    def seconds(self) -> float | None:
        """How long it took; so far, while it runs."""
        begin = self.execution.started_at
        if begin is None:
            return None
        end = self.execution.stopped_at or self.now
        return max(0.0, (end - begin).total_seconds())

    @cached_property
    def error(self) -> str | None:
        """What it failed with."""
        ending = self.execution.ending
        return self._detail(ending.id, "error") if ending is not None else None

    @property
    def input(self) -> str | None:
        """What it was given, as text; None where that is not known."""
        return self._detail(1, "input")

    def _detail(self, event_id: int, key: str) -> str | None:
        event = self.execution.event(event_id)
        return text_of(self.moment.trace.details(event).get(key)) if event else None

    @cached_property
    def caught(self) -> Mapping[int, Caught]:
        """What was caught, by the id of the visit that failed."""
        found = caught_errors(self.execution, self.visits)
        return {each.visit.id: each for each in found}

    def is_same(self, other: "Side") -> bool:
        """True if the other is the same execution, as of the same moment."""
        own, its = self.moment, other.moment
        shared = own.trace is its.trace and own.at == its.at and own.clock is its.clock
        return shared and self.execution.arn == other.execution.arn

    @cached_property
    def calls(self) -> Sequence[ApiCall]:
        """Every call that is matched to one of its attempts."""
        return [call for each in self.attempts.values() for call in each.calls]

    @cached_property
    def polls(self) -> Sequence[ApiCall]:
        """Those of them that asked for a job's end while its attempt waited."""
        polls = (poll for each in self.attempts.values() for poll in each.polls)
        return [poll for poll in polls if self.role_of(poll) is CallRole.POLL]

    def is_guess(self, call: ApiCall) -> bool:
        """True for a call that is matched by a weak rule."""
        link = self.moment.link(call)
        return link is not None and link.rule in _WEAK

    def role_of(self, call: ApiCall) -> CallRole:
        """Tell what one of its calls was for."""
        link = self.moment.link(call)
        return link.role if link is not None else CallRole.OTHER

    @property
    def expects_calls(self) -> bool:
        """True if an attempt of it made a call that CloudTrail records."""
        rows = (each.attempt.integration for each in self.attempts.values())
        return any(row is not None and row.recorded for row in rows)

    @property
    def lacks_calls(self) -> bool:
        """True if it made calls that CloudTrail records, and none is matched."""
        return self.expects_calls and not self.calls

    @property
    def ambiguous_calls(self) -> int:
        """How many calls fit several attempts, one of its own among them."""
        links = (self.moment.link(call) for call in self.moment.calls)
        tied = (link for link in links if link and link.rule is LinkRule.AMBIGUOUS)
        owners = ({arn for arn, _ in link.candidates} for link in tied)
        return sum(self.execution.arn in arns for arns in owners)

    @property
    def cloudtrail_latency(self) -> float | None:
        """Seconds until CloudTrail told of a call: the median."""
        seen = ((call.seen_at, call.event_time) for call in self.calls)
        lags = [max(0.0, (at - made).total_seconds()) for at, made in seen if at]
        return median(lags) if lags else None


# -- calls and attempts ----------------------------------------------------------------


class CallTally(Struct, frozen=True):
    """The calls of one name that an attempt made."""

    count: int
    failed: int
    error_codes: Mapping[str, int]
    """How many calls ended with each, the most frequent first."""
    interval_mean: float | None
    """Seconds from one to the next; None for a single one."""
    interval_min: float | None
    interval_max: float | None
    guessed: int
    """How many are matched by a weak rule."""
    first: str
    """The first one's event id."""


class CallPair(Struct, frozen=True):
    """The calls of one name that an attempt made, on both sides."""

    role: CallRole
    event_source: str
    event_name: str
    a: CallTally | None
    b: CallTally | None


class AttemptPair(Struct, frozen=True):
    """The n-th attempts of a visit and of its counterpart."""

    number: int
    """From 1."""
    a: AttemptCase | None
    b: AttemptCase | None
    calls: Sequence[CallPair]
    """In the order in which A made the first of them; then what B alone made."""

    @property
    def seconds(self) -> Lengths:
        """From scheduled to ended; None while it runs."""
        return Lengths(_attempt_length(self.a), _attempt_length(self.b))


def _attempt_length(case: AttemptCase | None) -> float | None:
    if case is None or case.attempt.ended_at is None:
        return None
    return (case.attempt.ended_at - case.attempt.scheduled_at).total_seconds()


def _attempts(match: Match, a: Side, b: Side) -> Iterator[AttemptPair]:
    own = (v.attempts if v is not None else () for v in (match.a, match.b))
    for number, (one, other) in enumerate(zip_longest(*own), start=1):
        case_a = a.attempts[one.scheduled_id] if one is not None else None
        case_b = b.attempts[other.scheduled_id] if other is not None else None
        in_a, in_b = _tallies(a, case_a), _tallies(b, case_b)
        calls = [CallPair(*k, in_a.get(k), in_b.get(k)) for k in {**in_a, **in_b}]
        yield AttemptPair(number, case_a, case_b, calls)


def _tallies(
    side: Side, case: AttemptCase | None
) -> Mapping[tuple[CallRole, str, str], CallTally]:
    """Count the calls of an attempt by role, source and name."""
    if case is None:
        return {}
    polls = {call.event_id for call in case.polls}
    found: dict[tuple[CallRole, str, str], list[ApiCall]] = {}
    for call in case.calls:
        role = side.role_of(call)
        if role is CallRole.POLL and call.event_id not in polls:
            role = CallRole.OTHER
        found.setdefault((role, call.event_source, call.event_name), []).append(call)
    return {kind: _tally(side, calls) for kind, calls in found.items()}


def _tally(side: Side, calls: Sequence[ApiCall]) -> CallTally:
    times = [call.event_time for call in calls]
    gaps = [(after - before).total_seconds() for before, after in pairwise(times)]
    codes = Counter(call.error_code for call in calls if call.error_code)
    return CallTally(
        count=len(calls),
        failed=codes.total(),
        error_codes=dict(sorted(codes.items(), key=lambda each: (-each[1], each[0]))),
        interval_mean=mean(gaps) if gaps else None,
        interval_min=min(gaps, default=None),
        interval_max=max(gaps, default=None),
        guessed=sum(map(side.is_guess, calls)),
        first=calls[0].event_id,
    )


# -- visits ----------------------------------------------------------------------------


class VisitPair(Match, kw_only=True):
    """A visit of A beside its counterpart in B, with what each took."""

    seconds: Lengths
    """Of what still runs, so far."""
    phases: Mapping[Phase, Lengths]
    attempts: Sequence[AttemptPair]

    @property
    def both(self) -> bool:
        return self.a is not None and self.b is not None

    @property
    def is_container(self) -> bool:
        """True for a Map or a Parallel: its time is that of the states inside."""
        return self.visit.type in {"Map", "Parallel"}

    @property
    def running(self) -> bool:
        return any(visit is not None and visit.running for visit in (self.a, self.b))

    @property
    def name_in_b(self) -> str | None:
        """B's name of it, where that is another."""
        names = {visit.name for visit in (self.a, self.b) if visit is not None}
        return self.b.name if self.b is not None and len(names) > 1 else None

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


def pair_visits(matches: Iterable[Match], a: Side, b: Side) -> Work[list[VisitPair]]:
    """Measure what was matched."""
    found: list[VisitPair] = []
    for match in matches:
        if not len(found) % _PAUSE:
            yield
        found.append(
            VisitPair(
                **asdict(match),
                seconds=Lengths(_length(match.a, a), _length(match.b, b)),
                phases=_phases(match, a, b),
                attempts=list(_attempts(match, a, b)),
            )
        )
    return found


def _length(visit: StateVisit | None, side: Side) -> float | None:
    return length_of(visit, side.now) if visit is not None else None


def _phases(match: Match, a: Side, b: Side) -> Mapping[Phase, Lengths]:
    """Put the phases of a visit beside its counterpart's: what lacks took no time.

    That it stood still is none of them.
    """
    in_a = seconds_by_phase(match.a, a.now) if match.a is not None else None
    in_b = seconds_by_phase(match.b, b.now) if match.b is not None else None
    found = {*(in_a or ()), *(in_b or ())} - {Phase.STOPPED}
    return {
        phase: Lengths(
            in_a.get(phase, 0.0) if in_a is not None else None,
            in_b.get(phase, 0.0) if in_b is not None else None,
        )
        for phase in Phase
        if phase in found
    }


# -- iterations ------------------------------------------------------------------------


class Iteration(Struct, frozen=True):
    """One iteration of a Map, or one branch of a Parallel, on both sides."""

    index: int | None
    start: int
    """The place of its first pair."""
    stop: int
    """The place after its last."""
    seconds: Lengths
    status_a: str | None
    """As its last state ended; None where A has no such iteration."""
    status_b: str | None


class Spread(Struct, frozen=True):
    """How long the iterations of one side took."""

    count: int
    median: float
    least: float
    least_index: int | None
    most: float
    most_index: int | None


class IterationGroup(Struct, frozen=True):
    """The iterations of a Map, or the branches of a Parallel, taken together."""

    iterations: Sequence[Iteration]
    a: Spread | None
    b: Spread | None
    statuses_a: Mapping[str, int]
    statuses_b: Mapping[str, int]

    def extreme(self, sign: int) -> Iteration | None:
        """Give the one that took so much longer in B; for -1, less."""
        place = extreme((each.seconds for each in self.iterations), sign)
        return None if place is None else self.iterations[place]


def extreme(lengths: Iterable[Lengths], sign: int) -> int | None:
    """Find which is so much longer in B than any other; for -1, shorter."""
    best, most = None, 0.0
    for place, each in enumerate(lengths):
        more = (each.difference or 0.0) * sign
        if more > most and not each.near:
            best, most = place, more
    return best


def group_iterations(
    pairs: Sequence[VisitPair], a: Side, b: Side
) -> Mapping[int, IterationGroup]:
    """Group what is in each Map and Parallel, by the place of its pair."""
    inside: dict[int, list[int]] = {}
    for place, pair in enumerate(pairs):
        if pair.parent is not None:
            inside.setdefault(pair.parent, []).append(place)
    return {
        state: _group(list(_iterations(pairs, places, a, b)))
        for state, places in inside.items()
    }


def _iterations(
    pairs: Sequence[VisitPair], places: Iterable[int], a: Side, b: Side
) -> Iterator[Iteration]:
    for index, those in groupby(places, key=lambda place: pairs[place].visit.index):
        own = list(those)
        in_a = [visit for place in own if (visit := pairs[place].a) is not None]
        in_b = [visit for place in own if (visit := pairs[place].b) is not None]
        yield Iteration(
            index=index,
            start=own[0],
            stop=pairs[own[-1]].stop,
            seconds=Lengths(_span(in_a, a.now), _span(in_b, b.now)),
            status_a=_status(in_a),
            status_b=_status(in_b),
        )


def _span(visits: Sequence[StateVisit], now: datetime) -> float | None:
    """Give the seconds from the first entered to the last ended, but for pauses."""
    if not visits:
        return None
    begin = min(visit.entered_at for visit in visits)
    end = max(end_of(visit, now) for visit in visits)
    return (end - begin).total_seconds() - sum(visit.paused for visit in visits)


def _status(visits: Sequence[StateVisit]) -> str | None:
    """Say how an iteration ended: as the last of its states did."""
    if any(visit.running for visit in visits):
        return "running"
    return visits[-1].status if visits else None


def _group(iterations: Sequence[Iteration]) -> IterationGroup:
    return IterationGroup(
        iterations=iterations,
        a=_spread((each.seconds.a, each.index) for each in iterations),
        b=_spread((each.seconds.b, each.index) for each in iterations),
        statuses_a=Counter(each.status_a for each in iterations if each.status_a),
        statuses_b=Counter(each.status_b for each in iterations if each.status_b),
    )


def _spread(lengths: Iterable[tuple[float | None, int | None]]) -> Spread | None:
    known = [(seconds, index) for seconds, index in lengths if seconds is not None]
    if not known:
        return None
    least = min(known, key=lambda length: length[0])
    most = max(known, key=lambda length: length[0])
    return Spread(len(known), median(each for each, _ in known), *least, *most)


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

    only_a: Sequence[str]
    only_b: Sequence[str]
    changed: Mapping[str, Sequence[str]]
    """A state's name, and which of its fields differ."""
    outside: bool
    """True if what is in no state differs: where it starts, its time-out."""

    @property
    def same(self) -> bool:
        return not (self.only_a or self.only_b or self.changed or self.outside)


class Comparison(Struct, dict=True, kw_only=True):
    """Two executions beside each other; of use until their traces change."""

    a: Side
    b: Side
    pairs: Sequence[VisitPair]
    """Every visit of both once, what is in a Map or Parallel right behind it."""
    groups: Mapping[int, IterationGroup]
    """By the place of the Map or Parallel."""
    definitions: DefinitionChanges | None
    """None where one is not known."""
    differences: Sequence[Difference] = ()
    """In the order of A."""
    gaps: Sequence[ComparisonGap] = ()

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.a, self.b

    @property
    def running(self) -> bool:
        return self.a.execution.running or self.b.execution.running

    @property
    def seconds(self) -> Lengths:
        """Of the whole executions; of what still runs, so far."""
        return Lengths(self.a.seconds, self.b.seconds)

    @property
    def calls_compared(self) -> bool:
        """False where one side's calls are not known."""
        return not (self.a.lacks_calls or self.b.lacks_calls)

    @property
    def same_input(self) -> bool | None:
        """None where one is not known."""
        given = self.a.input, self.b.input
        return None if None in given else given[0] == given[1]

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
        lone = {place for place, pair in enumerate(self.pairs) if not pair.both}
        return sorted(told | lone)

    def count_differing(self, start: int, stop: int) -> int:
        """Count the differing pairs from a place to before another."""
        return bisect_left(self.differing, stop) - bisect_left(self.differing, start)

    @cached_property
    def shared(self) -> int:
        """How many visits the two have in common."""
        return sum(pair.both for pair in self.pairs)

    def extreme(self, sign: int) -> int | None:
        """Find the place of the state that took so much longer in B; for -1, less."""
        settled = (
            Lengths() if pair.is_container or pair.running else pair.seconds
            for pair in self.pairs
        )
        return extreme(settled, sign)
