"""Two executions side by side: a line for each state, two bars on one scale."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import BindingType

from sfnwatch.analysis.compare.bars import bar, bar_scale
from sfnwatch.analysis.compare.compare import compare
from sfnwatch.analysis.compare.compare_row import Cell, CompareRow, RowKind
from sfnwatch.analysis.compare.compared_execution import ComparedExecution
from sfnwatch.analysis.compare.comparison import Comparison
from sfnwatch.analysis.compare.remarks import remarks
from sfnwatch.analysis.compare.rows import compare_rows
from sfnwatch.analysis.compare.sentences import verdict
from sfnwatch.analysis.evidence import line_key
from sfnwatch.analysis.phases import Phase
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.model.visits import FAILED
from sfnwatch.tui.actions import bindings
from sfnwatch.tui.columns import Cells, in_columns
from sfnwatch.tui.entry_list import EntryList
from sfnwatch.tui.phase_signs import PHASES
from sfnwatch.tui.screen_state import GoTo, ScreenState
from sfnwatch.tui.spans import Span, fit, flow, legend, margined, width_of
from sfnwatch.tui.views import HeadedView
from sfnwatch.view.parts import status_glyph, status_part

_LENGTH_MOST = 18
_ROOM_FOR_FOOT = 14
_DIFFERENCES = Cells("B - A", 10, 46, right=True), Cells("B / A", 8, 110, right=True)
_NAME_LEAST = 12
_NAME_MOST = 44
_BAR_LEAST = 5
_BAR_MOST = 70
_GHOST = Span("┈", "look--faint")
_HEAD_SHARE = 3
"""The rows above take at most a third of the height, or what the lines leave blank."""
_ALONE = (
    "There is nothing to compare yet: two executions are needed.",
    "Name two when you watch, or replay two recordings together.",
)
_LEGEND = (
    (PHASES[Phase.WORKING], "working"),
    (PHASES[Phase.WAITING], "waiting"),
    (_GHOST, "longer on the other side"),
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
        self._told: Comparison | None = None
        self._side = 0
        """0 if `enter` leads to A's line, 1 if to B's."""
        self._scale = 1.0
        self._bar, self._length, self._columns = 0, 0, tuple[Cells, ...]()
        """The cells of a bar, the cells of a length, and all columns."""
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
        return (arns[0], arns[1]) if len(arns) > 1 else None

    def _compare(self) -> None:
        self._told = None
        if self.pair is not None:
            a, b = ((self._screen_state.snapshot, arn) for arn in self.pair)
            self._told = compare(a, b, self._screen_state.now)
        self._list()

    def _list(self) -> None:
        told = self._told
        keep = self._screen_state.outline.options.keep
        self.list.nothing = "" if keep is None else "The filter leaves no state."
        self.list.entries = ()
        if told is not None:
            self.list.entries = self._kept_rows(told)
            self._scale = bar_scale(told)
        self._lay_out()
        self.list.changed()

    def _kept_rows(self, told: Comparison) -> list[CompareRow]:
        """Return the lines; with a filter, only of states that it keeps."""
        kept = self._screen_state.kept_visits()
        if kept is None:
            return compare_rows(told, self._toggled, alike=self._alike)
        rows = compare_rows(told, self._toggled, alike=False)
        visits = ({*map(self._screen_state.visit_of, _keys(row, told))} for row in rows)
        return [row for row, own in zip(rows, visits, strict=True) if own & kept]

    def _lay_out(self) -> None:
        told = self._told
        width = self.width
        if width < 1:
            return
        if told is None:
            self.head.show(*([Span(f" {words}", "role--dim")] for words in _ALONE))
            return
        self._share_out(width)
        self.list.redraw()
        sides = [self._side_row(n, side, width) for n, side in enumerate(told.sides)]
        spare = self.size.height - len(self.list.entries) - 1
        room = max(0, self.size.height // _HEAD_SHARE, spare) - 3
        prose = margined(self._prose(told, width - 3, room), 2)
        self.head.show(*sides, *prose, self._titles(width))
        roomy = self.size.height >= _ROOM_FOR_FOOT
        self.foot.show(*([list(legend(_LEGEND, width))] if roomy else []))

    def _share_out(self, width: int) -> None:
        """Divide the width by what the lines say: bars take what is left."""
        rows = [row for row in self.list.entries if not _is_whole(row)]
        names = (5 + 2 * row.depth + cell_len(row.label) for row in rows)
        name = min(_NAME_MOST, max(names, default=0), width * 3 // 10)
        states = (row for row in rows if row.kind is RowKind.STATE)
        lengths = (cell_len(cell.text) for row in states for cell in (row.a, row.b))
        self._length = min(_LENGTH_MOST, max(lengths, default=8)) + 1
        left = width - 1 - 2 * (self._length + 2)
        left -= sum(c.size + 2 for c in _DIFFERENCES if width >= c.least)
        room = min(_BAR_MOST, (left - max(_NAME_LEAST, name)) // 2)
        self._bar = room if room >= _BAR_LEAST else 0
        side = self._bar + self._length
        state = Cells("     state", max(1, left - 2 * self._bar))
        self._columns = (state, Cells("A", side), Cells("B", side), *_DIFFERENCES)

    def _side_row(self, number: int, side: ComparedExecution, width: int) -> list[Span]:
        screen_state = self._screen_state
        execution = side.execution
        pointed = number == self._side
        look = "role--call" if pointed else "role--dim"
        spans = [Span(f" {'▸' if pointed else ' '}{side.letter}  ", look)]
        own = screen_state.chips().get(execution.arn)
        spans += [own, Span("  ")] if own is not None else []
        spans.append(Span(screen_state.looks.mask(clean(execution.name, 120))))
        ended = status_part(execution.status)
        took = duration(side.seconds) if side.seconds is not None else ""
        end = [Span(f"  {ended.text}", f"role--{ended.role}"), Span(f"  {took} ")]
        return [*fit(spans, width - width_of(end)), *end]

    def _prose(self, told: Comparison, width: int, room: int) -> list[list[Span]]:
        """Return the verdict, its first sentence standing out, and the remarks."""
        first, *others = verdict(told)
        rest = " ".join([*(each.text for each in others), *remarks(told)])
        answer = flow([Span(self.mask(first.text), "role--name")], width, width, room)
        left = max(1, room - len(answer))
        return [*answer, *flow([Span(self.mask(rest))], width, width, left)][:room]

    def _titles(self, width: int) -> list[Span]:
        whole = duration(self._scale)
        rule = "─" * max(0, self._bar - len(whole) - 3)
        axis = Span(f" {rule} {whole}" if rule else "", "role--dim")
        cells: list[Sequence[Span]] = []
        for number, column in enumerate(self._columns):
            pointed = number == self._side + 1
            head = Span(column.head, "role--call" if pointed else "role--dim")
            cells.append([head, axis] if number in {1, 2} else [head])
        return in_columns(self._columns, cells, width - 1)

    def _rows(self, row: CompareRow, width: int) -> Sequence[Sequence[Span]]:
        sign = {True: "▾ ", False: "▸ ", None: "  "}[row.open]
        look = "role--name" if row.mark else "role--plain"
        look = look if row.kind is RowKind.STATE else "role--dim"
        label = [
            Span(f" {row.mark or ' '} ", "role--warn"),
            Span(f"{'  ' * row.depth}{sign}", "role--fold"),
            Span(self.mask(row.label), look),
        ]
        if _is_whole(row) or not self._columns:
            return [label]
        look = "role--dim"
        if not row.seconds.near:
            look = "role--warn" if (row.seconds.difference or 0) > 0 else "role--busy"
        cells: list[Span | Sequence[Span]] = [
            label,
            self._side_cells(row, "A", row.a),
            self._side_cells(row, "B", row.b),
            Span(row.seconds.more_words, look),
            Span(row.seconds.ratio_words, look),
        ]
        return [in_columns(self._columns, cells, width)]

    def _side_cells(self, row: CompareRow, letter: str, cell: Cell) -> list[Span]:
        is_state = row.kind is RowKind.STATE
        look = "role--plain" if is_state and self._bar else "role--dim"
        words = Span(self.mask(cell.text), _look(cell, look))
        if not is_state:
            return [words]
        bar = self._bar_cells(row, letter, cell) if self._bar else ()
        return [*bar, *fit([words], self._length, right=True)]

    def _bar_cells(self, row: CompareRow, letter: str, cell: Cell) -> Iterator[Span]:
        found, other = (
            bar(row.pair, each, self._scale, self._bar)
            for each in (letter, "B" if letter == "A" else "A")
        )
        taken = sum(cells for _, cells in found)
        for phase, cells in found:
            sign = PHASES[phase]
            failed = phase is Phase.WORKING and cell.status in FAILED
            yield Span(sign.text * cells, "role--bad" if failed else sign.look)
        # A faint stroke shows how much longer the other side took.
        longer = sum(cells for _, cells in other) - taken if cell.evidence else 0
        yield Span(_GHOST.text * longer, _GHOST.look)
        yield Span(" " * (self._bar - taken - max(0, longer)))

    def action_pair(self) -> None:
        """Compare the next two executions, in the order in which they began."""
        pairs = list(combinations(self._screen_state.snapshot.roots, 2))
        if len(pairs) > 1 and self.pair is not None:
            own = [{*pair} for pair in pairs].index({*self.pair})
            self._chosen = pairs[(own + 1) % len(pairs)]
            self.show()
        else:
            self.app.notify("there are no two others")

    def action_swap(self) -> None:
        """Swap A and B."""
        if self.pair is not None:
            self._chosen = self.pair[1], self.pair[0]
            self.show()

    def point_to_other(self) -> None:
        """Point to the other execution: `enter` then shows its lines."""
        self._side = 1 - self._side
        self._lay_out()

    def action_jump(self) -> None:
        """Show the selected line in the lanes, on the side that is pointed to."""
        row = self.list.entry
        told = self._told
        keys = list(_keys(row, told)) if row is not None and told is not None else []
        if keys:
            self.post_message(GoTo(keys[-1 if self._side else 0]))

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


def _is_whole(row: CompareRow) -> bool:
    """True for a line whose words go across all columns."""
    return row.kind in {RowKind.GROUP, RowKind.ALIKE}


def _keys(row: CompareRow, told: Comparison) -> Iterator[str]:
    """Yield the keys in the lanes that a line stands for, A's first."""
    a = (row.a, told.a, row.pair.a)
    b = (row.b, told.b, row.pair.b)
    for cell, side, visit in (a, b):
        evidence = cell.evidence or (f"#{visit.id}" if visit is not None else "")
        if evidence:
            yield line_key(evidence, side.execution.arn)


def _look(cell: Cell, otherwise: str) -> str:
    if cell.status in {"succeeded", "unknown"}:
        return otherwise if cell.status == "succeeded" else "look--faint"
    return f"role--{status_glyph(cell.status).role}"
