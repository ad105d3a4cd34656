"""A trace as text, for an editor, a mail or a screen reader.

The two lanes are side by side: states with their life-lines and times on the left,
calls with their seconds on the right. An arrow joins a phase to the call that it made,
if they are matched. The report follows below, in sentences. All times are UTC. No color
is needed.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TextIO

from msgspec.structs import replace
from rich.cells import cell_len

from sfnwatch.analysis.phases import Phase
from sfnwatch.analysis.report import Report
from sfnwatch.analysis.report_document import explain
from sfnwatch.export.document_text import write_text
from sfnwatch.export.names import heading, lane_tags, not_shown
from sfnwatch.export.row_text import lane_parts
from sfnwatch.export.wrapping import wrap_text
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.view.life_lines import LifeLines, Rail
from sfnwatch.view.line import Lane, Line
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.outline import Outline
from sfnwatch.view.outline_options import OutlineOptions
from sfnwatch.view.parts import plain_text

_LEFT_CELLS = 64
"""The cells for the life-lines and the text of states; longer text is wrapped."""
_TIME_CELLS = 12
"""The cells for a time."""
_LEAST_CELLS = 28
"""The least cells for text, however many life-lines there are."""
_ARROW = "  ───▶  "
_NO_ARROW = " " * 8
_GLYPHS = {
    Phase.WAITING: "╎",
    Phase.WORKING: "┃",
    Phase.COMPLETION_LAG: "┋",
    Phase.BACKING_OFF: "░",
    Phase.CONTAINER: "│",
    Phase.STOPPED: " ",
}
_REPORT_CELLS = 100
"""The width of the report."""


def dump(snapshot: Snapshot, out: TextIO) -> None:
    """Print the text; equal traces give equal texts."""
    tags = lane_tags(snapshot)
    for arn, execution in snapshot.roots.items():
        tag = tags.get(arn, "")
        out.write(f"{tag}{plain_text(heading(execution))}\n")
    out.write("\n")
    out.writelines(f"{row.rstrip()}\n" for row in _lanes(snapshot, tags))
    out.writelines(f"\n{note}\n" for note in not_shown(snapshot))
    out.write("\n")
    document = explain(Report(snapshot))
    write_text(document, out, _REPORT_CELLS)


def _lanes(snapshot: Snapshot, tags: Mapping[str, str]) -> Iterator[str]:
    outline = Outline(snapshot.trace, OutlineOptions(folds=False))
    lifelines = LifeLines(snapshot.trace, outline)
    yield _row("STEP FUNCTIONS", "UTC", _NO_ARROW, "UTC       CALLS")
    maker = LineMaker(snapshot, outline, lifelines)
    items = outline.at(snapshot)
    for number, line in enumerate(maker.lines(items)):
        if line.new_day or number == 0:
            yield _row("", f"{line.at:%Y-%m-%d}", "", "")
        tag = ""
        if not line.fold:
            tag = tags.get(line.execution_arn or "", "")
        yield from _rows(line, tag, lifelines.width())


def _row(left: str, time: str, arrow: str, right: str) -> str:
    blanks = " " * (_LEFT_CELLS - cell_len(left))
    return f"{left}{blanks}  {time:<{_TIME_CELLS}}{arrow}{right}"


def _rows(line: Line, tag: str, columns: int) -> Iterator[str]:
    """Yield the rows of a line; `columns` is the number of life-line columns."""
    state_parts, call_parts = lane_parts(line, tag)
    text = plain_text(state_parts)
    room = max(_LEAST_CELLS, _LEFT_CELLS - columns - 1)
    texts = [text]
    if cell_len(text) > room:
        texts = list(wrap_text(text, room))
    left = f"{_rails(line.rails, columns)}{texts[0]}"
    time = ""
    if not line.whole_seconds:
        time = f"{line.at:%H:%M:%S.%f}"[:_TIME_CELLS]
    makes_call = line.lane is Lane.STATES and line.call is not None
    arrow = _ARROW if makes_call else _NO_ARROW
    yield _row(left, time, arrow, plain_text(call_parts))
    lasting_rails = [
        replace(rail, begins=False) for rail in line.rails if not rail.ends
    ]
    rails_below = _rails(lasting_rails, columns)
    for text_below in texts[1:]:
        yield f"{rails_below}  {text_below}"


def _rails(rails: Iterable[Rail], columns: int) -> str:
    if not columns:
        return ""
    cells = [" "] * columns
    for rail in rails:
        cells[rail.column] = _glyph(rail)
    return f"{''.join(cells)} "


def _glyph(rail: Rail) -> str:
    if rail.begins and rail.ends:
        return "●"
    if rail.begins:
        return "┌"
    if rail.ends:
        return "└"
    return _GLYPHS[rail.phase]
