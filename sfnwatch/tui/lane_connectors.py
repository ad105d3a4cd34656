"""Connectors: from the phase that made a call to the call, where they stand apart."""

from collections.abc import Mapping, Sequence

from sfnwatch.trace.lanes import Row
from sfnwatch.trace.links import Rule
from sfnwatch.trace.values import replace
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


class Connectors:
    """Draws lines from phases to the calls they made, where both are not on one line.

    Lines come and go at the end. A phase is tied first that comes first; what it takes
    no other can have, so only those can change that are within reach of what is new.
    """

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._drawn: list[tuple[int, int]] = []
        """The places of the phases and their calls, by the phases'."""

    def grow(self, bare: Sequence[Line], first: int) -> None:
        """Take the bare lines from a place on."""
        begin = max(0, first - REACH)
        base = max(0, begin - REACH)
        self.lines[base:] = bare[base:]
        while self._drawn and self._drawn[-1][0] >= begin:
            self._drawn.pop()
        for phase, call in reversed(self._drawn):
            if max(phase, call) < base - REACH:
                break
            _draw(self.lines, phase, call)
        self._connect(begin, base)

    def tell_anew(self, place: int, line: Line) -> None:
        """Put other words on a line whose gutter is as it was."""
        self.lines[place] = replace(line, gutter=self.lines[place].gutter)

    def _connect(self, begin: int, base: int) -> None:
        lines = self.lines
        calls = {
            line.right.key: place
            for place, line in enumerate(lines[base:], base)
            if isinstance(line.right, Row) and not line.left
        }
        for place in range(begin, len(lines)):
            line = lines[place]
            row = line.left
            if not isinstance(row, Row) or row.causes is None or line.gutter != GUTTER:
                continue
            call = calls.get(row.causes)
            if call is not None and _may_draw(lines, place, call):
                _draw(lines, place, call)
                self._drawn.append((place, call))


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


def _may_draw(lines: Sequence[Line], phase: int, call: int) -> bool:
    row = lines[call].right
    between = range(min(phase, call), max(phase, call) + 1)
    if not isinstance(row, Row) or len(between) > REACH:
        return False
    if row.link is None or row.link.rule not in DRAWN:
        return False
    return all(lines[place].gutter == GUTTER for place in between)


def _draw(lines: list[Line], phase: int, call: int) -> None:
    row = lines[call].right
    if not isinstance(row, Row):
        return
    glyphs = glyphs_of(row)
    head = glyphs["across"][3]
    down = call > phase
    for place in range(min(phase, call), max(phase, call) + 1):
        lines[place] = replace(lines[place], gutter=f"  {glyphs['past']}  ")
    leave = glyphs["down"] if down else glyphs["up"]
    arrive = "╰" if down else "╭"
    lines[phase] = replace(lines[phase], gutter=f" {glyphs['away']}{leave}  ")
    lines[call] = replace(lines[call], gutter=f"  {arrive}{head} ")
