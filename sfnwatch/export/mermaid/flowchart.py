"""State machines as one Mermaid flowchart, colored as far as executions came.

It consists of the boxes and edges that the screen draws; Mermaid lays it out. If it
would be longer than GitHub, GitLab and others accept, later states are left out.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TextIO

from sfnwatch.analysis.quantities import plural
from sfnwatch.export.mermaid.grammar import MOST_UNITS, escape, units
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.view import graph
from sfnwatch.view.graph_progress import GraphProgress, graph_progress
from sfnwatch.view.parts import Role
from sfnwatch.view.wording import execution_labels

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
"""The light colors of the other pictures; Mermaid chooses the background."""


def dump(snapshot: Snapshot, out: TextIO) -> None:
    """Print all executions' graphs as one chart; equal traces give equal texts."""
    labels = execution_labels(snapshot.roots)
    charts = list[_Chart]()
    for arn, execution in snapshot.roots.items():
        progress = graph_progress(graph.graph_of(execution), snapshot, execution)
        charts.append(_Chart(progress, f"e{len(charts) + 1}", labels[arn]))
    for most in _MOST_BOXES:
        text = "\n".join(_flowchart(charts, most)) + "\n"
        # Arrow tips inside words are escaped, so these are all edges.
        arrows = text.count("->") + text.count("=>")
        if units(text) <= MOST_UNITS and arrows < _MOST_EDGES:
            break
    out.write(text)


def _flowchart(charts: "Sequence[_Chart]", most: int) -> Iterator[str]:
    yield "flowchart TD"
    if not charts:
        yield 'nothing["nothing happened yet"]'
    for chart in charts:
        around = len(charts) > 1
        yield from [f'subgraph {chart.name}["{escape(chart.label)}"]'] if around else []
        yield from chart.boxes(most)
        for edge in chart.progress.graph.edges:
            if max(edge.source, edge.target) < most:
                yield chart.arrow(edge)
        yield from ["end"] if around else []
    for role, color in _TONES.items():
        yield f"classDef {role} stroke:{color},stroke-width:2px"


class _Chart(NamedTuple):
    """One execution's graph as Mermaid statements."""

    progress: GraphProgress
    name: str
    label: str

    def boxes(self, most: int) -> Iterator[str]:
        """Yield the statements of the first boxes."""
        missing = len(self.progress.graph.boxes) - most
        if missing > 0:
            told = plural(missing, "more state")
            yield f"%% {told} left out: Mermaid draws no chart so large"
        yield from self._region(self.progress.graph.main, most)

    def arrow(self, edge: graph.Edge) -> str:
        """Return the statement of an edge; an edge that was taken is bold."""
        taken = self.progress.is_taken(edge)
        arrow = "==>" if taken else "-.->" if edge.caught else "-->"
        label = f'|"{escape(" or ".join(edge.labels))}"|' if edge.labels else ""
        return f"{self.name}n{edge.source} {arrow}{label} {self.name}n{edge.target}"

    def _region(self, region: graph.Region, most: int) -> Iterator[str]:
        for box in region.boxes:
            if box.id < most:
                yield from self._box(box, most)

    def _box(self, box: graph.Box, most: int) -> Iterator[str]:
        standing = self.progress.of(box)
        name = f"{self.name}n{box.id}"
        named = f"{standing.glyph.text} {box.name}"
        told = [named, box.kind, ", ".join(standing.counted)]
        words = told if box.is_state else [box.name]
        shown = [escape(word) for word in words if word]
        role = standing.glyph.role
        if any(each.id < most for region in box.inside for each in region.boxes):
            yield f'subgraph {name}["{" · ".join(shown)}"]'
            for region in box.inside:
                yield from self._region(region, most)
            yield "end"
            # Mermaid has classes for nodes only.
            yield f"style {name} stroke:{_TONES[role]},stroke-width:2px"
        else:
            left, right = _SHAPES.get(box.type, ("[", "]"))
            yield f'{name}{left}"{"<br/>".join(shown)}"{right}'
            yield f"class {name} {role}"
