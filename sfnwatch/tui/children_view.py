"""The child executions as a table, failures first; one can be shown in the lanes.

A Map Run may have ten thousand. The table has all listed children, whether their
histories are read or not.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from sfnwatch.model.arns import short_id
from sfnwatch.model.execution_list import ListedExecution
from sfnwatch.model.texts import clean
from sfnwatch.tui.child_list import children_of
from sfnwatch.tui.entry_list import EntryList
from sfnwatch.tui.execution_rows import (
    FULL_FROM_CELLS,
    has_words,
    head_spans,
    row_spans,
)
from sfnwatch.tui.rows import Rows
from sfnwatch.tui.screen_state import GoTo, ScreenState
from sfnwatch.tui.spans import Masks, Span, SpanRow, spans_of, width_of
from sfnwatch.tui.views import HeadedView
from sfnwatch.view.child import Child, child_map_run
from sfnwatch.view.child_words import child_parts, map_run_parts
from sfnwatch.view.parts import Part, Role, counted

_MOST_MAP_RUNS = 3
"""Map Runs that have a row above the table; of further ones only the number is
shown."""
_OF_MAP_RUN = "/"
"""Only the machine name of a Map Run's child has this sign; the state's name follows
it."""
_LEAST_BAR_CELLS = 8
_MOST_BAR_CELLS = 60


class ChildrenView(HeadedView):
    """The progress of the Map Runs, and the child executions below."""

    enter = "Show in lanes"

    def __init__(self, screen_state: ScreenState) -> None:
        self.list: EntryList[ListedExecution] = EntryList(self._rows)
        super().__init__(screen_state, self.list, Rows(most=2))
        self._searched = ""
        """The searched words when the table was last shown."""
        self._child_count = 0
        """The number of all children, with those that a filter or the search leaves
        out."""
        self._awaited = ""
        """The ARN of a child that is being read because the user opened it; empty if
        none."""
        self.commands = {
            "view.detail": self.open_selected,
            "find.next": lambda: self.list.action_move(1),
            "find.previous": lambda: self.list.action_move(-1),
        }

    def show(self) -> None:
        """Show the children as they are now; go to an awaited child once it is read."""
        screen_state = self._screen_state
        if self.is_other(screen_state.version, screen_state.looks):
            if screen_state.searched != self._searched:
                self._searched = screen_state.searched
                self.list.select(0)
            children = children_of(screen_state.snapshot)
            self._child_count = len(children)
            self.list.entries = list(self._listed(children))
            self.list.changed()
        if self.width > 0:
            self.head.show(*self._head_rows())
        if self._awaited and self._is_read(self._awaited):
            awaited = self._awaited
            self._awaited = ""
            self.post_message(GoTo(f"{awaited}#1"))

    def _listed(self, children: Iterable[ListedExecution]) -> Iterator[ListedExecution]:
        """Yield the children that a filter keeps and that have the searched words."""
        visits = self._screen_state.kept_visits()
        kept = {arn for arn, _ in visits or ()}
        for child in children:
            if visits is not None and child.arn not in kept:
                continue
            words = child.machine, child.name, child.status, self._note(child).text
            if has_words(words, self._searched, self.mask):
                yield child

    def _head_rows(self) -> Iterator[SpanRow]:
        """Yield the Map Runs' progress, the number of children and the titles."""
        screen_state = self._screen_state
        snapshot = screen_state.snapshot
        runs = []
        for arn in snapshot.lineage.map_runs:
            run = child_map_run(snapshot, arn)
            if run is not None:
                runs.append(run)
        for run in runs[:_MOST_MAP_RUNS]:
            yield _run_spans(run, self.width, self.mask)
        more = len(runs) - _MOST_MAP_RUNS
        if more > 0:
            words = counted(more, "more Map Run")
            yield [Span(f" and {words}", "role--dim")]
        yield [Span(f" {self._counts()}"), Span("   / searches", "role--dim")]
        zone = screen_state.looks.zone(screen_state.now)
        yield head_spans(self.width, zone, machine=False)

    def _counts(self) -> str:
        """Return how many children are listed, and how many of those are read."""
        listed = self.list.entries
        words = counted(self._child_count, "child execution")
        if len(listed) < self._child_count:
            words = f"{len(listed):,} of {words}"
        searched = clean(self.mask(self._searched), 60)
        if searched:
            words += f" with “{searched}”"
        read = sum(self._is_read(child.arn) for child in listed)
        return f"{words}, {read:,} read"

    def _rows(self, child: ListedExecution, width: int) -> Sequence[SpanRow]:
        screen_state = self._screen_state
        name = child.name if width >= FULL_FROM_CELLS else short_id(child.name)
        if _OF_MAP_RUN not in child.machine:
            name = f"{child.machine} › {name}"
        row = row_spans(
            replace(child, name=name),
            screen_state.now,
            width,
            screen_state.looks,
            note=self._note(child),
            machine=False,
        )
        return [row]

    def _note(self, child: ListedExecution) -> Part:
        """Return the error that a child failed with, or that it is not read."""
        screen_state = self._screen_state
        execution = screen_state.snapshot.executions.get(child.arn)
        if execution is None or not execution.event_count:
            return Part("not read", Role.DIM)
        error = None
        if execution.ending is not None:
            error, _ = screen_state.maker.failure(execution.ending)
        return Part(error or "", Role.BAD)

    def open_selected(self) -> None:
        """Show a child in the lanes; if its history is missing, ask to have it read."""
        arn = self.list.selected_key
        if arn is None:
            return
        if self._is_read(arn):
            self.post_message(GoTo(f"{arn}#1"))
            return
        self._awaited = arn
        name = clean(short_id(arn))
        if self._screen_state.session.follow(arn):
            self.app.notify(f"reading {name}: it is shown once it is read")
        else:
            words = f"The history of {name} is not in these records."
            words += f" sfnwatch {clean(arn)} watches it."
            self.app.notify(words, timeout=10)

    def _is_read(self, arn: str) -> bool:
        execution = self._screen_state.snapshot.executions.get(arn)
        return execution is not None and execution.event(1) is not None


def _run_spans(run: Child, width: int, mask: Masks) -> SpanRow:
    """Return a Map Run's progress, with as long a bar as has room.

    The number of read histories is left out: the row below counts all of them.
    """
    run = replace(run, histories=0)
    name = [Span(" "), *spans_of(child_parts(run), mask), Span("  ")]
    without_bar = spans_of(map_run_parts(run, 0))
    room = width - width_of([*name, *without_bar])
    cells = max(_LEAST_BAR_CELLS, min(_MOST_BAR_CELLS, room))
    return [*name, *spans_of(map_run_parts(run, cells))]
