"""What executions, visits, calls and tasks are in the machine-readable trace.

Version 1 is a contract that other programs rely on: keys may be added, never renamed.
Strings are AWS's, unaltered. What is concluded from all of it is not here: whoever
prints facts as they come need not wait for what finds that out.
"""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import asdict

from sfnwatch.next.model.api_call import ApiCall
from sfnwatch.next.model.ecs_task import TaskState
from sfnwatch.next.model.execution import ExecutionAsOf, Redrive
from sfnwatch.next.model.history import TERMINAL
from sfnwatch.next.model.lineage import Parent
from sfnwatch.next.model.links import Link, role_of_call
from sfnwatch.next.model.map_run import MapRunChild
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.times import iso, maybe_iso
from sfnwatch.next.model.visits import Attempt, StateVisit

Facts = dict[str, Any]


def execution_facts(moment: Moment, execution: ExecutionAsOf) -> Facts:
    """Give what is known of one execution, but for its visits and its findings."""
    parent = moment.lineage.parents.get(execution.arn)
    return {
        "arn": execution.arn,
        "name": execution.name,
        "state_machine_arn": execution.state_machine_arn,
        "role_arn": execution.role_arn,
        "status": execution.status,
        "started_at": maybe_iso(execution.started_at),
        "stopped_at": maybe_iso(execution.stopped_at),
        "event_count": execution.event_count,
        "parent": _parent_facts(parent) if parent else None,
        "redrives": [_redrive_facts(redrive) for redrive in execution.redrives],
    }


def _parent_facts(parent: Parent) -> Facts:
    """Tell what started an execution; `map_run` is the Map Run it is one of."""
    return {
        "execution": parent.execution_arn,
        "visit": parent.visit_id or None,
        "attempt": parent.attempt_id,
        "map_run": parent.map_run_arn,
    }


def _redrive_facts(redrive: Redrive) -> Facts:
    """Give one time that it was taken up again, and the end before that."""
    ended = redrive.ended
    return {
        "event": redrive.event.id,
        "number": redrive.number,
        "at": iso(redrive.event.at),
        "ended_event": ended.id if ended else None,
        "ended_as": TERMINAL[ended.type] if ended else None,
        "stopped_seconds": redrive.seconds,
    }


def map_run_facts(moment: Moment, arn: str) -> Facts:
    """Give a Map Run: where it belongs, its counts, and its executions as listed.

    What was never told is null: a history alone names its Map Runs and no more.
    """
    parent, told = moment.lineage.map_runs.get(arn), moment.map_run(arn)
    execution = parent.execution_arn if parent else told and told.execution_arn
    return {
        "arn": arn,
        "execution": execution,
        "visit": (parent.visit_id or None) if parent else None,
        "status": told.status if told else None,
        "started_at": maybe_iso(told.started_at) if told else None,
        "stopped_at": maybe_iso(told.stopped_at) if told else None,
        "executions": asdict(told.executions) if told else None,
        "items": asdict(told.items) if told else None,
        "max_concurrency": told.max_concurrency if told else None,
        "children": [child_facts(child) for child in moment.listed_of.get(arn, ())],
    }


def child_facts(child: MapRunChild) -> Facts:
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


def visit_facts(visit: StateVisit) -> Facts:
    """Give a visit with its attempts."""
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
        "attempts": [_attempt_facts(attempt) for attempt in visit.attempts],
    }


def _attempt_facts(attempt: Attempt) -> Facts:
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


def call_facts(call: ApiCall, link: Link | None) -> Facts:
    """Give one call, and how it is matched; `role` is what it was for."""
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
        "link": _link_facts(link) if link else None,
    }


def _link_facts(link: Link) -> Facts:
    """Give the link; for an ambiguous one, all attempts that fit."""
    facts: Facts = {
        "execution": link.execution_arn,
        "visit": link.visit_id,
        "attempt": link.attempt_id,
        "rule": str(link.rule),
        "evidence": link.evidence,
    }
    if link.candidates:
        facts["candidates"] = [
            {"execution": arn, "attempt": scheduled_id}
            for arn, scheduled_id in link.candidates
        ]
    return facts


def task_state_facts(moment: Moment) -> Iterator[Facts]:
    """Give how each task was doing, as ECS told it; the later has the larger version.

    Its `link` is that of a call: to the attempt that started the task.
    """
    for task_arn in moment.task_states:
        yield from facts_of_task(moment, task_arn)


def facts_of_task(moment: Moment, task_arn: str) -> Iterator[Facts]:
    """Give the same of one task; nothing of one that no attempt here started."""
    link = moment.task_link(task_arn)
    for state in moment.trace.task_states.get(task_arn, ()) if link else ():
        if link and moment.shows_task_state(state):
            yield {**_task_state(state), "link": _link_facts(link)}


def _task_state(state: TaskState) -> Facts:
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
        "containers": [asdict(container) for container in state.containers],
    }
