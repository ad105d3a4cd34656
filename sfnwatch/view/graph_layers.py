"""The layers of a graph, and the order of the nodes in each."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median

from sfnwatch.analysis.grouping import grouped
from sfnwatch.view.graph_picture import Wire
from sfnwatch.view.layout_nodes import BOX_GAP_CELLS, Node, Step

_SWEEPS = 7
"""The number of times that all layers are ordered, downwards and upwards in turn."""
_MOST_BENDS = 4000
"""The most bends, which is a layer that an edge passes. With more, edges that pass
layers are left out: where each of 500 states leads to all others, ordering took
minutes, and nobody could follow the edges."""
NodeEdge = tuple[Node, Node, Wire]
"""An edge's source, its target, and its wire."""
_Neighbors = Mapping[Node, Sequence[Node]]


def rank_nodes(nodes: Sequence[Node], edges: Sequence[NodeEdge]) -> None:
    """Rank each node below all nodes that lead to it; edges that lead back don't count.

    Mark the edges that lead back as `up`.
    """
    edges_from = grouped(edges, lambda edge: edge[0])
    order = _reversed_postorder(nodes, edges_from)
    place_of = {node: place for place, node in enumerate(order)}
    for node in order:
        for _, target, wire in edges_from.get(node, ()):
            wire.up = place_of[target] < place_of[node]
            if not wire.up:
                target.rank = max(target.rank, node.rank + 1)


def _reversed_postorder(
    nodes: Sequence[Node], edges_from: Mapping[Node, Sequence[NodeEdge]]
) -> list[Node]:
    """Return the nodes with the one that a depth-first search leaves last as first."""
    postorder: list[Node] = []
    seen: set[Node] = set()
    stack = [(node, False) for node in reversed(nodes)]
    while stack:
        node, is_done = stack.pop()
        if is_done:
            postorder.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            for _, target, _ in reversed(edges_from.get(node, ())):
                stack.append((target, False))
    postorder.reverse()
    return postorder


def drawable(edges: Sequence[NodeEdge]) -> Sequence[NodeEdge]:
    """Return the edges to draw: with too many bends, only those that pass no layer."""
    bends = 0
    short_edges: list[NodeEdge] = []
    for edge in edges:
        source, target, _ = edge
        passed_layers = abs(target.rank - source.rank) - 1
        bends += passed_layers
        if not passed_layers:
            short_edges.append(edge)
    return edges if bends <= _MOST_BENDS else short_edges


def steps_between_layers(edges: Iterable[NodeEdge]) -> Iterator[Step]:
    """Cut the edges into pieces from one layer to the next."""
    for source, target, wire in edges:
        upper = target if wire.up else source
        last = source if wire.up else target
        for rank in range(upper.rank + 1, last.rank):
            bend = Node(rank=rank)
            yield Step(upper, bend, wire)
            upper = bend
        yield Step(upper, last, wire)


def ordered_layers(nodes: Iterable[Node], steps: Sequence[Step]) -> list[list[Node]]:
    """Return the layers, with each node as near as possible to its neighbors.

    Each layer is ordered by the places of the nodes above, then by those below, in
    turn. Nodes that belong in the same place keep their order.
    """
    above: defaultdict[Node, list[Node]] = defaultdict(list)
    below: defaultdict[Node, list[Node]] = defaultdict(list)
    every_node = dict.fromkeys(nodes)
    for upper, lower, _ in steps:
        above[lower].append(upper)
        below[upper].append(lower)
        every_node[upper] = None
        every_node[lower] = None
    by_rank = grouped(every_node, lambda node: node.rank)
    layers = [by_rank[rank] for rank in sorted(by_rank)]
    for sweep in range(_SWEEPS):
        if sweep % 2 == 0:
            for layer in layers:
                _order(layer, above)
        else:
            for layer in reversed(layers):
                _order(layer, below)
    left = min((node.left for node in every_node), default=0)
    for node in every_node:
        node.middle -= left
    return layers


def _order(layer: list[Node], neighbors: _Neighbors) -> None:
    """Order a layer's nodes by the median of their neighbors, and move them there."""
    middles: dict[Node, float] = {}
    for node in layer:
        beside = neighbors.get(node) or [node]
        middles[node] = median(neighbor.middle for neighbor in beside)
    layer.sort(key=middles.__getitem__)
    _spread(layer, [middles[node] for node in layer])


def _spread(layer: Sequence[Node], middles: Sequence[float]) -> None:
    """Move nodes to the wanted places; nodes that would overlap move as one block."""
    offsets = [0]
    for before, node in pairwise(layer):
        right_half = before.width - before.width // 2
        left_half = node.width // 2
        offsets.append(offsets[-1] + right_half + left_half + BOX_GAP_CELLS)
    blocks: list[tuple[float, int]] = []
    for middle, offset in zip(middles, offsets, strict=True):
        total = middle - offset
        size = 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / size:
            block_total, block_size = blocks.pop()
            total += block_total
            size += block_size
        blocks.append((total, size))
    starts: list[float] = []
    for total, size in blocks:
        starts += [total / size] * size
    for node, start, offset in zip(layer, starts, offsets, strict=True):
        node.middle = int(start // 1) + offset
