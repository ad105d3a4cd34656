"""One line of the lanes: what stands on it, free of widths."""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct, field

from sfnwatch.trace.lanes import Row
from sfnwatch.trace.notice import Notice
from sfnwatch.trace.shape import Fold
from sfnwatch.tui.rails import Rails

GUTTER = " " * 5
"""Nothing between the time and the calls' lane."""
Cell = Row | Fold | str


class Line(Struct, frozen=True):
    """One line: a state's row, a call's row, or both; or our own words in a lane.

    Where executions stand beside each other it has a cell for each of them, and what
    is of none of them is its own.
    """

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
    notice: Notice | None = None
    """Who noticed, where the calls' lane says so in words."""
    cells: tuple["Line", ...] = ()
    """What each execution has on the line, in their order."""
    moment: datetime | None = None
    """The second whose first line it is, where executions share the times."""

    def cell(self, column: int) -> "Line":
        """What can be selected in a column: its cell, or what is of no column."""
        return self.cells[column] if self.cells and not self.right else self

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows on the line; of a fold, the first that is behind it."""
        own = [row for part in (self.left, self.right) for row in _rows(part)[:1]]
        return (*own, *(row for cell in self.cells for row in cell.rows))

    @property
    def all_rows(self) -> Iterator[Row]:
        """The rows on the line, and behind it."""
        for part in (self.left, self.right):
            yield from _rows(part)
        for cell in self.cells:
            yield from cell.all_rows

    @property
    def keys(self) -> tuple[str, ...]:
        """What the line can be selected by: nothing, if it is only to be read."""
        own = _keys(self.left)
        if self.right:
            own += _keys(self.right)
        if not self.cells:
            return own
        return (*own, *(key for cell in self.cells for key in cell.keys))

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
        for part in (self.left, self.right):
            if not isinstance(part, str):
                return part
        firsts = [cell.first for cell in self.cells if cell.first is not None]
        return min(firsts, key=lambda part: part.at, default=None)

    @property
    def execution_arn(self) -> str | None:
        """Whose line it is, or whose child's; None if it is of none, or of several."""
        return self.first.root_arn if self.first and not self.cells else None

    @property
    def service(self) -> str:
        """The event source in whose lane the right part stands."""
        for row in _rows(self.right):
            return row.source
        told = self.left.attempt if isinstance(self.left, Row) else None
        if self.gutter == GUTTER or told is None or told.integration is None:
            return ""
        return told.integration.event_source


def _keys(cell: Cell) -> tuple[str, ...]:
    if isinstance(cell, Row) or (isinstance(cell, Fold) and cell.folds):
        return (cell.key,)
    return ()


def _rows(cell: Cell) -> tuple[Row, ...]:
    if isinstance(cell, Row):
        return (cell,)
    return cell.rows if isinstance(cell, Fold) else ()
