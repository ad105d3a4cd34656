"""A report as one JSON object: a contract, like the trace's own.

`findings` is a flat list of all, each with its `execution`; `executions` has what is
no finding. Keys may be added, never renamed.
"""

from typing import Any, TextIO

from sfnwatch.export.json import VERSION, finding_json
from sfnwatch.trace.payload import ascii_json
from sfnwatch.trace.report import CallsReport, ExecutionReport, Report
from sfnwatch.trace.report_states import StateRow
from sfnwatch.trace.times import maybe_iso


def write_json(report: Report, out: TextIO) -> None:
    """Print a report as one object; equal reports give equal texts."""
    out.write(f"{ascii_json(report_json(report), indent=2)}\n")


def report_json(report: Report) -> dict[str, Any]:
    return {
        "sfnwatch_trace": VERSION,
        "findings": [finding_json(finding) for finding in report.findings],
        "executions": [execution_json(execution) for execution in report.executions],
        "calls": calls_json(report.calls, report.unread),
    }


def execution_json(execution: ExecutionReport) -> dict[str, Any]:
    verdict = execution.verdict
    return {
        "arn": execution.execution_arn,
        "name": execution.name,
        "state_machine": execution.state_machine,
        "role_arn": execution.role_arn,
        "status": verdict.status,
        "started_at": maybe_iso(execution.started_at),
        "stopped_at": maybe_iso(execution.stopped_at),
        "event_count": execution.event_count,
        "verdict": {
            "text": verdict.text,
            "seconds": verdict.seconds,
            "visit": verdict.visit,
            "path": verdict.path,
            "error": verdict.error,
            "cause": verdict.cause,
        },
        "states": [state_json(row) for row in execution.states],
        "states_left_out": execution.left_out,
    }


def state_json(row: StateRow) -> dict[str, Any]:
    """Give one row of the table of states; lengths in seconds."""
    calls = row.calls
    return {
        "path": row.path,
        "name": row.name,
        "type": row.type,
        "resource": row.resource,
        "visit": row.visit,
        "visits": row.visits,
        "tries": row.tries,
        "failed_tries": row.failed_tries,
        "seconds": row.seconds,
        "longest": row.longest,
        "median": row.median,
        "parts": {
            str(part).replace(" ", "_"): seconds for part, seconds in row.parts.items()
        },
        "statuses": dict(row.statuses),
        "calls": {
            "by_role": dict(calls.by_role),
            "by_rule": dict(calls.by_rule),
            "denied": calls.denied,
            "failed": calls.failed,
            "poll_call": calls.poll_call,
            "poll_mean": calls.poll_mean,
            "poll_min": calls.poll_min,
            "poll_max": calls.poll_max,
        },
    }


def calls_json(calls: CallsReport, unread: int) -> dict[str, Any]:
    return {
        "count": calls.count,
        "first_at": maybe_iso(calls.first_at),
        "last_at": maybe_iso(calls.last_at),
        "watched": calls.watched,
        "measured": calls.measured,
        "complete_to": maybe_iso(calls.complete_to),
        "by_rule": dict(calls.by_rule),
        "unread": unread,
    }
