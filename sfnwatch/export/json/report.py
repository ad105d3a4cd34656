"""A report as JSON."""

from sfnwatch.analysis.phases import PHASE_KEYS
from sfnwatch.analysis.report import ExecutionReport, Report
from sfnwatch.analysis.state_row import StateRow
from sfnwatch.export.facts import Facts, fields_of
from sfnwatch.export.json.trace import DOCUMENT_VERSION, finding_json


def report_json(report: Report) -> Facts:
    """Return a report as one object: a contract, like the trace's own.

    `findings` is a flat list of all findings, each with its `execution`. `executions`
    has everything else.
    """
    return {
        "sfnwatch_trace": DOCUMENT_VERSION,
        "findings": [finding_json(finding) for finding in report.findings],
        "executions": [_execution_json(execution) for execution in report.executions],
        "calls": {**all_fields(report.calls), "unread": report.unread},
    }


def _execution_json(execution: ExecutionReport) -> Facts:
    run = execution.execution
    verdict = all_fields(execution.verdict)
    del verdict["redrives"]
    return {
        **fields_of(run, "arn", "name"),
        "state_machine": run.state_machine_name,
        **fields_of(run, "role_arn", "started_at", "stopped_at", "event_count"),
        "verdict": verdict,
        "states": [_state_json(row) for row in execution.states],
        "status": verdict.pop("status"),
        "states_left_out": execution.left_out,
    }


def _state_json(row: StateRow) -> Facts:
    """Return one row of the table of states; lengths are in seconds."""
    facts = all_fields(row)
    del facts["id_word"]
    phases = facts.pop("phases")
    parts = {PHASE_KEYS[phase]: seconds for phase, seconds in phases.items()}
    return {**facts, "parts": parts, "calls": all_fields(row.calls)}


def all_fields(value: object) -> Facts:
    """Return the fields of a value, with times in our format."""
    return fields_of(value, *vars(value))
