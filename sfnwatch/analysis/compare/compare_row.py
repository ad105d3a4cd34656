"""A line of a comparison: what it is about, and its cells."""

from enum import StrEnum

from msgspec import Struct

from sfnwatch.analysis.compare.length_pair import LengthPair
from sfnwatch.analysis.compare.visit_pair import VisitPair


class RowKind(StrEnum):
    """What a line is about."""

    STATE = "state"
    GROUP = "group"
    """The iterations of a Map, taken together; the label spans all columns."""
    DETAIL = "detail"
    """An attempt, calls of one name, or a completion lag of the state above."""
    PHASE = "phase"
    """A phase of a state whose length changed."""
    ALIKE = "alike"
    """States that are alike on both sides; the label spans all columns."""


FIGURES = frozenset({RowKind.STATE, RowKind.PHASE, RowKind.ALIKE})
"""The kinds of lines that stand in the table of a page; the others are details."""


class Cell(Struct, frozen=True):
    """A line's text for one side."""

    text: str = ""
    status: str = "succeeded"
    """The status whose color the cell has."""
    evidence: str | None = None
    """What the cell leads to: an event (`#5`) of its execution, or a call's id."""


class CompareRow(Struct, frozen=True):
    """A line of a comparison."""

    kind: RowKind
    pair: VisitPair
    """The pair that the line is about; for ALIKE, the first one."""
    label: str
    a: Cell = Cell()
    b: Cell = Cell()
    seconds: LengthPair = LengthPair()
    """The lengths of which `B − A` and `B / A` are shown."""
    mark: str = ""
    """`A` or `B` if only that side has it; `≠` if they differ, `↕` if it moved."""
    key: str = ""
    open: bool | None = None
    """True for a line that can be folded, False for a folded one; None for others."""

    @property
    def depth(self) -> int:
        """How far the line is indented; the details of a state are one step deeper."""
        return self.pair.depth + (self.kind not in {RowKind.STATE, RowKind.ALIKE})
