"""What the headline of a child execution or a Map Run shows."""

from datetime import datetime

from msgspec import Struct

from sfnwatch.model.arns import short_id
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.execution_list import UNKNOWN
from sfnwatch.model.map_runs import MapRun, map_run_name
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.started_executions import Parent

_ENDS = frozenset({"MapRunSucceeded", "MapRunFailed", "MapRunAborted"})
_STARTS = frozenset({"MapRunStarted", "MapRunRedriven"})
_RunEnd = tuple[str, datetime]
"""The final status of a Map Run in AWS's words, and the time of its end."""


class Child(Struct, frozen=True):
    """What the headline of a child execution or a Map Run shows."""

    title: str
    """Its name from AWS, not cleaned: `archive › 7f3a`, `Map Run Each 276e5993`."""
    status: str
    """The status in AWS's words."""
    started_at: datetime | None
    stopped_at: datetime | None
    waits: bool = True
    """False if the state that started it does not wait for its end."""
    map_run: MapRun | None = None
    """The described Map Run; None for executions, and where no record describes it."""
    histories: int = 0
    """The number of a Map Run's executions whose histories were read."""


def child_execution(snapshot: Snapshot, arn: str) -> Child | None:
    """Return a child execution as of the snapshot; None if no state started it."""
    execution = snapshot.executions.get(arn)
    parent = snapshot.lineage.parents.get(arn)
    if execution is None or parent is None:
        return None
    listed = snapshot.listed.get(arn)
    status = execution.status
    if listed is not None and status == UNKNOWN:
        status = listed.listed.status
    # In a Map Run, the machine's name is the parent's with the Map Run's label: both
    # are shown elsewhere.
    machine = None if parent.map_run_arn else execution.state_machine_name
    title = short_id(execution.name)
    if machine:
        title = f"{machine} › {title}"
    return Child(
        title, status, execution.started_at, execution.stopped_at, parent.waits
    )


def child_map_run(snapshot: Snapshot, arn: str) -> Child | None:
    """Return a Map Run as of the snapshot; None if no history here started it."""
    parent = snapshot.lineage.map_runs.get(arn)
    if parent is None:
        return None
    parent_execution = snapshot.executions.get(parent.execution_arn)
    if parent_execution is None:
        return None
    begun_at, end = _start_and_end(parent_execution, parent, arn)
    status, stopped_at = end or ("RUNNING", None)
    started_at = None
    described = snapshot.map_runs.get(arn)
    if described is not None:
        started_at = described.started_at
        if _is_newer(described, begun_at, end):
            status = described.status
            stopped_at = described.stopped_at or stopped_at
    parents = snapshot.lineage.parents
    histories = [
        child for child in snapshot.children if parents[child].map_run_arn == arn
    ]
    return Child(
        title=f"Map Run {map_run_name(arn)}",
        status=status,
        started_at=started_at,
        stopped_at=stopped_at,
        map_run=described,
        histories=len(histories),
    )


def _start_and_end(
    parent_execution: ExecutionAsOf, parent: Parent, arn: str
) -> tuple[datetime | None, _RunEnd | None]:
    """Return a Map Run's last start and its end, from the parent's history.

    Each is None where the history does not have it. A retried Map state has one Map
    Run for each try, one after the other. A redrive continues the same Map Run.
    """
    begun_at: datetime | None = None
    end: _RunEnd | None = None
    current = ""
    for event, run in parent_execution.map_run_turns:
        if event.visit_id != parent.visit_id:
            continue
        if event.type in _STARTS:
            current = run or current
            if current == arn:
                begun_at = event.at
                end = None
        elif current == arn and event.type in _ENDS:
            end = event.type.removeprefix("MapRun").upper(), event.at
    return begun_at, end


def _is_newer(
    described: MapRun, begun_at: datetime | None, end: _RunEnd | None
) -> bool:
    """True where the described Map Run is newer than its parent's history.

    It is older where its end came before a redrive.
    """
    stopped_at = described.stopped_at
    if stopped_at and begun_at and stopped_at < begun_at:
        return False
    return end is None or not described.running
