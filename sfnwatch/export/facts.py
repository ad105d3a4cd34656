"""Executions, visits, calls and tasks as they are in the machine-readable trace.

Version 1 is a contract that other programs rely on: keys may be added, never renamed.
Strings are AWS's, unaltered. Findings are not here: a writer that prints facts as they
come need not load the code of the analysis.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.execution import ExecutionAsOf, Redrive
from sfnwatch.model.history_event import STATUS_BY_END
from sfnwatch.model.linking.link import Link, role_of_call
from sfnwatch.model.map_runs import MapRunChild
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.state_payloads import assignment, failed_evaluation
from sfnwatch.model.times import iso, maybe_iso
from sfnwatch.model.visits import Attempt, StateVisit

Facts = dict[str, Any]
_EXECUTION = ("arn", "name", "state_machine_arn", "role_arn", "status", "started_at")
_MAP_RUN = ("status", "started_at", "stopped_at", "executions", "items")
_CHILD = ("arn", "name", "status", "started_at", "stopped_at")
_VISIT = ("id", "name", "type", "parent", "path", "index", "entered_at", "exited_at")
_RESOURCE = ("scheduled_id", "resource_type", "resource", "pattern")
_OUTCOME = ("status", "error", "cause", "request_id")
_ATTEMPT_TIMES = ("scheduled_at", "started_at", "submitted_at", "ended_at")
_TASK = ("event_id", "task_arn", "version", "at", "seen_at", "last_status")
_STOP = ("desired_status", "stop_code", "stopped_reason", "stopped_at", "started_by")


def fields_of(row: object, *names: str) -> Facts:
    """Return some of a row's fields by name, with times in our format.

    Without a row, they are null.
    """
    if row is None:
        return dict.fromkeys(names)
    return {name: plain(getattr(row, name)) for name in names}


def plain(value: Any) -> Any:
    """Return a value as a JSON value."""
    match value:
        case datetime():
            return iso(value)
        case StrEnum():
            return str(value)
        case Struct():
            return asdict(value)
    return value


def execution_facts(snapshot: Snapshot, execution: ExecutionAsOf) -> Facts:
    """Return what is known of an execution, without its visits and its findings."""
    return {
        **fields_of(execution, *_EXECUTION, "stopped_at", "event_count"),
        "parent": _parent_facts(snapshot, execution.arn),
        "redrives": [_redrive_facts(redrive) for redrive in execution.redrives],
    }


def _parent_facts(snapshot: Snapshot, arn: str) -> Facts | None:
    """Return what started an execution, and the Map Run that it belongs to."""
    parent = snapshot.lineage.parents.get(arn)
    if parent is None:
        return None
    return {
        "execution": parent.execution_arn,
        "visit": parent.visit_id or None,
        "attempt": parent.attempt_id,
        "map_run": parent.map_run_arn,
    }


def _redrive_facts(redrive: Redrive) -> Facts:
    """Return one redrive, and the end before it."""
    ended = redrive.ended
    return {
        "event": redrive.event.id,
        "number": redrive.number,
        "at": iso(redrive.event.at),
        "ended_event": ended.id if ended else None,
        "ended_as": STATUS_BY_END[ended.type] if ended else None,
        "stopped_seconds": redrive.seconds,
    }


def map_run_facts(snapshot: Snapshot, arn: str) -> Facts:
    """Return a Map Run: where it belongs, its counts, and its executions as listed.

    What is not known is null: a history alone only names its Map Runs.
    """
    start = snapshot.lineage.map_runs.get(arn)
    map_run = snapshot.map_runs.get(arn)
    execution_arn = None
    visit_id = None
    if start is not None:
        execution_arn = start.execution_arn
        visit_id = start.visit_id or None
    elif map_run is not None:
        execution_arn = map_run.execution_arn
    return {
        "arn": arn,
        "execution": execution_arn,
        "visit": visit_id,
        **fields_of(map_run, *_MAP_RUN, "max_concurrency"),
        "children": [child_facts(child) for child in snapshot.listed_of.get(arn, ())],
    }


def child_facts(child: MapRunChild) -> Facts:
    """Return an execution of a Map Run, as a list has it."""
    return {**fields_of(child.listed, *_CHILD), "item_count": child.item_count}


def visit_facts(visit: StateVisit) -> Facts:
    """Return a visit with its attempts."""
    attempts = [attempt_facts(attempt) for attempt in visit.attempts]
    return {**fields_of(visit, *_VISIT, "status"), "attempts": attempts}


def outcome_facts(
    snapshot: Snapshot, execution: ExecutionAsOf, visit: StateVisit
) -> Facts:
    """Return the error that no attempt of a visit carries, and what it assigned.

    Such an error is that of an expression which could not be evaluated; `location` is
    the field that holds the expression.
    """
    assigned = assignment(snapshot, execution, visit)
    return {
        **fields_of(visit, "error", "cause"),
        "location": failed_evaluation(snapshot, execution, visit),
        "assigned_variables": dict(assigned.values),
    }


def attempt_facts(attempt: Attempt) -> Facts:
    """Return one attempt of a visit."""
    return {
        **fields_of(attempt, *_RESOURCE, *_OUTCOME),
        "resource_ids": list(attempt.resource_ids),
        **fields_of(attempt, *_ATTEMPT_TIMES),
    }


def call_facts(call: ApiCall, link: Link | None) -> Facts:
    """Return one call, and how it is matched; `role` is what the call was for."""
    facts: Facts = {
        # There are so many calls that looking up their fields by name takes too long.
        "event_id": call.event_id,
        "event_time": iso(call.event_time),
        "seen_at": maybe_iso(call.seen_at),
        "event_source": call.event_source,
        "event_name": call.event_name,
        "error_code": call.error_code,
        "read_only": call.read_only,
        "request_id": call.request_id,
        "role": str(role_of_call(call, link)),
        "link": _link_facts(link) if link else None,
    }
    if call.is_network_activity:
        facts["network_activity"] = {
            "vpc_endpoint_id": call.vpc_endpoint_id,
            "denied_by_endpoint": call.is_denied_by_endpoint,
        }
    return facts


def _link_facts(link: Link) -> Facts:
    """Return a link; for an ambiguous one, with all attempts that fit."""
    facts: Facts = {
        "execution": link.execution_arn,
        "visit": link.visit_id,
        "attempt": link.attempt_id,
        "rule": str(link.rule),
        "evidence": link.evidence,
    }
    if link.certainty is not None:
        facts["certainty"] = str(link.certainty)
    if link.reason:
        facts["reason"] = link.reason
    fitting = [{"execution": arn, "attempt": number} for arn, number in link.candidates]
    if fitting:
        facts["candidates"] = fitting
    return facts


def facts_of_task(snapshot: Snapshot, task_arn: str) -> Iterator[Facts]:
    """Yield the states of a task that ECS reported; later ones have larger versions.

    `link` is a link as of a call: to the attempt that started the task. Nothing is
    yielded for a task that no attempt here started.
    """
    link = snapshot.task_link(task_arn)
    if link is None:
        return
    for state in snapshot.trace.task_states.get(task_arn, ()):
        if snapshot.shows_task_state(state):
            facts = fields_of(state, *_TASK, *_STOP, "group")
            facts["containers"] = [asdict(container) for container in state.containers]
            facts["link"] = _link_facts(link)
            yield facts
