"""A document as Markdown.

Every name is escaped, so that none can break a table, make a link or mention a person.
"""

import re
from collections.abc import Iterable, Iterator
from typing import TextIO

from sfnwatch.analysis.document import (
    Block,
    Document,
    Heading,
    Items,
    Paragraph,
    Sentence,
    Table,
)
from sfnwatch.analysis.evidence import brief_evidence

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&!^=])")
_LINK = re.compile(r"(://|\bwww\.)", re.IGNORECASE)
_BREAK = "<!-- -->"
_OPENING = re.compile(r"^(\s*)([-+]|\d+(?=[.)]))")


def write_markdown(document: Document, out: TextIO) -> None:
    """Print a document for an issue, a pull request, a wiki or a job's summary."""
    previous: Block | None = None
    for block in document:
        # Sentences are items of one list; other blocks have a blank line between.
        is_next_item = isinstance(previous, Sentence) and isinstance(block, Sentence)
        if previous is not None and not is_next_item:
            out.write("\n")
        out.writelines(f"{line}\n" for line in _markdown_lines(block))
        previous = block


def _markdown_lines(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            marks = "#" * (block.level + 1)
            yield f"{marks} {_line(block.text)}"
        case Paragraph(strong=True):
            yield f"**{escaped(block.text)}**"
        case Paragraph():
            yield _line(block.text)
        case Items():
            for line in block.lines:
                yield f"- {_line(line)}"
        case Sentence():
            text = escaped(block.text)
            evidence = brief_evidence(block.evidence)
            if evidence:
                text += escaped(f" [{evidence}]")
            yield f"- *{block.certainty}*: {text}"
        case Table():
            yield from _table_lines(block)


def _table_lines(table: Table) -> Iterator[str]:
    columns = table.shown
    yield _table_row(escaped(column.head) for column in columns)
    yield _table_row("---:" if column.right else "---" for column in columns)
    cells = [column.cells for column in columns]
    for row in zip(*cells, strict=True):
        yield _table_row(escaped(cell) for cell in row)


def _table_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """Escape a text inside a line, so that it is shown as it is, also in a table."""
    text = _SPECIAL.sub(r"\\\1", text)
    text = _LINK.sub(_broken_link, text)
    return text.replace("@", f"@{_BREAK}")


def _broken_link(link: re.Match[str]) -> str:
    """Divide the beginning of a link after its first character."""
    beginning = link[0]
    return f"{beginning[0]}{_BREAK}{beginning[1:]}"


def _line(text: str) -> str:
    """Escape a text at the beginning of a line or an item."""
    return _OPENING.sub(_escaped_opening, escaped(text))


def _escaped_opening(opening: re.Match[str]) -> str:
    """Escape the beginning of a line that would begin a list: `1.`, `-`."""
    blanks = opening[1]
    mark = opening[2]
    if mark.isdigit():
        return f"{blanks}{_BREAK}{mark}"
    return f"{blanks}\\{mark}"
