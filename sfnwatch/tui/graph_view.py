"""The state machine as boxes and arrows, lit as far as it has come by the time shown.

The graph is laid out again only if the graph, its folds or the room for it change.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from rich.cells import cell_len
from textual import on

from sfnwatch.analysis.statuses import status_words
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.tui.cursor_list import CursorList
from sfnwatch.tui.graph_canvas import USUAL_WIDTH, GraphCanvas
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span, SpanRow, legend, width_of
from sfnwatch.tui.views import HeadedView
from sfnwatch.view.graph import Box, Graph, graph_of
from sfnwatch.view.graph_layout import lay_out
from sfnwatch.view.graph_progress import BoxState, drawn_in, graph_progress
from sfnwatch.view.markers import MarkerKind
from sfnwatch.view.parts import counted

_COUNT_CELLS = 10
"""Cells kept for the counts of a box."""
_NAME_LENGTH = 80
"""Most characters of a name or an error."""
_LEGEND = (
    (Span("━━", "role--plain"), "taken"),
    (Span("──", "look--faint"), "not taken"),
    (Span("┉┉", "role--warn"), "by a Catch"),
    (Span("▸", "role--fold"), "folded: enter opens it"),
)
_INFERRED = Span("inferred from the history: no definition loaded  ", "role--warn")


class GraphView(HeadedView):
    """The graph of one execution at a time, and the selected box in words."""

    keyed = True

    def __init__(self, screen_state: ScreenState) -> None:
        self.canvas = GraphCanvas(screen_state)
        super().__init__(screen_state, self.canvas)
        self._arn = ""
        """The execution whose graph is shown."""
        self._folds: defaultdict[str, Mapping[int, bool]] = defaultdict(dict)
        """What the user has folded or opened, by definition."""
        self._position = screen_state.playback.position
        self.commands = {
            "view.detail": self._open,
            "lanes.fold": self._fold,
            "lanes.execution": lambda: self._step_execution(1),
            "lanes.execution_back": lambda: self._step_execution(-1),
            "move.follow": self._follow,
        }

    def show(self) -> None:
        """Show the graph as it stands now."""
        self._go_along()
        execution = self._execution
        canvas = self.canvas
        if execution is None:
            self.head.show([Span(" nothing has happened yet", "role--dim")])
            return
        graph = self._graph_of(execution)
        canvas.progress = graph_progress(graph, self._screen_state.snapshot, execution)
        self._lay_out(graph)
        newest = canvas.progress.newest
        if canvas.follow and newest is not canvas.selected:
            canvas.select(newest)
        if self.width > 0:
            self.head.show(self._head(execution, graph))
            self._show_selected()
            canvas.refresh()

    def _go_along(self) -> None:
        """After a step in time, go to the state entered last, in any execution."""
        screen_state = self._screen_state
        playback = screen_state.playback
        before = self._position
        self._position = playback.position
        if playback.playing or playback.position in {None, before}:
            return
        clock = playback.clock
        now = screen_state.now
        for mark in reversed(screen_state.markers.by(clock)):
            if mark.kind is MarkerKind.ENTERED and mark.when(clock) <= now:
                arn = mark.key.rpartition("#")[0]
                self._arn = drawn_in(screen_state.snapshot, arn)
                self.canvas.follow = True
                return

    @property
    def _execution(self) -> ExecutionAsOf | None:
        snapshot = self._screen_state.snapshot
        if self._arn not in snapshot.executions:
            self._arn = next(iter(snapshot.roots), "")
        return snapshot.executions.get(self._arn)

    def _graph_of(self, execution: ExecutionAsOf) -> Graph:
        """Return the execution's graph; the same object as before if unchanged."""
        before = self.canvas.progress.graph
        if not before.inferred and before.definition == execution.definition_text:
            return before
        graph = graph_of(execution)
        if before.definition == graph.definition:
            return before
        return graph

    def _lay_out(self, graph: Graph) -> None:
        folds = self._folds[graph.definition]
        canvas = self.canvas
        width = self.width or USUAL_WIDTH
        if self.is_other(graph, folds, width, self._screen_state.looks):
            canvas.lay_out(lay_out(graph, width, self._cells_of, folds))
            box = canvas.selected
            if box not in graph.boxes.values():
                box = graph.start
            canvas.select(box)

    def _cells_of(self, box: Box) -> int:
        """Return the cells that a box's words need."""
        name = cell_len(self.mask(box.name))
        if box.inside:
            name += 1
        kind = cell_len(self.mask(box.kind))
        if box.repeats:
            kind += _COUNT_CELLS
        return max(name, kind) + 2

    def _head(self, execution: ExecutionAsOf, graph: Graph) -> SpanRow:
        screen_state = self._screen_state
        row = [Span(" ")]
        chip = screen_state.chips().get(execution.arn)
        if chip is not None:
            row += [chip, Span(" ")]
        name = clean(execution.state_machine_name or execution.name, 60)
        row.append(Span(f"{self.mask(name)}  ", "role--name"))
        count = len(screen_state.snapshot.roots)
        if count > 1:
            row.append(Span(f"1 of {count} · ; next  ", "role--dim"))
        if graph.inferred:
            row.append(_INFERRED)
        left_out = self.canvas.picture.left_out
        if left_out:
            edges = counted(left_out, "edge")
            words = f"{edges} left out, too many to follow  "
            row.append(Span(words, "role--warn"))
        room = self.width - width_of(row)
        if room > 1:
            row += legend(_LEGEND, room)
        return row

    @on(CursorList.Moved)
    def _show_selected(self) -> None:
        """Show in the foot the state of the selected box, and where it leads."""
        box = self.canvas.placed.box
        state = self.canvas.progress.of(box)
        row = [
            Span(f" {state.glyph.text} ", f"role--{state.glyph.role}"),
            Span(self.mask(box.name), "role--name"),
        ]
        if box.is_state:
            row.append(Span(f"  {self.mask(box.kind)}", "role--call"))
            row += self._state_words(state)
        edges = list(self._conditional_edges(box))
        if edges:
            self.foot.show(row, edges)
        else:
            self.foot.show(row)

    def _state_words(self, state: BoxState) -> Iterator[Span]:
        """Yield a box's status, and how its last visit went."""
        if state.last is None:
            yield Span("  not reached", "role--dim")
            return
        visit = state.last[1]
        status = status_words(state.status)
        yield Span(f"  {status}", f"role--{state.glyph.role}")
        end = visit.ended_at or self._screen_state.now
        seconds = (end - visit.entered_at).total_seconds()
        figures = "  ".join([duration(max(0.0, seconds)), *state.counted])
        yield Span(f" {figures}", "role--dim")
        error = visit.error
        for attempt in reversed(visit.attempts):
            error = error or attempt.error
        if error and visit.status != "succeeded":
            words = self.mask(clean(error, _NAME_LENGTH))
            yield Span(f"  {words}", "role--bad")

    def _conditional_edges(self, box: Box) -> Iterator[Span]:
        """Yield where a state may lead, and when, if any edge has a condition."""
        progress = self.canvas.progress
        graph = progress.graph
        edges = [edge for edge in graph.edges if edge.source == box.id]
        if not any(edge.labels for edge in edges):
            return
        for edge in edges:
            name = self.mask(graph.boxes[edge.target].name)
            look = "role--name" if progress.is_taken(edge) else "role--dim"
            yield Span(f"  → {name} ", look)
            yield Span(" or ".join(edge.labels), "role--dim")

    @property
    def selected_key(self) -> str | None:
        box = self.canvas.placed.box
        graph = self.canvas.progress.graph
        execution = self._execution
        if execution is None:
            return None
        if box is graph.start:
            return f"{execution.arn}#1"
        if box is graph.end and execution.ending is not None:
            return execution.ending.key
        last = self.canvas.progress.of(box).last
        if last is None:
            return None
        arn, visit = last
        return f"{arn}#{visit.id}"

    def select_key(self, key: str) -> bool:
        """Select the box of the state that a line belongs to; False if none."""
        snapshot = self._screen_state.snapshot
        arn, visit_id = self._screen_state.visit_of(key)
        if arn not in snapshot.executions:
            return False
        self._arn = drawn_in(snapshot, arn)
        self.show()
        progress = self.canvas.progress
        box = progress.box_of.get((arn, visit_id), progress.graph.start)
        ending = snapshot.executions[arn].ending
        if box is progress.graph.start and ending is not None and ending.key == key:
            box = progress.newest
        self.canvas.follow = box is progress.newest
        self.canvas.select(box)
        return True

    def _open(self) -> None:
        """Open a folded box, or show the last visit of the selected state in full."""
        placed = self.canvas.placed
        if placed.box.inside and not placed.framed:
            self._fold()
        else:
            self.canvas.post_message(CursorList.Opened())

    def _fold(self) -> None:
        """Fold or open the selected box, or fold the box around it."""
        definition = self.canvas.progress.graph.definition
        box = self.canvas.placed.box
        while not box.inside:
            if box.around is None:
                self.app.notify("nothing to fold here")
                return
            box = box.around
        is_open = False
        for placed in self.canvas.picture.boxes:
            if placed.box is box:
                is_open = placed.framed
        self._folds[definition] = {**self._folds[definition], box.id: is_open}
        self.canvas.follow = False
        self.canvas.select(box)
        self.show()

    def _step_execution(self, step: int) -> None:
        self._arn = self._screen_state.root_beside(self._arn, step)
        self.canvas.follow = True
        self.show()

    def _follow(self) -> None:
        canvas = self.canvas
        canvas.follow = not canvas.follow
        self.show()
        if canvas.follow:
            self.app.notify("following what is entered")
        else:
            self.app.notify("no longer following")
