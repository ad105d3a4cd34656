"""A state machine as a picture, colored as far as an execution came.

It consists of the boxes and edges that the screen draws.
"""

from rich.cells import cell_len

from sfnwatch.analysis.quantities import plural
from sfnwatch.export.svg.canvas import CELL, ROW, RefOfKey, SvgCanvas
from sfnwatch.export.wrapping import cut
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.view.graph import Box, graph_of
from sfnwatch.view.graph_layout import lay_out
from sfnwatch.view.graph_picture import PlacedBox, Wire
from sfnwatch.view.graph_progress import BoxState, graph_progress
from sfnwatch.view.parts import Part, Role

_CELLS = 150
"""The most cells of a graph's width, if folding can achieve it."""
_GRAPH_MARGIN = 14.0
"""The margin around a graph, in px."""
_BOX_INSET = ROW / 4
"""The space between a box and the rows above and below, in px."""
_INDENT = 10.0
_TIP = (4, 7)
_OFTEN = 16
"""The cells that are kept free for how often a state was visited."""


class GraphPicture:
    """One execution's graph, for a page that has the style sheet."""

    def __init__(
        self, snapshot: Snapshot, execution: ExecutionAsOf, ref: RefOfKey, prefix: str
    ) -> None:
        """`prefix` makes its ids differ from those of other pictures in the page."""
        self.progress = graph_progress(graph_of(execution), snapshot, execution)
        self._ref = ref
        self._canvas = SvgCanvas(prefix)

    def svg(self, name: str) -> str:
        """Return the graph as SVG."""
        drawn = self.progress.graph
        canvas = self._canvas
        picture = lay_out(drawn, _CELLS, _wanted)
        # Edges that were taken are drawn over the others.
        for wire in sorted(picture.wires, key=lambda w: self.progress.is_taken(w.edge)):
            self._draw_wire(wire)
        for placed in picture.boxes:
            self._draw_box(placed)
        canvas.width = max(canvas.width, picture.width * CELL)
        height = picture.height * ROW + 2 * _GRAPH_MARGIN
        if picture.left_out:
            words = f"{plural(picture.left_out, 'edge')} left out, too many to follow"
            canvas.write(_GRAPH_MARGIN, height, [Part(words, Role.WARN)])
            height += ROW
        return canvas.svg(height, "", name)

    def _draw_wire(self, wire: Wire) -> None:
        taken = self.progress.is_taken(wire.edge)
        css = f"{' caught' if wire.edge.caught else ''}{' taken' if taken else ''}"
        middles = ((x + 0.5, y + 0.5) for x, y in wire.points)
        points = [
            (_GRAPH_MARGIN + x * CELL, _GRAPH_MARGIN + y * ROW) for x, y in middles
        ]
        down = -1 if wire.up else 1
        x, y = points[0]
        tip_x, tip_y = points[-1]
        # From the border of one box to the border of the other.
        reach = (ROW / 2 + _BOX_INSET) * down
        tip_y += reach
        points[0] = (x, y - reach)
        points[-1] = (tip_x, tip_y)
        self._canvas.path(f"wire{css}", *points)
        half = _TIP[0]
        back = tip_y - _TIP[1] * down
        sides = (tip_x - half, back), (tip_x + half, back)
        self._canvas.path(f"point{css}", (tip_x, tip_y), *sides, end="z")
        if wire.label:
            x, y = wire.label_at
            label = Part(wire.label, Role.PLAIN if taken else Role.DIM)
            self._canvas.write(
                _GRAPH_MARGIN + x * CELL, _GRAPH_MARGIN + y * ROW, [label]
            )

    def _draw_box(self, placed: PlacedBox) -> None:
        box = placed.box
        standing = self.progress.of(placed.box)
        key = f"{standing.last[0]}#{standing.last[1].id}" if standing.last else ""
        status = standing.status.replace("_", " ") or "not reached"
        tip = filter(None, [box.name, box.kind, status, *standing.counted])
        x = _GRAPH_MARGIN + placed.x * CELL
        y = _GRAPH_MARGIN + placed.y * ROW
        width = placed.width * CELL
        height = max(placed.height - 0.5, 1) * ROW
        with self._canvas.row([self._ref(key)] if key else [], tip):
            css = "frame" if placed.framed else "box hit"
            tone = standing.glyph.role if standing.status else "unlit"
            self._canvas.rect(f"{css} {tone}", x, y + _BOX_INSET, width, height)
            self._write(placed, standing, x, y)

    def _write(self, placed: PlacedBox, standing: BoxState, x: float, y: float) -> None:
        """Write a box's name and how it stands; for a frame, in its first row."""
        box = placed.box
        right = x + placed.width * CELL - _INDENT
        role = Role.NAME if standing.status else Role.DIM
        if placed.height == 1:
            middle = x + (placed.width - cell_len(box.name)) * CELL / 2
            self._canvas.write(middle, y + _BOX_INSET, [Part(box.name, role)])
            return
        often = "  ".join([*standing.counted, *(["↺"] if placed.loops else [])])
        told = cell_len(often)
        glyph = Part(f"{standing.glyph.text} ", standing.glyph.role)
        name = cut(box.name, placed.width - 4 - cell_len(glyph.text))
        first = y + (4 if placed.framed else 7)
        end = self._canvas.write(x + _INDENT, first, [glyph, Part(name, role)])
        below = x + _INDENT, first + ROW - 1
        begin, second = (end, first) if placed.framed else below
        left = int((right - begin) / CELL) - (told + 1 if told else 0)
        kind = cut(f"  {box.kind}" if placed.framed else box.kind, max(0, left))
        self._canvas.write(begin, second, [Part(kind, Role.DIM)])
        self._canvas.write(right - told * CELL, second, [Part(often, Role.NAME)])


def _wanted(box: Box) -> int:
    often = _OFTEN if box.repeats else 0
    return max(cell_len(box.name) + 2, cell_len(box.kind) + often)
