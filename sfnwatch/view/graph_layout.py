"""The layout of a graph: boxes and edges in layers, on a grid of character cells.

The layers are made by Sugiyama's method. Edges that lead back are turned round, and
each state is put below all states that lead to it. A layer is ordered by the medians of
its nodes' neighbors, and edges run in channels between the layers. The inside of a
Parallel or Map is laid out first, and is one large box in the layout around it.
Libraries that lay out graphs support neither boxes in boxes nor cells.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import count

from msgspec import Struct

from sfnwatch.view.graph import Box, Graph, Region
from sfnwatch.view.graph_channels import route
from sfnwatch.view.graph_layers import (
    NodeEdge,
    drawable,
    ordered_layers,
    rank_nodes,
    steps_between_layers,
)
from sfnwatch.view.graph_picture import Picture, PlacedBox, Wire
from sfnwatch.view.layout_nodes import BOX_GAP_CELLS, Node

_LEAST_WIDTH = 12
"""The least width of a box, in cells."""
_MOST_WIDTHS = (34, 24, 18)
"""The greatest widths of a box, in cells; the next is used if a graph is too wide."""
_TERMINAL_WIDTH = 9
"""Cells of Start and End, which have one row."""
_BOX_ROWS = 3
_FOLDS_ONE_BY_ONE = 8
"""The number of frames that are folded singly, before all innermost ones at once."""
Widths = Callable[[Box], int]
"""Returns the cells that the words of a box need."""


def lay_out(
    graph: Graph, width: int, wanted: Widths, folds: Mapping[int, bool] | None = None
) -> Picture:
    """Lay a graph out in `width` cells; frames are folded until it fits.

    `folds` has the boxes that the user folded (True) or opened (False). Opened ones
    stay open, so the picture may be wider than `width`.
    """
    folded_by_hand = folds or {}
    closed = {box_id for box_id, is_folded in folded_by_hand.items() if is_folded}
    layout = _Layout(wanted, closed)
    for step in count(1):
        picture = layout.of(graph.main)
        if picture.width <= width:
            break
        if step < len(_MOST_WIDTHS):
            layout.most_width = _MOST_WIDTHS[step]
            continue
        innermost = _innermost_frames(picture, kept_open=folded_by_hand.keys())
        if not innermost:
            break
        if step < len(_MOST_WIDTHS) + _FOLDS_ONE_BY_ONE:
            innermost = [max(innermost, key=lambda placed: placed.width)]
        layout.closed |= {placed.box.id for placed in innermost}
    return picture


def _innermost_frames(
    picture: Picture, kept_open: Collection[int]
) -> Sequence[PlacedBox]:
    """Return the frames that may be folded and have no other such frame inside."""
    frames: list[PlacedBox] = []
    outer_ids: set[int] = set()
    for placed in picture.boxes:
        if placed.framed and placed.box.id not in kept_open:
            frames.append(placed)
            if placed.box.around:
                outer_ids.add(placed.box.around.id)
    return [placed for placed in frames if placed.box.id not in outer_ids]


class _Layout(Struct):
    """Lays regions out, the innermost first."""

    wanted: Widths
    closed: set[int]
    most_width: int = _MOST_WIDTHS[0]

    def of(self, region: Region) -> Picture:
        node_of = {box.id: self._node(box) for box in region.boxes}
        nodes = list(node_of.values())
        start = region.found.get(region.start or "")
        if start is not None:
            first = node_of[start.id]
            nodes.remove(first)
            nodes.insert(0, first)
        loops: set[int] = set()
        every_edge: list[NodeEdge] = []
        for edge in region.edges.values():
            if edge.source == edge.target:
                loops.add(edge.source)
            else:
                source = node_of[edge.source]
                every_edge.append((source, node_of[edge.target], Wire(edge)))
        rank_nodes(nodes, every_edge)
        node_edges = drawable(every_edge)
        steps = list(steps_between_layers(node_edges))
        layers = ordered_layers(nodes, steps)
        height = route(layers, steps)
        wires = [wire for _, _, wire in node_edges]
        left_out = len(every_edge) - len(node_edges)
        for node in nodes:
            left_out += sum(inner.left_out for inner in node.inside)
        picture = Picture(_width(layers, wires), height, [], wires, left_out)
        for node in nodes:
            _place(picture, node, loops)
        return picture

    def _node(self, box: Box) -> Node:
        if not box.is_state:
            return Node(_TERMINAL_WIDTH, 1, box)
        width = min(self.most_width, self.wanted(box) + 4)
        width = max(_LEAST_WIDTH, width)
        regions = [region for region in box.inside if region.boxes]
        if not regions or box.id in self.closed:
            return Node(width, _BOX_ROWS, box)
        inside = [self.of(region) for region in regions]
        width = max(width, _width_of_row(inside) + 2 * BOX_GAP_CELLS)
        height = max(inner.height for inner in inside) + 2
        return Node(width, height, box, inside)


def _width(layers: Iterable[Iterable[Node]], wires: Iterable[Wire]) -> int:
    """Return the width in cells that nodes and labels need."""
    width = 0
    for layer in layers:
        for node in layer:
            width = max(width, node.left + node.width)
    for wire in wires:
        width = max(width, wire.label_at[0] + len(wire.label))
    return width


def _width_of_row(pictures: Sequence[Picture]) -> int:
    """Return the width in cells of pictures side by side, with gaps between them."""
    return sum(picture.width + BOX_GAP_CELLS for picture in pictures) - BOX_GAP_CELLS


def _place(picture: Picture, node: Node, loops: Collection[int]) -> None:
    """Add a node's box, and the boxes and wires inside of it, to a picture."""
    if node.box is None:
        return
    placed = PlacedBox(
        node.box,
        x=node.left,
        y=node.y,
        width=node.width,
        height=node.height,
        framed=bool(node.inside),
        loops=node.box.id in loops,
    )
    picture.boxes.append(placed)
    x = node.left + (node.width - _width_of_row(node.inside)) // 2
    y = node.y + 1
    for inner in node.inside:
        for inner_box in inner.boxes:
            moved = inner_box._replace(x=inner_box.x + x, y=inner_box.y + y)
            picture.boxes.append(moved)
        for wire in inner.wires:
            wire.move(x, y)
            picture.wires.append(wire)
        x += inner.width + BOX_GAP_CELLS
