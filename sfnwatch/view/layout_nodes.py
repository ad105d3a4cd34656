"""What a layout places in layers, and the pieces of edges between those."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from sfnwatch.view.graph import Box
from sfnwatch.view.graph_picture import Picture, Wire

GAP_CELLS = 2
"""Cells between boxes that stand beside each other."""
BEND_CELLS = 5
"""Cells kept for an edge that passes a layer."""
RETURN_OFFSET_CELLS = 3
"""Cells from the middle of a box at which an edge that leads back stands."""


class Node(Struct, eq=False):
    """What has a place in a layer: a box, a frame, or an edge on its way."""

    width: int = BEND_CELLS
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


class Step(NamedTuple):
    """A piece of an edge, from one layer to the next."""

    upper: Node
    lower: Node
    wire: Wire

    def port(self, node: Node) -> int:
        """Give where it meets a node; one that leads back stands aside."""
        aside = self.wire.up and node.box is not None
        return node.middle + (RETURN_OFFSET_CELLS if aside else 0)

    def leads_as(self, other: "Step") -> bool:
        """True where both lead to the same node, in the same direction."""
        return self.lower is other.lower and self.wire.up is other.wire.up
