"""All that a trace answers at a moment, as plain values that can be compared.

That is what the machine-readable trace says of it, and what else the rows hold. Links,
and who started whom, are today's knowledge at any moment: they can be left out.
"""

from typing import Any

from msgspec.structs import asdict

from sfnwatch.export.facts import (
    call_facts,
    execution_facts,
    facts_of_task,
    map_run_facts,
    visit_facts,
)
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.records import Received
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.trace import Trace
from sfnwatch.model.visits import Attempt, StateVisit
from tests import builders as aws

Facts = dict[str, Any]
_OF_LINKS = {
    "executions": ("parent",),
    "calls": ("link", "role"),
    "map_runs": ("execution", "visit"),
}


def trace_of(*records: Received) -> Trace:
    """Make a trace of records that come at once, all of which can be read."""
    trace = Trace()
    trace.add(records)
    assert not trace.unread, trace.unread
    return trace


def execution_of(*records: Received, arn: str = aws.ARN) -> ExecutionAsOf:
    """Give what such a trace knows of one execution."""
    return trace_of(*records).as_of().executions[arn]


def attempt_of(*records: Received) -> Attempt:
    """Give the one attempt there is."""
    ((_, attempt),) = execution_of(*records).attempts
    return attempt


def answers(snapshot: Snapshot) -> Facts:
    runs = {*snapshot.lineage.map_runs, *snapshot.map_runs, *snapshot.listed_of}
    executions = snapshot.executions.items()
    states = [s for arn in snapshot.task_states for s in facts_of_task(snapshot, arn)]
    return {
        "executions": {arn: _execution(snapshot, each) for arn, each in executions},
        "visits": {
            (arn, visit.id): visit_answers(visit)
            for arn, each in executions
            for visit in each.visits
        },
        "events": {
            (arn, event.id): (event.visit_id, event.attempt_id)
            for arn, each in executions
            for event in each.events
        },
        "roots": list(snapshot.roots),
        "calls": {c.event_id: call_facts(c, snapshot.link(c)) for c in snapshot.calls},
        "order": [call.event_id for call in snapshot.calls],
        "task_states": {(s["task_arn"], s["version"]): s for s in states},
        "map_runs": {arn: map_run_facts(snapshot, arn) for arn in sorted(runs)},
        "healths": sorted(str(_unnumbered(h)) for h in snapshot.each_health),
        "requests": [request.key for request in snapshot.requests],
    }


def without_links(found: Facts) -> Facts:
    """Leave out what is today's knowledge: links, and who started whom."""
    told = {k: v for k, v in found.items() if k not in {"roots", "task_states"}}
    for section, keys in _OF_LINKS.items():
        told[section] = {
            name: {k: v for k, v in each.items() if k not in keys}
            for name, each in found[section].items()
        }
    # A Map Run that only its parent's history names has told nothing itself.
    told["map_runs"] = {
        arn: run
        for arn, run in told["map_runs"].items()
        if run["status"] is not None or run["children"]
    }
    return told


def differences(found: Any, expected: Any, where: str = "") -> list[str]:
    """Say where two of them differ, each place once."""
    if found == expected:
        return []
    if not isinstance(found, dict) or not isinstance(expected, dict):
        return [f"{where}: {found!r:.200} is not {expected!r:.200}"]
    return [
        difference
        for key in {**found, **expected}
        for difference in differences(
            found.get(key, "missing"), expected.get(key, "missing"), f"{where} {key}"
        )
    ]


def _execution(snapshot: Snapshot, execution: ExecutionAsOf) -> Facts:
    ending = execution.ending
    return {
        **execution_facts(snapshot, execution),
        "ending": ending and ending.id,
        "running": execution.running,
        "map_run_turns": [(t.event.id, t.arn) for t in execution.map_run_turns],
    }


def visit_answers(visit: StateVisit) -> Facts:
    return {
        **visit_facts(visit),
        "ended_at": visit.ended_at,
        "error": (visit.error, visit.cause),
        "event_ids": list(visit.event_ids),
        "pauses": list(visit.pauses),
        "running": visit.running,
        "backoffs": visit.backoffs,
        "of_attempts": [_attempt(attempt) for attempt in visit.attempts],
    }


def _attempt(attempt: Attempt) -> Facts:
    return {
        "event_ids": list(attempt.event_ids),
        "request_ids": list(attempt.request_ids),
        "stopped_at": attempt.stopped_at,
        "told_by": attempt.told_by and attempt.told_by.key,
        "answered_at": attempt.answered_at,
    }


def _unnumbered(health: Any) -> Facts:
    """Leave out when it was said, and after how many requests.

    Of a run of equal words two are kept.
    """
    told = asdict(health).items()
    return {k: v for k, v in told if k not in {"requests", "seen_at"}}
