"""A graph that was laid out: its boxes and wires, on a grid of character cells."""

from typing import NamedTuple

from msgspec import Struct

from sfnwatch.view.graph import Box, Edge

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
        if len(text) <= self.room:
            return text
        return f"{text[: self.room - 1]}…" if self.room else ""

    def move(self, x: int, y: int) -> None:
        """Move it to the right and down."""
        self.points = [
            (corner_x + x, corner_y + y) for corner_x, corner_y in self.points
        ]
        label_x, label_y = self.label_at
        self.label_at = label_x + x, label_y + y


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
