"""A document as Markdown.

Every name is escaped, so that none can break a table, make a link or mention a person.
"""

import re
from collections.abc import Iterator
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
    before: object = None
    for block in document:
        # The items of a list follow each other; other blocks have a blank line between.
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
    """Escape a text inside a line, so that it is shown as it is, also in a table."""
    told = _SPECIAL.sub(r"\\\1", text)
    told = _LINK.sub(lambda found: f"{found[0][0]}{_BREAK}{found[0][1:]}", told)
    return told.replace("@", f"@{_BREAK}")


def _line(text: str) -> str:
    """Escape a text at the beginning of a line or an item."""
    return _OPENING.sub(_held, escaped(text))


def _held(opening: re.Match[str]) -> str:
    """Escape the beginning of a line that would begin a list: `1.`, `-`."""
    blanks = opening[1]
    mark = opening[2]
    return f"{blanks}{_BREAK}{mark}" if mark.isdigit() else f"{blanks}\\{mark}"
