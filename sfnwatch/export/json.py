"""The machine-readable trace, version 1: a contract that other programs rely on.

Keys may be added, never renamed. Strings are AWS's, unaltered, and come out with
everything but printable ASCII escaped.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from sfnwatch.export.json_facts import (
    call_json,
    execution_json,
    map_run_json,
    task_states_json,
    visit_json,
)
from sfnwatch.trace.findings import Finding, all_findings
from sfnwatch.trace.payload import ascii_json
from sfnwatch.trace.timeline import Timeline, Trace

VERSION = 1
_LAST = datetime.max.replace(tzinfo=UTC)


def dump(trace: Trace, out: TextIO) -> None:
    """Print the trace as one object; equal traces give equal texts."""
    out.write(f"{ascii_json(trace_json(trace), indent=2)}\n")


def trace_json(trace: Trace) -> dict[str, Any]:
    """Give the whole trace as JSON values.

    Executions stand in the order they started, visits in that of their ids, calls in
    that of their times. Each has its findings; those of the trace as a whole stand
    beside them.
    """
    told = findings_json(trace)
    timelines = sorted(
        trace.histories.values(), key=lambda t: (t.started_at or _LAST, t.execution_arn)
    )
    return {
        "sfnwatch_trace": VERSION,
        "executions": [
            {
                **execution_json(trace, timeline),
                "visits": _visits(timeline),
                "findings": told[timeline.execution_arn],
            }
            for timeline in timelines
        ],
        "findings": told[None],
        "calls": [call_json(trace, call) for call in trace.ordered_calls],
        "task_states": list(task_states_json(trace)),
        "map_runs": [map_run_json(trace, arn) for arn in sorted(_map_runs(trace))],
    }


def findings_json(trace: Trace) -> Mapping[str | None, list[dict[str, Any]]]:
    """Give what is found of each execution, and of the trace as a whole."""
    told = defaultdict[str | None, list[dict[str, Any]]](list)
    for finding in all_findings(trace, nested=True):
        told[finding.execution_arn].append(finding_json(finding))
    return told


def _visits(timeline: Timeline) -> list[dict[str, Any]]:
    visits = sorted(timeline.visits, key=lambda visit: visit.id)
    return [visit_json(visit) for visit in visits]


def _map_runs(trace: Trace) -> set[str]:
    return {*trace.family.map_runs, *trace.map_runs, *trace.listed_of}


def finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "execution": finding.execution_arn,
        "certainty": str(finding.certainty),
        "text": finding.text,
        "evidence": list(finding.evidence),
        "data": _plain(finding.data),
    }


def _plain(value: Any) -> Any:
    """Turn what is frozen inside into what JSON has."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
