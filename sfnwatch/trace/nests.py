"""What runs inside a state: an execution begun by it, or a Map Run with its executions.

A nest has a place in the tree of visits, as a Parallel's branch has: it can be folded,
and what is inside has its rail beside it. Most begin folded: what was asked for is the
execution that began them.
"""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from sfnwatch.trace.arns import last_segment, short_id
from sfnwatch.trace.family import Begun
from sfnwatch.trace.map_runs import MapRun
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.values import replace

Place = tuple[str, int]
"""The ARN of an execution or a Map Run, and the id of a visit in it; 0: all of it."""


class Nest(Struct, frozen=True):
    """An execution inside another, or a Map Run."""

    arn: str
    parent: Place
    root: str
    """The ARN of the execution around all of it."""
    level: int
    """How many executions and Map Runs are around it."""
    depth: int
    """How many visits are around the state that began it, in all of those."""
    name: str
    machine: str | None
    status: str
    """AWS's word."""
    started_at: datetime | None
    stopped_at: datetime | None
    waits: bool = True
    """False for one that was begun and not waited for."""
    map_run: MapRun | None = None
    """What was told of the Map Run; None for executions, and where nothing was."""
    is_map_run: bool = False
    children: int = 0
    """How many of a Map Run's executions have their histories here."""

    @property
    def key(self) -> str:
        """The key of its fold."""
        return nest_key(self.arn, map_run=self.is_map_run)

    @property
    def running(self) -> bool:
        return self.status in {"RUNNING", "PENDING_REDRIVE"}


def nest_key(arn: str, *, map_run: bool = False) -> str:
    return f"{arn}~{'children' if map_run else 'child'}"


def map_run_name(arn: str) -> str:
    """Name a Map Run by its label and its id: `EachPhoto 276e5993`."""
    label, _, run = last_segment(arn).rpartition(":")
    return f"{label} {short_id(run)}" if label else short_id(run)


def nests(trace: Trace) -> Mapping[str, Nest]:
    """Find all nests of a trace by their ARNs, those around others first."""
    found: dict[str, Nest] = {}
    known = trace.family
    if not known.parents and not known.map_runs:
        return found
    order = sorted(trace.histories, key=lambda arn: (known.level(arn), arn))
    for arn in order:
        timeline = trace.histories[arn]
        begun = known.parents.get(arn)
        if begun is not None:
            found[arn] = _child(trace, timeline, begun, found)
        for map_run_arn in timeline.began_map_runs:
            began = known.map_runs.get(map_run_arn)
            # Of two that claim one, as a copied history does, the first has it.
            if began is not None and began.execution_arn == arn:
                found[map_run_arn] = _map_run(trace, map_run_arn, began, found)
    return _counted(found)


def _counted(found: Mapping[str, Nest]) -> Mapping[str, Nest]:
    counts: dict[str, int] = {}
    for nest in found.values():
        counts[nest.parent[0]] = counts.get(nest.parent[0], 0) + 1
    return {
        arn: replace(nest, children=counts.get(arn, 0)) if nest.is_map_run else nest
        for arn, nest in found.items()
    }


def _child(
    trace: Trace, timeline: Timeline, begun: Begun, found: Mapping[str, Nest]
) -> Nest:
    arn = timeline.execution_arn
    around = found.get(begun.map_run_arn or "")
    inside = around or found.get(begun.execution_arn)
    listed = trace.listed.get(arn)
    told = listed.listed.status if listed and timeline.status == "UNKNOWN" else ""
    parent = (begun.execution_arn, begun.visit_id)
    return Nest(
        arn=arn,
        parent=(begun.map_run_arn or "", 0) if around else parent,
        root=trace.family.root_of(begun.execution_arn),
        level=inside.level + 1 if inside else 1,
        depth=around.depth + 1 if around else _depth(trace, parent, inside),
        name=timeline.name,
        # Of a Map Run's it is the one around it, with a label that the run has too.
        machine=None if around else timeline.state_machine_name,
        status=told or timeline.status,
        started_at=timeline.started_at,
        stopped_at=timeline.stopped_at,
        waits=begun.waits,
    )


def _map_run(trace: Trace, arn: str, begun: Begun, found: Mapping[str, Nest]) -> Nest:
    told = trace.map_runs.get(arn)
    begins, ended = _course_of(trace.histories[begun.execution_arn], begun, arn)
    inside = found.get(begun.execution_arn)
    parent = (begun.execution_arn, begun.visit_id)
    status, stopped_at = ended or ("RUNNING", None)
    if told is not None and _is_better(told, begins, ended):
        status, stopped_at = told.status, told.stopped_at or stopped_at
    return Nest(
        arn=arn,
        parent=parent,
        root=trace.family.root_of(begun.execution_arn),
        level=inside.level + 1 if inside else 1,
        depth=_depth(trace, parent, inside),
        name=map_run_name(arn),
        machine=None,
        status=status,
        started_at=told.started_at if told else None,
        stopped_at=stopped_at,
        map_run=told,
        is_map_run=True,
    )


_ENDINGS = {"MapRunSucceeded": "SUCCEEDED", "MapRunFailed": "FAILED"}
_ENDINGS["MapRunAborted"] = "ABORTED"
_BEGINNINGS = frozenset({"MapRunStarted", "MapRunRedriven"})


_End = tuple[str, datetime]
"""AWS's word for how a Map Run ended, and when."""


def _course_of(
    timeline: Timeline, begun: Begun, arn: str
) -> tuple[datetime | None, _End | None]:
    """Say when a Map Run began, the last time, and how it ended, as its parent tells.

    A Map state that is tried again has a run for each try, one after the other. A
    redrive goes on with the same.
    """
    visit = timeline.visits.by_id.get(begun.visit_id)
    begins: datetime | None = None
    ended: _End | None = None
    current = ""
    for event_id in visit.event_ids if visit else ():
        event = timeline.events.get(event_id)
        if event is None:
            continue
        if event.type in _BEGINNINGS:
            current = event.detail("mapRunArn") or current
            if current == arn:
                begins, ended = event.timestamp, None
        elif event.type in _ENDINGS and current == arn:
            ended = _ENDINGS[event.type], event.timestamp
    return begins, ended


def _is_better(told: MapRun, begins: datetime | None, ended: _End | None) -> bool:
    """True where what was told of a Map Run is newer than its parent's history.

    The end that was told may be the one before a redrive.
    """
    if told.stopped_at and begins and told.stopped_at < begins:
        return False
    return ended is None or not told.going_on


def _depth(trace: Trace, parent: Place, inside: Nest | None) -> int:
    visit = trace.histories[parent[0]].visits.by_id.get(parent[1])
    own = visit.depth + 1 if visit else 1
    return own + (inside.depth + 1 if inside else 0)
