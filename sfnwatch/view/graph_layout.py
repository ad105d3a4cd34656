"""Where the boxes and edges of a graph stand: in layers, on a grid of character cells.

Layered as Sugiyama's method does it: ways back are turned round, each state is put
below all that lead to it, a layer is in the order of its neighbors' means, and edges
run in channels between the layers. What is inside of a Parallel or Map is laid out
first, and is one large box to what is around it: the libraries that lay out graphs know
neither boxes in boxes nor cells.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count, pairwise
from statistics import median
from typing import NamedTuple

from msgspec import Struct

from sfnwatch.analysis.wording import grouped
from sfnwatch.view.graph import Box, Edge, Graph, Region

_GAP = 2
"""Cells between boxes that stand beside each other."""
_LEAST_WIDTH = 12
"""Cells of a box, at least."""
_MOST_WIDTHS = (34, 24, 18)
"""Cells of a box at most, the less the less room there is."""
_TERMINAL = 9
"""The cells of Start and End, which have one row."""
_BOX_ROWS = 3
"""The rows of a box."""
_BEND_CELLS = 5
"""Cells kept for an edge that passes a layer."""
_ASIDE = 3
"""So far from the middle of its box a way back stands."""
_SHIFTS = (0, 2, -2, 1, -1, 3, -3, 4, -4, 5, -5)
"""Where else an edge may come in, if another one starts right above."""
_LABEL = 20
"""Cells that the right edge makes room for, for a label."""
_SWEEPS = 7
_MOST_BENDS = 4000
"""Layers that edges pass: of more, as where all of 500 states lead to all others, those
that pass any are left out. To order them took minutes, and nobody could follow them."""
_FOLDS_AT_ONCE = 8
"""After so many single ones all innermost frames are folded at once."""
Widths = Callable[[Box], int]
"""Says how many cells the words of a box want."""
Point = tuple[int, int]


class PlacedBox(NamedTuple):
    """A box, or a frame around others, in cells from the top left."""

    box: Box
    x: int
    y: int
    width: int
    height: int
    framed: bool = False
    """True where what is inside of it is shown."""
    loops: bool = False
    """True where it leads to itself as well."""


class Wire(Struct, eq=False):
    """An edge, from the cell below one box to the cell above another, or back."""

    edge: Edge
    up: bool = False
    """True for a way back, whose tip points up."""
    points: list[Point] = []
    """Its corners."""
    label_at: Point = 0, 0
    room: int = 0
    """Cells for its label."""

    @property
    def label(self) -> str:
        """What a Choice looks at, or what is caught, as far as there is room."""
        text = " or ".join(self.edge.labels)
        cut = f"{text[: max(0, self.room - 1)]}…" if self.room else ""
        return text if len(text) <= self.room else cut


class Picture(NamedTuple):
    """A graph, or a region of it, as it was laid out."""

    width: int
    height: int
    boxes: list[PlacedBox]
    """Frames before what is in them."""
    wires: list[Wire]
    """None for what leads to itself."""
    left_out: int = 0
    """How many edges are not drawn: there are too many to follow."""


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


# -- one region ------------------------------------------------------------------------


class _Node(Struct, eq=False):
    """What has a place in a layer: a box, a frame, or an edge on its way."""

    width: int = _BEND_CELLS
    height: int = 0
    box: Box | None = None
    """None for an edge on its way."""
    inside: Sequence[Picture] = ()
    rank: int = 0
    middle: int = 0
    y: int = 0

    @property
    def left(self) -> int:
        return self.middle - self.width // 2


class _Step(NamedTuple):
    """A piece of an edge, from one layer to the next."""

    upper: _Node
    lower: _Node
    wire: Wire

    def port(self, node: _Node) -> int:
        """Give where it meets a node; a way back stands aside of all others."""
        aside = self.wire.up and node.box is not None
        return node.middle + (_ASIDE if aside else 0)

    def leads_as(self, other: "_Step") -> bool:
        """True where both lead to the same node, in the same direction."""
        return self.lower is other.lower and self.wire.up is other.wire.up


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
        _rank(nodes, every)
        ways = _followed(every)
        wires = [wire for _, _, wire in ways]
        left_out = len(every) - len(ways)
        left_out += sum(inner.left_out for node in nodes for inner in node.inside)
        steps = list(_steps(ways))
        layers = _layers(nodes, steps)
        height = _route(layers, steps)
        ends = [w.label_at[0] + len(w.label) for w in wires]
        rights = [node.left + node.width for layer in layers for node in layer]
        picture = Picture(max([0, *ends, *rights]), height, [], wires, left_out)
        for node in nodes:
            _put(picture, node, loops)
        return picture

    def _node(self, box: Box) -> _Node:
        if not box.is_state:
            return _Node(_TERMINAL, 1, box)
        width = max(_LEAST_WIDTH, min(self.most, self.wanted(box) + 4))
        regions = [region for region in box.inside if region.boxes]
        if not regions or box.id in self.closed:
            return _Node(width, _BOX_ROWS, box)
        inside = [self.of(region) for region in regions]
        needed = sum(each.width + _GAP for each in inside) + _GAP
        height = max(each.height for each in inside) + 2
        return _Node(max(width, needed), height, box, inside)


def _put(picture: Picture, node: _Node, loops: Collection[int]) -> None:
    """Put a box in its place, and what is inside of it."""
    if node.box is None:
        return
    placed = node.left, node.y, node.width, node.height, bool(node.inside)
    picture.boxes.append(PlacedBox(node.box, *placed, node.box.id in loops))
    needed = sum(each.width + _GAP for each in node.inside) - _GAP
    x = node.left + (node.width - needed) // 2
    y = node.y + 1
    for inner in node.inside:
        picture.boxes.extend(b._replace(x=b.x + x, y=b.y + y) for b in inner.boxes)
        for wire in inner.wires:
            wire.points = [(px + x, py + y) for px, py in wire.points]
            wire.label_at = wire.label_at[0] + x, wire.label_at[1] + y
        picture.wires.extend(inner.wires)
        x += inner.width + _GAP


# -- layers ----------------------------------------------------------------------------

_Ways = Sequence[tuple[_Node, _Node, Wire]]


def _rank(nodes: Sequence[_Node], ways: _Ways) -> None:
    """Put each node below all that lead to it, but by an edge that leads back up."""
    after = grouped(ways, lambda way: way[0])
    order = list[_Node]()
    seen = set[_Node]()
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


def _followed(ways: _Ways) -> _Ways:
    """Leave out what passes layers, where there is more than can be followed."""
    lengths = [abs(target.rank - source.rank) - 1 for source, target, _ in ways]
    if sum(lengths) <= _MOST_BENDS:
        return ways
    return [way for way, length in zip(ways, lengths, strict=True) if not length]


def _steps(ways: _Ways) -> Iterator[_Step]:
    """Cut the edges into pieces from one layer to the next."""
    for source, target, wire in ways:
        upper, last = (target, source) if wire.up else (source, target)
        for rank in range(upper.rank + 1, last.rank):
            bend = _Node(rank=rank)
            yield _Step(upper, bend, wire)
            upper = bend
        yield _Step(upper, last, wire)


def _layers(nodes: Iterable[_Node], steps: Sequence[_Step]) -> list[list[_Node]]:
    """Order each layer by what its nodes are next to, and put them as near as may be.

    First downwards, then up and down again; what is in the same place stays in order.
    """
    above: defaultdict[_Node, list[_Node]] = defaultdict(list)
    below: defaultdict[_Node, list[_Node]] = defaultdict(list)
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


def _spread(layer: Sequence[_Node], middles: Sequence[float]) -> None:
    """Move nodes to where they are wanted; what has no room moves as one block."""
    offsets = [0]
    for before, node in pairwise(layer):
        half = before.width - before.width // 2 + node.width // 2
        offsets.append(offsets[-1] + half + _GAP)
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


# -- channels --------------------------------------------------------------------------


def _route(layers: Sequence[Sequence[_Node]], steps: Sequence[_Step]) -> int:
    """Give layers and edges their rows; give how many there are."""
    below = grouped(steps, lambda step: step.upper.rank)
    y = 0
    for rank, layer in enumerate(layers):
        for node in layer:
            node.y = y
        y += max((node.height for node in layer), default=0)
        if rank in below:
            y += _channel(below[rank], y)
    for wire in {step.wire for step in steps}:
        if wire.up:
            wire.points.reverse()
    return y


def _channel(steps: Sequence[_Step], top: int) -> int:
    """Lead the edges from one layer to the next; give the rows that takes.

    Edges from one node share a track, as do all that lead to the same ones: what
    meets on it is the same whichever way it is read.
    """
    targets: defaultdict[tuple[_Node, bool], set[_Node]] = defaultdict(set)
    for upper, lower, wire in steps:
        targets[upper, wire.up].add(lower)
    leads = {key: (frozenset(lowers), key[1]) for key, lowers in targets.items()}
    nets = list(grouped(steps, lambda step: leads[step.upper, step.wire.up]).values())
    drops = _drops(nets)
    tracks = _tracks(nets, drops)
    # A tip that points up needs a row of its own.
    first = top + any(wire.up for _, _, wire in steps)
    last = first + max(tracks.values(), default=-1) + 1
    for step in steps:
        upper, lower, wire = step
        begin = step.port(upper)
        end = drops[step]
        row = first + tracks.get(wire, 0)
        wire.points += [(begin, upper.y + upper.height), (begin, row), (end, row)]
        wire.points.append((end, last))
        if lower.box is None:
            lower.middle = end
        if (lower if wire.up else upper).box is not None:
            beside = (x - end - 4 for x in drops.values() if x > end)
            room = min(beside, default=_LABEL)
            wire.label_at = (end + 2, last)
            wire.room = room if room >= _BEND_CELLS else 0
    return last - top + 1


def _drops(nets: Sequence[Sequence[_Step]]) -> Mapping[_Step, int]:
    """Say where each edge comes in: in the middle, unless another starts above that.

    One that starts there and leads nowhere else may be joined.
    """
    starts = {step.port(step.upper): net for net in nets for step in net}
    found: dict[_Step, int] = {}
    for net in nets:
        for step in net:
            node = step.lower
            middle = step.port(step.lower)
            for x in (middle + shift for shift in _SHIFTS):
                above = starts.get(x, net)
                joined = above is net or all(map(step.leads_as, above))
                if joined and abs(x - node.middle) <= node.width // 2 - 1:
                    found[step] = x
                    break
            else:
                found[step] = middle
    return found


def _tracks(
    nets: Iterable[Sequence[_Step]], drops: Mapping[_Step, int]
) -> Mapping[Wire, int]:
    """Give a track to the wires that have to go aside."""
    spans = []
    for net in nets:
        xs = [x for step in net for x in (step.port(step.upper), drops[step])]
        if min(xs) < max(xs):
            spans.append((min(xs), max(xs), net))
    ends: list[int] = []
    found: dict[Wire, int] = {}
    for left, right, net in sorted(spans, key=lambda span: span[:2]):
        free = (n for n, end in enumerate(ends) if end < left - 1)
        track = next(free, len(ends))
        ends[track : track + 1] = [right]
        found |= {step.wire: track for step in net}
    return found
