"""Which execution started which: as a nested execution, or in a Map Run.

A nested execution's ARN stands in the events of the attempt that started it; a Map
Run's in the parent's MapRunStarted, and the executions it ran say which run's they are.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

from sfnwatch.next.model.arns import maybe_execution_arn
from sfnwatch.next.model.history import Details
from sfnwatch.next.model.integrations import integration
from sfnwatch.next.model.json_text import parse_json, text_of, values_at
from sfnwatch.next.model.visits import Attempt

if TYPE_CHECKING:
    from sfnwatch.next.model.execution import Execution

START = ("states.amazonaws.com", "StartExecution")
_ANSWERS = frozenset({"TaskSubmitted", "TaskSucceeded"})


class Parent(Struct, frozen=True):
    """What started an execution, or a Map Run."""

    execution_arn: str
    """The execution it was started by."""
    visit_id: int
    """The state of that; 0 where the history does not tell."""
    attempt_id: int | None = None
    """The attempt that started it; None for a Map Run."""
    map_run_arn: str | None = None
    """The Map Run it is an execution of."""
    waits: bool = True
    """False where the state completed as soon as it had started it."""


class Lineage(Struct, frozen=True):
    """Who started whom, among executions whose histories are known."""

    parents: Mapping[str, Parent] = field(default_factory=dict)
    """By the ARN of the child execution."""
    map_runs: Mapping[str, Parent] = field(default_factory=dict)
    """By the ARN of a Map Run."""

    def root_of(self, execution_arn: str) -> str:
        """Climb to the execution that nothing here started."""
        while (parent := self.parents.get(execution_arn)) is not None:
            execution_arn = parent.execution_arn
        return execution_arn

    def level(self, execution_arn: str) -> int:
        """Count the executions above one."""
        level = 0
        while (parent := self.parents.get(execution_arn)) is not None:
            execution_arn, level = parent.execution_arn, level + 1
        return level


def find_lineage(known: Sequence["Execution"], listed: Mapping[str, str]) -> Lineage:
    """Tell who started whom; `listed` gives the Map Run that lists tell of, by child.

    The order of `known` decides who is left without a parent where they are in a
    circle: no history of AWS's has one, a file may.
    """
    map_runs: dict[str, Parent] = {}
    nested: dict[str, Parent] = {}
    executions = {one.arn for one in known}
    for one in known:
        for arn, parent in one.map_runs.items():
            if arn not in executions:
                map_runs.setdefault(arn, parent)
        for arn, parent in one.started.items():
            nested.setdefault(arn, parent)
    parents = {
        one.arn: found
        for one in known
        if (found := _of_map_run(one, map_runs, listed) or nested.get(one.arn))
    }
    for one in known:
        if _is_own_ancestor(one.arn, parents):
            del parents[one.arn]
    return Lineage(parents, map_runs)


def _of_map_run(
    one: "Execution", map_runs: Mapping[str, Parent], listed: Mapping[str, str]
) -> Parent | None:
    arn = one.as_of(None).map_run_arn or listed.get(one.arn)
    run = map_runs.get(arn) if arn else None
    if arn is None or run is None:
        return None
    return Parent(run.execution_arn, run.visit_id, map_run_arn=arn)


def _is_own_ancestor(execution_arn: str, parents: Mapping[str, Parent]) -> bool:
    seen: set[str] = set()
    at = execution_arn
    while at in parents and at not in seen:
        seen.add(at)
        at = parents[at].execution_arn
        if at == execution_arn:
            return True
    return False


def started_by(attempt: Attempt) -> Iterator[str]:
    """Yield the ARNs of the executions that an attempt started, of whatever kind."""
    row = attempt.integration
    if row is None or (row.event_source, row.action_event) != START:
        return
    for arn in attempt.resource_ids:
        if maybe_execution_arn(arn) is not None:
            yield arn


def started_in(event_type: str, details: Details) -> tuple[str, ...]:
    """Give the ARNs of the executions that an event says were started."""
    if event_type not in _ANSWERS:
        return ()
    service, action = text_of(details.get("resourceType")), details.get("resource")
    row = integration(service or "", text_of(action) or "")
    if (row.event_source, row.action_event) != START:
        return ()
    output = parse_json(details.get("output"))
    found = (value for path in row.id_paths for value in values_at(output, path))
    return tuple(arn for arn in found if maybe_execution_arn(arn) is not None)
