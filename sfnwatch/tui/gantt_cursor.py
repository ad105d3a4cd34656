"""Where one is in a chart: which row, which of its calls, and what is folded away."""

from collections.abc import Mapping
from itertools import takewhile

from msgspec import Struct, field

from sfnwatch.trace.spans import Tick
from sfnwatch.trace.values import replace
from sfnwatch.tui.gantt_tree import Chart, Line, Node, Rows, unroll, visible


class Cursor(Struct, frozen=True, eq=False):
    """A row, by its key, and perhaps a call of it; other charts may have it too."""

    chart: Chart = field(default_factory=Chart)
    rows: Rows = field(default_factory=Rows)
    folds: Mapping[str, bool] = field(default_factory=dict)
    """What was folded or unfolded by hand."""
    selected: str | None = None
    call: str | None = None
    """The key of the call pointed out."""

    @property
    def place(self) -> int:
        """The line of the selected row, or of the one it is folded into."""
        key = visible(self.chart, self.rows, self.selected or "")
        return self.rows.positions.get(key or "", 0)

    @property
    def line(self) -> Line | None:
        return self.rows.lines[self.place] if self.rows.lines else None

    @property
    def node(self) -> Node | None:
        return self.line.node if self.line is not None else None

    @property
    def calls(self) -> tuple[Tick, ...]:
        """The calls below the selected row."""
        return next((line.calls for line in self._after if line.calls), ())

    @property
    def below(self) -> int:
        """How many lines below its first the selected row takes."""
        return len(self._after)

    @property
    def _after(self) -> tuple[Line, ...]:
        after = self.rows.lines[self.place + 1 : self.place + 3]
        return tuple(takewhile(lambda line: line.below, after))

    @property
    def tick(self) -> Tick | None:
        return next((call for call in self.calls if call.key == self.call), None)

    @property
    def key(self) -> str | None:
        """The lanes' key of the call pointed out, or else of the row's first event."""
        if self.tick is not None:
            return self.tick.key
        return self.node.event_key if self.node is not None else None

    def over(self, chart: Chart) -> "Cursor":
        """Stay at the same row of another chart, or of the same one grown."""
        return replace(self, chart=chart, rows=unroll(chart, self.folds))

    def to(self, key: str) -> "Cursor | None":
        """Go to the row of an event or call; None if no row has to do with it."""
        node = self.chart.node_of(key)
        if node is None:
            return None
        call = key if key in self.chart.visit_of_call else None
        return replace(self, selected=node.key, call=call)

    def at(self, place: int) -> "Cursor":
        """Go to the row of a line, or the first or last one."""
        lines = self.rows.lines
        if not lines:
            return self
        line = lines[min(max(place, 0), len(lines) - 1)]
        return replace(self, selected=line.node.key, call=None)

    def moved(self, lines: int) -> "Cursor":
        """Go so many lines on; what calls take counts as part of their row."""
        step = self.below if lines > 0 else 0
        moved = self.at(self.place + step + lines)
        return moved if moved.place != self.place else self

    def stepped(self, calls: int) -> "Cursor | None":
        """Point to the next call of the row, or the one before; None at the last."""
        keys = [call.key for call in self.calls]
        if not keys or self.node is None:
            return None
        first = 0 if calls > 0 else len(keys) - 1
        at = keys.index(self.call) + calls if self.call in keys else first
        if not 0 <= at < len(keys):
            return None
        return replace(self, selected=self.node.key, call=keys[at])

    def fold(self, folds: Mapping[str, bool]) -> "Cursor":
        """Fold rows, by their own keys, or unfold them."""
        return replace(self, folds={**self.folds, **folds}).over(self.chart)

    def toggled(self) -> "Cursor":
        """Fold or unfold the row; one that can't be is folded into the one around."""
        line = self.line
        if line is None:
            return self
        if line.folded is not None:
            return self.fold({line.node.key: not line.folded})
        around = self.chart.parents.get(line.node.key)
        if around is None:
            return self
        return replace(self, selected=around, call=None).fold({around: True})

    def fold_all(self, *, folded: bool) -> "Cursor":
        """Fold all branches and iterations away, or unfold them."""
        inner = (key for key, node in self.chart.nodes.items() if node.children)
        return self.fold({key: folded for key in inner if key in self.chart.parents})

    @property
    def open(self) -> bool:
        """True if a Parallel, a Map or a branch of one is unfolded."""
        parents = self.chart.parents
        return any(
            line.folded is False and line.node.key in parents
            for line in self.rows.lines
        )
