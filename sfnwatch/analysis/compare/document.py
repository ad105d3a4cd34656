"""A comparison as a page for people."""

from collections.abc import Iterator, Sequence

from sfnwatch.analysis.compare.compare_row import FIGURES, CompareRow, RowKind
from sfnwatch.analysis.compare.comparison import Comparison
from sfnwatch.analysis.compare.remarks import remarks
from sfnwatch.analysis.compare.rows import compare_rows
from sfnwatch.analysis.compare.sentences import comparison_findings
from sfnwatch.analysis.document import Block, Column, Items, Paragraph, Table, section
from sfnwatch.analysis.names import named, shorten_names
from sfnwatch.analysis.statuses import status_words
from sfnwatch.model.times import duration

_INDENT = "\u2003\u2003"
"""Em spaces, which Markdown keeps."""
_NAME_CELLS = 20
"""The cells to which a name may be cut before a column is dropped."""


def comparison_document(comparison: Comparison) -> Iterator[Block]:
    """Yield a comparison as a document: the sides, the verdict, state by state."""
    answer, *others = comparison_findings(comparison)
    rows = compare_rows(comparison)
    conditions = remarks(comparison)
    details = list(_details(rows))
    yield _sides(comparison)
    yield Paragraph(answer.text, strong=True)
    yield from others
    yield from section("Conditions and limits", _items(conditions), 1)
    yield from section("States", [_states(rows)] if rows else [], 1)
    yield from section("Details", _items(details), 1)


def _items(lines: Sequence[str]) -> list[Block]:
    return [Items(lines)] if lines else []


def _sides(comparison: Comparison) -> Table:
    letters = []
    titles = []
    statuses = []
    lengths = []
    starts = []
    names = shorten_names([side.execution.name for side in comparison.sides])
    for side, name in zip(comparison.sides, names, strict=True):
        execution = side.execution
        begun = execution.started_at
        letters.append(side.letter)
        titles.append(f"{named(execution.state_machine_name)} › {named(name)}")
        statuses.append(status_words(execution.status))
        lengths.append("" if side.seconds is None else duration(side.seconds))
        starts.append("" if begun is None else f"{begun:%Y-%m-%d %H:%M:%S}")
    columns = (
        Column("", letters),
        Column("Execution", titles, least=_NAME_CELLS),
        Column("Status", statuses),
        Column("Duration", lengths, right=True),
        Column("Started (UTC)", starts, rank=1),
    )
    return Table(columns)


def _states(rows: Sequence[CompareRow]) -> Table:
    marks = []
    names = []
    in_a = []
    in_b = []
    differences = []
    ratios = []
    for row in rows:
        if row.kind in FIGURES:
            marks.append(row.mark)
            names.append(f"{_INDENT * row.depth}{row.label}")
            in_a.append(row.a.text)
            in_b.append(row.b.text)
            differences.append(row.seconds.more_words)
            ratios.append(row.seconds.ratio_words)
    columns = (
        Column("", marks),
        Column("State", names, least=_NAME_CELLS),
        Column("A", in_a, right=True),
        Column("B", in_b, right=True),
        Column("B − A", differences, right=True),
        Column("B / A", ratios, right=True, rank=1),
    )
    return Table(columns)


def _details(rows: Sequence[CompareRow]) -> Iterator[str]:
    """Yield the details that are no figures, each with its state."""
    for row in rows:
        title = row.pair.title
        if row.kind is RowKind.GROUP:
            yield f"{title}: {row.label}"
        elif row.kind is RowKind.DETAIL:
            cells = []
            if row.a.text:
                cells.append(f"A {row.a.text}")
            if row.b.text:
                cells.append(f"B {row.b.text}")
            yield f"{title}, {row.label}: {'; '.join(cells)}"
