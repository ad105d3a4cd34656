"""Life-lines in cells: what passes a row of the lanes, begins in it, or ends in it."""

from collections.abc import Iterable

from sfnwatch.analysis.phases import Phase
from sfnwatch.model.history_event import TERMINAL, HistoryEvent
from sfnwatch.tui.paint import PHASES, Span, SpanRow
from sfnwatch.view.life_lines import Rail
from sfnwatch.view.line import Line

BLANK = Span(" ")
_RAILS = dict(zip(PHASES, "╎┃┃┋│┊", strict=True))
"""What a life-line is drawn with, by what time is spent on."""
_MARKS = "◆✔✘◷■⟲●"
"""What stands where the life-line of an execution would: how it begins and ends."""


def _rails_of(line: Line) -> Iterable[Rail]:
    """Give what passes a line; where an execution has ended nothing of it does."""
    item = line.item
    if isinstance(item, HistoryEvent) and item.type in TERMINAL:
        return [rail for rail in line.rails if rail.visit[0] != line.execution_arn]
    return line.rails


def _rails(rails: Iterable[Rail], width: int, number: int, count: int) -> SpanRow:
    """Draw the life-lines of a row: they begin in a line's first, end in its last."""
    cells = [BLANK] * width
    for rail in rails:
        column = min(rail.column, width - 1)
        begins = rail.begins and number == 0
        ends = rail.ends and number == count - 1
        if rail.begins and rail.ends and number > 0:
            continue
        cells[column] = _rail(rail, begins=begins, ends=ends)
    return cells


def _rail(rail: Rail, *, begins: bool, ends: bool) -> Span:
    glyph = _RAILS[rail.phase]
    look = PHASES[rail.phase].look
    if rail.failed and rail.phase is not Phase.BACKING_OFF:
        look = "role--bad"
    if rail.begins and rail.ends:
        return Span("●", look)
    if begins and rail.phase is Phase.CONTAINER:
        glyph = "╷"
    elif ends:
        glyph = "╵" if rail.phase in {Phase.CONTAINER, Phase.WAITING} else "╹"
    return Span(glyph, look)


def passing_cells(rails: Iterable[Rail], width: int) -> SpanRow:
    """Draw the life-lines that neither begin nor end in a row."""
    return _rails(rails, width, 1, 3)


def own_cells(line: Line, width: int, number: int, count: int) -> SpanRow:
    """Draw a line's life-lines; how an execution begins or ends stands for its own."""
    rails = _rails(_rails_of(line), width, number, count)
    mark = execution_mark(line)
    return rails if mark is None or number > 0 else [mark, *rails[1:]]


def execution_mark(line: Line) -> Span | None:
    """Give the sign of how an execution that nothing started begins or ends."""
    item = line.item
    own = isinstance(item, HistoryEvent) and item.type.startswith("Execution")
    if not own or line.execution_arn != line.root_arn or not line.text:
        return None
    if any(rail.column == 0 for rail in _rails_of(line)):
        return None
    sign = line.text[0].text[:1]
    role = line.text[0].role
    return Span(sign, f"role--{role}") if sign in _MARKS else None
