"""Two executions beside each other: what is the same, what differs, and where first.

Times alone make no difference in kind: two runs that went through the same states with
the same outcomes did the same, however long they took and however often they polled.

It is told in sentences, as lines, and as a document for people; `export/json.py` writes
it for programs. A line is a state, what differs in it stands below, the rest is folded:
runs of states that are alike on both sides take one line, and so do the iterations of a
large Map. What somebody toggles is known by its key, which stays the same while more
comes in.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from itertools import groupby
from statistics import fmean
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.analysis.case import AttemptCase, Survey, build_case, done
from sfnwatch.analysis.compare.comparison import (
    Comparison,
    DefinitionChanges,
    PairFields,
)
from sfnwatch.analysis.compare.differences import codes_of
from sfnwatch.analysis.compare.iterations import IterationGroup
from sfnwatch.analysis.compare.sides import Lengths, Side
from sfnwatch.analysis.compare.visit_pairs import (
    AttemptPair,
    CallPair,
    CallTally,
    VisitPair,
    pair_visits,
)
from sfnwatch.analysis.finding import (
    Block,
    Column,
    FactOrInference,
    Finding,
    Items,
    Paragraph,
    Table,
    finding,
    section,
)
from sfnwatch.analysis.phases import Phase, learned_by
from sfnwatch.analysis.wording import (
    cadence,
    named,
    plural,
    resource_words,
    short_names,
    some,
    spoken,
    status_words,
    times,
)
from sfnwatch.model.arns import role_name
from sfnwatch.model.integrations import CallRole, Pattern
from sfnwatch.model.linking.link import LinkRule
from sfnwatch.model.moment import Moment
from sfnwatch.model.state_language import states_of
from sfnwatch.model.times import duration
from sfnwatch.model.values import canonical, list_of, mapping_of, parse_object
from sfnwatch.model.visits import StateVisit

ChosenPair = tuple[Moment, str]
"""A moment, and the ARN of an execution."""
_CALLS = frozenset({"call", "denied"})
_UNSURE = frozenset({"no-history", "partial-history", "late-calls", "shared-calls"})
"""The gaps behind which a difference may be hidden."""
_INDENT = "\u2003\u2003"
"""Em spaces, which Markdown keeps."""
_NAME = 20
"""A name is cut to so many cells before a column goes."""


def compare(a: ChosenPair, b: ChosenPair, now: datetime | None = None) -> Comparison:
    """Compare two executions, named by their ARNs; the moments may be the same.

    What still runs is measured to `now`, to its moment or else to the last that is
    known of it. Raises KeyError for an execution that its moment does not show. Two of
    the longest histories take 0.3 s.
    """
    sides = []
    for letter, (moment, arn) in zip("AB", (a, b), strict=True):
        case = done(build_case(Survey(moment, now), moment.executions[arn]))
        sides.append(Side(letter, case))
    pairs = done(pair_visits((sides[0], sides[1])))
    found = Comparison((sides[0], sides[1]), pairs)
    found.definitions = compare_definitions(found)
    found.gaps = list(find_gaps(found))
    return found


# -- in sentences ----------------------------------------------------------------------


def verdict(comparison: Comparison) -> list[Finding]:
    """Say what a comparison comes to, the answer first.

    Each later sentence tells one thing: how long each took and why, how often they
    polled, how they learned of their jobs' ends.
    """
    ways = (_answer, _lengths, _extremes, _polls, _completions)
    return [found for tell in ways for found in tell(comparison)]


_said = partial(finding, "compared")


def _answer(comparison: Comparison) -> Iterator[Finding]:
    """Tell the first difference, how many more there are, and how each ended."""
    differences = comparison.differences
    endings = [each for each in differences if each.kind == "status"]
    if not comparison.shared:
        nothing = "They have no state in common."
        yield _said(nothing if comparison.pairs else "There is no state to compare.")
    elif not differences:
        yield _same(comparison)
    else:
        only_calls = {each.kind for each in differences} <= _CALLS
        sure = all(each.certainty is FactOrInference.FACT for each in differences)
        sure = sure and not comparison.guesses
        if only_calls:
            text = f"{_same_way(comparison)}; only their API calls differ."
            yield _said(text, fact=sure)
        yield _told(differences[0], "" if only_calls else "First difference: ")
        endings = [each for each in endings if each is not differences[0]]
        if more := len(differences) - 1 - len(endings):
            are = "is" if more == 1 else "are"
            yield _said(f"There {are} {plural(more, 'more difference')}.", fact=sure)
    yield from map(_told, endings)


def _told(difference: Finding, prefix: str = "") -> Finding:
    fact = difference.certainty is FactOrInference.FACT
    return _said(f"{prefix}{difference.text}", difference.evidence, fact=fact)


def _same(comparison: Comparison) -> Finding:
    unsure = any(gap.kind in _UNSURE for gap in comparison.gaps)
    unsure = unsure or not comparison.calls_compared or comparison.guesses
    known = ", as far as is known" if unsure else ""
    return _said(f"{_same_way(comparison)}{known}.", fact=not unsure)


def _same_way(comparison: Comparison) -> str:
    if comparison.running:
        return "So far both did the same"
    if comparison.shared == 1:
        return "Both went through the same state with the same outcome"
    count = plural(comparison.shared, "state")
    return f"Both went through the same {count} with the same outcomes"


def _lengths(comparison: Comparison) -> Iterator[Finding]:
    a = comparison.seconds.a
    b = comparison.seconds.b
    if comparison.running or a is None or b is None:
        return
    if comparison.seconds.near:
        yield _said(f"They took about the same time: A {spoken(a)}, B {spoken(b)}.")
        return
    more = f"{spoken(abs(b - a))} {'more' if b > a else 'less'}"
    yield _said(f"B took {spoken(b)}, {more} than A's {spoken(a)}.")


def _extremes(comparison: Comparison) -> Iterator[Finding]:
    for word, sign in (("slowdown", 1), ("speed-up", -1)):
        place = comparison.extreme(sign)
        if place is not None:
            pair = comparison.pairs[place]
            a, b = (spoken(each or 0.0) for each in (pair.seconds.a, pair.seconds.b))
            yield _said(f"The largest {word} is {pair.title}: {a} → {b}.")


def _polls(comparison: Comparison) -> Iterator[Finding]:
    sides = comparison.sides
    polls = [poll for side in sides for poll in side.polls.every]
    if not polls or not comparison.shared or not comparison.calls_compared:
        return
    (in_a, sure_a), (in_b, sure_b) = map(_polled, sides)
    text = f"Both {in_a}." if in_a == in_b else f"A {in_a}; B {in_b}."
    yield _said(text, polls, fact=sure_a and sure_b)


def _polled(side: Side) -> tuple[str, bool]:
    """Say how often one side polled, no more than is known, and whether it is sure."""
    cases = side.attempts
    waits = [case for case in cases if case.attempt.pattern is Pattern.SYNC]
    so_far = "" if all(case.complete for case in waits) else " so far"
    if not side.polls.every:
        return f"has no poll matched{so_far}", False
    means = [fmean(apart) for case in cases if (apart := case.spacing.seconds)]
    every = f", {cadence(fmean(means))}" if means and len(side.polls.every) > 1 else ""
    sure = not side.polls.guessed and not so_far
    return f"polled {side.polls.often}{so_far}{every}", sure


def _completions(comparison: Comparison) -> Iterator[Finding]:
    attempts = (each for pair in comparison.pairs for each in pair.attempts)
    told = ([case and case.completion for case in each.cases] for each in attempts)
    both = [(a, b) for a, b in told if a and b]
    if not both:
        return
    what = f"average completion lag of {len(both)} jobs"
    if len(both) == 1:
        what = f"completion lag of the {both[0][0].job}"
    sides = list(zip(*both, strict=True))
    lags = [spoken(fmean(each.lag for each in side)) for side in sides]
    ways = [learned_by(side) for side in sides]
    how = [f" ({way})" if way else "" for way in ways]
    text = f"The {what} was {lags[0]} in A{how[0]} and {lags[1]} in B{how[1]}."
    guessed = any(each.possible_polls for side in sides for each in side)
    yield _said(text, fact=not any(ways) and not guessed)


def remarks(comparison: Comparison) -> list[str]:
    """Say what may explain a difference, and what could not be compared."""
    found = [gap.text for gap in comparison.gaps]
    if comparison.definitions:
        found += _definitions(comparison.definitions)
    for side in comparison.sides:
        if stopped := side.execution.stopped_seconds:
            known = f"{side.letter}'s duration includes {spoken(stopped)} in which it"
            found.append(f"{known} was over, until it was redriven.")
    a, b = (side.execution.role_arn for side in comparison.sides)
    if a is not None and b is not None and a != b:
        names = [named(role_name(arn) or arn) for arn in (a, b)]
        found.append(f"A ran with the role {names[0]}, B with {names[1]}.")
    if comparison.same_input is False:
        found.append("Their inputs differ.")
    return found


def _definitions(definitions: DefinitionChanges) -> Iterator[str]:
    """Say in which states the definitions differ."""
    if definitions.same:
        yield "Their definitions are the same."
    for letter, names in (("A", definitions.only_a), ("B", definitions.only_b)):
        if names:
            yield f"Only {letter}'s definition has {some(map(named, names))}."
    if changed := definitions.changed:
        told = (f"{named(n)} ({', '.join(map(named, f))})" for n, f in changed.items())
        yield f"The definitions differ in {some(told)}."
    elif definitions.outside and not (definitions.only_a or definitions.only_b):
        yield "The definitions differ outside their states."


# -- what could not be compared --------------------------------------------------------


def find_gaps(comparison: Comparison) -> Iterator[Finding]:
    """Yield what could not be compared, or only with care; what matters most first.

    The data has the side where it is missing, `a` or `b` (None: both), and a count.
    """
    sides = a, b = comparison.sides
    if a.case.moment is b.case.moment and a.execution.arn == b.execution.arn:
        yield _gap("same-execution", "A and B are the same execution.")
    elif a.execution.state_machine_arn != b.execution.state_machine_arn:
        text = "They ran different state machines; visits are matched by state name."
        yield _gap("other-machine", text)
    for side in sides:
        yield from _gaps_of_history(side)
    if lacking := [side for side in sides if side.lacks_calls]:
        text = "No API call is matched to {}, so calls and polling are not compared."
        yield _gap("no-calls", text, *lacking)
    for side in sides:
        yield from _gaps_of_calls(side)
    if lacking := [side for side in sides if side.execution.defined is None]:
        text = "The definition of {} is not known, so definitions are not compared."
        yield _gap("no-definition", text, *lacking)


def _gap(kind: str, text: str, *sides: Side, count: int = 0) -> Finding:
    """Tell of a gap; in the text `{}` stands for whom it is about."""
    who = " or ".join(side.letter for side in sides)
    letter = who.lower() if len(sides) == 1 else None
    return finding(kind, text.format(who), side=letter, count=count)


def _gaps_of_history(side: Side) -> Iterator[Finding]:
    events = side.execution.events
    if not events:
        text = "The history of {} is not known, so its states can't be compared."
        yield _gap("no-history", text, side)
        return
    # Ids are given without a gap, from 1.
    missing = events[-1].id - len(events)
    if missing > 0:
        text = f"The history of {{}} lacks {plural(missing, 'event')}, so parts of it"
        text += " may be missing here."
        yield _gap("partial-history", text, side, count=missing)
    if side.execution.running:
        text = "{} is still running, so it is compared as far as it has come."
        yield _gap("running", text, side)


def _gaps_of_calls(side: Side) -> Iterator[Finding]:
    """Tell of calls that may be missing, or be another's.

    How far calls are complete is measured live; of files nobody knows.
    """
    who = side.letter
    moment = side.case.moment
    stopped = side.execution.stopped_at
    complete = side.case.survey.coverage.measured
    expected = side.expects_calls and side.calls.sure
    if stopped and complete and complete < stopped and expected:
        late = (stopped - complete).total_seconds()
        until = f"only up to {spoken(late)} before the end of {who} (estimate)"
        text = f"CloudTrail was complete {until}: later calls may be missing."
        yield _gap("late-calls", text, side, count=round(late))
    links = filter(None, map(moment.link, moment.calls))
    tied = (link.candidates for link in links if link.rule is LinkRule.AMBIGUOUS)
    # Those that fit several attempts, one of its own among them.
    count = sum(any(side.execution.arn == arn for arn, _ in each) for each in tied)
    if count:
        text = f"{plural(count, 'call')} that may belong to {who}"
        text += f" {'is' if count == 1 else 'are'} ambiguous, and not counted."
        yield _gap("shared-calls", text, side, count=count)


# -- definitions -----------------------------------------------------------------------


def compare_definitions(comparison: Comparison) -> DefinitionChanges | None:
    """Compare what two executions were defined by; None where one is not known.

    A state's name is its own within a whole machine, so states are compared by name,
    those of branches and iterations too; what only stands inside of another state is
    compared as itself, not as a part of that.
    """
    texts = [side.execution.definition_text for side in comparison.sides]
    machines = [parse_object(text or "") for text in texts]
    if not all(machines):
        return None
    in_a, in_b = ({n: _fields(state) for n, state in states_of(t)} for t in texts)
    outside = _outside(machines[0]) != _outside(machines[1])
    return DefinitionChanges(in_a, in_b, outside=outside)


def _outside(machine: Mapping[str, Any]) -> str:
    """Write what is in no state; a comment is for people."""
    return canonical({k: machine[k] for k in machine.keys() - {"States", "Comment"}})


def _fields(state: Mapping[str, Any]) -> PairFields:
    """Write a state's fields, without the states inside."""
    told = {key: canonical(field) for key, field in state.items() if key != "Comment"}
    for key in told.keys() & {"Branches", "ItemProcessor", "Iterator"}:
        inner = list_of(state[key]) or [state[key]]
        told[key] = canonical([_outside(mapping_of(machine)) for machine in inner])
    return told


# -- as lines --------------------------------------------------------------------------

_CROWD = 20
"""A Map of more iterations begins folded."""
_ALIKE_STATES = 3
"""So many alike states in a row take one line."""
_FEW_LINES = 30
"""With so few lines in all each state keeps its own."""
_LEAST_SHARE = 0.01
"""A phase of less of its state's time is left out."""
_TOLD_ELSEWHERE = frozenset({Phase.CONTAINER, Phase.COMPLETION_LAG})


class RowKind(StrEnum):
    """What a line tells of."""

    STATE = "state"
    GROUP = "group"
    """The iterations of a Map, taken together; its label goes across all columns."""
    DETAIL = "detail"
    """An attempt, like calls or a completion lag: of the state above it."""
    PHASE = "phase"
    """What a state's time was spent on, where that changed."""
    ALIKE = "alike"
    """States that are alike on both sides; its label goes across likewise."""


_FIGURES = frozenset({RowKind.STATE, RowKind.PHASE, RowKind.ALIKE})


class Cell(Struct, frozen=True):
    """What a line says of one side."""

    text: str = ""
    status: str = "succeeded"
    """As which it is to be colored."""
    evidence: str | None = None
    """Where it leads: an event (`#5`) of its side's execution, or a call's id."""


_NONE = Cell("none", "unknown")
_UNKNOWN = Cell("unknown", "unknown")
_UNMATCHED = Cell("not matched", "unknown")


class CompareRow(Struct, frozen=True):
    """One line."""

    kind: RowKind
    pair: VisitPair
    """What it tells of; of ALIKE the first of those."""
    label: str
    a: Cell = Cell()
    b: Cell = Cell()
    seconds: Lengths = Lengths()
    """What `B − A` and `B / A` are of."""
    mark: str = ""
    """Who has it, `A` or `B` alone; `≠` where they differ, `↕` where it moved."""
    key: str = ""
    open: bool | None = None
    """True for what can be folded, False for what can be opened; None: neither."""

    @property
    def depth(self) -> int:
        """How far in it stands: what is of a state below that."""
        return self.pair.depth + (self.kind not in {RowKind.STATE, RowKind.ALIKE})


def compare_rows(
    comparison: Comparison, toggled: Collection[str] = (), *, alike: bool | None = None
) -> list[CompareRow]:
    """Lay out a comparison as lines.

    `toggled` has the keys of lines that are not as they begin; `alike` says whether
    alike states are folded: None if there are many lines.
    """
    rows = list(_rows(comparison, toggled))
    folded = len(rows) > _FEW_LINES if alike is None else alike
    return list(_fold_alike(rows, toggled)) if folded else rows


def _rows(comparison: Comparison, toggled: Collection[str]) -> Iterator[CompareRow]:
    stop = 0
    for pair in comparison.pairs:
        if pair.place < stop:
            continue
        group = comparison.groups.get(pair.place)
        key = _key(pair)
        begins_open = pair.both and comparison.differs(pair.place, pair.place + 1)
        if group is not None:
            begins_open = len(group.places) <= _CROWD
        is_open = begins_open != (key in toggled)
        stop = pair.stop if group is not None and not is_open else pair.place + 1
        below = list(_below(comparison, pair))
        if group is not None:
            below = list(_summary(comparison, pair, group))
        a, b = map(_state_cell, (pair.a, pair.b), (pair.seconds.a, pair.seconds.b))
        mark = _mark(pair, differs=comparison.differs(pair.place, stop))
        fold = is_open if below or group is not None else None
        about = RowKind.STATE, pair, pair.label
        yield CompareRow(*about, a, b, pair.seconds, mark, key, fold)
        for number, row in enumerate(below if is_open or group is not None else ()):
            # Where there is no state, what it lacks goes without saying.
            a = row.a if pair.a else Cell()
            b = row.b if pair.b else Cell()
            mark = row.mark if pair.both else ""
            yield replace(row, a=a, b=b, mark=mark, key=f"{key}~{number}")


def _key(pair: VisitPair) -> str:
    """Name a pair's line: the same whatever else comes in."""
    return f"{pair.visit.path}#{pair.occurrence}"


def _state_cell(visit: StateVisit | None, seconds: float | None) -> Cell:
    if visit is None:
        return Cell("–")
    words = "" if visit.status == "succeeded" else f"{status_words(visit.status)} "
    return Cell(f"{words}{duration(seconds or 0.0)}", visit.status, f"#{visit.id}")


def _mark(pair: VisitPair, *, differs: bool) -> str:
    if not pair.both:
        return "A" if pair.a is not None else "B"
    return "≠" if differs else "↕" if pair.moved else ""


def _fold_alike(
    rows: Sequence[CompareRow], toggled: Collection[str]
) -> Iterator[CompareRow]:
    """Put one line in the place of each long run of alike states of one Map."""

    def likeness(row: CompareRow) -> tuple[bool, VisitPair | None]:
        pair = row.pair
        plain = row.kind is RowKind.STATE and not pair.is_container and not row.open
        return plain and not row.mark and pair.seconds.near, pair.around

    for (alike, _), run in groupby(rows, likeness):
        found = list(run)
        head = found[0]
        is_open = True
        if alike and len(found) >= _ALIKE_STATES:
            label = f"⋯ {len(found):,} states alike"
            key = f"{head.key}~alike"
            is_open = key in toggled
            yield CompareRow(RowKind.ALIKE, head.pair, label, key=key, open=is_open)
        yield from found if is_open else ()


# -- iterations together ---------------------------------------------------------------


def _summary(
    comparison: Comparison, pair: VisitPair, group: IterationGroup
) -> Iterator[CompareRow]:
    """Sum up the iterations of a Map, where there are several."""
    if pair.visit.type != "Map" or len(group.places) == 1 or not (pair.a and pair.b):
        return
    differing = sum(comparison.differs(*each) for each in group.places.values())
    counts = [len(side.seconds) for side in (group.a, group.b)]
    in_b = f" in A, {counts[1]:,} in B" if counts[0] != counts[1] else " in each"
    label = f"{plural(counts[0], 'iteration')}{in_b}"
    mark = ""
    if differing:
        label += f"; {differing:,} differ{'s' if differing == 1 else ''}"
        mark = "≠"
    yield CompareRow(RowKind.GROUP, pair, label, mark=mark)


# -- what stands below a state ---------------------------------------------------------


def _detail(pair: VisitPair, label: str, a: Cell, b: Cell, **more: Any) -> CompareRow:
    return CompareRow(RowKind.DETAIL, pair, label, a, b, **more)


def _below(comparison: Comparison, pair: VisitPair) -> Iterator[CompareRow]:
    """Yield what there is to tell of a state beside its length."""
    for each in pair.attempts:
        runs = [resource_words(case.attempt) for case in each.cases if case]
        if each.number == 1 and len(set(runs)) > 1:
            yield _detail(pair, "runs", *map(Cell, runs), mark="≠")
        yield from _attempt(pair, each)
        for call in each.calls:
            yield _calls(pair, each, call, compared=comparison.calls_compared)
        told = [case.completion if case else None for case in each.cases]
        if any(told):
            lags = Lengths(*(each.lag if each else None for each in told))
            cells = map(_completion, each.cases)
            label = f"completion lag{_which(each)}"
            yield _detail(pair, label, *cells, seconds=lags)
    if len(pair.phases) > 1:
        yield from _phases(pair)


def _attempt(pair: VisitPair, each: AttemptPair) -> Iterator[CompareRow]:
    """Tell how attempts ended, unless there is but one on each side, and that well."""
    a, b = (case and (case.attempt.status, case.attempt.error) for case in each.cases)
    failed = any(end and end[0] not in {"succeeded", "running"} for end in (a, b))
    if len(pair.attempts) > 1 or failed:
        cells = map(_attempt_cell, each.cases, (each.seconds.a, each.seconds.b))
        # One that failed early is no faster for it.
        seconds, mark = (each.seconds, "") if a == b else (Lengths(), "≠")
        label = f"attempt {each.number}"
        yield _detail(pair, label, *cells, seconds=seconds, mark=mark)


def _attempt_cell(case: AttemptCase | None, seconds: float | None) -> Cell:
    if case is None:
        return _NONE
    error = case.attempt.error
    status = case.attempt.status
    words = named(error) if error else status_words(status)
    length = f", {duration(seconds)}" if seconds is not None else ""
    return Cell(f"{words}{length}", status, f"#{case.attempt.scheduled_id}")


def _calls(
    pair: VisitPair, each: AttemptPair, call: CallPair, *, compared: bool
) -> CompareRow:
    codes_a = codes_of(call.a)
    codes_b = codes_of(call.b)
    cells = map(partial(_calls_cell, call.role), (call.a, call.b), each.cases)
    mark = "≠" if compared and codes_a != codes_b else ""
    return _detail(pair, f"{named(call.event_name)}{_which(each)}", *cells, mark=mark)


def _which(each: AttemptPair) -> str:
    """Say which attempt it is of, but for the first."""
    return f" (attempt {each.number})" if each.number > 1 else ""


def _calls_cell(
    role: CallRole, tally: CallTally | None, case: AttemptCase | None
) -> Cell:
    if tally is None:
        return _UNMATCHED if case is not None else _NONE
    polls = role is CallRole.POLL
    words = [plural(tally.count, "poll") if polls else times(tally.count)]
    for code, count in tally.error_codes.items():
        words.append(f"{f'{count:,} ' if count < tally.count else ''}{named(code)}")
    if tally.interval_mean and tally.count > 1:
        words.append(f"every {spoken(tally.interval_mean)}")
    guess = "up to " if tally.guessed else ""
    so_far = " so far" if polls and case is not None and not case.complete else ""
    status = "failed" if tally.failed else "succeeded"
    return Cell(f"{guess}{', '.join(words)}{so_far}", status, tally.first)


def _completion(case: AttemptCase | None) -> Cell:
    told = case and case.completion
    if case is None or not told:
        waits = case is not None and case.attempt.pattern is Pattern.SYNC
        return _UNKNOWN if waits else _NONE
    how = learned_by([told])
    text = f"{spoken(told.lag)}{f' {how}' if how else ''}"
    return Cell(text, evidence=case.end_event)


def _phases(pair: VisitPair) -> Iterator[CompareRow]:
    """Tell of what took longer or less; alone it says no more than the whole."""
    least = _LEAST_SHARE * pair.seconds.longest
    for phase, lengths in pair.phases.items():
        told = lengths.difference is not None and not lengths.near
        if told and lengths.longest >= least and phase not in _TOLD_ELSEWHERE:
            a, b = (Cell(duration(each or 0.0)) for each in (lengths.a, lengths.b))
            yield CompareRow(RowKind.PHASE, pair, str(phase), a, b, lengths)


# -- for people ------------------------------------------------------------------------


def comparison_document(comparison: Comparison) -> Iterator[Block]:
    """Write a comparison as a document: who, what it comes to, state by state."""
    answer, *others = verdict(comparison)
    rows = compare_rows(comparison)
    told = remarks(comparison)
    lines = list(_details(rows))
    yield _sides(comparison)
    yield Paragraph(answer.text, strong=True)
    yield from others
    yield from section("Conditions and limits", [Items(told)] if told else [], 1)
    yield from section("States", [_states(rows)] if rows else [], 1)
    yield from section("Details", [Items(lines)] if lines else [], 1)


def _sides(comparison: Comparison) -> Table:
    sides = comparison.sides
    runs = [side.execution for side in comparison.sides]
    short = zip(runs, short_names([run.name for run in runs]), strict=True)
    titles = [f"{named(run.state_machine_name)} › {named(name)}" for run, name in short]
    starts = (run.started_at for run in runs)
    begun = [f"{at:%Y-%m-%d %H:%M:%S}" if at else "" for at in starts]
    lengths = [duration(s.seconds) if s.seconds is not None else "" for s in sides]
    columns = (
        Column("", [side.letter for side in sides]),
        Column("Execution", titles, least=_NAME),
        Column("Status", [status_words(run.status) for run in runs]),
        Column("Duration", lengths, right=True),
        Column("Started (UTC)", begun, rank=1),
    )
    return Table(columns)


def _states(rows: Sequence[CompareRow]) -> Table:
    told = [row for row in rows if row.kind in _FIGURES]
    names = [f"{_INDENT * row.depth}{row.label}" for row in told]
    more = [row.seconds.more_words for row in told]
    ratios = [row.seconds.ratio_words for row in told]
    columns = (
        Column("", [row.mark for row in told]),
        Column("State", names, least=_NAME),
        Column("A", [row.a.text for row in told], right=True),
        Column("B", [row.b.text for row in told], right=True),
        Column("B − A", more, right=True),
        Column("B / A", ratios, right=True, rank=1),
    )
    return Table(columns)


def _details(rows: Sequence[CompareRow]) -> Iterator[str]:
    """Write what is no figure: each with the state that it is of."""
    for row in rows:
        title = row.pair.title
        if row.kind is RowKind.GROUP:
            yield f"{title}: {row.label}"
        elif row.kind is RowKind.DETAIL:
            told = (("A", row.a.text), ("B", row.b.text))
            sides = "; ".join(f"{letter} {text}" for letter, text in told if text)
            yield f"{title}, {row.label}: {sides}"


# -- bars ------------------------------------------------------------------------------


def bar_scale(comparison: Comparison) -> float:
    """Give the seconds that a whole bar stands for: the longest of both sides."""
    return max((p.seconds.longest for p in comparison.pairs), default=0.0) or 1.0


def bar(pair: VisitPair, side: str, scale: float, room: int) -> list[tuple[Phase, int]]:
    """Share out the cells of the bar of A or B by phase; what took any time has one."""
    told = {p: each.a if side == "A" else each.b for p, each in pair.phases.items()}
    whole = sum(seconds or 0.0 for seconds in told.values())
    if whole <= 0 or room <= 0:
        return []
    cells = min(room, max(1, round(whole / scale * room)))
    found: list[tuple[Phase, int]] = []
    spent = 0.0
    taken = 0
    for phase, seconds in told.items():
        spent += seconds or 0.0
        end = round(spent / whole * cells)
        if end > taken:
            found.append((phase, end - taken))
            taken = end
    return found
