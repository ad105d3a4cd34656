"""A state machine as a picture, colored as far as an execution came.

It consists of the boxes and edges that the screen draws.
"""

from collections.abc import Iterator

from rich.cells import cell_len

from sfnwatch.analysis.quantities import plural
from sfnwatch.export.svg.canvas import CELL, ROW, RefOfKey, SvgCanvas
from sfnwatch.export.wrapping import cut_text
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.view.graph import Box, graph_of
from sfnwatch.view.graph_layout import lay_out
from sfnwatch.view.graph_picture import PlacedBox, Wire
from sfnwatch.view.graph_progress import BoxState, graph_progress
from sfnwatch.view.parts import Part, Role

_MOST_CELLS = 150
"""The most cells of a graph's width, if folding can achieve it."""
_GRAPH_MARGIN = 14.0
"""The margin around a graph, in px."""
_BOX_INSET = ROW / 4
"""The space between a box and the rows above and below, in px."""
_INDENT = 10.0
_TIP_HALF = 4
"""Half of the width of an arrow's tip, in px."""
_TIP_LENGTH = 7
_COUNT_CELLS = 16
"""The cells that are kept free for how often a state was visited."""


class GraphPicture:
    """One execution's graph, for a page that has the style sheet."""

    def __init__(
        self, snapshot: Snapshot, execution: ExecutionAsOf, ref: RefOfKey, prefix: str
    ) -> None:
        """`prefix` makes its ids differ from those of other pictures in the page."""
        self._progress = graph_progress(graph_of(execution), snapshot, execution)
        self._ref = ref
        self._canvas = SvgCanvas(prefix)

    def svg(self, name: str) -> str:
        """Return the graph as SVG."""
        canvas = self._canvas
        picture = lay_out(self._progress.graph, _MOST_CELLS, _wanted_cells)
        # Edges that were taken are drawn over the others.
        wires = sorted(
            picture.wires, key=lambda wire: self._progress.is_taken(wire.edge)
        )
        for wire in wires:
            self._draw_wire(wire)
        for placed in picture.boxes:
            self._draw_box(placed)
        canvas.width = max(canvas.width, picture.width * CELL)
        height = picture.height * ROW + 2 * _GRAPH_MARGIN
        if picture.left_out:
            edges = plural(picture.left_out, "edge")
            note = Part(f"{edges} left out, too many to follow", Role.WARN)
            canvas.write(_GRAPH_MARGIN, height, [note])
            height += ROW
        return canvas.svg(height, "", name)

    def _draw_wire(self, wire: Wire) -> None:
        taken = self._progress.is_taken(wire.edge)
        css = ""
        if wire.edge.caught:
            css += " caught"
        if taken:
            css += " taken"
        points = [_place(x + 0.5, y + 0.5) for x, y in wire.points]
        # From the border of one box to the border of the other.
        down = -1 if wire.up else 1
        reach = (ROW / 2 + _BOX_INSET) * down
        first_x, first_y = points[0]
        points[0] = (first_x, first_y - reach)
        last_x, last_y = points[-1]
        tip_y = last_y + reach
        points[-1] = (last_x, tip_y)
        self._canvas.path(f"wire{css}", *points)
        base_y = tip_y - _TIP_LENGTH * down
        left = (last_x - _TIP_HALF, base_y)
        right = (last_x + _TIP_HALF, base_y)
        self._canvas.path(f"point{css}", points[-1], left, right, end="z")
        if wire.label:
            role = Role.PLAIN if taken else Role.DIM
            x, y = _place(*wire.label_at)
            self._canvas.write(x, y, [Part(wire.label, role)])

    def _draw_box(self, placed: PlacedBox) -> None:
        box = placed.box
        state = self._progress.of(box)
        shape = "frame" if placed.framed else "box hit"
        tone = state.glyph.role if state.status else "unlit"
        role = Role.NAME if state.status else Role.DIM
        x, y = _place(placed.x, placed.y)
        top = y + _BOX_INSET
        width = placed.width * CELL
        height = max(placed.height - 0.5, 1) * ROW
        with self._canvas.row([self._ref_of(state)], _tip(box, state)):
            self._canvas.rect(f"{shape} {tone}", x, top, width, height)
            if placed.height == 1:
                blank_cells = placed.width - cell_len(box.name)
                name_x = x + blank_cells * CELL / 2
                self._canvas.write(name_x, top, [Part(box.name, role)])
            else:
                self._write_rows(placed, state, role)

    def _ref_of(self, state: BoxState) -> str:
        """Return the ref of a state's last visit; empty if it was not visited."""
        if not state.last:
            return ""
        arn, visit = state.last
        return self._ref(f"{arn}#{visit.id}")

    def _write_rows(self, placed: PlacedBox, state: BoxState, role: Role) -> None:
        """Write a box's name, and below its kind and counts; in a frame, beside it."""
        canvas = self._canvas
        x, y = _place(placed.x, placed.y)
        right = x + placed.width * CELL - _INDENT
        x += _INDENT
        y += 4 if placed.framed else 7
        glyph = Part(f"{state.glyph.text} ", state.glyph.role)
        name_room = placed.width - 4 - cell_len(state.glyph.text)
        name = Part(cut_text(placed.box.name, name_room), role)
        name_end = canvas.write(x, y, [glyph, name])
        kind = placed.box.kind
        if placed.framed:
            kind = f"  {kind}"
            x = name_end
        else:
            y += ROW - 1
        counted = list(state.counted)
        if placed.loops:
            counted.append("↺")
        counts = "  ".join(counted)
        kind_room = int((right - x) / CELL)
        if counts:
            kind_room -= cell_len(counts) + 1
        canvas.write_dim(x, y, cut_text(kind, max(0, kind_room)))
        counts_x = right - cell_len(counts) * CELL
        canvas.write(counts_x, y, [Part(counts, Role.NAME)])


def _tip(box: Box, state: BoxState) -> Iterator[str]:
    status = state.status.replace("_", " ") or "not reached"
    for text in (box.name, box.kind, status, *state.counted):
        if text:
            yield text


def _place(column: float, row: float) -> tuple[float, float]:
    """Return the x and y of a place on the graph's grid of cells."""
    return _GRAPH_MARGIN + column * CELL, _GRAPH_MARGIN + row * ROW


def _wanted_cells(box: Box) -> int:
    """Return the cells that a box needs for its texts."""
    kind_cells = cell_len(box.kind)
    if box.repeats:
        kind_cells += _COUNT_CELLS
    return max(cell_len(box.name) + 2, kind_cells)
