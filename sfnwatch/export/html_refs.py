"""What the parts of a report call each row by, so that one can lead to another.

A reference is `e0-5`, event 5 of the first execution, `c12`, the 13th call, or `t3`,
the fourth state of a task: short, and nothing in it that AWS or a file could fill.
"""

from collections.abc import Mapping

from msgspec import Struct, field

from sfnwatch.trace.lanes import Row
from sfnwatch.trace.task_states import task_key
from sfnwatch.trace.timeline import Trace


class Refs(Struct, frozen=True):
    """The references of one trace."""

    executions: Mapping[str, int] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    """A call's event id to its number in the order of time."""

    tasks: Mapping[str, int] = field(default_factory=dict)
    """The key of what ECS told of a task to its number."""

    def of_row(self, row: Row) -> str:
        if row.call is not None:
            return f"c{self.calls[row.call.event_id]}"
        if row.task is not None:
            return f"t{self.tasks[task_key(row.task)]}"
        return self.of_event(row.execution_arn or "", row.events[0].id)

    def of_event(self, arn: str, event_id: int) -> str:
        return f"e{self.executions[arn]}-{event_id}"

    def of_evidence(self, evidence: str, arn: str | None) -> str | None:
        """Find what a finding rests on: `#5` of its execution, or a call's id."""
        if evidence in self.tasks:
            return f"t{self.tasks[evidence]}"
        if not evidence.startswith("#"):
            number = self.calls.get(evidence)
            return None if number is None else f"c{number}"
        known = arn in self.executions and evidence[1:].isdecimal()
        return self.of_event(arn or "", int(evidence[1:])) if known else None


def refs_of(trace: Trace) -> Refs:
    calls = {call.event_id: i for i, call in enumerate(trace.ordered_calls)}
    told = (task_key(s) for states in trace.task_states.values() for s in states)
    tasks = {key: i for i, key in enumerate(told)}
    return Refs({arn: i for i, arn in enumerate(trace.histories)}, calls, tasks)
