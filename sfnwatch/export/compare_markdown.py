"""A comparison in GitHub's Markdown, for an issue, a pull request or a wiki.

What AWS or a person wrote is escaped: no name becomes markup, a link, a mention or a
reference to an issue.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TextIO

from sfnwatch.trace.compare_remarks import remarks
from sfnwatch.trace.compare_rows import CompareRow, RowSort, compare_rows
from sfnwatch.trace.compare_values import (
    Comparison,
    Side,
)
from sfnwatch.trace.compare_verdict import verdict
from sfnwatch.trace.compare_words import (
    group_clauses,
    more_words,
    pair_label,
    pair_mark,
    ratio_words,
    side_title,
    status_tone,
    status_word,
)
from sfnwatch.trace.text import duration
from sfnwatch.trace.words import plain

_MARKUP = re.compile(r"[\\`*_\[\]|~$<>&!]")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_REFERENCE = re.compile(
    r"([@#])(?=\w)|(?<=\w)(://)|\b([Ww]{3})(?=\.)|\b([Gg][Hh])(?=-\d)"
)
_BLOCK = re.compile(r"^(\s*)([-+=#]|\d+(?=[.)](?:\s|$)))")
_INDENT = "&emsp;"


def write_markdown(comparison: Comparison, out: TextIO) -> None:
    """Print a comparison as Markdown; equal ones give equal texts."""
    out.writelines(f"{line}\n" for line in _lines(comparison))


def escaped(text: str) -> str:
    """Write a text so that GitHub shows it as it is, in a line or in a table's cell."""
    text = _MARKUP.sub(lambda m: _ENTITIES.get(m[0], f"\\{m[0]}"), text)
    text = _REFERENCE.sub(_broken, text)
    return _BLOCK.sub(lambda m: f"{m[1]}{_blunted(m[2])}", text)


def _broken(match: re.Match[str]) -> str:
    """Part what GitHub would make a link of, where nobody sees it."""
    if match[2]:
        return ":<!-- -->//"
    return f"{match[0]}<!-- -->"


def _blunted(begin: str) -> str:
    return f"{begin}&#8203;" if begin[-1].isdigit() else f"\\{begin}"


def _lines(comparison: Comparison) -> Iterator[str]:
    yield "| | execution | status | length | started (UTC) |"
    yield "|---|---|---|--:|---|"
    for side, seconds in (
        (comparison.a, comparison.seconds.a),
        (comparison.b, comparison.seconds.b),
    ):
        yield _row(_side_cells(side, seconds))
    yield ""
    first, *others = verdict(comparison)
    yield f"**{escaped(first)}**"
    if others:
        yield ""
        yield " ".join(escaped(sentence) for sentence in others)
    told = remarks(comparison)
    if told:
        yield ""
        yield from (f"- {escaped(sentence)}" for sentence in told)
    rows = compare_rows(comparison)
    if rows:
        yield ""
        yield "| | state | A | B | B − A | B / A |"
        yield "|---|---|--:|--:|--:|--:|"
        yield from (_row(cells) for cells in _cells(comparison, rows))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _side_cells(side: Side, seconds: float | None) -> tuple[str, ...]:
    glyph, _ = status_tone(side.status)
    return (
        side.which.upper(),
        escaped(side_title(side)),
        f"{glyph} {escaped(status_word(side.status))}",
        "" if seconds is None else duration(seconds),
        f"{side.started_at:%Y-%m-%d %H:%M:%S}" if side.started_at is not None else "",
    )


def _cells(
    comparison: Comparison, rows: Sequence[CompareRow]
) -> Iterator[tuple[str, ...]]:
    for row in rows:
        indent = _INDENT * row.depth
        if row.sort is RowSort.PAIR:
            yield _pair_cells(comparison, row, indent)
        elif row.sort is RowSort.ALIKE:
            yield "", f"{indent}*{row.count:,} states alike*", "", "", "", ""
        elif row.sort is RowSort.GROUP and row.group is not None:
            words = escaped("; ".join(group_clauses(row.group, row.count)))
            yield "", f"{indent}{words}", "", "", "", ""
        elif row.detail is not None and not row.detail.minor:
            detail = row.detail
            yield (
                "≠" if row.differs else "",
                f"{indent}{escaped(detail.label)}",
                escaped(plain(detail.a)),
                escaped(plain(detail.b)),
                "",
                "",
            )


def _pair_cells(
    comparison: Comparison, row: CompareRow, indent: str
) -> tuple[str, ...]:
    pair = comparison.pairs[row.place]
    change = pair.seconds
    more = change.difference
    name = escaped(pair_label(pair))
    return (
        pair_mark(pair, differs=row.differs).strip(),
        f"{indent}{f'**{name}**' if row.differs else name}",
        _length(pair.a.status if pair.a is not None else None, change.a),
        _length(pair.b.status if pair.b is not None else None, change.b),
        "" if more is None else more_words(more),
        "" if more is None else ratio_words(change.ratio),
    )


def _length(status: str | None, seconds: float | None) -> str:
    if status is None:
        return "–"
    glyph = "" if status == "succeeded" else f"{status_tone(status)[0]} "
    return f"{glyph}{duration(seconds or 0.0)}"
