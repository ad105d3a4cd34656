"""Who started whom, among executions whose histories are known."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from sfnwatch.model.execution import Execution
from sfnwatch.model.started_executions import Parent


class Lineage(Struct, frozen=True):
    """Who started whom, among executions whose histories are known."""

    parents: dict[str, Parent] = field(default_factory=dict)
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
            execution_arn = parent.execution_arn
            level += 1
        return level


def find_lineage(known: Sequence[Execution], listed: Mapping[str, str]) -> Lineage:
    """Tell who started whom; `listed` gives the Map Run that lists tell of, by child.

    Where they are in a circle, the first of `known` in it is left without a parent: no
    history of AWS's has one, a file may.
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
