"""Connectors: from the phase that made a call to the call, where they stand apart."""

from collections.abc import Mapping
from dataclasses import replace

from sfnwatch.trace.lanes import Row
from sfnwatch.trace.links import Rule
from sfnwatch.tui.lane_line import GUTTER, Line
from sfnwatch.tui.rails import between

REACH = 24
"""A connector over more lines than these could not be followed by eye."""
DRAWN = frozenset({Rule.REQUEST_ID, Rule.RESOURCE_ID, Rule.UNIQUE_CANDIDATE})
_SOLID = {"across": " ──▶ ", "away": "─", "up": "╯", "down": "╮", "past": "│"}
_DOTTED = {"across": " ┄┄▷ ", "away": "┄", "up": "╯", "down": "╮", "past": "┆"}


def glyphs_of(call: Row) -> Mapping[str, str]:
    """Draw an exact link solid, a guess dotted."""
    exact = call.link is not None and call.link.rule.exact
    return _SOLID if exact else _DOTTED


def connect(lines: list[Line]) -> None:
    """Draw lines from phases to the calls they made, where both are not on one line."""
    calls = {
        line.right.key: place
        for place, line in enumerate(lines)
        if isinstance(line.right, Row) and not line.left
    }
    for place, line in enumerate(lines):
        row = line.left
        if isinstance(row, Row) and row.causes in calls and line.gutter == GUTTER:
            _draw(lines, place, calls[row.causes or ""])


def past(above: str, below: str) -> str:
    """Draw what runs on between two lines, from one gutter to the other."""
    if above[2] in "│┆╮╭" and below[2] in "│┆╯╰":
        glyph = next((g for g in (above[2], below[2]) if g in "│┆"), "│")
        return f"  {glyph}  "
    return GUTTER


def passed(above: Line, below: Line) -> Line:
    """Draw what runs on between two lines, in each column there is."""
    columns = max(len(above.cells), len(below.cells))
    cells = zip(_cells(above, columns), _cells(below, columns), strict=True)
    return Line(
        rails=between(above.rails, below.rails),
        gutter=past(above.gutter, below.gutter),
        cells=tuple(passed(*pair) for pair in cells),
    )


def _cells(line: Line, columns: int) -> tuple[Line, ...]:
    return line.cells or (Line(),) * columns


def _draw(lines: list[Line], phase: int, call: int) -> None:
    row = lines[call].right
    between = range(min(phase, call), max(phase, call) + 1)
    if not isinstance(row, Row) or len(between) > REACH:
        return
    if row.link is None or row.link.rule not in DRAWN:
        return
    if any(lines[place].gutter != GUTTER for place in between):
        return
    glyphs = glyphs_of(row)
    head = glyphs["across"][3]
    down = call > phase
    for place in between:
        lines[place] = replace(lines[place], gutter=f"  {glyphs['past']}  ")
    leave = glyphs["down"] if down else glyphs["up"]
    arrive = "╰" if down else "╭"
    lines[phase] = replace(lines[phase], gutter=f" {glyphs['away']}{leave}  ")
    lines[call] = replace(lines[call], gutter=f"  {arrive}{head} ")
