"""A comparison as lines: a line a state, what differs in it below, the rest folded.

Runs of states that are alike on both sides take one line, and so do the iterations of a
large Map, however many there are. What somebody toggles is known by its key, which
stays the same while more comes in.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.next.analysis.case import AttemptCase
from sfnwatch.next.analysis.compare.differences import codes_of
from sfnwatch.next.analysis.compare.pairs import (
    AttemptPair,
    CallPair,
    CallTally,
    Comparison,
    IterationGroup,
    Lengths,
    VisitPair,
)
from sfnwatch.next.analysis.completion import learned_by
from sfnwatch.next.analysis.phases import Phase
from sfnwatch.next.analysis.wording import (
    named,
    plural,
    resource_words,
    spoken,
    status_words,
    times,
)
from sfnwatch.next.model.integrations import CallRole, Pattern
from sfnwatch.next.model.text import duration
from sfnwatch.next.model.visits import StateVisit

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


class Cell(Struct, frozen=True):
    """What a line says of one side."""

    text: str = ""
    status: str = "succeeded"
    """As which it is to be colored."""
    evidence: str | None = None
    """Where it leads: an event (`#5`) of its side's execution, or a call's id."""


_NONE, _UNKNOWN = Cell("none", "unknown"), Cell("unknown", "unknown")


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
        yield CompareRow(
            kind=RowKind.STATE,
            label=pair.label,
            a=_state_cell(pair.a, pair.seconds.a),
            b=_state_cell(pair.b, pair.seconds.b),
            seconds=pair.seconds,
            mark=_mark(pair, differs=comparison.count_differing(pair.place, stop) > 0),
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
    if max(counts) > 1:
        told = (f"{x} {duration(s.least)} to {duration(s.most)}" for x, s in spreads)
        yield f"range {', '.join(told)}"
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
        yield _detail(
            f"attempt {pair.number}",
            _attempt_cell(pair.a, pair.seconds.a),
            _attempt_cell(pair.b, pair.seconds.b),
            # One that failed early is no faster for it.
            seconds=pair.seconds if a == b else Lengths(),
            mark="" if a == b else "≠",
        )


def _attempt_cell(case: AttemptCase | None, seconds: float | None) -> Cell:
    if case is None:
        return _NONE
    error, status = case.attempt.error, case.attempt.status
    words = named(error) if error else status_words(status)
    length = f", {duration(seconds)}" if seconds is not None else ""
    return Cell(f"{words}{length}", status, f"#{case.attempt.scheduled_id}")


def _calls(pair: AttemptPair, call: CallPair, *, known: bool) -> CompareRow:
    number = f" (attempt {pair.number})" if pair.number > 1 else ""
    codes = codes_of(call.a), codes_of(call.b)
    return _detail(
        f"{named(call.event_name)}{number}",
        _calls_cell(call.role, call.a, pair.a, known=known),
        _calls_cell(call.role, call.b, pair.b, known=known),
        mark="≠" if known and codes[0] != codes[1] else "",
        minor=call.role is CallRole.ACTION and not any(codes),
    )


def _calls_cell(
    role: CallRole, tally: CallTally | None, case: AttemptCase | None, *, known: bool
) -> Cell:
    polls = role is CallRole.POLL
    may_come = polls and case is not None and not case.complete
    if tally is None:
        # An action was made, or its attempt would have failed: it is not matched.
        made = role is CallRole.ACTION and case is not None
        return _UNKNOWN if made or may_come or not known else _NONE
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
            yield CompareRow(
                kind=RowKind.PHASE,
                label=str(phase),
                a=Cell(duration(lengths.a or 0.0)),
                b=Cell(duration(lengths.b or 0.0)),
                seconds=lengths,
            )


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
