"""A comparison as lines: one for each state, with like states together."""

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from msgspec.structs import replace

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis
from sfnwatch.analysis.compare.attempt_pair import AttemptPair, CallPair, CallTally
from sfnwatch.analysis.compare.compare_row import Cell, CompareRow, RowKind
from sfnwatch.analysis.compare.comparison import (
    Comparison,
)
from sfnwatch.analysis.compare.differences import codes_of
from sfnwatch.analysis.compare.iterations import IterationGroup
from sfnwatch.analysis.compare.length_pair import LengthPair
from sfnwatch.analysis.compare.visit_pair import VisitPair
from sfnwatch.analysis.completion import learned_by
from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.names import named
from sfnwatch.analysis.phases import Phase
from sfnwatch.analysis.quantities import plural, spoken, times
from sfnwatch.analysis.statuses import status_words
from sfnwatch.model.integrations import CallRole, Pattern
from sfnwatch.model.times import duration
from sfnwatch.model.visits import StateVisit

_CROWD = 20
"""A Map with more iterations begins folded."""
_ALIKE_STATES = 3
"""From this number on, alike states in a row take one line."""
_FEW_LINES = 30
"""Up to this number of lines in all, each state keeps its own line."""
_LEAST_SHARE = 0.01
"""A phase with a smaller share of its state's time is left out."""
_TOLD_ELSEWHERE = frozenset({Phase.CONTAINER, Phase.COMPLETION_LAG})
_NONE = Cell("none", "unknown")
_UNKNOWN = Cell("unknown", "unknown")
_UNMATCHED = Cell("not matched", "unknown")


def compare_rows(
    comparison: Comparison, toggled: Collection[str] = (), *, alike: bool | None = None
) -> list[CompareRow]:
    """Return a comparison as lines.

    `toggled` has the keys of lines that were folded or opened by hand. `alike` is True
    to fold alike states; with None, they are folded if there are many lines.
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
            # A side without the state has empty cells.
            a = row.a if pair.a else Cell()
            b = row.b if pair.b else Cell()
            mark = row.mark if pair.both else ""
            yield replace(row, a=a, b=b, mark=mark, key=f"{key}~{number}")


def _key(pair: VisitPair) -> str:
    """Return the key of a pair's line; it stays the same while more comes in."""
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
    """Put one line in place of each long run of alike states inside the same state."""

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


def _summary(
    comparison: Comparison, pair: VisitPair, group: IterationGroup
) -> Iterator[CompareRow]:
    """Yield a line that sums up the iterations of a Map, if there are several."""
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


def _detail(pair: VisitPair, label: str, a: Cell, b: Cell, **more: Any) -> CompareRow:
    return CompareRow(RowKind.DETAIL, pair, label, a, b, **more)


def _below(comparison: Comparison, pair: VisitPair) -> Iterator[CompareRow]:
    """Yield the lines below a state's own line: all but its length."""
    for each in pair.attempts:
        runs = [resource_words(case.attempt) for case in each.cases if case]
        if each.number == 1 and len(set(runs)) > 1:
            yield _detail(pair, "runs", *map(Cell, runs), mark="≠")
        yield from _attempt(pair, each)
        for call in each.calls:
            yield _calls(pair, each, call, compared=comparison.calls_compared)
        told = [case.completion if case else None for case in each.cases]
        if any(told):
            lags = LengthPair(*(each.lag if each else None for each in told))
            cells = map(_completion, each.cases)
            label = f"completion lag{_which(each)}"
            yield _detail(pair, label, *cells, seconds=lags)
    if len(pair.phases) > 1:
        yield from _phases(pair)


def _attempt(pair: VisitPair, each: AttemptPair) -> Iterator[CompareRow]:
    """Yield how attempts ended, unless each side has one that did not fail."""
    a, b = (case and (case.attempt.status, case.attempt.error) for case in each.cases)
    failed = any(end and end[0] not in {"succeeded", "running"} for end in (a, b))
    if len(pair.attempts) > 1 or failed:
        cells = map(_attempt_cell, each.cases, (each.seconds.a, each.seconds.b))
        # Lengths are compared only if both ended alike: an early failure is not faster.
        seconds, mark = (each.seconds, "") if a == b else (LengthPair(), "≠")
        label = f"attempt {each.number}"
        yield _detail(pair, label, *cells, seconds=seconds, mark=mark)


def _attempt_cell(case: AttemptAnalysis | None, seconds: float | None) -> Cell:
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
    """Return the words for the attempt's number; empty for the first."""
    return f" (attempt {each.number})" if each.number > 1 else ""


def _calls_cell(
    role: CallRole, tally: CallTally | None, case: AttemptAnalysis | None
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


def _completion(case: AttemptAnalysis | None) -> Cell:
    told = case and case.completion
    if case is None or not told:
        waits = case is not None and case.attempt.pattern is Pattern.SYNC
        return _UNKNOWN if waits else _NONE
    how = learned_by([told])
    text = f"{spoken(told.lag)}{f' {how}' if how else ''}"
    return Cell(text, evidence=case.end_event)


def _phases(pair: VisitPair) -> Iterator[CompareRow]:
    """Yield the phases that took longer or less than on the other side."""
    least = _LEAST_SHARE * pair.seconds.longest
    for phase, lengths in pair.phases.items():
        told = lengths.difference is not None and not lengths.near
        if told and lengths.longest >= least and phase not in _TOLD_ELSEWHERE:
            a, b = (Cell(duration(each or 0.0)) for each in (lengths.a, lengths.b))
            yield CompareRow(RowKind.PHASE, pair, str(phase), a, b, lengths)
