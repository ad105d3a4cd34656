"""The nodes that a layout places in layers, and the pieces of edges between them."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from sfnwatch.view.graph import Box
from sfnwatch.view.graph_picture import Picture, Wire

BOX_GAP_CELLS = 2
"""Cells between boxes side by side."""
BEND_CELLS = 5
"""Cells kept for an edge that passes a layer."""
RETURN_OFFSET_CELLS = 3
"""Cells from the middle of a box to an edge that leads back."""


class Node(Struct, eq=False):
    """A thing with a place in a layer: a box, a frame, or an edge that passes by."""

    width: int = BEND_CELLS
    height: int = 0
    box: Box | None = None
    """The box; None for an edge that passes the layer."""
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
        """Return the column at which the step meets a node.

        It is the node's middle, except at a box for an edge that leads back.
        """
        aside = self.wire.up and node.box is not None
        return node.middle + (RETURN_OFFSET_CELLS if aside else 0)

    def leads_as(self, other: "Step") -> bool:
        """True where both lead to the same node, in the same direction."""
        return self.lower is other.lower and self.wire.up is other.wire.up
