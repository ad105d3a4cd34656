"""A trace as a picture for a slide or a page: the timeline, with the lanes below."""

from collections.abc import Iterator
from typing import TextIO

from sfnwatch.analysis.lists import some
from sfnwatch.analysis.quantities import plural
from sfnwatch.export.names import heading, not_shown, whole_name
from sfnwatch.export.svg.canvas import MARGIN, ROW, SvgCanvas
from sfnwatch.export.svg.lanes import LanesPicture
from sfnwatch.export.svg.legend import draw_legend
from sfnwatch.export.svg.styles import stylesheet
from sfnwatch.export.svg.timeline import TimelinePicture
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.view.execution_labels import execution_labels
from sfnwatch.view.parts import Part, Role


def dump(snapshot: Snapshot, out: TextIO) -> None:
    """Print the timeline and the lanes as one picture.

    Equal traces give equal texts.
    """
    canvas = SvgCanvas("p")
    y = _draw_title(canvas, snapshot)
    y = TimelinePicture(snapshot).draw(canvas, y) + ROW
    y = LanesPicture(snapshot).draw(canvas, y) + ROW
    bottom = draw_legend(canvas, y, notes(snapshot))
    out.write(canvas.svg(bottom, stylesheet("picture.css")))


def title_words(snapshot: Snapshot) -> str:
    """Return the title of a trace: its execution, or the number of executions."""
    roots = list(snapshot.roots.values())
    if len(roots) == 1:
        return whole_name(roots[0])
    if not roots:
        return "API calls"
    labels = some(execution_labels(snapshot.roots).values(), 6)
    executions = plural(len(roots), "execution")
    return f"{executions}: {labels}"


def _draw_title(canvas: SvgCanvas, snapshot: Snapshot) -> float:
    """Draw the title and a heading for each execution; return the y of the end."""
    y = MARGIN - 6
    if len(snapshot.roots) != 1:
        canvas.write(MARGIN, y, [Part(title_words(snapshot), Role.NAME)])
        y += ROW
    for arn, label in execution_labels(snapshot.roots).items():
        parts = heading(snapshot.roots[arn])
        if label:
            parts.insert(0, Part(f"{label}  ", Role.NAME))
        canvas.write(MARGIN, y, parts)
        y += ROW
    return y + 6


def notes(snapshot: Snapshot) -> Iterator[str]:
    """Yield notes on how far CloudTrail is known, and on what is not shown."""
    health = snapshot.health.get("lookup")
    if health is not None and health.coverage is not None:
        yield f"CloudTrail complete up to {health.coverage:%H:%M:%S} UTC (estimate)."
    yield from not_shown(snapshot)
