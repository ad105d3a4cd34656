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
from sfnwatch.tui.spans import Span, legend, width_of
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
            self._say()
            canvas.refresh()

    def _go_along(self) -> None:
        """After a step in time, go to the state entered last, in any execution."""
        screen_state = self._screen_state
        playback = self._screen_state.playback
        before = self._position
        self._position = playback.position
        if playback.playing or playback.position in {None, before}:
            return
        clock = playback.clock
        for mark in reversed(screen_state.markers.by(clock)):
            if mark.kind is MarkerKind.ENTERED and mark.when(clock) <= screen_state.now:
                self._arn = drawn_in(screen_state.snapshot, mark.key.rpartition("#")[0])
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
        known = self.canvas.progress.graph
        if not known.inferred and known.definition == execution.definition_text:
            return known
        graph = graph_of(execution)
        return known if known.definition == graph.definition else graph

    def _lay_out(self, graph: Graph) -> None:
        folds = self._folds[graph.definition]
        canvas = self.canvas
        width = self.width or USUAL_WIDTH
        if self.is_other(graph, folds, width, self._screen_state.looks):
            canvas.lay_out(lay_out(graph, width, self._wanted, folds))
            known = canvas.selected in graph.boxes.values()
            canvas.select(canvas.selected if known else graph.start)

    def _wanted(self, box: Box) -> int:
        """Return the cells that a box's words need."""
        often = _COUNT_CELLS if box.repeats else 0
        name = cell_len(self.mask(box.name)) + bool(box.inside)
        return max(name, cell_len(self.mask(box.kind)) + often) + 2

    def _head(self, execution: ExecutionAsOf, graph: Graph) -> list[Span]:
        chip = self._screen_state.chips().get(execution.arn)
        name = self.mask(clean(execution.state_machine_name or execution.name, 60))
        chips = [chip, Span(" ")] if chip else []
        told = [Span(" "), *chips, Span(f"{name}  ", "role--name")]
        count = len(self._screen_state.snapshot.roots)
        left_out = self.canvas.picture.left_out
        inferred = "inferred from the history: its definition is not in these records"
        edges = f"{counted(left_out, 'edge')} left out, too many to follow"
        for applies, words, look in (
            (count > 1, f"one of {count}, ; shows the next", "role--dim"),
            (graph.inferred, inferred, "role--warn"),
            (left_out, edges, "role--warn"),
        ):
            told += [Span(f"{words}  ", look)] if applies else []
        room = self.width - width_of(told)
        return [*told, *legend(_LEGEND, room)] if room > 1 else told

    @on(CursorList.Moved)
    def _say(self) -> None:
        """Show in the foot how the selected box stands, and where it leads."""
        box = self.canvas.placed.box
        standing = self.canvas.progress.of(box)
        told = [
            Span(f" {standing.glyph.text} ", f"role--{standing.glyph.role}"),
            Span(self.mask(box.name), "role--name"),
        ]
        if box.is_state:
            kind = Span(f"  {self.mask(box.kind)}", "role--call")
            told += [kind, *self._how(standing)]
        self.foot.show(*filter(None, [told, list(self._ways(box))]))

    def _how(self, standing: BoxState) -> Iterator[Span]:
        """Yield how a box stands, and how its last visit went."""
        if standing.last is None:
            yield Span("  not reached", "role--dim")
            return
        _, visit = standing.last
        yield Span(f"  {status_words(standing.status)}", f"role--{standing.glyph.role}")
        seconds = (visit.ended_at or self._screen_state.now) - visit.entered_at
        took = duration(max(0.0, seconds.total_seconds()))
        yield Span(f" {'  '.join([took, *standing.counted])}", "role--dim")
        errors = [visit.error, *(attempt.error for attempt in reversed(visit.attempts))]
        error = next(filter(None, errors), None)
        if error and visit.status != "succeeded":
            told = self.mask(clean(error, _NAME_LENGTH))
            yield Span(f"  {told}", "role--bad")

    def _ways(self, box: Box) -> Iterator[Span]:
        """Yield where a state may lead, and when, if any way has a condition."""
        graph = self.canvas.progress.graph
        edges = [edge for edge in graph.edges if edge.source == box.id]
        for edge in edges if any(edge.labels for edge in edges) else ():
            taken = self.canvas.progress.is_taken(edge)
            name = self.mask(graph.boxes[edge.target].name)
            yield Span(f"  → {name} ", "role--name" if taken else "role--dim")
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
        return f"{last[0]}#{last[1].id}" if last else None

    def select_key(self, key: str) -> bool:
        """Select the box of the state that a line belongs to; False if none."""
        snapshot = self._screen_state.snapshot
        arn, visit_id = self._screen_state.visit_of(key)
        if arn not in snapshot.executions:
            return False
        self._arn = drawn_in(snapshot, arn)
        self.show()
        progress = self.canvas.progress
        box = progress.box_of.get((arn, visit_id))
        if box is None:
            ending = snapshot.executions[arn].ending
            is_end = ending is not None and ending.key == key
            box = progress.newest if is_end else progress.graph.start
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
        framed = any(p.framed and p.box is box for p in self.canvas.picture.boxes)
        self._folds[definition] = {**self._folds[definition], box.id: framed}
        self.canvas.follow = False
        self.canvas.select(box)
        self.show()

    def _step_execution(self, step: int) -> None:
        self._arn = self._screen_state.root_beside(self._arn, step)
        self.canvas.follow = True
        self.show()

    def _follow(self) -> None:
        self.canvas.follow = follow = not self.canvas.follow
        self.show()
        words = "following what is entered" if follow else "no longer following"
        self.app.notify(words)
