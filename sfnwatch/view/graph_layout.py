"""Where the boxes and edges of a graph stand: in layers, on a grid of character cells.

Layered as Sugiyama's method does it: ways back are turned round, each state is put
below all that lead to it, a layer is in the order of its neighbors' means, and edges
run in channels between the layers. What is inside of a Parallel or Map is laid out
first, and is one large box to what is around it: the libraries that lay out graphs know
neither boxes in boxes nor cells.
"""

from collections.abc import Callable, Collection, Mapping
from itertools import count

from msgspec import Struct

from sfnwatch.view.graph import Box, Graph, Region
from sfnwatch.view.graph_channels import route
from sfnwatch.view.graph_layers import (
    drawable,
    ordered_layers,
    rank_nodes,
    steps_between_layers,
)
from sfnwatch.view.graph_picture import Picture, PlacedBox, Wire
from sfnwatch.view.layout_nodes import GAP_CELLS, Node

_LEAST_WIDTH = 12
"""Cells of a box, at least."""
_MOST_WIDTHS = (34, 24, 18)
"""Cells of a box at most, the less the less room there is."""
_TERMINAL = 9
"""The cells of Start and End, which have one row."""
_BOX_ROWS = 3
"""The rows of a box."""
_FOLDS_AT_ONCE = 8
"""After so many single ones all innermost frames are folded at once."""
Widths = Callable[[Box], int]
"""Says how many cells the words of a box want."""


def lay_out(
    graph: Graph, width: int, wanted: Widths, folds: Mapping[int, bool] | None = None
) -> Picture:
    """Lay a graph out in so many cells; frames are folded until there is room.

    `folds` says which boxes were folded by hand, and which opened: these stay open, and
    such a picture may be wider.
    """
    closed = {number for number, folded in (folds or {}).items() if folded}
    opened = {*(folds or ())} - closed
    layout = _Layout(wanted, closed)
    for step in count(1):
        picture = layout.of(graph.main)
        frames = [p for p in picture.boxes if p.framed and p.box.id not in opened]
        around = {p.box.around.id for p in frames if p.box.around}
        innermost = [p for p in frames if p.box.id not in around]
        if picture.width <= width:
            break
        if step < len(_MOST_WIDTHS):
            layout.most = _MOST_WIDTHS[step]
        elif innermost:
            if step < len(_MOST_WIDTHS) + _FOLDS_AT_ONCE:
                innermost = [max(innermost, key=lambda placed: placed.width)]
            layout.closed |= {placed.box.id for placed in innermost}
        else:
            break
    return picture


class _Layout(Struct):
    """Lays regions out, the innermost first."""

    wanted: Widths
    closed: set[int]
    most: int = _MOST_WIDTHS[0]

    def of(self, region: Region) -> Picture:
        home = {box.id: self._node(box) for box in region.boxes}
        start = region.found.get(region.start or "")
        first = home[start.id] if start is not None else None
        nodes = sorted(home.values(), key=lambda n: n is not first)
        loops = {e.source for e in region.edges.values() if e.source == e.target}
        wires = [Wire(e) for e in region.edges.values() if e.source != e.target]
        every = [(home[w.edge.source], home[w.edge.target], w) for w in wires]
        rank_nodes(nodes, every)
        ways = drawable(every)
        wires = [wire for _, _, wire in ways]
        left_out = len(every) - len(ways)
        left_out += sum(inner.left_out for node in nodes for inner in node.inside)
        steps = list(steps_between_layers(ways))
        layers = ordered_layers(nodes, steps)
        height = route(layers, steps)
        ends = [w.label_at[0] + len(w.label) for w in wires]
        rights = [node.left + node.width for layer in layers for node in layer]
        picture = Picture(max([0, *ends, *rights]), height, [], wires, left_out)
        for node in nodes:
            _put(picture, node, loops)
        return picture

    def _node(self, box: Box) -> Node:
        if not box.is_state:
            return Node(_TERMINAL, 1, box)
        width = max(_LEAST_WIDTH, min(self.most, self.wanted(box) + 4))
        regions = [region for region in box.inside if region.boxes]
        if not regions or box.id in self.closed:
            return Node(width, _BOX_ROWS, box)
        inside = [self.of(region) for region in regions]
        needed = sum(each.width + GAP_CELLS for each in inside) + GAP_CELLS
        height = max(each.height for each in inside) + 2
        return Node(max(width, needed), height, box, inside)


def _put(picture: Picture, node: Node, loops: Collection[int]) -> None:
    """Put a box in its place, and what is inside of it."""
    if node.box is None:
        return
    placed = node.left, node.y, node.width, node.height, bool(node.inside)
    picture.boxes.append(PlacedBox(node.box, *placed, node.box.id in loops))
    needed = sum(each.width + GAP_CELLS for each in node.inside) - GAP_CELLS
    x = node.left + (node.width - needed) // 2
    y = node.y + 1
    for inner in node.inside:
        picture.boxes.extend(b._replace(x=b.x + x, y=b.y + y) for b in inner.boxes)
        for wire in inner.wires:
            wire.points = [(px + x, py + y) for px, py in wire.points]
            wire.label_at = wire.label_at[0] + x, wire.label_at[1] + y
        picture.wires.extend(inner.wires)
        x += inner.width + GAP_CELLS
