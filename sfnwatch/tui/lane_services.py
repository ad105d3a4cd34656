"""Whose calls there are, and how many, as more come in."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from sfnwatch.trace.lanes import TASKS, Row
from sfnwatch.trace.links import Rule

_EVERY = 1024
"""Rows are counted so many at a time."""
_Sort = tuple[str, bool, bool, str | None]
"""What is counted of a call, or of what was told of a task: whose it is, if more than
the role ties it, if Step Functions made it, and inside which execution."""


class Counted(Struct, frozen=True):
    """The calls of some rows, and what was told of tasks, counted."""

    sorts: Mapping[_Sort, int]
    """In order of appearance."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many calls each service has, and last how often tasks were told of."""
        found: Counter[str] = Counter()
        for (source, *_), count in self.sorts.items():
            found[source] += count
        told = found.pop(TASKS, 0)
        return {**found, TASKS: told} if told else found

    @property
    def named(self) -> tuple[str, ...]:
        """The services that a state called, then the tasks if they were told of."""
        calls = [(sort[0], sort[1]) for sort in self.sorts if sort[0] != TASKS]
        tied = [source for source, is_tied in calls if is_tied]
        # A trail's file alone ties nothing to anything.
        named = tuple(dict.fromkeys(tied or (source for source, _ in calls)))
        told = any(source == TASKS for source, *_ in self.sorts)
        return (*named, TASKS) if told else named

    @property
    def by_root(self) -> Mapping[str, Mapping[str, int]]:
        """How many calls of each service an execution has."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for (source, _, _, root_arn), count in self.sorts.items():
            if root_arn is not None:
                found[root_arn][source] += count
        return found

    def all_invoked(self, hidden: Iterable[str]) -> bool:
        """True if calls are shown, and Step Functions made each of them."""
        left_out = {TASKS, *hidden}
        shown = [sort[2] for sort in self.sorts if sort[0] not in left_out]
        return bool(shown) and all(shown)


class Services:
    """Counts the calls of rows that come and go at the end."""

    def __init__(self) -> None:
        self._counts: list[Counter[_Sort]] = [Counter()]
        """Of the rows before each of so many, and of all; in order of appearance."""

    def grow(self, rows: Sequence[Row], first: int = 0) -> Counted:
        """Count other rows, from a place on."""
        begin = first // _EVERY
        del self._counts[begin + 1 :]
        for place in range(begin * _EVERY, len(rows), _EVERY):
            counted = self._counts[-1].copy()
            counted.update(_sorts(rows[place : place + _EVERY]))
            self._counts.append(counted)
        return Counted(self._counts[-1])


def _sorts(rows: Sequence[Row]) -> list[_Sort]:
    return [
        (
            row.source,
            row.link is not None and row.link.rule is not Rule.ROLE_ONLY,
            row.call is not None and row.call.by_step_functions,
            row.execution_arn if row.nest is None else row.nest.root,
        )
        for row in rows
        if row.call is not None or row.task is not None
    ]
