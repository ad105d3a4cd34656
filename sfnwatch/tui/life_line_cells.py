"""Life-lines in cells: they pass a row of the lanes, begin in it, or end in it."""

from collections.abc import Iterable

from sfnwatch.analysis.phases import Phase
from sfnwatch.model.history_event import STATUS_BY_END, HistoryEvent
from sfnwatch.tui.phase_signs import PHASES
from sfnwatch.tui.spans import Span, SpanRow
from sfnwatch.view.life_lines import Rail
from sfnwatch.view.line import Line

BLANK_CELL = Span(" ")
_STROKES = dict(zip(PHASES, "╎┃┃┋│┊", strict=True))
"""The stroke of a life-line, by its phase."""
_EXECUTION_MARKS = "◆✔✘◷■⟲●"
"""Signs in place of an execution's own life-line: how the execution begins and ends."""


def own_cells(line: Line, width: int, row: int, rows: int) -> SpanRow:
    """Return the life-lines of row `row` of a line's `rows`.

    The sign of how an execution begins or ends stands in place of its own life-line.
    """
    cells = _cells(_rails_of(line), width, row, rows)
    mark = execution_mark(line)
    if mark is not None and row == 0:
        cells[0] = mark
    return cells


def passing_cells(rails: Iterable[Rail], width: int) -> SpanRow:
    """Return life-lines that neither begin nor end in a row."""
    return _cells(rails, width, row=1, rows=3)


def _cells(rails: Iterable[Rail], width: int, row: int, rows: int) -> SpanRow:
    """Return a row's life-lines; they begin in a line's first row, end in its last."""
    cells = [BLANK_CELL] * width
    for rail in rails:
        if rail.begins and rail.ends and row > 0:
            continue
        begins = rail.begins and row == 0
        ends = rail.ends and row == rows - 1
        column = min(rail.column, width - 1)
        cells[column] = _cell(rail, begins=begins, ends=ends)
    return cells


def _cell(rail: Rail, *, begins: bool, ends: bool) -> Span:
    stroke = _STROKES[rail.phase]
    look = PHASES[rail.phase].look
    if rail.failed and rail.phase is not Phase.BACKING_OFF:
        look = "role--bad"
    if rail.begins and rail.ends:
        return Span("●", look)
    if begins and rail.phase is Phase.CONTAINER:
        stroke = "╷"
    elif ends:
        is_thin = rail.phase in {Phase.CONTAINER, Phase.WAITING}
        stroke = "╵" if is_thin else "╹"
    return Span(stroke, look)


def execution_mark(line: Line) -> Span | None:
    """Return the sign of how a root execution begins or ends; else None."""
    item = line.item
    if not isinstance(item, HistoryEvent) or not item.type.startswith("Execution"):
        return None
    if line.execution_arn != line.root_arn or not line.text:
        return None
    if any(rail.column == 0 for rail in _rails_of(line)):
        return None
    first = line.text[0]
    sign = first.text[:1]
    return Span(sign, f"role--{first.role}") if sign in _EXECUTION_MARKS else None


def _rails_of(line: Line) -> Iterable[Rail]:
    """Return a line's life-lines; where an execution has ended, none of its own."""
    item = line.item
    if isinstance(item, HistoryEvent) and item.type in STATUS_BY_END:
        return [rail for rail in line.rails if rail.visit[0] != line.execution_arn]
    return line.rails
