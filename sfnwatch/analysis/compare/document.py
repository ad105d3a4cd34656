"""A comparison as a page for people."""

from collections.abc import Iterator, Sequence

from sfnwatch.analysis.compare.compare_row import FIGURES, CompareRow, RowKind
from sfnwatch.analysis.compare.comparison import (
    Comparison,
)
from sfnwatch.analysis.compare.remarks import remarks
from sfnwatch.analysis.compare.rows import compare_rows
from sfnwatch.analysis.compare.sentences import verdict
from sfnwatch.analysis.document import Block, Column, Items, Paragraph, Table, section
from sfnwatch.analysis.names import named, shorten_names
from sfnwatch.analysis.statuses import status_words
from sfnwatch.model.times import duration

_INDENT = "\u2003\u2003"
"""Em spaces, which Markdown keeps."""
_NAME = 20
"""The cells to which a name may be cut before a column is dropped."""


def comparison_document(comparison: Comparison) -> Iterator[Block]:
    """Yield a comparison as a document: the sides, the verdict, state by state."""
    answer, *others = verdict(comparison)
    rows = compare_rows(comparison)
    told = remarks(comparison)
    lines = list(_details(rows))
    yield _sides(comparison)
    yield Paragraph(answer.text, strong=True)
    yield from others
    yield from section("Conditions and limits", [Items(told)] if told else [], 1)
    yield from section("States", [_states(rows)] if rows else [], 1)
    yield from section("Details", [Items(lines)] if lines else [], 1)


def _sides(comparison: Comparison) -> Table:
    sides = comparison.sides
    runs = [side.execution for side in comparison.sides]
    short = zip(runs, shorten_names([run.name for run in runs]), strict=True)
    titles = [f"{named(run.state_machine_name)} › {named(name)}" for run, name in short]
    starts = (run.started_at for run in runs)
    begun = [f"{at:%Y-%m-%d %H:%M:%S}" if at else "" for at in starts]
    lengths = [duration(s.seconds) if s.seconds is not None else "" for s in sides]
    columns = (
        Column("", [side.letter for side in sides]),
        Column("Execution", titles, least=_NAME),
        Column("Status", [status_words(run.status) for run in runs]),
        Column("Duration", lengths, right=True),
        Column("Started (UTC)", begun, rank=1),
    )
    return Table(columns)


def _states(rows: Sequence[CompareRow]) -> Table:
    told = [row for row in rows if row.kind in FIGURES]
    names = [f"{_INDENT * row.depth}{row.label}" for row in told]
    more = [row.seconds.more_words for row in told]
    ratios = [row.seconds.ratio_words for row in told]
    columns = (
        Column("", [row.mark for row in told]),
        Column("State", names, least=_NAME),
        Column("A", [row.a.text for row in told], right=True),
        Column("B", [row.b.text for row in told], right=True),
        Column("B − A", more, right=True),
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
            told = (("A", row.a.text), ("B", row.b.text))
            sides = "; ".join(f"{letter} {text}" for letter, text in told if text)
            yield f"{title}, {row.label}: {sides}"
