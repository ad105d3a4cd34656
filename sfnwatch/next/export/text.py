"""A trace as text with both lanes side by side, for an editor or a mail.

States stand left with their life-lines and times, calls right with their seconds. An
arrow joins a phase to the call that it made, where they are matched. What the trace
shows stands below, in sentences. All times are UTC.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TextIO

from sfnwatch.next.analysis.phases import Phase
from sfnwatch.next.analysis.report import explain, report
from sfnwatch.next.analysis.wording import plural
from sfnwatch.next.export.document import cell_width, wrapped, write_text
from sfnwatch.next.export.plain import lane_tags
from sfnwatch.next.model.execution import ExecutionAsOf
from sfnwatch.next.model.history import REDRIVEN, HistoryEvent
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.text import clean, duration
from sfnwatch.next.view.lifelines import LifeLines, Rail
from sfnwatch.next.view.lines import Lane, Line, LineMaker, all_lines
from sfnwatch.next.view.outline import Outline, OutlineOptions
from sfnwatch.next.view.parts import Part, plain_text

_LEFT, _TIME, _FAR = 64, 12, 40
"""Cells for the life-lines and words of the states; what is longer is wrapped."""
_WORDS = 28
"""However many life-lines there are, words have so many cells."""
_ARROW, _NO_ARROW = "  ───▶  ", " " * 8
_SEAM = "━"
"""Drawn across both lanes where the execution was redriven."""
_GLYPHS = {
    Phase.WAITING: "╎",
    Phase.WORKING: "┃",
    Phase.COMPLETION_LAG: "┋",
    Phase.BACKING_OFF: "░",
    Phase.CONTAINER: "│",
    Phase.STOPPED: " ",
}
_NAME = 200
_PROSE = 100


def dump(moment: Moment, out: TextIO) -> None:
    """Print the text; equal traces give equal texts."""
    tags, roots = lane_tags(moment), moment.roots.values()
    out.writelines(f"{tags.get(e.arn, '')}{_heading(e)}\n" for e in roots)
    out.write("\n")
    out.writelines(f"{line.rstrip()}\n" for line in _lanes(moment, tags))
    hidden = sum(not moment.is_relevant(call) for call in moment.calls)
    if hidden:
        out.write(f"\n{plural(hidden, 'call')} by others, or by X-Ray, not shown.\n")
    out.write("\n")
    write_text(explain(report(moment)), out, _PROSE)


def _heading(execution: ExecutionAsOf) -> str:
    """Say which execution it is, and how it went."""
    machine = execution.state_machine_name
    name = f"{machine} › {execution.name}" if machine else execution.name
    parts = [clean(name, _NAME), clean(execution.status)]
    if execution.started_at and execution.stopped_at:
        spent = execution.stopped_at - execution.started_at
        parts.append(duration(spent.total_seconds()))
    return "  ".join(parts)


def _lanes(moment: Moment, tags: Mapping[str, str]) -> Iterator[str]:
    outline = Outline(moment.trace, OutlineOptions(folds=False))
    lifelines = LifeLines(moment.trace, outline.containers)
    items = outline.at(moment)
    if not items:
        yield "Nothing has happened yet."
        return
    yield _row("STEP FUNCTIONS", "UTC", _NO_ARROW, "UTC       CALLS")
    day: date | None = None
    writer = _Writer(lifelines.width(), tags)
    for line in all_lines(LineMaker(moment, outline, lifelines), items):
        if line.at.date() != day:
            day = line.at.date()
            yield _row("", str(day), "", "")
        yield from writer.rows(line)


def _row(left: str, time: str, arrow: str, right: str) -> str:
    blanks = " " * (_LEFT - cell_width(left))
    return f"{left}{blanks}  {time:<{_TIME}}{arrow}{right}"


class _Writer:
    """Writes lines as rows of text."""

    def __init__(self, columns: int, tags: Mapping[str, str]) -> None:
        self._columns, self._tags = columns, tags

    def rows(self, line: Line) -> Iterator[str]:
        tag = "" if line.fold else self._tags.get(line.execution_arn or "", "")
        rails = self._rails(line.rails)
        time = "" if line.whole_seconds else line.at.strftime("%H:%M:%S.%f")[:_TIME]
        if line.lane is not Lane.STATES:
            yield _row(rails, time, _NO_ARROW, f"{self._call(line)}{_whose(tag, line)}")
            return
        words = f"{tag}{_state_words(line)}"
        room = max(_WORDS, _LEFT - self._columns - 1)
        first, *more = [words] if cell_width(words) <= room else wrapped(words, room)
        left = f"{rails}{first}"
        if isinstance(line.item, HistoryEvent) and line.item.type == REDRIVEN:
            left += f" {_SEAM * (_LEFT - cell_width(left) - 1)}"
            yield _row(left, time, f" {_SEAM * 7}", _SEAM * _FAR)
        else:
            arrow = _ARROW if line.call is not None else ""
            yield _row(left, time, arrow, self._call(line))
        below = self._rails(_gone_on(line.rails))
        yield from (f"{below}  {each}" for each in more)

    def _rails(self, rails: tuple[Rail, ...]) -> str:
        cells = [" "] * self._columns
        for rail in rails:
            cells[rail.column] = _glyph(rail)
        return f"{''.join(cells)} " if cells else ""

    def _call(self, line: Line) -> str:
        if line.task is not None:
            return plain_text(line.task.parts)
        if line.call is None:
            return ""
        call_at = line.call_at or line.at
        service = clean(line.service.removesuffix(".amazonaws.com"), _NAME)
        return f"{call_at:%H:%M:%S}  {service}  {plain_text(line.call.parts)}"


def _glyph(rail: Rail) -> str:
    if rail.begins and rail.ends:
        return "●"
    if rail.begins or rail.ends:
        return "┌" if rail.begins else "└"
    return _GLYPHS[rail.phase]


def _gone_on(rails: tuple[Rail, ...]) -> tuple[Rail, ...]:
    """Give the life-lines that go on below a row, without how they begin."""
    going = (rail for rail in rails if not rail.ends)
    return tuple(Rail(r.column, r.visit, r.phase, failed=r.failed) for r in going)


def _state_words(line: Line) -> str:
    fold = [line.fold, Part(" ")] if line.fold else []
    parts = [*fold, *line.owner, *line.text]
    if line.conclusion:
        parts += [Part("  "), *line.conclusion[0]]
    return plain_text(parts)


def _whose(tag: str, line: Line) -> str:
    """Say which state made a call, where life-lines alone do not."""
    owner = plain_text(line.owner)
    return f"  ‹ {tag}{owner}" if tag or owner else ""
