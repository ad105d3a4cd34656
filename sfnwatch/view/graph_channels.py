"""The channels between layers, in which edges run."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sfnwatch.analysis.wording import grouped
from sfnwatch.view.graph_picture import Wire
from sfnwatch.view.layout_nodes import BEND_CELLS, Node, Step

_SHIFTS = (0, 2, -2, 1, -1, 3, -3, 4, -4, 5, -5)
"""Where else an edge may come in, if another one starts right above."""
_LABEL = 20
"""Cells that the right edge makes room for, for a label."""


def route(layers: Sequence[Sequence[Node]], steps: Sequence[Step]) -> int:
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


def _channel(steps: Sequence[Step], top: int) -> int:
    """Lead the edges from one layer to the next; give the rows that takes.

    Edges from one node share a track, as do all that lead to the same ones: what
    meets on it is the same whichever way it is read.
    """
    targets: defaultdict[tuple[Node, bool], set[Node]] = defaultdict(set)
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
            wire.room = room if room >= BEND_CELLS else 0
    return last - top + 1


def _drops(nets: Sequence[Sequence[Step]]) -> Mapping[Step, int]:
    """Say where each edge comes in: in the middle, unless another starts above that.

    One that starts there and leads nowhere else may be joined.
    """
    starts = {step.port(step.upper): net for net in nets for step in net}
    found: dict[Step, int] = {}
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
    nets: Iterable[Sequence[Step]], drops: Mapping[Step, int]
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
