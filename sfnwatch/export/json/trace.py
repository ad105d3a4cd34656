"""The machine-readable trace, version 1: a contract that other programs rely on.

Keys may be added, never renamed. Strings are AWS's, unaltered; all characters but
printable ASCII are escaped.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

import msgspec

from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.grouping import grouped
from sfnwatch.export.facts import (
    Facts,
    call_facts,
    execution_facts,
    facts_of_task,
    fields_of,
    map_run_facts,
    outcome_facts,
    visit_facts,
)
from sfnwatch.export.json.payloads import (
    call_payloads,
    event_json,
    visit_payloads,
    without_causes,
)
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.values import ascii_json
from sfnwatch.model.visits import StateVisit

DOCUMENT_VERSION = 1


def dump(snapshot: Snapshot, out: TextIO) -> None:
    """Print the trace as one object; equal traces give equal texts."""
    _dump(trace_json(snapshot), out)


def dump_without_payloads(snapshot: Snapshot, out: TextIO) -> None:
    """Print the trace as `dump` does, without what `trace_json` calls payloads."""
    _dump(trace_json(snapshot, payloads=False), out)


def _dump(document: Facts, out: TextIO) -> None:
    try:
        # msgspec formats in C, which takes less than half the time.
        text = msgspec.json.format(ascii_json(document), indent=2)
    except msgspec.DecodeError:
        # msgspec refuses half a surrogate pair, which a string of AWS may hold.
        text = ascii_json(document, indent=2)
    out.write(f"{text}\n")


def trace_json(snapshot: Snapshot, *, payloads: bool = True) -> Facts:
    """Return the whole trace as JSON values.

    Without payloads, it has no inputs, outputs, variables, requests and causes. Its
    findings still say what failed and why.

    Executions are in the order of their starts, visits in the order of their ids, calls
    in the order of their times. Each execution has its findings; the findings of the
    whole trace are beside the executions.
    """
    findings_of = findings_json(find(snapshot))
    executions = []
    for arn, execution in snapshot.executions.items():
        facts = execution_facts(snapshot, execution)
        facts["visits"] = [
            _visit_json(snapshot, execution, visit, payloads=payloads)
            for visit in execution.visits
        ]
        facts["events"] = [
            event_json(snapshot.trace, event, payloads=payloads)
            for event in execution.events
        ]
        facts["findings"] = findings_of[arn]
        executions.append(facts)
    task_states: list[Facts] = []
    for task_arn in snapshot.task_states:
        task_states += facts_of_task(snapshot, task_arn)
    map_runs = {*snapshot.lineage.map_runs, *snapshot.map_runs, *snapshot.listed_of}
    return {
        "sfnwatch_trace": DOCUMENT_VERSION,
        "executions": executions,
        "findings": findings_of[None],
        "calls": [
            _call_json(snapshot, call, payloads=payloads) for call in snapshot.calls
        ],
        "task_states": task_states,
        "map_runs": [map_run_facts(snapshot, arn) for arn in sorted(map_runs)],
    }


def _visit_json(
    snapshot: Snapshot, execution: ExecutionAsOf, visit: StateVisit, *, payloads: bool
) -> Facts:
    facts = {**visit_facts(visit), **outcome_facts(snapshot, execution, visit)}
    if payloads:
        return facts | visit_payloads(snapshot, execution, visit)
    del facts["assigned_variables"]
    without_causes(facts)
    return facts


def _call_json(snapshot: Snapshot, call: ApiCall, *, payloads: bool) -> Facts:
    facts = call_facts(call, snapshot.link(call))
    if payloads:
        facts |= call_payloads(snapshot.trace, call)
    return facts


def findings_json(findings: Iterable[Finding]) -> Mapping[str | None, list[Facts]]:
    """Return the findings by execution; those of the whole trace are under None."""
    facts = map(finding_json, findings)
    by_execution = grouped(facts, lambda finding: finding["execution"])
    return defaultdict(list, by_execution)


def finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "execution": finding.execution_arn,
        **fields_of(finding, "certainty", "headline", "text", "evidence", "data"),
    }
