"""The wires of a graph's picture, cell by cell, and the signs that draw them."""

from collections.abc import Iterable, Iterator, Mapping

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
    rows: dict[int, dict[int, dict[Wire, int]]] = {}
    for wire in picture.wires:
        for x, y, side in _sides_reached(wire):
            cells = rows.setdefault(y, {})
            wires = cells.setdefault(x, {})
            wires[wire] = wires.get(wire, 0) | side
    return rows


def _sides_reached(wire: Wire) -> Iterator[tuple[int, int, int]]:
    """Yield the x and y of each cell of a wire, with a side that it reaches there."""
    x, y = wire.points[0]
    # A wire's first cell is next to the box that it comes out of.
    first_side = _DOWN if wire.up else UP
    yield x, y, first_side
    for to_x, to_y in wire.points[1:]:
        while (x, y) != (to_x, to_y):
            right = _direction(to_x - x)
            down = _direction(to_y - y)
            yield x, y, _SIDES[right, down]
            x += right
            y += down
            yield x, y, _SIDES[-right, -down]


def _direction(distance: int) -> int:
    """Return 1 for a positive distance, -1 for a negative one, 0 for 0."""
    return (distance > 0) - (distance < 0)


def line_sign(wire_sides: Iterable[int], *, heavy: bool, dashed: bool) -> str:
    """Return the sign of a cell, from the sides that each of its wires reaches."""
    sides = 0
    for own_sides in wire_sides:
        sides |= own_sides
    signs = _HEAVY_SIGNS if heavy else _LIGHT_SIGNS
    sign = signs[sides]
    if dashed:
        # Corners and crossings have no dashed sign.
        return _DASHED_SIGNS.get(sign, sign)
    return sign
