"""The channels between layers, in which edges run."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sfnwatch.analysis.grouping import grouped
from sfnwatch.view.graph_picture import Wire
from sfnwatch.view.layout_nodes import BEND_CELLS, Node, Step

_SHIFTS = (0, 2, -2, 1, -1, 3, -3, 4, -4, 5, -5)
"""Offsets in cells from a box's middle at which an edge may come in.

The first that fits is used: right above the middle another edge may start.
"""
_LABEL_CELLS = 20
"""Cells for the label of an edge that has no other edge to its right."""
_LABEL_GAP_CELLS = 4
"""Cells between an edge and the next that its label can't use: for edge and blanks."""
_Net = Sequence[Step]
"""Edges that share a track."""


def route(layers: Sequence[Sequence[Node]], steps: Sequence[Step]) -> int:
    """Give layers and edges their rows; return the number of rows."""
    steps_below = grouped(steps, lambda step: step.upper.rank)
    y = 0
    for rank, layer in enumerate(layers):
        height = 0
        for node in layer:
            node.y = y
            height = max(height, node.height)
        y += height
        if rank in steps_below:
            y += _channel(steps_below[rank], y)
    for wire in {step.wire for step in steps}:
        if wire.up:
            wire.points.reverse()
    return y


def _channel(steps: Sequence[Step], top: int) -> int:
    """Route the edges from one layer to the next; return the number of rows used."""
    nets = _nets(steps)
    drops = _drops(nets)
    tracks = _tracks(nets, drops)
    # A tip that points up needs a row of its own.
    first_row = top + any(step.wire.up for step in steps)
    last_row = first_row + max(tracks.values(), default=-1) + 1
    for step in steps:
        upper, lower, wire = step
        begin = step.port(upper)
        end = drops[step]
        row = first_row + tracks.get(wire, 0)
        wire.points += [
            (begin, upper.y + upper.height),
            (begin, row),
            (end, row),
            (end, last_row),
        ]
        if lower.box is None:
            lower.middle = end
        target = lower if wire.up else upper
        if target.box is not None:
            wire.label_at = (end + 2, last_row)
            wire.room = _label_room(end, drops.values())
    return last_row - top + 1


def _label_room(x: int, drops: Iterable[int]) -> int:
    """Return the cells for a label, up to the next edge on the right."""
    beside = [drop - x - _LABEL_GAP_CELLS for drop in drops if drop > x]
    room = min(beside, default=_LABEL_CELLS)
    return room if room >= BEND_CELLS else 0


def _nets(steps: Sequence[Step]) -> list[_Net]:
    """Group the edges that share a track: nodes with exactly the same targets.

    So the edges on a track lead from each of its sources to each of its targets, and
    nobody can misread where they meet.
    """
    targets: defaultdict[tuple[Node, bool], set[Node]] = defaultdict(set)
    for upper, lower, wire in steps:
        targets[upper, wire.up].add(lower)
    nets: dict[tuple[frozenset[Node], bool], list[Step]] = {}
    for step in steps:
        is_up = step.wire.up
        lowers = frozenset(targets[step.upper, is_up])
        nets.setdefault((lowers, is_up), []).append(step)
    return list(nets.values())


def _drops(nets: Sequence[_Net]) -> Mapping[Step, int]:
    """Return the column in which each edge comes in to its lower node.

    It is the middle, unless an edge of another net starts right above. That does not
    matter if all edges of that net lead to the same node.
    """
    net_from = {step.port(step.upper): net for net in nets for step in net}
    drops: dict[Step, int] = {}
    for net in nets:
        for step in net:
            drops[step] = _drop(step, net, net_from)
    return drops


def _drop(step: Step, net: _Net, net_from: Mapping[int, _Net]) -> int:
    node = step.lower
    middle = step.port(node)
    for shift in _SHIFTS:
        x = middle + shift
        above = net_from.get(x, net)
        can_join = above is net or all(map(step.leads_as, above))
        if can_join and abs(x - node.middle) <= node.width // 2 - 1:
            return x
    return middle


def _tracks(nets: Iterable[_Net], drops: Mapping[Step, int]) -> Mapping[Wire, int]:
    """Return the tracks of the wires that run sideways."""
    spans: list[tuple[int, int, _Net]] = []
    for net in nets:
        xs = [drops[step] for step in net]
        xs += [step.port(step.upper) for step in net]
        if min(xs) < max(xs):
            spans.append((min(xs), max(xs), net))
    spans.sort(key=lambda span: span[:2])
    track_ends: list[int] = []
    tracks: dict[Wire, int] = {}
    for left, right, net in spans:
        track = _free_track(track_ends, left)
        track_ends[track : track + 1] = [right]
        for step in net:
            tracks[step.wire] = track
    return tracks


def _free_track(track_ends: Sequence[int], left: int) -> int:
    """Return the first track that is free from `left` on, or a new one."""
    for track, end in enumerate(track_ends):
        if end < left - 1:
            return track
    return len(track_ends)
