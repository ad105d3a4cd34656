"""The machine-readable trace, version 1: a contract that other programs rely on.

Keys may be added, never renamed. Strings are AWS's, unaltered, and come out with
everything but printable ASCII escaped.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TextIO

from msgspec import Struct
from msgspec.structs import asdict

from sfnwatch.next.analysis.finding import Finding
from sfnwatch.next.analysis.findings import find
from sfnwatch.next.analysis.report import ExecutionReport, Report
from sfnwatch.next.analysis.state_table import StateRow
from sfnwatch.next.analysis.time_spent import PHASE_KEYS
from sfnwatch.next.export.facts import (
    Facts,
    call_facts,
    execution_facts,
    map_run_facts,
    task_state_facts,
    visit_facts,
)
from sfnwatch.next.model.json_text import ascii_json
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.times import iso

VERSION = 1


def dump(moment: Moment, out: TextIO) -> None:
    """Print the trace as one object; equal traces give equal texts."""
    out.write(f"{ascii_json(trace_json(moment), indent=2)}\n")


def trace_json(moment: Moment) -> Facts:
    """Give the whole trace as JSON values.

    Executions stand in the order they started, visits in that of their ids, calls in
    that of their times. Each has its findings; those of the trace as a whole stand
    beside them.
    """
    told = findings_json(find(moment))
    map_runs = {*moment.lineage.map_runs, *moment.map_runs, *moment.listed_of}
    return {
        "sfnwatch_trace": VERSION,
        "executions": [
            {
                **execution_facts(moment, execution),
                "visits": [visit_facts(visit) for visit in execution.visits],
                "findings": told[arn],
            }
            for arn, execution in moment.executions.items()
        ],
        "findings": told[None],
        "calls": [call_facts(call, moment.link(call)) for call in moment.calls],
        "task_states": list(task_state_facts(moment)),
        "map_runs": [map_run_facts(moment, arn) for arn in sorted(map_runs)],
    }


def findings_json(findings: Iterable[Finding]) -> Mapping[str | None, list[Facts]]:
    """Give what was found of each execution, and of the trace as a whole."""
    told = defaultdict[str | None, list[Facts]](list)
    for finding in findings:
        told[finding.execution_arn].append(finding_json(finding))
    return told


def finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "execution": finding.execution_arn,
        "certainty": str(finding.certainty),
        "text": finding.text,
        "evidence": list(finding.evidence),
        "data": dict(finding.data),
    }


# -- the report ------------------------------------------------------------------------


def dump_report(report: Report, out: TextIO) -> None:
    """Print a report as one object: a contract, like the trace's own.

    `findings` is a flat list of all, each with its `execution`; `executions` has what
    is no finding.
    """
    out.write(f"{ascii_json(report_json(report), indent=2)}\n")


def report_json(report: Report) -> Facts:
    return {
        "sfnwatch_trace": VERSION,
        "findings": [finding_json(finding) for finding in report.findings],
        "executions": [_execution_json(each) for each in report.executions],
        "calls": {**_plain(report.calls), "unread": report.unread},
    }


def _execution_json(execution: ExecutionReport) -> Facts:
    facts, verdict = _plain(execution), _plain(execution.verdict)
    del verdict["redrives"]
    for key in ("execution_arn", "left_out", "failures", "integrations"):
        del facts[key]
    return {
        "arn": execution.execution_arn,
        **facts,
        "status": verdict.pop("status"),
        "verdict": verdict,
        "states": [_state_json(row) for row in execution.states],
        "states_left_out": execution.left_out,
    }


def _state_json(row: StateRow) -> Facts:
    """Give one row of the table of states; lengths in seconds."""
    facts = _plain(row)
    phases = facts.pop("phases").items()
    del facts["id_word"]
    parts = {PHASE_KEYS[phase]: seconds for phase, seconds in phases}
    return {**facts, "parts": parts, "calls": _plain(row.calls)}


def _plain(struct: Struct) -> Facts:
    """Give the fields of a struct, its times as we write them."""
    fields = asdict(struct).items()
    return {k: iso(v) if isinstance(v, datetime) else v for k, v in fields}
