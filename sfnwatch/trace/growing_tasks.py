"""The rows of tasks as ECS tells of them: only those of other lives are made."""

from collections.abc import Mapping

from sfnwatch.trace.lane_order import place_of_task
from sfnwatch.trace.lane_rows import Row
from sfnwatch.trace.lane_sheet import Edits, Placed
from sfnwatch.trace.lanes import task_rows
from sfnwatch.trace.nests import Nest
from sfnwatch.trace.task_lives import Life, task_lives
from sfnwatch.trace.timeline import Trace

_Known = tuple[Life, Nest | None, list[Row]]


class GrowingTasks:
    """The rows of a trace's tasks, by their keys."""

    def __init__(self) -> None:
        self._lives: dict[str, _Known] = {}
        """By the tasks' ARNs."""
        self._placed: dict[str, Placed] = {}

    def rework(self, trace: Trace, nests: Mapping[str, Nest], edits: Edits) -> None:
        """Make the rows anew that may be others, and note which are."""
        lives = [self._known(life, nests) for life in task_lives(trace)]
        self._lives = {known[0].task_arn: known for known in lives}
        rows = (row for _, _, those in lives for row in those)
        old = self._placed
        self._placed = {
            row.key: (place_of_task(row, number), row)
            for number, row in enumerate(rows)
        }
        for key in old.keys() | self._placed.keys():
            before, now = old.get(key), self._placed.get(key)
            if before != now:
                edits.note(before, now)

    def _known(self, life: Life, nests: Mapping[str, Nest]) -> _Known:
        nest = nests.get(life.execution_arn)
        known = self._lives.get(life.task_arn)
        if known is not None and known[0] == life and known[1] is nest:
            return known
        return life, nest, [self._kept(row) for row in task_rows(life, nests)]

    def _kept(self, row: Row) -> Row:
        old = self._placed.get(row.key)
        return old[1] if old is not None and old[1] == row else row
