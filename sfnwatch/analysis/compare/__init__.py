"""Two executions beside each other: what is the same, what differs, and where first.

Times alone make no difference in kind: two runs that went through the same states with
the same outcomes did the same, however long they took and however often they polled.

It is told in sentences, as lines, and as a document for people; `export/json.py` writes
it for programs. A line is a state, what differs in it stands below, the rest is folded:
runs of states that are alike on both sides take one line, and so do the iterations of a
large Map. What somebody toggles is known by its key, which stays the same while more
comes in.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from statistics import fmean
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.analysis.case import AttemptCase, Survey, Work, build_case, done, gaps
from sfnwatch.analysis.compare.differences import (
    codes_of,
    compare_definitions,
    find_differences,
    find_gaps,
    state_names,
)
from sfnwatch.analysis.compare.pairs import (
    AttemptPair,
    CallPair,
    CallTally,
    Comparison,
    DefinitionChanges,
    Difference,
    IterationGroup,
    KindOf,
    Lengths,
    Side,
    VisitPair,
    pair_visits,
)
from sfnwatch.analysis.finding import (
    Block,
    Certainty,
    Column,
    Document,
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
from sfnwatch.model.moment import Moment
from sfnwatch.model.values import duration
from sfnwatch.model.visits import StateVisit

_CALLS = frozenset({"call", "denied"})
_UNSURE = frozenset({"no-history", "partial-history", "late-calls", "shared-calls"})
"""The gaps behind which a difference may be hidden."""
_NOTABLE, _MANIFOLD = 1.1, 10
"""From so many times as long on it is said how many; then without decimals."""
_MOST = 0.5
"""A phase that makes up so much of a change is named for it."""
_INDENT = "\u2003\u2003"
"""Em spaces, which Markdown keeps."""
_NAME = 20
"""A name is cut to so many cells before a column goes."""


def compare(
    moment_a: Moment,
    arn_a: str,
    moment_b: Moment,
    arn_b: str,
    now: datetime | None = None,
) -> Comparison:
    """Compare two executions, named by their ARNs; the moments may be the same.

    What still runs is measured to `now`, to its moment or else to the last that is
    known of it. Raises KeyError for an execution that its moment does not show.
    """
    return done(comparing(moment_a, arn_a, moment_b, arn_b, now))


def comparing(
    moment_a: Moment,
    arn_a: str,
    moment_b: Moment,
    arn_b: str,
    now: datetime | None = None,
) -> Work[Comparison]:
    """Compare likewise, with pauses: two of the longest histories take 0.3 s."""
    survey_a = Survey(moment_a, now)
    survey_b = survey_a if moment_b is moment_a else Survey(moment_b, now)
    case_a = yield from build_case(survey_a, moment_a.executions[arn_a])
    case_b = yield from build_case(survey_b, moment_b.executions[arn_b])
    a, b = sides = Side("A", case_a), Side("B", case_b)
    pairs = yield from pair_visits(sides, _kind_of(a, b))
    found = Comparison(sides, pairs)
    found.definitions = compare_definitions(a.execution, b.execution)
    yield
    found.differences = find_differences(found)
    found.gaps = list(find_gaps(found))
    return found


def _kind_of(a: Side, b: Side) -> KindOf:
    """Tell states that do the same by different names: both start a job of one kind.

    A name that both machines have stands for the same state in both.
    """
    shared = state_names(a.execution) & state_names(b.execution)

    def kind_of(visit: StateVisit) -> Hashable | None:
        row = visit.attempts[0].integration if visit.attempts else None
        if visit.name in shared or row is None or not row.starts_job:
            return None
        return visit.type, row.event_source, row.action_event

    return kind_of


# -- in sentences ----------------------------------------------------------------------


def verdict(comparison: Comparison) -> list[Finding]:
    """Say what a comparison comes to, the answer first.

    Each later sentence tells one thing: how long each took and why, how often they
    polled, how they learned of their jobs' ends.
    """
    found = list(_answer(comparison))
    if not comparison.a.is_same(comparison.b):
        for tell in (_lengths, _extremes, _polls, _completions):
            found += tell(comparison)
    return found


def _said(text: str, proofs: Iterable[str] = (), *, fact: bool = True) -> Finding:
    return finding("compared", text, proofs, fact=fact)


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
        sure = all(each.certainty is Certainty.FACT for each in differences)
        sure = sure and not comparison.guesses
        if only_calls:
            text = f"{_same_way(comparison)}; only their API calls differ."
            yield _said(text, fact=sure)
        yield _told(differences[0], "" if only_calls else "First difference: ")
        endings = [each for each in endings if each is not differences[0]]
        more = len(differences) - 1 - len(endings)
        if more:
            are = "is" if more == 1 else "are"
            yield _said(f"There {are} {plural(more, 'more difference')}.", fact=sure)
    yield from map(_told, endings)


def _told(difference: Difference, prefix: str = "") -> Finding:
    fact = difference.certainty is Certainty.FACT
    return _said(f"{prefix}{difference.text}", difference.evidence, fact=fact)


def _same(comparison: Comparison) -> Finding:
    unsure = any(gap.kind in _UNSURE for gap in comparison.gaps)
    unsure = unsure or not comparison.calls_compared or comparison.guesses
    told = "only times differ"
    if unsure:
        told = "only times differ, as far as is known"
    elif comparison.a.is_same(comparison.b):
        told = "nothing differs"
    elif any(any(side.polls) for side in comparison.sides):
        told = "only times and polls differ"
    text = f"{_same_way(comparison)}; {told}."
    return _said(text, fact=not unsure)


def _same_way(comparison: Comparison) -> str:
    if comparison.running:
        return "So far both did the same"
    if comparison.shared == 1:
        return "Both went through the same state with the same outcome"
    count = plural(comparison.shared, "state")
    return f"Both went through the same {count} with the same outcomes"


def _lengths(comparison: Comparison) -> Iterator[Finding]:
    a, b = comparison.seconds.a, comparison.seconds.b
    if a is None or b is None:
        return
    for side, seconds in zip(comparison.sides, (a, b), strict=True):
        if side.execution.running:
            yield _said(f"{side.letter} has been running for {spoken(seconds)}.")
    if comparison.running:
        return
    if comparison.seconds.near:
        yield _said(f"They took about the same time: A {spoken(a)}, B {spoken(b)}.")
        return
    more = f"{spoken(abs(b - a))} {'more' if b > a else 'less'}"
    short, long = sorted((a, b))
    many = ""
    if short > 0 and long / short >= _NOTABLE:
        count = f"{long / short:,.{0 if long / short >= _MANIFOLD else 1}f}"
        many = f" ({'B' if b > a else 'A'} took {count} times as long)"
    yield _said(f"B took {spoken(b)}, {more} than A's {spoken(a)}{many}.")


def _extremes(comparison: Comparison) -> Iterator[Finding]:
    for word, sign in (("slowdown", 1), ("speed-up", -1)):
        place = comparison.extreme(sign)
        if place is not None:
            pair = comparison.pairs[place]
            ratio = pair.seconds.ratio_words
            change = f"{_from_to(pair.seconds)}{f' ({ratio})' if ratio else ''}"
            change += _main_phase(pair)
            yield _said(f"The largest {word} is {pair.title}: {change}.")


def _main_phase(pair: VisitPair) -> str:
    """Name what most of a change was spent on; where that is all, it says nothing."""
    whole = pair.seconds.difference or 0.0
    for phase, lengths in pair.phases.items():
        share = (lengths.difference or 0.0) / whole if whole else 0.0
        if len(pair.phases) > 1 and phase is not Phase.CONTAINER and share > _MOST:
            return f", mostly {phase}: {_from_to(lengths)}"
    return ""


def _from_to(lengths: Lengths) -> str:
    return f"{spoken(lengths.a or 0.0)} → {spoken(lengths.b or 0.0)}"


def _polls(comparison: Comparison) -> Iterator[Finding]:
    sides = comparison.sides
    ids = [poll_id for side in sides for poll_id in side.polls.ids]
    if not ids or not comparison.shared or not comparison.calls_compared:
        return
    (in_a, sure_a), (in_b, sure_b) = map(_polled, sides)
    text = f"Both {in_a}." if in_a == in_b else f"A {in_a}; B {in_b}."
    yield _said(text, ids, fact=sure_a and sure_b)


def _polled(side: Side) -> tuple[str, bool]:
    """Say how often one side polled, no more than is known, and whether it is sure."""
    cases = side.attempts.values()
    waits = [case for case in cases if case.attempt.pattern is Pattern.SYNC]
    so_far = "" if all(case.complete for case in waits) else " so far"
    if not side.polls.every:
        return f"has no poll matched{so_far}", False
    means = [fmean(between) for case in cases if (between := gaps(case.polls.sure))]
    every = f", {cadence(fmean(means))}" if means else ""
    return f"polled {side.polls.often}{so_far}{every}", not (
        side.polls.guessed or so_far
    )


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
    by_a, by_b = map(learned_by, sides)
    how_a, how_b = f" ({by_a})" if by_a else "", f" ({by_b})" if by_b else ""
    if by_a == by_b:
        how_a, how_b = "", f", both {by_a}" if by_a else ""
    lag_a, lag_b = (spoken(fmean(each.lag for each in side)) for side in sides)
    text = f"The {what} was {lag_a} in A{how_a} and {lag_b} in B{how_b}."
    guessed = any(each.possible_polls for side in sides for each in side)
    yield _said(text, fact=not (by_a or by_b or guessed))


def remarks(comparison: Comparison) -> list[str]:
    """Say what may explain a difference, and what could not be compared."""
    found = [gap.text for gap in comparison.gaps]
    if comparison.definitions and not comparison.a.is_same(comparison.b):
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
    changed = definitions.changed.items()
    if changed:
        told = (f"{named(n)} ({', '.join(map(named, f))})" for n, f in changed)
        yield f"The definitions differ in {some(told)}."
    elif definitions.outside and not (definitions.only_a or definitions.only_b):
        yield "The definitions differ outside their states."


# -- as lines --------------------------------------------------------------------------

_CROWD, _MANY = 20, 5
"""A Map of more iterations begins folded; of so many, it is summed up as well."""
_LEAST_ALIKE, _FEW = 3, 30
"""So many alike states in a row take one line, unless there are few lines in all."""
_LEAST_SHARE = 0.01
"""A phase of less of its state's time is left out."""
_TOLD_ELSEWHERE = frozenset({Phase.CONTAINER, Phase.COMPLETION_LAG})
_BAR_ORDER = (
    Phase.WAITING,
    Phase.CONTAINER,
    Phase.WORKING,
    Phase.BACKING_OFF,
    Phase.COMPLETION_LAG,
)
"""As they mostly come one after the other."""


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


_NONE, _UNKNOWN = Cell("none", "unknown"), Cell("unknown", "unknown")
_UNMATCHED = Cell("not matched", "unknown")


class CompareRow(Struct, frozen=True, kw_only=True):
    """One line."""

    kind: RowKind
    label: str
    a: Cell = Cell()
    b: Cell = Cell()
    seconds: Lengths = Lengths()
    """What `B − A` and `B / A` are of."""
    mark: str = ""
    """Who has it, `A` or `B` alone; `≠` where they differ, `↕` where it moved."""
    key: str = ""
    place: int = 0
    """The place of its pair; of ALIKE that of the first one."""
    depth: int = 0
    open: bool | None = None
    """True for what can be folded, False for what can be opened; None: neither."""
    minor: bool = False
    """True for what goes without saying, such as the one call of a Task."""


class CompareFolds(Struct, frozen=True):
    """What somebody wants to see of it."""

    toggled: frozenset[str] = frozenset()
    """The keys of lines that are not as they begin."""
    alike: bool | None = None
    """Whether alike states are folded; None: if there are many lines."""


def compare_rows(
    comparison: Comparison, folds: CompareFolds | None = None
) -> list[CompareRow]:
    """Lay out a comparison as lines."""
    folds = folds or CompareFolds()
    rows = list(_rows(comparison, folds))
    folded = len(rows) > _FEW if folds.alike is None else folds.alike
    return list(_fold_alike(comparison, rows, folds)) if folded else rows


def _rows(comparison: Comparison, folds: CompareFolds) -> Iterator[CompareRow]:
    stop = 0
    for pair in comparison.pairs:
        if pair.place < stop:
            continue
        group = comparison.groups.get(pair.place)
        differs = comparison.count_differing(pair.place, pair.place + 1) > 0
        begins_open = pair.both and differs
        if group is not None:
            begins_open = len(group.places) <= _CROWD
        is_open = begins_open != (_key(pair) in folds.toggled)
        stop = pair.stop if group is not None and not is_open else pair.place + 1
        if group is None:
            below = list(_below(comparison, pair))
        else:
            below = list(_summary(comparison, pair, group, folded=not is_open))
        differs = comparison.count_differing(pair.place, stop) > 0
        yield CompareRow(
            kind=RowKind.STATE,
            label=pair.label,
            a=_state_cell(pair.a, pair.seconds.a),
            b=_state_cell(pair.b, pair.seconds.b),
            seconds=pair.seconds,
            mark=_mark(pair, differs=differs),
            key=_key(pair),
            place=pair.place,
            depth=pair.depth,
            open=is_open if below or group is not None else None,
        )
        for number, row in enumerate(below if is_open or group is not None else ()):
            yield replace(
                row,
                # Where there is no state, what it lacks goes without saying.
                a=row.a if pair.a is not None else Cell(),
                b=row.b if pair.b is not None else Cell(),
                mark=row.mark if pair.both else "",
                key=f"{_key(pair)}~{number}",
                place=pair.place,
                depth=pair.depth + 1,
            )


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
    comparison: Comparison, rows: Sequence[CompareRow], folds: CompareFolds
) -> Iterator[CompareRow]:
    """Put one line in the place of each long run of alike states of one Map."""

    def likeness(row: CompareRow) -> tuple[bool, int | None]:
        pair = comparison.pairs[row.place]
        plain = row.kind is RowKind.STATE and not pair.is_container and not row.open
        return plain and not row.mark and pair.seconds.near, pair.parent

    for (alike, _), run in groupby(rows, likeness):
        found = list(run)
        is_open, key = True, f"{found[0].key}~alike"
        if alike and len(found) >= _LEAST_ALIKE:
            is_open = key in folds.toggled
            yield CompareRow(
                kind=RowKind.ALIKE,
                label=f"⋯ {len(found):,} states alike",
                key=key,
                place=found[0].place,
                depth=found[0].depth,
                open=is_open,
            )
        yield from found if is_open else ()


# -- iterations together ---------------------------------------------------------------


def _summary(
    comparison: Comparison, pair: VisitPair, group: IterationGroup, *, folded: bool
) -> Iterator[CompareRow]:
    """Sum up the iterations of a Map that are too many, or folded away, to be seen."""
    many = len(group.places) >= _MANY or (folded and len(group.places) > 1)
    if pair.visit.type == "Map" and many:
        places = group.places.values()
        differing = sum(comparison.count_differing(*each) > 0 for each in places)
        label = "; ".join(_clauses(group, differing))
        mark = "≠" if differing else ""
        yield CompareRow(kind=RowKind.GROUP, label=label, mark=mark)


def _clauses(group: IterationGroup, differing: int) -> Iterator[str]:
    """Say what matters most first: how many, how long, which changed."""
    counts = [len(side.seconds) for side in (group.a, group.b)]
    in_b = f" in A, {counts[1]:,} in B" if counts[0] != counts[1] else " in each"
    yield f"{plural(counts[0], 'iteration')}{in_b}"
    if differing:
        yield f"{differing:,} differ{'s' if differing == 1 else ''}"
    sides = (("A", group.a), ("B", group.b))
    spreads = [(letter, side.spread) for letter, side in sides if side.spread]
    yield f"median {', '.join(f'{x} {duration(s.median)}' for x, s in spreads)}"
    for word, sign in (("slowdown", 1), ("speed-up", -1)):
        if found := group.extreme(sign):
            index, lengths = found
            ends = (duration(lengths.a or 0.0), duration(lengths.b or 0.0))
            yield f"largest {word} [{index}] {' → '.join(ends)}"
    for letter, side in sides:
        odd = Counter(s for s in side.statuses.values() if s != "succeeded")
        words = ", ".join(f"{n:,} {status_words(status)}" for status, n in odd.items())
        if words:
            yield f"{words} in {letter}"


# -- what stands below a state ---------------------------------------------------------


def _detail(label: str, a: Cell, b: Cell, **more: Any) -> CompareRow:
    return CompareRow(kind=RowKind.DETAIL, label=label, a=a, b=b, **more)


def _below(comparison: Comparison, pair: VisitPair) -> Iterator[CompareRow]:
    """Yield what there is to tell of a state beside its length."""
    for each in pair.attempts:
        runs = [resource_words(case.attempt) for case in each.cases if case]
        if each.number == 1 and len(set(runs)) > 1:
            yield _detail("runs", *map(Cell, runs), mark="≠")
        yield from _attempt(each, several=len(pair.attempts) > 1)
        for call in each.calls:
            yield _calls(each, call, known=comparison.calls_compared)
        told = [case.completion if case else None for case in each.cases]
        if any(told):
            lags = Lengths(*(each.lag if each else None for each in told))
            yield _detail("completion lag", *map(_completion, each.cases), seconds=lags)
    if len(pair.phases) > 1:
        yield from _phases(pair)


def _attempt(pair: AttemptPair, *, several: bool) -> Iterator[CompareRow]:
    """Tell how attempts ended, unless there is but one on each side, and that well."""
    a, b = (case and (case.attempt.status, case.attempt.error) for case in pair.cases)
    failed = any(end and end[0] not in {"succeeded", "running"} for end in (a, b))
    if several or failed:
        cells = map(_attempt_cell, pair.cases, (pair.seconds.a, pair.seconds.b))
        # One that failed early is no faster for it.
        seconds, mark = (pair.seconds, "") if a == b else (Lengths(), "≠")
        yield _detail(f"attempt {pair.number}", *cells, seconds=seconds, mark=mark)


def _attempt_cell(case: AttemptCase | None, seconds: float | None) -> Cell:
    if case is None:
        return _NONE
    error, status = case.attempt.error, case.attempt.status
    words = named(error) if error else status_words(status)
    length = f", {duration(seconds)}" if seconds is not None else ""
    return Cell(f"{words}{length}", status, f"#{case.attempt.scheduled_id}")


def _calls(pair: AttemptPair, call: CallPair, *, known: bool) -> CompareRow:
    number = f" (attempt {pair.number})" if pair.number > 1 else ""
    codes_a, codes_b = codes_of(call.a), codes_of(call.b)
    own = zip((call.a, call.b), pair.cases, strict=True)
    cells = (_calls_cell(call.role, *each, known=known) for each in own)
    mark = "≠" if known and codes_a != codes_b else ""
    minor = call.role is CallRole.ACTION and not codes_a | codes_b
    return _detail(f"{named(call.event_name)}{number}", *cells, mark=mark, minor=minor)


def _calls_cell(
    role: CallRole, tally: CallTally | None, case: AttemptCase | None, *, known: bool
) -> Cell:
    polls = role is CallRole.POLL
    may_come = polls and case is not None and not case.complete
    if tally is None:
        # An action was made, or its attempt would have failed: it is not matched.
        made = role is CallRole.ACTION and case is not None
        return _UNKNOWN if made or may_come or not known else _UNMATCHED
    words = [plural(tally.count, "poll") if polls else times(tally.count)]
    for code, count in tally.error_codes.items():
        words.append(f"{f'{count:,} ' if count < tally.count else ''}{named(code)}")
    if tally.interval_mean:
        words.append(f"every {tally.interval_mean:.0f} s")
    guess, so_far = "up to " if tally.guessed else "", " so far" if may_come else ""
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
            kind, label = RowKind.PHASE, str(phase)
            yield CompareRow(kind=kind, label=label, a=a, b=b, seconds=lengths)


# -- for people ------------------------------------------------------------------------


def comparison_document(comparison: Comparison) -> Document:
    """Write a comparison as a document: who, what it comes to, state by state."""
    answer, *others = verdict(comparison)
    rows = compare_rows(comparison)
    told, lines = remarks(comparison), list(_details(comparison, rows))
    blocks: list[Block] = [
        _sides(comparison),
        Paragraph(answer.text, strong=True),
        *others,
        *section("Conditions and limits", [Items(tuple(told))] if told else [], 1),
        *section("States", [_states(rows)] if rows else [], 1),
        *section("Details", [Items(tuple(lines))] if lines else [], 1),
    ]
    return Document(tuple(blocks))


def _sides(comparison: Comparison) -> Table:
    names = short_names([side.execution.name for side in comparison.sides])
    rows = map(_side_row, comparison.sides, names)
    letters, titles, statuses, lengths, begun = zip(*rows, strict=True)
    return Table(
        (
            Column("", letters),
            Column("Execution", titles, least=_NAME),
            Column("Status", statuses),
            Column("Duration", lengths, right=True),
            Column("Started (UTC)", begun, rank=1),
        )
    )


def _side_row(side: Side, name: str) -> tuple[str, ...]:
    execution, seconds = side.execution, side.seconds
    machine, begun = execution.state_machine_name, execution.started_at
    title = f"{named(machine)} › " if machine else ""
    return (
        side.letter,
        f"{title}{named(name)}",
        status_words(execution.status),
        duration(seconds) if seconds is not None else "",
        f"{begun:%Y-%m-%d %H:%M:%S}" if begun else "",
    )


def _states(rows: Sequence[CompareRow]) -> Table:
    told = [row for row in rows if row.kind in _FIGURES]
    names = tuple(f"{_INDENT * row.depth}{row.label}" for row in told)
    ratios = tuple(row.seconds.ratio_words for row in told)
    return Table(
        (
            Column("", tuple(row.mark for row in told)),
            Column("State", names, least=_NAME),
            Column("A", tuple(row.a.text for row in told), right=True),
            Column("B", tuple(row.b.text for row in told), right=True),
            Column("B − A", tuple(row.seconds.more_words for row in told), right=True),
            Column("B / A", ratios, right=True, rank=1),
        )
    )


def _details(comparison: Comparison, rows: Sequence[CompareRow]) -> Iterator[str]:
    """Write what is no figure: each with the state that it is of."""
    for row in rows:
        title = comparison.pairs[row.place].title
        if row.kind is RowKind.GROUP:
            yield f"{title}: {row.label}"
        elif row.kind is RowKind.DETAIL and not row.minor:
            told = (("A", row.a.text), ("B", row.b.text))
            sides = "; ".join(f"{letter} {text}" for letter, text in told if text)
            yield f"{title}, {row.label}: {sides}"


# -- bars ------------------------------------------------------------------------------


def bar_scale(comparison: Comparison) -> float:
    """Give the seconds that a whole bar stands for: the longest of both sides."""
    return max((p.seconds.longest for p in comparison.pairs), default=0.0) or 1.0


def bar(
    pair: VisitPair, side: str, scale: float, width: int
) -> list[tuple[Phase, int]]:
    """Share out the cells of the bar of A or B by phase; what took any time has one."""
    told = {p: each.a if side == "A" else each.b for p, each in pair.phases.items()}
    whole = sum(seconds or 0.0 for seconds in told.values())
    if whole <= 0 or width <= 0:
        return []
    cells = min(width, max(1, round(whole / scale * width)))
    found: list[tuple[Phase, int]] = []
    spent, taken = 0.0, 0
    for phase in _BAR_ORDER:
        spent += told.get(phase) or 0.0
        end = round(spent / whole * cells)
        if end > taken:
            found.append((phase, end - taken))
            taken = end
    return found
