"""The wires of a graph's picture, cell by cell, and the signs that draw them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sfnwatch.view.graph_picture import Picture, Wire

UP = 1
_DOWN = 2
_LEFT = 4
_RIGHT = 8
_LIGHT_SIGNS = " ╵╷│╴┘┐┤╶└┌├─┴┬┼"
_HEAVY_SIGNS = " ╹╻┃╸┛┓┫╺┗┏┣━┻┳╋"
"""Signs of lines, by the sides of their cell that they reach: a sum of the four
above."""
_DASHED_SIGNS = {"│": "┊", "─": "┈", "┃": "┋", "━": "┉"}
"""The dashed signs, for a Catch."""
_SIDES = {(0, -1): UP, (0, 1): _DOWN, (-1, 0): _LEFT, (1, 0): _RIGHT}
"""The side of a cell that a step of x and y leaves through."""
WireCells = Mapping[int, Mapping[int, Mapping[Wire, int]]]
"""By row and column: the wires through a cell, and the sides of it that they reach."""


def wire_cells(picture: Picture) -> WireCells:
    """Return the wires through each cell, with the sides that they reach."""
    cells: defaultdict[int, dict[int, defaultdict[Wire, int]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(int))
    )
    for wire in picture.wires:
        x, y = wire.points[0]
        # A wire's first cell is next to the box that it comes out of.
        cells[y][x][wire] |= _DOWN if wire.up else UP
        for to_x, to_y in wire.points[1:]:
            while (x, y) != (to_x, to_y):
                right = (to_x > x) - (to_x < x)
                down = (to_y > y) - (to_y < y)
                cells[y][x][wire] |= _SIDES[right, down]
                x += right
                y += down
                cells[y][x][wire] |= _SIDES[-right, -down]
    return cells


def line_sign(wire_sides: Iterable[int], *, heavy: bool, dashed: bool) -> str:
    """Return the sign of a cell, from the sides that each of its wires reaches."""
    sides = 0
    for own_sides in wire_sides:
        sides |= own_sides
    sign = _HEAVY_SIGNS[sides] if heavy else _LIGHT_SIGNS[sides]
    return _DASHED_SIGNS.get(sign, sign) if dashed else sign
