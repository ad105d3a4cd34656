"""What executions, visits, calls and tasks are in the machine-readable trace.

See `json.py`, whose contract holds here too. What is concluded from all of it is not
here: who prints facts as they come need not wait for what finds that out.
"""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import asdict

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.family import Begun
from sfnwatch.trace.links import Link, role_of_call
from sfnwatch.trace.map_runs import ListedChild
from sfnwatch.trace.redrives import Redrive
from sfnwatch.trace.task_lives import task_lives
from sfnwatch.trace.task_states import TaskState
from sfnwatch.trace.timeline import TERMINAL, Timeline, Trace
from sfnwatch.trace.times import iso, maybe_iso
from sfnwatch.trace.visits import StateVisit


def execution_json(trace: Trace, timeline: Timeline) -> dict[str, Any]:
    """Give what is known of one execution, but for its visits and its findings."""
    begun = trace.family.parents.get(timeline.execution_arn)
    return {
        "arn": timeline.execution_arn,
        "name": timeline.name,
        "state_machine_arn": timeline.state_machine_arn,
        "role_arn": timeline.role_arn,
        "status": timeline.status,
        "started_at": maybe_iso(timeline.started_at),
        "stopped_at": maybe_iso(timeline.stopped_at),
        "event_count": len(timeline.events),
        "parent": begun_json(begun) if begun else None,
        "redrives": [redrive_json(redrive) for redrive in timeline.redrives],
    }


def begun_json(begun: Begun) -> dict[str, Any]:
    """Tell what began an execution; `map_run` is the Map Run it is an execution of."""
    return {
        "execution": begun.execution_arn,
        "visit": begun.visit_id or None,
        "attempt": begun.attempt_id,
        "map_run": begun.map_run_arn,
    }


def map_run_json(trace: Trace, arn: str) -> dict[str, Any]:
    """Give a Map Run: where it belongs, its counts, and its executions as listed.

    What was never told is null: a history alone names its Map Runs and no more.
    """
    begun, told = trace.family.map_runs.get(arn), trace.map_runs.get(arn)
    execution = begun.execution_arn if begun else told and told.execution_arn
    return {
        "arn": arn,
        "execution": execution,
        "visit": (begun.visit_id or None) if begun else None,
        "status": told.status if told else None,
        "started_at": maybe_iso(told.started_at) if told else None,
        "stopped_at": maybe_iso(told.stopped_at) if told else None,
        "executions": asdict(told.executions) if told else None,
        "items": asdict(told.items) if told else None,
        "max_concurrency": told.max_concurrency if told else None,
        "children": [child_json(child) for child in trace.listed_of.get(arn, ())],
    }


def child_json(child: ListedChild) -> dict[str, Any]:
    """Give an execution of a Map Run as a list tells of it."""
    listed = child.listed
    return {
        "arn": listed.arn,
        "name": listed.name,
        "status": listed.status,
        "started_at": maybe_iso(listed.started_at),
        "stopped_at": maybe_iso(listed.stopped_at),
        "item_count": child.item_count,
    }


def redrive_json(redrive: Redrive) -> dict[str, Any]:
    """Give one time that it was taken up again, and the end before that."""
    ended = redrive.ended
    return {
        "event": redrive.event.id,
        "number": redrive.number,
        "at": iso(redrive.at),
        "ended_event": ended.id if ended else None,
        "ended_as": TERMINAL[ended.type] if ended else None,
        "stopped_seconds": redrive.seconds,
    }


def visit_json(visit: StateVisit) -> dict[str, Any]:
    return {
        "id": visit.id,
        "name": visit.name,
        "type": visit.type,
        "parent": visit.parent,
        "path": visit.path,
        "index": visit.index,
        "entered_at": iso(visit.entered_at),
        "exited_at": maybe_iso(visit.exited_at),
        "status": visit.status,
        "attempts": [attempt_json(attempt) for attempt in visit.attempts],
    }


def attempt_json(attempt: Attempt) -> dict[str, Any]:
    return {
        "scheduled_id": attempt.scheduled_id,
        "resource_type": attempt.resource_type,
        "resource": attempt.resource,
        "pattern": str(attempt.pattern),
        "status": attempt.status,
        "error": attempt.error,
        "cause": attempt.cause,
        "request_id": attempt.request_id,
        "resource_ids": list(attempt.resource_ids),
        "scheduled_at": iso(attempt.scheduled_at),
        "started_at": maybe_iso(attempt.started_at),
        "submitted_at": maybe_iso(attempt.submitted_at),
        "ended_at": maybe_iso(attempt.ended_at),
    }


def call_json(trace: Trace, call: ApiCall) -> dict[str, Any]:
    """Give one call, and how it is tied; `role` is what it was for."""
    link = trace.links.get(call.event_id)
    return {
        "event_id": call.event_id,
        "event_time": iso(call.event_time),
        "seen_at": maybe_iso(call.seen_at),
        "event_source": call.event_source,
        "event_name": call.event_name,
        "error_code": call.error_code,
        "read_only": call.read_only,
        "request_id": call.request_id,
        "role": str(role_of_call(call, link)),
        "link": link_json(link) if link else None,
    }


def task_states_json(trace: Trace) -> Iterator[dict[str, Any]]:
    """Give how each task was doing, as ECS told it; the later has the larger version.

    Its `link` is that of a call: to the attempt that began the task.
    """
    links = {life.task_arn: life.link for life in task_lives(trace)}
    for task_arn, states in trace.task_states.items():
        for state in states:
            yield {**_task_state(state), "link": link_json(links[task_arn])}


def _task_state(state: TaskState) -> dict[str, Any]:
    return {
        "event_id": state.event_id,
        "task_arn": state.task_arn,
        "version": state.version,
        "at": iso(state.at),
        "seen_at": maybe_iso(state.seen_at),
        "last_status": state.last_status,
        "desired_status": state.desired_status,
        "stop_code": state.stop_code,
        "stopped_reason": state.stopped_reason,
        "stopped_at": maybe_iso(state.stopped_at),
        "started_by": state.started_by,
        "group": state.group,
        "containers": [
            {
                "name": each.name,
                "last_status": each.last_status,
                "exit_code": each.exit_code,
                "reason": each.reason,
            }
            for each in state.containers
        ],
    }


def link_json(link: Link) -> dict[str, Any]:
    """Give the tie; for an ambiguous one, all attempts that fit."""
    tie: dict[str, Any] = {
        "execution": link.execution_arn,
        "visit": link.visit_id,
        "attempt": link.attempt_id,
        "rule": str(link.rule),
        "evidence": link.evidence,
    }
    if link.candidates:
        tie["candidates"] = [
            {"execution": arn, "attempt": scheduled_id}
            for arn, scheduled_id in link.candidates
        ]
    return tie
