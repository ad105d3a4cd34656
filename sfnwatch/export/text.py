"""What a trace shows as text, for an editor, a mail, a screen reader; as Markdown.

A trace has both lanes side by side: states stand left with their life-lines and times,
calls right with their seconds. An arrow joins a phase to the call that it made, where
they are matched. What the trace shows stands below, in sentences. All times are UTC.

No color is needed, and a Chinese character takes two cells. In Markdown every name is
escaped: none may break the table, make a link or call a person.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import starmap
from typing import TextIO

from msgspec.structs import replace
from rich.cells import cell_len, chop_cells, set_cell_size

from sfnwatch.analysis.finding import (
    GAP,
    Block,
    Column,
    Document,
    Heading,
    Items,
    Paragraph,
    Sentence,
    Table,
    brief_evidence,
)
from sfnwatch.analysis.phases import Phase
from sfnwatch.analysis.report import Report, explain
from sfnwatch.export.names import heading, lane_tags, not_shown
from sfnwatch.export.row_text import lane_parts
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.view.life_lines import LifeLines, Rail
from sfnwatch.view.line import Lane, Line
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.outline import Outline
from sfnwatch.view.outline_options import OutlineOptions
from sfnwatch.view.parts import Part, plain_text

_LEFT_CELLS = 64
"""Cells for the life-lines and the words of states; longer ones are wrapped."""
_TIME_CELLS = 12
"""Cells for a time."""
_WORDS = 28
"""However many life-lines there are, words have so many cells."""
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
_WORD = re.compile(r"\s*\S+|\s+")
_LEAST = 40
_CERTAINTY = 11
"""`inference` and two blanks."""


# -- a trace as text -------------------------------------------------------------------


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
    """Write a line; `columns` are those of the life-lines."""
    words, calls = map(plain_text, lane_parts(line, tag))
    time = "" if line.whole_seconds else f"{line.at:%H:%M:%S.%f}"[:_TIME_CELLS]
    room = max(_WORDS, _LEFT_CELLS - columns - 1)
    first, *more = [words] if cell_len(words) <= room else wrapped(words, room)
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


# -- a document as text ----------------------------------------------------------------


def write_text(document: Document, out: TextIO, width: int = 80) -> None:
    """Print a document for a terminal of `width` columns; equal ones are equal texts.

    What a heading is about is set in below it.
    """
    width = max(width, _LEAST)
    level = 0
    before: object = None
    for block in document:
        if isinstance(block, Heading):
            level = block.level
            lines = wrapped(block.text, width, "  " * (level - 1), "  " * level)
        else:
            lines = _text_lines(block, width, "  " * level)
        apart = isinstance(block, Table) and before is not Heading
        if before is not None and (apart or isinstance(block, Heading)):
            out.write("\n")
        out.writelines(f"{line.rstrip()}\n" for line in lines)
        before = type(block)


def _text_lines(block: Block, width: int, indent: str) -> Iterator[str]:
    match block:
        case Paragraph():
            yield from wrapped(block.text, width, indent)
        case Items():
            for line in block.lines:
                yield from wrapped(line, width, indent, f"{indent}  ")
        case Sentence():
            proof = brief_evidence(block.evidence)
            text = f"{block.text} [{proof}]" if proof else block.text
            first = f"{indent}{block.certainty:<{_CERTAINTY}}"
            yield from wrapped(text, width, first, indent + " " * _CERTAINTY)
        case Table():
            yield from _table(block, width, indent)


def flow(parts: Iterable[Part], room: int, hang: int = 2) -> list[list[Part]]:
    """Wrap parts at blanks to rows of so many cells; `hang` blanks begin all but one.

    A word that no row has room for is broken.
    """
    rows = [list[Part]()]
    used = 0
    for part in parts:
        for word in _WORD.findall(part.text):
            long = cell_len(word.strip()) > room - hang
            for piece in chop_cells(word, room - hang) if long else [word]:
                more = piece
                if used and used + cell_len(piece) > room:
                    rows.append([Part(" " * hang)])
                    used = hang
                    more = piece.strip()
                same = rows[-1] and rows[-1][-1].role is part.role
                before = rows[-1].pop().text if same else ""
                rows[-1].append(Part(before + more, part.role))
                used += cell_len(more)
    return rows


def wrapped(
    text: str, width: int, first: str = "", rest: str | None = None
) -> Iterator[str]:
    """Wrap at blanks; `first` stands before the first line, `rest` before others."""
    indent = cell_len(first)
    hang = 0 if rest is None else cell_len(rest) - indent
    for row in flow([Part(" ".join(text.split()))], max(1, width - indent), hang):
        yield f"{first}{plain_text(row)}"
        first = first if rest is None else rest[:indent]


def cut(text: str, room: int) -> str:
    """Cut a text to so many cells; a mark says that it was."""
    fits = cell_len(text) <= room
    return text if fits else f"{set_cell_size(text, max(0, room - 1))}…"


def _table(table: Table, width: int, indent: str) -> Iterator[str]:
    """Lay out a table; columns that there is no room for are left out."""
    columns = starmap(_cells, table.fitted(width - len(indent), cell_len))
    for row in zip(*columns, strict=True):
        yield f"{indent}{(' ' * GAP).join(row)}"


def _cells(column: Column, size: int) -> Iterator[str]:
    """Give a column's head and what is below it, each of so many cells."""
    for text in (column.head, *column.cells):
        shown = cut(text, size)
        blanks = " " * (size - cell_len(shown))
        yield blanks + shown if column.right else shown + blanks


# -- a document as Markdown ------------------------------------------------------------

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&!^=])")
_LINK = re.compile(r"(://|\bwww\.)", re.IGNORECASE)
_BREAK = "<!-- -->"
_OPENING = re.compile(r"^(\s*)([-+]|\d+(?=[.)]))")


def write_markdown(document: Document, out: TextIO) -> None:
    """Print a document for an issue, a pull request, a wiki, a job's summary."""
    before: object = None
    for block in document:
        # A list goes on; everything else stands apart.
        if before is not None and not (before is Sentence and type(block) is Sentence):
            out.write("\n")
        before = type(block)
        out.writelines(f"{line}\n" for line in _markdown_lines(block))


def _markdown_lines(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            yield f"{'#' * (block.level + 1)} {_line(block.text)}"
        case Paragraph(strong=True):
            yield f"**{escaped(block.text)}**"
        case Paragraph():
            yield _line(block.text)
        case Items():
            yield from (f"- {_line(line)}" for line in block.lines)
        case Sentence():
            proof = brief_evidence(block.evidence)
            tail = escaped(f" [{proof}]") if proof else ""
            yield f"- *{block.certainty}*: {escaped(block.text)}{tail}"
        case Table():
            columns = block.shown
            yield f"| {' | '.join(escaped(column.head) for column in columns)} |"
            yield f"| {' | '.join('---:' if c.right else '---' for c in columns)} |"
            for row in zip(*(column.cells for column in columns), strict=True):
                yield f"| {' | '.join(map(escaped, row))} |"


def escaped(text: str) -> str:
    """Escape a text within a line, so that it reads as it is, in a table too."""
    told = _SPECIAL.sub(r"\\\1", text)
    told = _LINK.sub(lambda found: f"{found[0][0]}{_BREAK}{found[0][1:]}", told)
    return told.replace("@", f"@{_BREAK}")


def _line(text: str) -> str:
    """Escape a text that a line or an item begins with."""
    return _OPENING.sub(_held, escaped(text))


def _held(opening: re.Match[str]) -> str:
    """Keep what begins a line from beginning a list: `1.`, `-`."""
    blanks = opening[1]
    mark = opening[2]
    return f"{blanks}{_BREAK}{mark}" if mark.isdigit() else f"{blanks}\\{mark}"
