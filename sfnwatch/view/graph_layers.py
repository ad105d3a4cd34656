"""The layers of a graph, and the order of the nodes in each."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median

from sfnwatch.analysis.wording import grouped
from sfnwatch.view.graph_picture import Wire
from sfnwatch.view.layout_nodes import GAP_CELLS, Node, Step

_SWEEPS = 7
_MOST_BENDS = 4000
"""Layers that edges pass: of more, as where all of 500 states lead to all others, those
that pass any are left out. To order them took minutes, and nobody could follow them."""
NodeEdges = Sequence[tuple[Node, Node, Wire]]


def rank_nodes(nodes: Sequence[Node], ways: NodeEdges) -> None:
    """Put each node below all that lead to it, but by an edge that leads back up."""
    after = grouped(ways, lambda way: way[0])
    order = list[Node]()
    seen = set[Node]()
    left = [(node, False) for node in reversed(nodes)]
    while left:
        node, done = left.pop()
        if done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            left.append((node, True))
            left += [(target, False) for _, target, _ in reversed(after.get(node, ()))]
    # What a depth-first search leaves last comes first; what leads up there is back.
    order.reverse()
    place = {node: n for n, node in enumerate(order)}
    for node in order:
        for _, target, wire in after.get(node, ()):
            wire.up = place[target] < place[node]
            if not wire.up:
                target.rank = max(target.rank, node.rank + 1)


def drawable(ways: NodeEdges) -> NodeEdges:
    """Leave out what passes layers, where there is more than can be followed."""
    lengths = [abs(target.rank - source.rank) - 1 for source, target, _ in ways]
    if sum(lengths) <= _MOST_BENDS:
        return ways
    return [way for way, length in zip(ways, lengths, strict=True) if not length]


def steps_between_layers(ways: NodeEdges) -> Iterator[Step]:
    """Cut the edges into pieces from one layer to the next."""
    for source, target, wire in ways:
        upper, last = (target, source) if wire.up else (source, target)
        for rank in range(upper.rank + 1, last.rank):
            bend = Node(rank=rank)
            yield Step(upper, bend, wire)
            upper = bend
        yield Step(upper, last, wire)


def ordered_layers(nodes: Iterable[Node], steps: Sequence[Step]) -> list[list[Node]]:
    """Order each layer by what its nodes are next to, and put them as near as may be.

    First downwards, then up and down again; what is in the same place stays in order.
    """
    above: defaultdict[Node, list[Node]] = defaultdict(list)
    below: defaultdict[Node, list[Node]] = defaultdict(list)
    for upper, lower, _ in steps:
        above[lower].append(upper)
        below[upper].append(lower)
    every = dict.fromkeys([*nodes, *(n for step in steps for n in step[:2])])
    found = grouped(every, lambda node: node.rank)
    layers = [found[rank] for rank in sorted(found)]
    for sweep in range(_SWEEPS):
        near = below if sweep % 2 else above
        for layer in layers[:: -1 if sweep % 2 else 1]:
            wanted = {
                node: median(beside.middle for beside in near[node] or [node])
                for node in layer
            }
            layer.sort(key=wanted.__getitem__)
            _spread(layer, [wanted[node] for node in layer])
    left = min((node.left for node in every), default=0)
    for node in every:
        node.middle -= left
    return layers


def _spread(layer: Sequence[Node], middles: Sequence[float]) -> None:
    """Move nodes to where they are wanted; what has no room moves as one block."""
    offsets = [0]
    for before, node in pairwise(layer):
        half = before.width - before.width // 2 + node.width // 2
        offsets.append(offsets[-1] + half + GAP_CELLS)
    blocks: list[tuple[float, int]] = []
    for middle, offset in zip(middles, offsets, strict=True):
        total = middle - offset
        size = 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / size:
            more, others = blocks.pop()
            total = total + more
            size = size + others
        blocks.append((total, size))
    starts = [total / size for total, size in blocks for _ in range(size)]
    for node, start, offset in zip(layer, starts, offsets, strict=True):
        node.middle = int(start // 1) + offset
