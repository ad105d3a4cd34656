"""A laid out graph: its boxes and wires, on a grid of character cells."""

from typing import NamedTuple

from msgspec import Struct

from sfnwatch.view.graph import Box, Edge

Point = tuple[int, int]


class PlacedBox(NamedTuple):
    """A box, or a frame around others; x and y are cells from the top left."""

    box: Box
    x: int
    y: int
    width: int
    height: int
    framed: bool = False
    """True for a frame: the boxes inside of it are shown."""
    loops: bool = False
    """True if an edge leads from the state to itself."""

    @property
    def right(self) -> int:
        """The column right of it."""
        return self.x + self.width

    @property
    def below(self) -> int:
        """The row below it."""
        return self.y + self.height


class Wire(Struct, eq=False):
    """The corners of an edge between the cell below one box and that above another."""

    edge: Edge
    up: bool = False
    """True for an edge that leads back; its tip points up."""
    points: list[Point] = []
    """Its corners, from the source to the target."""
    label_at: Point = 0, 0
    room: int = 0
    """The room for its label, in cells."""

    @property
    def label(self) -> str:
        """The rule of a Choice or the caught errors, cut to the room; maybe empty."""
        text = " or ".join(self.edge.labels)
        if len(text) <= self.room:
            return text
        return f"{text[: self.room - 1]}…" if self.room else ""

    def move(self, x: int, y: int) -> None:
        """Move the wire by `x` cells to the right and `y` cells down."""
        self.points = [
            (corner_x + x, corner_y + y) for corner_x, corner_y in self.points
        ]
        label_x, label_y = self.label_at
        self.label_at = label_x + x, label_y + y


class Picture(NamedTuple):
    """The layout of a graph, or of a region of it."""

    width: int
    height: int
    boxes: list[PlacedBox]
    """The boxes; a frame comes before the boxes inside of it."""
    wires: list[Wire]
    """The wires of all edges, except those from a state to itself."""
    left_out: int = 0
    """The number of edges that are not drawn, since there are too many to follow."""
