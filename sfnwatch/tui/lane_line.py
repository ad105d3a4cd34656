"""One line of the lanes: what stands on it, free of widths."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sfnwatch.trace.lanes import Row
from sfnwatch.trace.shape import Fold
from sfnwatch.tui.rails import Rails

GUTTER = " " * 5
"""Nothing between the time and the calls' lane."""
Cell = Row | Fold | str


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a state's row, a call's row, or both; or our own words in a lane."""

    left: Cell = ""
    right: Cell = ""
    rails: Rails = field(default_factory=Rails)
    gutter: str = GUTTER
    """What is drawn between the time and the calls' lane."""
    state: str = ""
    """The state's name, where the line before belongs to another state."""
    head: str = ""
    """The key of the visit or branch that this line, a state's, is the head of."""
    after_head: bool = False
    """True where the line before has named the branch."""
    backed_off: bool = False
    """True for a try whose back-off has a line of its own."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows on the line; of a fold, the first that is behind it."""
        return tuple(row for cell in (self.left, self.right) for row in _rows(cell)[:1])

    @property
    def all_rows(self) -> Iterator[Row]:
        """The rows on the line, and behind it."""
        for cell in (self.left, self.right):
            yield from _rows(cell)

    @property
    def keys(self) -> tuple[str, ...]:
        """What the line can be selected by: nothing, if it is only to be read."""
        cells = (self.left, self.right)
        return tuple(
            cell.key
            for cell in cells
            if isinstance(cell, Row) or (isinstance(cell, Fold) and cell.folds)
        )

    @property
    def toggles(self) -> str:
        """The key of what enter would fold or unfold here."""
        for cell in (self.left, self.right):
            if isinstance(cell, Fold) and cell.folds:
                return cell.key
        return self.head

    @property
    def first(self) -> Row | Fold | None:
        """What the line's time is of."""
        for cell in (self.left, self.right):
            if not isinstance(cell, str):
                return cell
        return None

    @property
    def service(self) -> str:
        """The event source in whose lane the right part stands."""
        for row in _rows(self.right):
            return row.call.event_source if row.call else ""
        told = self.left.attempt if isinstance(self.left, Row) else None
        if self.gutter == GUTTER or told is None or told.integration is None:
            return ""
        return told.integration.event_source


def _rows(cell: Cell) -> tuple[Row, ...]:
    if isinstance(cell, Row):
        return (cell,)
    return cell.rows if isinstance(cell, Fold) else ()
