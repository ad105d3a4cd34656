"""State machines as one Mermaid flowchart, colored as far as executions came.

It consists of the boxes and edges that the screen draws; Mermaid lays it out. If it
would be longer than GitHub, GitLab and others accept, later states are left out.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TextIO

from sfnwatch.analysis.quantities import plural
from sfnwatch.export.mermaid.grammar import MOST_UNITS, escape, units
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.view import graph
from sfnwatch.view.execution_labels import execution_labels
from sfnwatch.view.graph_progress import GraphProgress, graph_progress
from sfnwatch.view.parts import Role

_MOST_BOXES = (480, 240, 120, 60, 30, 15)
_MOST_EDGES = 500
_SHAPES = {
    "Choice": ("{", "}"),
    graph.START_TYPE: ("([", "])"),
    graph.END: ("([", "])"),
}
_TONES = {
    Role.GOOD: "#0a7a37",
    Role.BAD: "#c4181c",
    Role.WARN: "#8a5600",
    Role.BUSY: "#0b62c9",
    Role.DIM: "#8d99a5",
}
"""The light colors of the other pictures; Mermaid chooses the background."""


def dump(snapshot: Snapshot, out: TextIO) -> None:
    """Print all executions' graphs as one chart; equal traces give equal texts."""
    labels = execution_labels(snapshot.roots)
    charts: list[_Chart] = []
    for number, (arn, execution) in enumerate(snapshot.roots.items(), start=1):
        progress = graph_progress(graph.graph_of(execution), snapshot, execution)
        charts.append(_Chart(progress, f"e{number}", labels[arn]))
    for most in _MOST_BOXES:
        text = "\n".join(_flowchart(charts, most)) + "\n"
        # Arrow tips inside words are escaped, so these are all edges.
        arrows = text.count("->") + text.count("=>")
        if units(text) <= MOST_UNITS and arrows < _MOST_EDGES:
            break
    out.write(text)


def _flowchart(charts: "Sequence[_Chart]", most: int) -> Iterator[str]:
    """Yield the statements of a chart with at most `most` boxes of each execution."""
    yield "flowchart TD"
    if not charts:
        yield 'nothing["nothing happened yet"]'
    for chart in charts:
        if len(charts) > 1:
            yield f'subgraph {chart.name}["{escape(chart.label)}"]'
            yield from chart.statements(most)
            yield "end"
        else:
            yield from chart.statements(most)
    for role, color in _TONES.items():
        yield f"classDef {role} stroke:{color},stroke-width:2px"


class _Chart(NamedTuple):
    """One execution's graph as Mermaid statements."""

    progress: GraphProgress
    name: str
    label: str

    def statements(self, most: int) -> Iterator[str]:
        """Yield the statements of the first boxes, and of the edges between them."""
        drawn = self.progress.graph
        missing = len(drawn.boxes) - most
        if missing > 0:
            states = plural(missing, "more state")
            yield f"%% {states} left out: Mermaid draws no chart so large"
        yield from self._region(drawn.main, most)
        for edge in drawn.edges:
            if max(edge.source, edge.target) < most:
                yield self._arrow(edge)

    def _arrow(self, edge: graph.Edge) -> str:
        """Return the statement of an edge; an edge that was taken is bold."""
        if self.progress.is_taken(edge):
            arrow = "==>"
        elif edge.caught:
            arrow = "-.->"
        else:
            arrow = "-->"
        if edge.labels:
            label = escape(" or ".join(edge.labels))
            arrow += f'|"{label}"|'
        return f"{self.name}n{edge.source} {arrow} {self.name}n{edge.target}"

    def _region(self, region: graph.Region, most: int) -> Iterator[str]:
        for box in region.boxes:
            if box.id < most:
                yield from self._box(box, most)

    def _box(self, box: graph.Box, most: int) -> Iterator[str]:
        state = self.progress.of(box)
        name = f"{self.name}n{box.id}"
        words = [box.name]
        if box.is_state:
            counts = ", ".join(state.counted)
            words = [f"{state.glyph.text} {box.name}", box.kind, counts]
        shown_words = [escape(word) for word in words if word]
        role = state.glyph.role
        boxes_inside = chain.from_iterable(region.boxes for region in box.inside)
        if any(inner.id < most for inner in boxes_inside):
            title = " · ".join(shown_words)
            yield f'subgraph {name}["{title}"]'
            for region in box.inside:
                yield from self._region(region, most)
            yield "end"
            # Mermaid has classes for nodes only.
            yield f"style {name} stroke:{_TONES[role]},stroke-width:2px"
        else:
            left, right = _SHAPES.get(box.type, ("[", "]"))
            text = "<br/>".join(shown_words)
            yield f'{name}{left}"{text}"{right}'
            yield f"class {name} {role}"
