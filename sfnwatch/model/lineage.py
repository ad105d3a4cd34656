"""Finds which execution started which, where their histories are known."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from sfnwatch.model.execution import Execution
from sfnwatch.model.started_executions import Parent


class Lineage(Struct, frozen=True):
    """Which execution started which, among those whose histories are known."""

    parents: dict[str, Parent] = field(default_factory=dict)
    """The parent of each child execution, by the child's ARN."""
    map_runs: Mapping[str, Parent] = field(default_factory=dict)
    """The parent of each Map Run, by the Map Run's ARN."""

    def root_of(self, execution_arn: str) -> str:
        """Return the outermost ancestor of an execution: itself if it has no parent."""
        while (parent := self.parents.get(execution_arn)) is not None:
            execution_arn = parent.execution_arn
        return execution_arn

    def level(self, execution_arn: str) -> int:
        """Return the number of ancestors of an execution."""
        level = 0
        while (parent := self.parents.get(execution_arn)) is not None:
            execution_arn = parent.execution_arn
            level += 1
        return level


def find_lineage(known: Sequence[Execution], listed: Mapping[str, str]) -> Lineage:
    """Return which execution started which.

    `listed` has each child's Map Run as lists of executions show it, by the child's
    ARN. In a circle of executions the first one in `known` is left without a parent.
    AWS's histories have no circles, but a file may.
    """
    map_runs: dict[str, Parent] = {}
    nested: dict[str, Parent] = {}
    executions = {one.arn for one in known}
    for one in known:
        for event, arn in one.map_run_turns:
            if event.type == "MapRunStarted" and arn and arn not in executions:
                map_runs.setdefault(arn, Parent(one.arn, event.visit_id))
        for arn, parent in one.started.items():
            nested.setdefault(arn, parent)
    lineage = Lineage({}, map_runs)
    for one in reversed(known):
        found = _of_map_run(one, map_runs, listed) or nested.get(one.arn)
        if found and lineage.root_of(found.execution_arn) != one.arn:
            lineage.parents[one.arn] = found
    return lineage


def _of_map_run(
    one: Execution, map_runs: Mapping[str, Parent], listed: Mapping[str, str]
) -> Parent | None:
    arn = one.as_of(None).map_run_arn or listed.get(one.arn)
    run = map_runs.get(arn) if arn else None
    if arn is None or run is None:
        return None
    return Parent(run.execution_arn, run.visit_id, map_run_arn=arn)
