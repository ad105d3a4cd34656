"""The lines of a comparison in columns: names, a bar for each side, differences."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from sfnwatch.analysis.compare.bars import bar
from sfnwatch.analysis.compare.compare_row import Cell, CompareRow, RowKind
from sfnwatch.analysis.phases import Phase
from sfnwatch.model.times import duration
from sfnwatch.model.visits import FAILED
from sfnwatch.tui.columns import Cells, in_columns
from sfnwatch.tui.fold_signs import FOLD_SIGNS
from sfnwatch.tui.phase_signs import PHASES
from sfnwatch.tui.spans import Masks, Span, SpanRow, fit
from sfnwatch.view.parts import status_glyph

_MOST_LENGTH_CELLS = 18
_DIFFERENCES = Cells("B - A", 10, 46, right=True), Cells("B / A", 8, 110, right=True)
_LEAST_NAME_CELLS = 12
_MOST_NAME_CELLS = 44
_LEAST_BAR_CELLS = 5
_MOST_BAR_CELLS = 70
LONGER = Span("┈", "look--faint")
"""The stroke that shows how much longer the other side took."""


class CompareTable:
    """Draws lines in columns as wide as they need; bars take what is left."""

    def __init__(
        self, rows: Sequence[CompareRow], scale: float, width: int, mask: Masks
    ) -> None:
        """`scale` are the seconds of a full bar."""
        self._scale = scale
        self._mask = mask
        names = [0]
        lengths: list[int] = []
        for row in rows:
            if _spans_columns(row):
                continue
            names.append(5 + 2 * row.depth + cell_len(row.label))
            if row.kind is RowKind.STATE:
                lengths += (cell_len(row.a.text), cell_len(row.b.text))
        name = min(_MOST_NAME_CELLS, max(names), width * 3 // 10)
        length = min(_MOST_LENGTH_CELLS, max(lengths, default=8))
        self._length = length + 1
        """The cells of a length."""
        left = width - 1 - 2 * (self._length + 2)
        for column in _DIFFERENCES:
            if width >= column.least:
                left -= column.size + 2
        room = (left - max(_LEAST_NAME_CELLS, name)) // 2
        has_room = room >= _LEAST_BAR_CELLS
        self._bar = min(_MOST_BAR_CELLS, room) if has_room else 0
        """The cells of a bar; 0 if there is no room for bars."""
        state = Cells("     state", max(1, left - 2 * self._bar))
        side = self._bar + self._length
        self._columns = (state, Cells("A", side), Cells("B", side), *_DIFFERENCES)

    def titles(self, pointed: int, width: int) -> SpanRow:
        """Return the row of titles; the side with the number `pointed` stands out."""
        whole = duration(self._scale)
        rule = "─" * (self._bar - len(whole) - 3)
        cells: list[SpanRow] = []
        for number, column in enumerate(self._columns):
            look = "role--call" if number == pointed + 1 else "role--dim"
            cell = [Span(column.head, look)]
            if rule and number in {1, 2}:
                cell.append(Span(f" {rule} {whole}", "role--dim"))
            cells.append(cell)
        return in_columns(self._columns, cells, width)

    def line(self, row: CompareRow, width: int) -> SpanRow:
        """Return a line of the comparison."""
        sign = FOLD_SIGNS[row.open]
        label_look = "role--dim"
        if row.kind is RowKind.STATE:
            label_look = "role--name" if row.mark else "role--plain"
        mark = row.mark or " "
        indent = "  " * row.depth
        label = [
            Span(f" {mark} ", "role--warn"),
            Span(f"{indent}{sign}", "role--fold"),
            Span(self._mask(row.label), label_look),
        ]
        if _spans_columns(row):
            return label
        seconds = row.seconds
        look = "role--dim"
        if not seconds.near:
            is_longer = (seconds.difference or 0) > 0
            look = "role--warn" if is_longer else "role--busy"
        cells = [
            label,
            self._side(row, "A", row.a),
            self._side(row, "B", row.b),
            [Span(seconds.more_words, look)],
            [Span(seconds.ratio_words, look)],
        ]
        return in_columns(self._columns, cells, width)

    def _side(self, row: CompareRow, letter: str, cell: Cell) -> SpanRow:
        is_state = row.kind is RowKind.STATE
        look = "role--plain" if is_state and self._bar else "role--dim"
        if cell.status == "unknown":
            look = "look--faint"
        elif cell.status != "succeeded":
            look = f"role--{status_glyph(cell.status).role}"
        words = Span(self._mask(cell.text), look)
        if not is_state:
            return [words]
        length = fit([words], self._length, right=True)
        if not self._bar:
            return length
        return [*self._bar_spans(row, letter, cell), *length]

    def _bar_spans(self, row: CompareRow, letter: str, cell: Cell) -> Iterator[Span]:
        """Yield a side's bar, and faintly how much longer the other side took."""
        taken = 0
        for phase, cells in bar(row.pair, letter, self._scale, self._bar):
            sign = PHASES[phase]
            has_failed = phase is Phase.WORKING and cell.status in FAILED
            look = "role--bad" if has_failed else sign.look
            yield Span(sign.text * cells, look)
            taken += cells
        longer = 0
        if cell.evidence:
            other = "B" if letter == "A" else "A"
            stretches = bar(row.pair, other, self._scale, self._bar)
            other_taken = sum(cells for _, cells in stretches)
            longer = max(0, other_taken - taken)
        yield Span(LONGER.text * longer, LONGER.look)
        yield Span(" " * (self._bar - taken - longer))


def _spans_columns(row: CompareRow) -> bool:
    """True for a line whose words go across all columns."""
    return row.kind in {RowKind.GROUP, RowKind.ALIKE}
