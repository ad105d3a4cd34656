"""The summary on the end card: statuses, lengths and counts, and the time as bars."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from sfnwatch.analysis.grouping import ranked
from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.lists import listed_counts
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import times
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.texts import clean
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span, SpanRow, Spans, fit, flow, margined, width_of
from sfnwatch.tui.status_rows import length_words
from sfnwatch.tui.time_spent import TimeSpent, bar_rows, time_bar, time_spent
from sfnwatch.view.markers import MarkerKind
from sfnwatch.view.outline import TASKS
from sfnwatch.view.parts import Part, counted, status_glyph, status_part

_MOST_EXECUTIONS = 8
"""Executions that have a line of their own; the others are only counted."""
_LEAST_BAR_CELLS = 24
_COUNTED_MARKS = (
    (MarkerKind.DENIED, "denied", "role--bad"),
    (MarkerKind.RETRIED, "retried", "role--warn"),
    (MarkerKind.CAUGHT, "caught", "role--warn"),
    (MarkerKind.REDRIVEN, "redriven", "role--warn"),
)
_DOT = Span("  ·  ", "role--dim")


def summary_sections(screen_state: ScreenState, width: int) -> list[Sequence[Spans]]:
    """Return the rows of each section, from the statuses in capitals down."""
    sections: list[Sequence[Spans]] = [[_title(screen_state)]]
    if screen_state.several:
        sections += _of_several(screen_state, width)
    elif screen_state.roots:
        sections += _of_one(screen_state, screen_state.roots[0], width)
    return [rows for rows in sections if any(rows)]


def _title(screen_state: ScreenState) -> SpanRow:
    """Return the status in spaced capitals; for several executions, with counts."""
    spans: SpanRow = []
    counts = Counter(execution.status for execution in screen_state.roots)
    for status, count in counts.items():
        if spans:
            spans.append(Span("      "))
        glyph = status_glyph(status)
        status_words = clean(status.replace("_", " "), 40)
        words = " ".join(status_words)  # blanks between its letters
        if screen_state.several:
            words = f"{count}  {words}"
        spans.append(Span(f"{glyph.text}  {words}", f"role--{glyph.role}"))
    return spans or [Span("Nothing has come yet.", "role--dim")]


def _of_one(
    screen_state: ScreenState, execution: ExecutionAsOf, width: int
) -> Iterator[Sequence[Spans]]:
    """Yield the execution's length, states, resources and counts, and its time."""
    mask = screen_state.looks.mask
    states = Span(mask(_states(execution)))
    resources = Span(mask(_resources(screen_state, execution)))
    length = length_words(execution, screen_state.now)
    lead = Span(f"{length}    ", "role--name")
    yield _joined([states, resources, *_counts(screen_state)], width, lead)
    spent = time_spent(screen_state.findings, execution.arn)
    if spent.parts:
        yield bar_rows(spent, width)


def _states(execution: ExecutionAsOf) -> str:
    names = {visit.name for visit in execution.visits}
    if not names:
        return ""
    if len(names) == 1:
        return named(names.pop())
    return counted(len(names), "state")


def _resources(screen_state: ScreenState, execution: ExecutionAsOf) -> str:
    """Return the resources of its states with counts, the most frequent first."""
    names: list[str] = []
    for finding in screen_state.findings:
        if finding.kind != "pattern" or finding.execution_arn != execution.arn:
            continue
        visit = execution.visit(finding.data["visit"])
        if visit is not None and visit.attempts:
            words = resource_words(visit.attempts[0])
            names += [words] * finding.data["states"]
    if len(names) == 1:
        return names[0]
    return listed_counts(ranked(names))


def _counts(screen_state: ScreenState) -> Iterator[Span]:
    """Yield the number of calls, and of states and calls that did not go well."""
    children = _child_count(screen_state)
    if children:
        yield Span(counted(children, "child execution"))
    services = screen_state.services()
    calls = sum(count for source, count in services.items() if source != TASKS)
    if calls:
        yield Span(counted(calls, "API call"))
    marks = _mark_counts(screen_state)
    for kind, words, look in _COUNTED_MARKS:
        if marks[kind]:
            yield Span(_mark_words(marks[kind], kind, words), look)


def _mark_words(count: int, kind: MarkerKind, words: str) -> str:
    if kind is MarkerKind.REDRIVEN:
        return f"{words} {times(count)}"
    return f"{count:,} {words}"


def _child_count(screen_state: ScreenState) -> int:
    """Return the number of child executions of all executions shown."""
    count = 0
    for finding in screen_state.findings:
        if finding.kind == "children":
            count += finding.data.get("total", 0)
    return count


def _mark_counts(screen_state: ScreenState) -> Counter[MarkerKind]:
    """Return the number of marks of each kind up to the playhead."""
    clock = screen_state.playback.clock
    counts: Counter[MarkerKind] = Counter()
    for mark in screen_state.markers.by(clock):
        if mark.when(clock) <= screen_state.now:
            counts[mark.kind] += 1
    return counts


def _joined(parts: Iterable[Span], width: int, first: Span) -> Sequence[Spans]:
    """Return parts side by side, with dots between, in as many rows as needed.

    `first` stands before the first row; all rows begin where it ends.
    """
    margin = len(first.text)
    room = width - margin
    rows: list[SpanRow] = [[]]
    for part in parts:
        if not part.text:
            continue
        row = rows[-1]
        if not row:
            row.append(part)
        elif width_of([*row, _DOT, part]) > room:
            rows.append([part])
        else:
            row += (_DOT, part)
    wrapped: list[SpanRow] = []
    for row in rows:
        wrapped += flow(row, room, room, 2)
    return margined(wrapped, margin, [first])


def _of_several(screen_state: ScreenState, width: int) -> list[Sequence[Spans]]:
    """Return a line for each execution: its chip, how it ended, how long it took.

    Where there is room, each has a bar; all bars have one scale.
    """
    roots = screen_state.roots[:_MOST_EXECUTIONS]
    chips = screen_state.chips()
    lengths: list[str] = []
    ends: list[Part] = []
    times: list[TimeSpent] = []
    for execution in roots:
        lengths.append(length_words(execution, screen_state.now))
        ends.append(status_part(execution.status))
        times.append(time_spent(screen_state.findings, execution.arn))
    chip_cells = 2 + max(width_of([chips[execution.arn]]) for execution in roots)
    end_cells = max(len(end.text) for end in ends)
    length_cells = max(map(len, lengths))
    room = width - chip_cells - end_cells - length_cells - 6
    longest = 0.0
    if room >= _LEAST_BAR_CELLS:
        longest = max(spent.seconds for spent in times)
    rows: list[SpanRow] = []
    signs: dict[str, Span] = {}
    for execution, end, length, spent in zip(roots, ends, lengths, times, strict=True):
        row = fit([chips[execution.arn]], chip_cells)
        end_words = f"{end.text:<{end_cells}}"
        length_in_column = f"  {length:>{length_cells}}    "
        row.append(Span(end_words, f"role--{end.role}"))
        row.append(Span(length_in_column, "role--name"))
        if longest:
            cells = round(room * spent.seconds / longest)
            row += time_bar(spent, max(cells, len(spent.parts)))
            for part in spent.parts:
                signs.setdefault(part.words, part.sign)
        rows.append(row)
    more = len(screen_state.roots) - len(roots)
    if more:
        rows.append([Span(f"and {more:,} more", "role--dim")])
    parts = list(_counts(screen_state))
    for words, sign in signs.items():
        parts.append(Span(f"{sign.text} {words}", sign.look))
    return [rows, _joined(parts, width, Span(""))]
