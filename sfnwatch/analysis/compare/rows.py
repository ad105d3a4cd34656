"""A comparison as lines: one for each state, with like states together."""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby

from msgspec.structs import replace

from sfnwatch.analysis.compare.compare_row import Cell, CompareRow, RowKind
from sfnwatch.analysis.compare.comparison import Comparison
from sfnwatch.analysis.compare.detail_rows import detail_rows
from sfnwatch.analysis.compare.iterations import IterationGroup
from sfnwatch.analysis.compare.visit_pair import VisitPair
from sfnwatch.analysis.quantities import agreeing, plural
from sfnwatch.analysis.statuses import status_words
from sfnwatch.model.times import duration
from sfnwatch.model.visits import StateVisit

_OPEN_ITERATIONS = 20
"""A Map with more iterations begins folded."""
_ALIKE_STATES = 3
"""From this number on, alike states in a row take one line."""
_FEW_LINES = 30
"""Up to this number of lines in all, each state keeps its own line."""


def compare_rows(
    comparison: Comparison, toggled: Collection[str] = (), *, alike: bool | None = None
) -> list[CompareRow]:
    """Return a comparison as lines.

    `toggled` has the keys of lines that were folded or opened by hand. `alike` is True
    to fold alike states; with None, they are folded if there are many lines.
    """
    rows = list(_rows(comparison, toggled))
    if alike is None:
        alike = len(rows) > _FEW_LINES
    return list(_fold_alike(rows, toggled)) if alike else rows


def _rows(comparison: Comparison, toggled: Collection[str]) -> Iterator[CompareRow]:
    stop = 0
    for pair in comparison.pairs:
        if pair.place < stop:
            continue  # inside a folded Map or Parallel
        key = _key(pair)
        stop = pair.place + 1
        group = comparison.groups.get(pair.place)
        if group is None:
            begins_open = pair.both and comparison.differs(pair.place, stop)
            is_open = begins_open != (key in toggled)
            details = list(detail_rows(comparison, pair))
            fold = is_open if details else None
            below = details if is_open else []
        else:
            begins_open = len(group.places) <= _OPEN_ITERATIONS
            fold = begins_open != (key in toggled)
            below = list(_summary(comparison, pair, group))
            if not fold:
                stop = pair.stop
        yield CompareRow(
            RowKind.STATE,
            pair,
            pair.label,
            a=_state_cell(pair.a, pair.seconds.a),
            b=_state_cell(pair.b, pair.seconds.b),
            seconds=pair.seconds,
            mark=_mark(pair, differs=comparison.differs(pair.place, stop)),
            key=key,
            open=fold,
        )
        for number, row in enumerate(below):
            yield _row_below(row, f"{key}~{number}")


def _key(pair: VisitPair) -> str:
    """Return the key of a pair's line; it stays the same while more comes in."""
    return f"{pair.visit.path}#{pair.occurrence}"


def _state_cell(visit: StateVisit | None, seconds: float | None) -> Cell:
    if visit is None:
        return Cell("–")
    text = duration(seconds or 0.0)
    if visit.status != "succeeded":
        text = f"{status_words(visit.status)} {text}"
    return Cell(text, visit.status, f"#{visit.id}")


def _mark(pair: VisitPair, *, differs: bool) -> str:
    if pair.b is None:
        return "A"
    if pair.a is None:
        return "B"
    if differs:
        return "≠"
    return "↕" if pair.moved else ""


def _row_below(row: CompareRow, key: str) -> CompareRow:
    """Return a line with its key; a side without the state has an empty cell."""
    pair = row.pair
    if pair.both:
        return replace(row, key=key)
    a = row.a if pair.a else Cell()
    b = row.b if pair.b else Cell()
    return replace(row, a=a, b=b, mark="", key=key)


def _fold_alike(
    rows: Sequence[CompareRow], toggled: Collection[str]
) -> Iterator[CompareRow]:
    """Put one line in place of each long run of alike states inside the same state."""
    for (is_alike, _), group in groupby(rows, _likeness):
        run = list(group)
        if not is_alike or len(run) < _ALIKE_STATES:
            yield from run
            continue
        first = run[0]
        key = f"{first.key}~alike"
        is_open = key in toggled
        label = f"⋯ {len(run):,} states alike"
        yield CompareRow(RowKind.ALIKE, first.pair, label, key=key, open=is_open)
        if is_open:
            yield from run


def _likeness(row: CompareRow) -> tuple[bool, VisitPair | None]:
    """Return whether a line's state is alike on both sides, and what it runs in."""
    pair = row.pair
    is_plain = row.kind is RowKind.STATE and not pair.is_container
    is_folded = not row.open and not row.mark
    return is_plain and is_folded and pair.seconds.near, pair.around


def _summary(
    comparison: Comparison, pair: VisitPair, group: IterationGroup
) -> Iterator[CompareRow]:
    """Yield a line that sums up the iterations of a Map, if there are several."""
    if pair.visit.type != "Map" or not pair.both or len(group.places) == 1:
        return
    count_a = len(group.a.seconds)
    count_b = len(group.b.seconds)
    label = f"{plural(count_a, 'iteration')} in each"
    if count_a != count_b:
        label = f"{plural(count_a, 'iteration')} in A, {count_b:,} in B"
    differing = sum(comparison.differs(*places) for places in group.places.values())
    mark = ""
    if differing:
        differ = agreeing(differing, "differs", "differ")
        label = f"{label}; {differing:,} {differ}"
        mark = "≠"
    yield CompareRow(RowKind.GROUP, pair, label, mark=mark)
