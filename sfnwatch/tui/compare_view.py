"""Two executions side by side: a line for each state, two bars on one scale."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import ClassVar

from textual.binding import BindingType

from sfnwatch.analysis.compare.bars import bar_scale
from sfnwatch.analysis.compare.compare import compare
from sfnwatch.analysis.compare.compare_row import CompareRow, RowKind
from sfnwatch.analysis.compare.comparison import Comparison
from sfnwatch.analysis.compare.remarks import remarks
from sfnwatch.analysis.compare.rows import compare_rows
from sfnwatch.analysis.compare.sentences import comparison_findings
from sfnwatch.analysis.evidence import line_key
from sfnwatch.analysis.phases import Phase
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.tui.actions import bindings
from sfnwatch.tui.compare_table import LONGER, CompareTable
from sfnwatch.tui.entry_list import EntryList
from sfnwatch.tui.phase_signs import PHASES
from sfnwatch.tui.screen_state import GoTo, ScreenState
from sfnwatch.tui.spans import Span, SpanRow, fit, flow, legend, margined, width_of
from sfnwatch.tui.views import HeadedView
from sfnwatch.view.parts import status_part

_LEGEND_FROM = 14
"""From this height on, the signs are explained below."""
_HEAD_SHARE = 3
"""The rows above take at most a third of the height, or what the lines leave blank."""
_ALONE = (
    "There is nothing to compare yet: two executions are needed.",
    "Name two when you watch, or replay two recordings together.",
)
_LEGEND = (
    (PHASES[Phase.WORKING], "working"),
    (PHASES[Phase.WAITING], "waiting"),
    (LONGER, "longer on the other side"),
    (Span("≠", "role--warn"), "did something else"),
    (Span("A B", "role--warn"), "only there"),
    (Span("↕", "role--warn"), "another order"),
    (PHASES[Phase.BACKING_OFF], "backing off"),
    (PHASES[Phase.COMPLETION_LAG], "completion lag"),
)
"""Signs that explain themselves come last."""


class CompareView(HeadedView):
    """The two compared executions, the verdict, and the states of both."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("compare")
    enter = "Show in lanes"

    def __init__(self, screen_state: ScreenState) -> None:
        self.list = EntryList(self._rows, clicked=self._clicked)
        super().__init__(screen_state, self.list)
        self._comparison: Comparison | None = None
        self._table: CompareTable | None = None
        """Draws the comparison's lines; None before they are laid out."""
        self._pointed = 0
        """0 if `enter` leads to A's line, 1 if to B's."""
        self._chosen: tuple[str, str] | None = None
        self._toggled: set[str] = set()
        """The keys of lines that the user has folded or unfolded."""
        self._alike: bool | None = None
        """Whether alike states are folded; None: only if there are many lines."""
        self.commands = {
            "view.detail": self.action_jump,
            "lanes.fold": self._fold,
            "lanes.fold_all": self._fold_all,
            "lanes.execution": self.point_to_other,
            "lanes.execution_back": self.point_to_other,
        }

    def show(self) -> None:
        """Compare the two executions as they stand now; the selection stays."""
        screen_state = self._screen_state
        running = screen_state.now if screen_state.snapshot.running else None
        if self.is_other(screen_state.version, self.pair, running):
            self._compare()
        else:
            self._lay_out()

    @property
    def pair(self) -> tuple[str, str] | None:
        """The ARNs of the two compared executions; None while there are not two."""
        arns = list(self._screen_state.snapshot.roots)
        if self._chosen is not None and set(self._chosen) <= set(arns):
            return self._chosen
        if len(arns) < 2:  # noqa: PLR2004
            return None
        return arns[0], arns[1]

    def _compare(self) -> None:
        self._comparison = None
        if self.pair is not None:
            snapshot = self._screen_state.snapshot
            a, b = self.pair
            self._comparison = compare(
                (snapshot, a), (snapshot, b), self._screen_state.now
            )
        self._list()

    def _list(self) -> None:
        is_filtered = self._screen_state.outline.options.keep is not None
        self.list.nothing = "The filter leaves no state." if is_filtered else ""
        self.list.entries = ()
        if self._comparison is not None:
            self.list.entries = self._kept_rows(self._comparison)
        self._lay_out()
        self.list.changed()

    def _kept_rows(self, comparison: Comparison) -> list[CompareRow]:
        """Return the lines; with a filter, only of states that it keeps."""
        kept = self._screen_state.kept_visits()
        if kept is None:
            return compare_rows(comparison, self._toggled, alike=self._alike)
        rows = []
        for row in compare_rows(comparison, self._toggled, alike=False):
            keys = _line_keys(row, comparison)
            visits = {self._screen_state.visit_of(key) for key in keys}
            if visits & kept:
                rows.append(row)
        return rows

    def _lay_out(self) -> None:
        comparison = self._comparison
        rows = self.list.entries
        width = self.width
        height = self.size.height
        if width < 1:
            return
        if comparison is None:
            self.head.show(*([Span(f" {words}", "role--dim")] for words in _ALONE))
            return
        table = CompareTable(rows, bar_scale(comparison), width, self.mask)
        self._table = table
        self.list.redraw()
        spare = height - len(rows) - 1
        room = max(0, height // _HEAD_SHARE, spare) - 3
        self.head.show(
            *self._side_rows(comparison, width),
            *margined(self._prose(comparison, width - 3, room), 2),
            table.titles(self._pointed, width - 1),
        )
        if height >= _LEGEND_FROM:
            self.foot.show(list(legend(_LEGEND, width)))
        else:
            self.foot.show()

    def _side_rows(self, comparison: Comparison, width: int) -> Iterator[SpanRow]:
        """Yield the letter, name, status and length of each compared execution."""
        chips = self._screen_state.chips()
        for number, side in enumerate(comparison.sides):
            execution = side.execution
            if number == self._pointed:
                row = [Span(f" ▸{side.letter}  ", "role--call")]
            else:
                row = [Span(f"  {side.letter}  ", "role--dim")]
            if execution.arn in chips:
                row += (chips[execution.arn], Span("  "))
            row.append(Span(self.mask(clean(execution.name, 120))))
            status = status_part(execution.status)
            end = [Span(f"  {status.text}", f"role--{status.role}")]
            length = duration(side.seconds) if side.seconds is not None else ""
            end.append(Span(f"  {length} "))
            yield [*fit(row, width - width_of(end)), *end]

    def _prose(self, comparison: Comparison, width: int, room: int) -> list[SpanRow]:
        """Return the verdict, its first sentence standing out, and the remarks."""
        first, *others = comparison_findings(comparison)
        sentences = [finding.text for finding in others]
        sentences += remarks(comparison)
        answer = [Span(self.mask(first.text), "role--name")]
        rows = flow(answer, width, width, room)
        rest = [Span(self.mask(" ".join(sentences)))]
        rows += flow(rest, width, width, max(1, room - len(rows)))
        return rows[:room]

    def _rows(self, row: CompareRow, width: int) -> Sequence[SpanRow]:
        if self._table is None:
            return [[]]
        return [self._table.line(row, width)]

    def action_pair(self) -> None:
        """Compare the next two executions, in the order in which they began."""
        pairs = list(combinations(self._screen_state.snapshot.roots, 2))
        if len(pairs) > 1 and self.pair is not None:
            place = [set(pair) for pair in pairs].index(set(self.pair))
            self._chosen = pairs[(place + 1) % len(pairs)]
            self.show()
        else:
            self.app.notify("there is no other pair")

    def action_swap(self) -> None:
        """Swap A and B."""
        if self.pair is not None:
            a, b = self.pair
            self._chosen = b, a
            self.show()

    def point_to_other(self) -> None:
        """Point to the other execution: `enter` then shows its lines."""
        self._pointed = 1 - self._pointed
        self._lay_out()

    def action_jump(self) -> None:
        """Show the selected line in the lanes, on the side that is pointed to."""
        row = self.list.entry
        if row is None or self._comparison is None:
            return
        keys = list(_line_keys(row, self._comparison))
        if keys:
            self.post_message(GoTo(keys[-1] if self._pointed else keys[0]))

    def toggle(self, key: str) -> None:
        """Fold or unfold a line."""
        self._toggled ^= {key}
        self._list()
        self.list.select_key(key)

    def _clicked(self, row: CompareRow, x: int, twice: bool) -> None:  # noqa: FBT001
        """Fold or unfold a line; on a double click, show it in the lanes."""
        del x
        if row.open is not None:
            self.toggle(row.key)  # the second click of two undoes the first
        if twice:
            self.action_jump()

    def _fold(self) -> None:
        """Fold or unfold the selected line, or else the line that it is inside of."""
        rows = self.list.entries
        depth = None
        for row in reversed(rows[: self.list.cursor + 1]):
            if depth is not None and row.depth >= depth:
                continue
            if row.open is not None:
                self.toggle(row.key)
                return
            depth = row.depth

    def _fold_all(self) -> None:
        """Show all states, or fold the states that are alike."""
        folded = any(row.kind is RowKind.ALIKE for row in self.list.entries)
        self._alike = not folded
        self._list()


def _line_keys(row: CompareRow, comparison: Comparison) -> Iterator[str]:
    """Yield the keys in the lanes that a line stands for, A's first."""
    a = (row.a, comparison.a, row.pair.a)
    b = (row.b, comparison.b, row.pair.b)
    for cell, side, visit in (a, b):
        if cell.evidence:
            yield line_key(cell.evidence, side.execution.arn)
        elif visit is not None:
            yield line_key(f"#{visit.id}", side.execution.arn)
