"""Two executions beside each other: what is the same, what differs, and where first.

Times alone make no difference in kind: two runs that went through the same states with
the same outcomes did the same, however long they took and however often they polled.

It is told in sentences, and as a document for people; `export/json.py` writes it for
programs.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import datetime
from statistics import fmean

from sfnwatch.next.analysis.case import (
    Survey,
    Work,
    build_case,
    done,
    gaps,
)
from sfnwatch.next.analysis.compare.differences import (
    compare_definitions,
    find_differences,
    find_gaps,
    state_names,
)
from sfnwatch.next.analysis.compare.pairs import (
    Comparison,
    DefinitionChanges,
    Difference,
    KindOf,
    Lengths,
    Side,
    VisitPair,
    pair_visits,
)
from sfnwatch.next.analysis.compare.rows import CompareRow, RowKind, compare_rows
from sfnwatch.next.analysis.completion import learned_by
from sfnwatch.next.analysis.document import (
    Block,
    Column,
    Document,
    Items,
    Paragraph,
    Table,
    section,
)
from sfnwatch.next.analysis.finding import Certainty, Finding, finding
from sfnwatch.next.analysis.outcomes import stopped_seconds
from sfnwatch.next.analysis.phases import Phase
from sfnwatch.next.analysis.wording import (
    cadence,
    named,
    plural,
    short_names,
    some,
    spoken,
    status_words,
    times,
)
from sfnwatch.next.model.arns import role_name
from sfnwatch.next.model.integrations import Pattern
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.text import duration
from sfnwatch.next.model.visits import StateVisit

__all__ = [
    "Comparison",
    "compare",
    "comparing",
    "comparison_document",
    "remarks",
    "verdict",
]
_CALLS = frozenset({"call", "denied"})
_UNSURE = frozenset({"no-history", "partial-history", "late-calls", "shared-calls"})
"""The gaps behind which a difference may be hidden."""
_NOTABLE, _MANY = 1.1, 10
"""From so many times as long on it is said how many; then without decimals."""
_MOST = 0.5
"""A phase that makes up so much of a change is named for it."""
_FIGURES = frozenset({RowKind.STATE, RowKind.PHASE, RowKind.ALIKE})
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
    survey_a = Survey(moment_a)
    survey_b = survey_a if moment_b is moment_a else Survey(moment_b)
    case_a = yield from build_case(survey_a, moment_a.executions[arn_a])
    case_b = yield from build_case(survey_b, moment_b.executions[arn_b])
    a, b = Side("A", case_a, now), Side("B", case_b, now)
    pairs = yield from pair_visits(a, b, _kind_of(a, b))
    found = Comparison(a, b, pairs)
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
        if only_calls:
            yield _said(f"{_same_way(comparison)}; only their API calls differ.")
        yield _told(differences[0], "" if only_calls else "First difference: ")
        endings = [each for each in endings if each is not differences[0]]
        more = len(differences) - 1 - len(endings)
        if more:
            are = "is" if more == 1 else "are"
            yield _said(f"There {are} {plural(more, 'more difference')}.")
    yield from map(_told, endings)


def _told(difference: Difference, prefix: str = "") -> Finding:
    fact = difference.certainty is Certainty.FACT
    return _said(f"{prefix}{difference.text}", difference.evidence, fact=fact)


def _same(comparison: Comparison) -> Finding:
    unsure = any(gap.kind in _UNSURE for gap in comparison.gaps)
    unsure = unsure or not comparison.calls_compared
    told = "only times differ"
    if unsure:
        told = "only times differ, as far as is known"
    elif comparison.a.is_same(comparison.b):
        told = "nothing differs"
    elif comparison.a.polls or comparison.b.polls:
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
        count = f"{long / short:,.{0 if long / short >= _MANY else 1}f}"
        many = f" ({'B' if b > a else 'A'} took {count} times as long)"
    yield _said(f"B took {spoken(b)}, {more} than A's {spoken(a)}{many}.")


def _extremes(comparison: Comparison) -> Iterator[Finding]:
    several = sum(pair.both and not pair.is_container for pair in comparison.pairs) > 1
    for word, sign in (("slowdown", 1), ("speed-up", -1)):
        place = comparison.extreme(sign)
        if place is None:
            continue
        pair = comparison.pairs[place]
        phase, ratio = _main_phase(pair), pair.seconds.ratio_words
        if several:
            change = f"{_from_to(pair.seconds)}{f' ({ratio})' if ratio else ''}"
            yield _said(f"The largest {word} is {pair.title}: {change}{phase}.")
        elif phase:
            yield _said(f"{pair.title} accounts for the difference{phase}.")


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
    ids = [poll.event_id for side in comparison.sides for poll in side.polls]
    if not ids or not comparison.shared or not comparison.calls_compared:
        return
    (in_a, sure_a), (in_b, sure_b) = map(_polled, comparison.sides)
    text = f"Both {in_a}." if in_a == in_b else f"A {in_a}; B {in_b}."
    yield _said(text, ids, fact=sure_a and sure_b)


def _polled(side: Side) -> tuple[str, bool]:
    """Say how often one side polled, no more than is known, and whether it is sure."""
    cases, count = side.attempts.values(), len(side.polls)
    waits = [case for case in cases if case.attempt.pattern is Pattern.SYNC]
    so_far = "" if all(case.complete for case in waits) else " so far"
    if not count:
        return f"has no poll matched{so_far}", False
    guessed = any(map(side.is_guess, side.polls))
    many = f"up to {plural(count, 'time')}" if guessed else times(count)
    means = [fmean(between) for case in cases if (between := gaps(case.polls))]
    every = f", {cadence(fmean(means))}" if means else ""
    return f"polled {many}{so_far}{every}", not guessed and not so_far


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
    yield _said(text, fact=not (by_a or by_b))


def remarks(comparison: Comparison) -> list[str]:
    """Say what may explain a difference, and what could not be compared."""
    found = [gap.text for gap in comparison.gaps]
    if comparison.definitions and not comparison.a.is_same(comparison.b):
        found += _definitions(comparison.definitions)
    for side in comparison.sides:
        if side.execution.redrives:
            often, stopped = (
                len(side.execution.redrives),
                stopped_seconds(side.execution),
            )
            found.append(
                f"{side.letter} was redriven {times(often)}, having been over for"
                f" {spoken(stopped)}: that time is part of its duration, and of no"
                " state's."
            )
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
