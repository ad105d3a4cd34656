"""State machines as graphs, lit as far as executions came: SVG for a page, and Mermaid.

Both are drawn of the boxes and edges that the screen draws. Mermaid lays them out
itself; GitHub, GitLab and others refuse a diagram of more than 50,000 characters or 500
edges, so of a larger one the states that come later are left out, and counted.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TextIO

from rich.cells import cell_len

from sfnwatch.analysis.wording import plural
from sfnwatch.export.mermaid import MOST_UNITS, escape, units
from sfnwatch.export.svg import CELL, ROW, Ref, Sheet
from sfnwatch.export.text import cut
from sfnwatch.model.moment import ExecutionAsOf, Moment
from sfnwatch.view import graph
from sfnwatch.view.graph_layout import Folds, PlacedBox, Wire, lay_out
from sfnwatch.view.wording import Part, Role, counted, execution_labels

_CELLS = 150
"""A picture is no wider, if folding helps."""
_PAD, _INSET = 14.0, ROW / 4
"""Around a picture; and between a box and the rows above and below."""
_INDENT, _TIP = 10.0, (4, 7)
_OFTEN = 16
"""Cells that are kept to say how often."""
_MOST_BOXES = (480, 240, 120, 60, 30, 15)
_MOST_EDGES = 500
_SHAPES = {"Choice": ("{", "}"), graph.START: ("([", "])"), graph.END: ("([", "])")}
_TONES = {
    Role.GOOD: "#0a7a37",
    Role.BAD: "#c4181c",
    Role.WARN: "#8a5600",
    Role.BUSY: "#0b62c9",
    Role.DIM: "#8d99a5",
}
"""By day, as in the other pictures; Mermaid chooses the ground."""


# -- a picture -------------------------------------------------------------------------


class GraphPicture:
    """One execution's graph, for a page that has the style."""

    def __init__(
        self, moment: Moment, execution: ExecutionAsOf, ref: Ref, prefix: str
    ) -> None:
        """`prefix` tells its ids from those of other pictures in the page."""
        self.lights = graph.light(graph.graph_of(execution), moment, execution)
        self._ref, self._sheet = ref, Sheet(prefix)

    def svg(self, name: str) -> str:
        """Draw it."""
        drawn, sheet = self.lights.graph, self._sheet
        chains = frozenset(b.id for b in drawn.boxes.values() if b.type == graph.CHAIN)
        picture = lay_out(drawn, _CELLS, _wanted, Folds(opened=chains))
        # What was taken goes over what was not.
        for wire in sorted(picture.wires, key=lambda w: self.lights.is_taken(w.edge)):
            self._draw_wire(wire)
        for placed in picture.boxes:
            self._draw_box(placed)
        sheet.width = max(sheet.width, picture.width * CELL)
        height = picture.height * ROW + 2 * _PAD
        if picture.left_out:
            words = f"{counted(picture.left_out, 'edge')} left out, too many to follow"
            sheet.write(_PAD, height, [Part(words, Role.WARN)])
            height += ROW
        return sheet.svg(height, "", name)

    def _draw_wire(self, wire: Wire) -> None:
        taken = self.lights.is_taken(wire.edge)
        css = f"{' caught' if wire.edge.caught else ''}{' taken' if taken else ''}"
        points = [
            (_PAD + (x + 0.5) * CELL, _PAD + (y + 0.5) * ROW) for x, y in wire.points
        ]
        down = -1 if wire.up else 1
        (x, y), (tip_x, tip_y) = points[0], points[-1]
        # From the edge of one box to that of the other.
        reach = (ROW / 2 + _INSET) * down
        tip_y += reach
        points[0], points[-1] = (x, y - reach), (tip_x, tip_y)
        self._sheet.path(f"wire{css}", *points)
        half, back = _TIP[0], tip_y - _TIP[1] * down
        sides = (tip_x - half, back), (tip_x + half, back)
        self._sheet.path(f"point{css}", (tip_x, tip_y), *sides, end="z")
        if wire.label:
            x, y = wire.label_at
            label = Part(wire.label, Role.PLAIN if taken else Role.DIM)
            self._sheet.write(_PAD + x * CELL, _PAD + y * ROW, [label])

    def _draw_box(self, placed: PlacedBox) -> None:
        box, standing = placed.box, self.lights.of(placed.box)
        key = f"{standing.last[0]}#{standing.last[1].id}" if standing.last else ""
        status = standing.status.replace("_", " ") or "not reached"
        tip = filter(None, [box.name, box.kind, status, *standing.counted])
        x, y = _PAD + placed.x * CELL, _PAD + placed.y * ROW
        width, height = placed.width * CELL, max(placed.height - 0.5, 1) * ROW
        with self._sheet.row([self._ref(key)] if key else [], tip):
            css = "frame" if placed.framed else "box hit"
            tone = standing.glyph.role if standing.status else "unlit"
            self._sheet.rect(f"{css} {tone}", x, y + _INSET, width, height)
            self._write(placed, standing, x, y)

    def _write(
        self, placed: PlacedBox, standing: graph.BoxState, x: float, y: float
    ) -> None:
        """Say in a box what it is and how it stands: of a frame, in its first row."""
        box, right = placed.box, x + placed.width * CELL - _INDENT
        role = Role.NAME if standing.status else Role.DIM
        if placed.height == 1:
            middle = x + (placed.width - cell_len(box.name)) * CELL / 2
            self._sheet.write(middle, y + _INSET, [Part(box.name, role)])
            return
        often = "  ".join([*standing.counted, *(["↺"] if placed.loops else [])])
        told = cell_len(often)
        glyph = Part(f"{standing.glyph.text} ", standing.glyph.role)
        name = cut(box.name, placed.width - 4 - cell_len(glyph.text))
        first = y + (4 if placed.framed else 7)
        end = self._sheet.write(x + _INDENT, first, [glyph, Part(name, role)])
        below = x + _INDENT, first + ROW - 1
        begin, second = (end, first) if placed.framed else below
        left = int((right - begin) / CELL) - (told + 1 if told else 0)
        kind = cut(f"  {box.kind}" if placed.framed else box.kind, max(0, left))
        self._sheet.write(begin, second, [Part(kind, Role.DIM)])
        self._sheet.write(right - told * CELL, second, [Part(often, Role.NAME)])


def _wanted(box: graph.Box) -> int:
    often = _OFTEN if box.repeats else 0
    return max(cell_len(box.name) + 2, cell_len(box.kind) + often)


# -- Mermaid ---------------------------------------------------------------------------


def dump(moment: Moment, out: TextIO) -> None:
    """Print the graphs of all executions as one chart; equal traces, equal texts."""
    labels = execution_labels(moment.roots)
    charts = list[_Chart]()
    for arn, execution in moment.roots.items():
        lights = graph.light(graph.graph_of(execution), moment, execution)
        charts.append(_Chart(lights, f"e{len(charts) + 1}", labels[arn]))
    for most in _MOST_BOXES:
        text = "\n".join(_flowchart(charts, most)) + "\n"
        # In words the tips of arrows are written otherwise.
        arrows = text.count("->") + text.count("=>")
        if units(text) <= MOST_UNITS and arrows < _MOST_EDGES:
            break
    out.write(text)


def _flowchart(charts: "Sequence[_Chart]", most: int) -> Iterator[str]:
    yield "flowchart TD"
    if not charts:
        yield 'nothing["nothing happened yet"]'
    edges: list[bool] = []
    """Of each edge, if a Catch led along it: Mermaid knows edges by their numbers."""
    for chart in charts:
        around = len(charts) > 1
        yield from [f'subgraph {chart.name}["{escape(chart.label)}"]'] if around else []
        yield from chart.boxes(most)
        for edge in chart.lights.graph.edges:
            if max(edge.source, edge.target) < most:
                edges.append(edge.caught and chart.lights.is_taken(edge))
                yield chart.arrow(edge)
        yield from ["end"] if around else []
    for role, color in _TONES.items():
        yield f"classDef {role} stroke:{color},stroke-width:2px"
    for place, caught in enumerate(edges):
        if caught:
            yield f"linkStyle {place} stroke:{_TONES[Role.WARN]},stroke-width:3px"


class _Chart(NamedTuple):
    """One execution's graph as Mermaid's statements."""

    lights: graph.Lights
    name: str
    label: str

    def boxes(self, most: int) -> Iterator[str]:
        """Yield the statements of the first boxes."""
        missing = len(self.lights.graph.boxes) - most
        if missing > 0:
            told = plural(missing, "more state")
            yield f"%% {told} left out: Mermaid draws no chart so large"
        yield from self._region(self.lights.graph.main, most)

    def arrow(self, edge: graph.Edge) -> str:
        """Draw an edge: what was taken is bold."""
        taken = self.lights.is_taken(edge)
        arrow = "-.->" if edge.caught else "==>" if taken else "-->"
        label = f'|"{escape(" or ".join(edge.labels))}"|' if edge.labels else ""
        return f"{self.name}n{edge.source} {arrow}{label} {self.name}n{edge.target}"

    def _region(self, region: graph.Region, most: int) -> Iterator[str]:
        for box in region.boxes:
            if box.type == graph.CHAIN:
                yield from self._region(box.inside[0], most)
            elif box.id < most:
                yield from self._box(box, most)

    def _box(self, box: graph.Box, most: int) -> Iterator[str]:
        standing, name = self.lights.of(box), f"{self.name}n{box.id}"
        named = f"{standing.glyph.text} {box.name}"
        words = [named, box.kind, ", ".join(standing.counted)]
        words = [box.name] if box.type in {graph.START, graph.END} else words
        shown = [escape(word) for word in words if word]
        role = standing.glyph.role
        if any(each.id < most for region in box.inside for each in region.boxes):
            yield f'subgraph {name}["{" · ".join(shown)}"]'
            for region in box.inside:
                yield from self._region(region, most)
            yield "end"
            # Classes are for nodes alone.
            yield f"style {name} stroke:{_TONES[role]},stroke-width:2px"
        else:
            left, right = _SHAPES.get(box.type, ("[", "]"))
            yield f'{name}{left}"{"<br/>".join(shown)}"{right}'
            yield f"class {name} {role}"
