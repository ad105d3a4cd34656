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
_WORDS = 28
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
_PROSE = 100


def dump(snapshot: Snapshot, out: TextIO) -> None:
    """Print the text; equal traces give equal texts."""
    tags = lane_tags(snapshot)
    roots = snapshot.roots.values()
    out.writelines(f"{tags.get(e.arn, '')}{plain_text(heading(e))}\n" for e in roots)
    out.write("\n")
    out.writelines(f"{line.rstrip()}\n" for line in _lanes(snapshot, tags))
    out.writelines(f"\n{note}\n" for note in not_shown(snapshot))
    out.write("\n")
    write_text(explain(Report(snapshot)), out, _PROSE)


def _lanes(snapshot: Snapshot, tags: Mapping[str, str]) -> Iterator[str]:
    outline = Outline(snapshot.trace, OutlineOptions(folds=False))
    lifelines = LifeLines(snapshot.trace, outline)
    yield _row("STEP FUNCTIONS", "UTC", _NO_ARROW, "UTC       CALLS")
    lines = LineMaker(snapshot, outline, lifelines).lines(outline.at(snapshot))
    for number, line in enumerate(lines):
        if line.new_day or not number:
            yield _row("", f"{line.at:%Y-%m-%d}", "", "")
        tag = "" if line.fold else tags.get(line.execution_arn or "", "")
        yield from _rows(line, tag, lifelines.width())


def _row(left: str, time: str, arrow: str, right: str) -> str:
    blanks = " " * (_LEFT_CELLS - cell_len(left))
    return f"{left}{blanks}  {time:<{_TIME_CELLS}}{arrow}{right}"


def _rows(line: Line, tag: str, columns: int) -> Iterator[str]:
    """Yield the rows of a line; `columns` is the number of life-line columns."""
    words, calls = map(plain_text, lane_parts(line, tag))
    time = "" if line.whole_seconds else f"{line.at:%H:%M:%S.%f}"[:_TIME_CELLS]
    room = max(_WORDS, _LEFT_CELLS - columns - 1)
    first, *more = [words] if cell_len(words) <= room else wrap_text(words, room)
    left = f"{_rails(line.rails, columns)}{first}"
    made = line.lane is Lane.STATES and line.call is not None
    yield _row(left, time, _ARROW if made else _NO_ARROW, calls)
    going_on = (replace(rail, begins=False) for rail in line.rails if not rail.ends)
    below = _rails(going_on, columns)
    yield from (f"{below}  {each}" for each in more)


def _rails(rails: Iterable[Rail], columns: int) -> str:
    cells = [" "] * columns
    for rail in rails:
        cells[rail.column] = _glyph(rail)
    return f"{''.join(cells)} " if cells else ""


def _glyph(rail: Rail) -> str:
    if rail.begins and rail.ends:
        return "●"
    if rail.begins or rail.ends:
        return "┌" if rail.begins else "└"
    return _GLYPHS[rail.phase]
