"""Where the boxes and edges of a graph stand: in layers, on a grid of character cells.

Layered as Sugiyama's method does it: ways back are turned round, each state is put
below all that lead to it, a layer is in the order of its neighbors' means, and edges
run in channels between the layers. What is inside of a Parallel or Map is laid out
first, and is one large box to what is around it: the libraries that lay out graphs know
neither boxes in boxes nor cells.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from msgspec import Struct

from sfnwatch.view.graph import CHAIN, END, START, Box, Edge, Graph, Region

_GAP = 2
"""Cells between boxes that stand beside each other."""
_LEAST, _MOST = 12, (34, 24, 18)
"""Cells of a box: at least; and at most, the less the less room there is."""
_TERMINAL = 9
"""The cells of Start and End, which have one row."""
_ROWS, _BEND = 3, 5
"""The rows of a box, and the cells kept for an edge that passes a layer."""
_ASIDE = 3
"""So far from the middle of its box a way back stands."""
_SHIFTS = (0, 2, -2, 1, -1, 3, -3, 4, -4, 5, -5)
"""Where else an edge may come in, if another one starts right above."""
_LABEL = 20
"""Cells that the right edge makes room for, for a label."""
_SWEEPS = 7
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
    """Its corners; none for what leads to itself."""
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
    boxes: Sequence[PlacedBox]
    """Frames before what is in them."""
    wires: Sequence[Wire]


class Folds(NamedTuple):
    """What was opened or folded by hand: chains, and what has no room, begin folded."""

    opened: frozenset[int] = frozenset()
    closed: frozenset[int] = frozenset()

    def toggled(self, number: int, *, folded: bool) -> "Folds":
        """Open what is folded, or fold what is open."""
        one = frozenset({number})
        if folded:
            return Folds(self.opened | one, self.closed - one)
        return Folds(self.opened - one, self.closed | one)


def lay_out(
    graph: Graph,
    width: int,
    wanted: Widths,
    folds: Folds = Folds(),  # noqa: B008
) -> Picture:
    """Lay a graph out in so many cells; frames are folded until there is room.

    What was opened by hand stays open: such a picture may be wider.
    """
    closed = set(folds.closed)
    for most in _MOST:
        picture = _Layout(most, wanted, folds, closed).of(graph.main)
        if picture.width <= width:
            return picture
    step = 0
    while picture.width > width:
        frames = [p for p in picture.boxes if p.framed and p.box.id not in folds.opened]
        around = {p.box.around.id for p in frames if p.box.around}
        innermost = [p for p in frames if p.box.id not in around]
        if not innermost:
            break
        widest = max(innermost, key=lambda placed: placed.width)
        chosen = [widest] if step < _FOLDS_AT_ONCE else innermost
        closed |= {placed.box.id for placed in chosen}
        picture = _Layout(_MOST[-1], wanted, folds, closed).of(graph.main)
        step += 1
    return picture


# -- one region ------------------------------------------------------------------------


class _Node(Struct, eq=False):
    """What has a place in a layer: a box, a frame, or an edge on its way."""

    width: int = _BEND
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


class _Layout:
    """Lays regions out, the innermost first."""

    def __init__(
        self, most: int, wanted: Widths, folds: Folds, closed: Collection[int]
    ) -> None:
        self._most, self._wanted = most, wanted
        self._folds, self._closed = folds, closed

    def of(self, region: Region) -> Picture:
        nodes = [self._node(box) for box in region.boxes]
        # A chain stands for what is in it.
        home = {one: node for node in nodes for one in _ids(node.box)}
        start = region.found.get(region.start or "")
        nodes.sort(key=lambda node: start is None or start.id not in _ids(node.box))
        edges = list(region.edges.values())
        ways = [
            (home[e.source], home[e.target], e) for e in edges if e.source != e.target
        ]
        back = _rank(nodes, ways)
        wires = [Wire(edge, edge in back) for _, _, edge in ways]
        steps = list(_steps(ways, wires))
        layers = _layers(nodes, steps)
        height = _route(layers, steps)
        loops = [edge for edge in edges if edge.source == edge.target]
        ends = [w.label_at[0] + len(w.label) for w in wires]
        rights = [node.left + node.width for layer in layers for node in layer]
        wires += map(Wire, loops)
        picture = Picture(max([0, *ends, *rights]), height, [], wires)
        return _with_insides(picture, nodes, {edge.source for edge in loops})

    def _node(self, box: Box) -> _Node:
        if box.type in {START, END}:
            return _Node(_TERMINAL, 1, box)
        width = max(_LEAST, min(self._most, self._wanted(box) + 4))
        regions = [region for region in box.inside if region.boxes]
        folded = box.type == CHAIN and box.id not in self._folds.opened
        if not regions or folded or box.id in self._closed:
            return _Node(width, _ROWS, box)
        inside = [self.of(region) for region in regions]
        needed = sum(each.width + _GAP for each in inside) + _GAP
        height = max(each.height for each in inside) + 2
        return _Node(max(width, needed), height, box, inside)


def _ids(box: Box | None) -> Iterator[int]:
    if box is not None:
        yield box.id
        for region in box.inside if box.type == CHAIN else ():
            yield from (each.id for each in region.boxes)


def _with_insides(
    picture: Picture, nodes: Iterable[_Node], loops: Collection[int]
) -> Picture:
    """Put the boxes in their places, and what is inside of them."""
    boxes, wires = list[PlacedBox](), list(picture.wires)
    for node in nodes:
        if node.box is None:
            continue
        placed = node.left, node.y, node.width, node.height, bool(node.inside)
        boxes.append(PlacedBox(node.box, *placed, node.box.id in loops))
        needed = sum(each.width + _GAP for each in node.inside) - _GAP
        x, y = node.left + (node.width - needed) // 2, node.y + 1
        for inner in node.inside:
            boxes += [b._replace(x=b.x + x, y=b.y + y) for b in inner.boxes]
            for wire in inner.wires:
                wire.points = [(px + x, py + y) for px, py in wire.points]
                wire.label_at = wire.label_at[0] + x, wire.label_at[1] + y
            wires += inner.wires
            x += inner.width + _GAP
    return Picture(picture.width, picture.height, boxes, wires)


# -- layers ----------------------------------------------------------------------------

_Ways = Sequence[tuple[_Node, _Node, Edge]]


def _rank(nodes: Sequence[_Node], ways: _Ways) -> Collection[Edge]:
    """Put each node below all that lead to it; give the edges that lead back."""
    after: defaultdict[int, list[tuple[_Node, Edge]]] = defaultdict(list)
    for source, target, edge in ways:
        after[id(source)].append((target, edge))
    back, order, seen = set[Edge](), list[_Node](), set[int]()
    left = [(node, False) for node in reversed(nodes)]
    while left:
        node, done = left.pop()
        if done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            left.append((node, True))
            left += [(target, False) for target, _ in reversed(after[id(node)])]
    # What a depth-first search leaves last comes first; what leads up there is back.
    place = {id(node): n for n, node in enumerate(reversed(order))}
    for node in reversed(order):
        for target, edge in after[id(node)]:
            if place[id(target)] < place[id(node)]:
                back.add(edge)
            else:
                target.rank = max(target.rank, node.rank + 1)
    return back


def _steps(ways: _Ways, wires: Iterable[Wire]) -> Iterator[_Step]:
    """Cut the edges into pieces from one layer to the next."""
    for (source, target, _), wire in zip(ways, wires, strict=True):
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
    bends = {id(n): n for step in steps for n in step[:2] if n.box is None}
    found: defaultdict[int, list[_Node]] = defaultdict(list)
    for node in (*nodes, *bends.values()):
        found[node.rank].append(node)
    above: defaultdict[int, list[_Node]] = defaultdict(list)
    below: defaultdict[int, list[_Node]] = defaultdict(list)
    for upper, lower, _ in steps:
        above[id(lower)].append(upper)
        below[id(upper)].append(lower)
    layers = [found[rank] for rank in sorted(found)]
    for sweep in range(_SWEEPS):
        near = below if sweep % 2 else above
        for layer in layers[:: -1 if sweep % 2 else 1]:
            wanted = {
                id(node): median(beside.middle for beside in near[id(node)] or [node])
                for node in layer
            }
            layer.sort(key=lambda node: wanted[id(node)])
            _spread(layer, [wanted[id(node)] for node in layer])
    left = min((node.left for layer in layers for node in layer), default=0)
    for node in (node for layer in layers for node in layer):
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
        total, count = middle - offset, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            more, others = blocks.pop()
            total, count = total + more, count + others
        blocks.append((total, count))
    starts = [total / count for total, count in blocks for _ in range(count)]
    for node, start, offset in zip(layer, starts, offsets, strict=True):
        node.middle = int(start // 1) + offset


# -- channels --------------------------------------------------------------------------


def _route(layers: Sequence[Sequence[_Node]], steps: Sequence[_Step]) -> int:
    """Give layers and edges their rows; give how many there are."""
    below: defaultdict[int, list[_Step]] = defaultdict(list)
    for step in steps:
        below[step.upper.rank].append(step)
    y = 0
    for rank, layer in enumerate(layers):
        for node in layer:
            node.y = y
        y += max((node.height for node in layer), default=0)
        if below[rank]:
            y += _channel(below[rank], y)
    for wire in {id(step.wire): step.wire for step in steps}.values():
        if wire.up:
            wire.points.reverse()
    return y


def _channel(steps: Sequence[_Step], top: int) -> int:
    """Lead the edges from one layer to the next; give the rows that takes.

    Edges from one node share a track, as do all that lead to the same ones: what
    meets on it is the same whichever way it is read.
    """
    targets: defaultdict[tuple[int, bool], set[int]] = defaultdict(set)
    for upper, lower, wire in steps:
        targets[id(upper), wire.up].add(id(lower))
    nets: defaultdict[tuple[frozenset[int], bool], list[_Step]] = defaultdict(list)
    for step in steps:
        shared = frozenset(targets[id(step.upper), step.wire.up])
        nets[shared, step.wire.up].append(step)
    drops = _drops(list(nets.values()))
    tracks = _tracks(nets.values(), drops)
    # A tip that points up needs a row of its own.
    first = top + any(wire.up for _, _, wire in steps)
    last = first + max(tracks.values(), default=-1) + 1
    for step in steps:
        upper, lower, wire = step
        begin, end = step.port(upper), drops[id(step.wire), id(lower)]
        row = first + tracks.get(id(step.wire), 0)
        wire.points += [(begin, upper.y + upper.height), (begin, row), (end, row)]
        wire.points.append((end, last))
        if lower.box is None:
            lower.middle = end
        if (lower if wire.up else upper).box is not None:
            right = min(
                (x for x in drops.values() if x > end), default=end + _LABEL + 4
            )
            wire.label_at, wire.room = (end + 2, last), max(0, right - end - 4)
            wire.room = 0 if wire.room < _BEND else wire.room
    return last - top + 1


def _drops(nets: Sequence[Sequence[_Step]]) -> Mapping[tuple[int, int], int]:
    """Say where each edge comes in: in the middle, unless another starts above that.

    One that starts there and leads nowhere else may be joined.
    """
    starts: dict[int, tuple[int, set[tuple[int, bool]]]] = {}
    for number, net in enumerate(nets):
        leads = {(id(step.lower), step.wire.up) for step in net}
        starts |= dict.fromkeys((s.port(s.upper) for s in net), (number, leads))
    found: dict[tuple[int, int], int] = {}
    for number, net in enumerate(nets):
        for step in net:
            node, middle = step.lower, step.port(step.lower)
            own = number, {(id(node), step.wire.up)}
            reach = node.width // 2 - 1
            for shift in _SHIFTS:
                x = middle + shift
                other, leads = starts.get(x, own)
                if abs(x - node.middle) <= reach and (
                    other == number or leads == own[1]
                ):
                    break
            else:
                x = middle
            found[id(step.wire), id(node)] = x
    return found


def _tracks(
    nets: Iterable[Sequence[_Step]], drops: Mapping[tuple[int, int], int]
) -> Mapping[int, int]:
    """Give a track to the wires that have to go aside, by their ids."""
    spans = []
    for net in nets:
        xs = [step.port(step.upper) for step in net]
        xs += [drops[id(step.wire), id(step.lower)] for step in net]
        if min(xs) < max(xs):
            spans.append((min(xs), max(xs), net))
    ends: list[int] = []
    found: dict[int, int] = {}
    for left, right, net in sorted(spans, key=lambda span: span[:2]):
        free = (n for n, end in enumerate(ends) if end < left - 1)
        track = next(free, len(ends))
        ends[track : track + 1] = [right]
        found |= {id(step.wire): track for step in net}
    return found
