"""Which execution began which: by a nested execution, or by a Map Run of its own.

A nested execution's ARN stands in the events of the attempt that started it; a Map
Run's in the parent's MapRunStarted, and the executions it ran say which run's they are.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field

from sfnwatch.trace.arns import maybe_execution_arn
from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.integrations import Pattern, integration
from sfnwatch.trace.payload import parse_json, values_at
from sfnwatch.trace.visits import Visits

_ANSWERS = frozenset({"TaskSubmitted", "TaskSucceeded"})
START = ("states.amazonaws.com", "StartExecution")


class Begun(Struct, frozen=True):
    """What began an execution, or a Map Run."""

    execution_arn: str
    """The execution it was begun by."""
    visit_id: int
    """The state of that; 0 where the history does not tell."""
    attempt_id: int | None = None
    """The try that started it; None for a Map Run."""
    map_run_arn: str | None = None
    """The Map Run it is an execution of."""
    waits: bool = True
    """False where the state was over as soon as it had started it."""


class Family(Struct, frozen=True):
    """Who began whom, among executions whose histories are known."""

    parents: Mapping[str, Begun] = field(default_factory=dict)
    """By the ARN of the execution that was begun."""
    map_runs: Mapping[str, Begun] = field(default_factory=dict)
    """By the ARN of a Map Run."""

    def root_of(self, execution_arn: str) -> str:
        """Climb to the execution that nothing here began."""
        while (begun := self.parents.get(execution_arn)) is not None:
            execution_arn = begun.execution_arn
        return execution_arn

    def level(self, execution_arn: str) -> int:
        """Count how many began each other above an execution."""
        level = 0
        while (begun := self.parents.get(execution_arn)) is not None:
            execution_arn, level = begun.execution_arn, level + 1
        return level


class Known(Protocol):
    """What is looked at of an execution."""

    @property
    def execution_arn(self) -> str: ...
    @property
    def began(self) -> Mapping[str, Begun]: ...
    @property
    def began_map_runs(self) -> Mapping[str, Begun]: ...
    @property
    def map_run_arn(self) -> str | None: ...


def family(known: Sequence[Known], listed: Mapping[str, str]) -> Family:
    """Tell who began whom; `listed` gives the Map Run that lists tell of, by child.

    The order of `known` decides who is left without a parent where they are in a
    circle: no history of AWS's has one, a file may.
    """
    map_runs: dict[str, Begun] = {}
    nested: dict[str, Begun] = {}
    executions = {one.execution_arn for one in known}
    for one in known:
        for arn, begun in one.began_map_runs.items():
            if arn not in executions:
                map_runs.setdefault(arn, begun)
        for arn, begun in one.began.items():
            nested.setdefault(arn, begun)
    parents: dict[str, Begun] = {}
    for one in known:
        found = _of_map_run(one, map_runs, listed) or nested.get(one.execution_arn)
        if found is not None:
            parents[one.execution_arn] = found
    for one in known:
        if _is_own_ancestor(one.execution_arn, parents):
            del parents[one.execution_arn]
    return Family(parents, map_runs)


def _of_map_run(
    one: Known, map_runs: Mapping[str, Begun], listed: Mapping[str, str]
) -> Begun | None:
    arn = one.map_run_arn or listed.get(one.execution_arn)
    run = map_runs.get(arn) if arn else None
    if arn is None or run is None:
        return None
    return Begun(run.execution_arn, run.visit_id, map_run_arn=arn)


def _is_own_ancestor(execution_arn: str, parents: Mapping[str, Begun]) -> bool:
    seen: set[str] = set()
    at = execution_arn
    while at in parents and at not in seen:
        seen.add(at)
        at = parents[at].execution_arn
        if at == execution_arn:
            return True
    return False


def began(execution_arn: str, visits: Visits) -> dict[str, Begun]:
    """Find the executions that an execution's attempts started, by their ARNs."""
    found: dict[str, Begun] = {}
    for attempt in visits.attempts:
        for arn in started_by(attempt):
            waits = attempt.pattern is Pattern.SYNC
            begun = Begun(
                execution_arn, attempt.visit_id, attempt.scheduled_id, waits=waits
            )
            found.setdefault(arn, begun)
    return found


def started_by(attempt: Attempt) -> Iterator[str]:
    """Yield the ARNs of the executions that an attempt started, of whatever kind."""
    row = attempt.integration
    if row is None or (row.event_source, row.action_event) != START:
        return
    for arn in attempt.resource_ids:
        if maybe_execution_arn(arn) is not None:
            yield arn


def begun_by(event: HistoryEvent) -> tuple[str, ...]:
    """Give the ARNs of the executions that an event says were started."""
    if event.type not in _ANSWERS:
        return ()
    service, action = event.detail("resourceType"), event.detail("resource")
    row = integration(service or "", action or "")
    if (row.event_source, row.action_event) != START:
        return ()
    output = parse_json(event.details.get("output"))
    found = (value for path in row.id_paths for value in values_at(output, path))
    return tuple(arn for arn in found if maybe_execution_arn(arn) is not None)


def began_map_runs(
    execution_arn: str, events: Sequence[HistoryEvent], visits: Visits
) -> dict[str, Begun]:
    """Find the Map Runs of an execution, by their ARNs."""
    found: dict[str, Begun] = {}
    for event in [event for event in events if event.type == "MapRunStarted"]:
        arn = event.detail("mapRunArn")
        if arn:
            visit_id = visits.of_event.get(event.id, 0)
            found.setdefault(arn, Begun(execution_arn, visit_id))
    return found
