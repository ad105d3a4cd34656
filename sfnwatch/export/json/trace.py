"""The machine-readable trace, version 1: a contract that other programs rely on.

Keys may be added, never renamed. Strings are AWS's, unaltered, and come out with
everything but printable ASCII escaped.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

import msgspec

from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.wording import grouped
from sfnwatch.export.facts import (
    Facts,
    call_facts,
    execution_facts,
    facts_of_task,
    fields_of,
    map_run_facts,
    visit_facts,
)
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.values import ascii_json

VERSION = 1


def dump(snapshot: Snapshot, out: TextIO) -> None:
    """Print the trace as one object; equal traces give equal texts."""
    told = trace_json(snapshot)
    try:
        # In C, which takes less than half the time.
        text = msgspec.json.format(ascii_json(told), indent=2)
    except msgspec.DecodeError:
        # A string of AWS may hold half of a surrogate pair.
        text = ascii_json(told, indent=2)
    out.write(f"{text}\n")


def trace_json(snapshot: Snapshot) -> Facts:
    """Give the whole trace as JSON values.

    Executions stand in the order they started, visits in that of their ids, calls in
    that of their times. Each has its findings; those of the trace as a whole stand
    beside them.
    """
    told = findings_json(find(snapshot))
    map_runs = {*snapshot.lineage.map_runs, *snapshot.map_runs, *snapshot.listed_of}
    return {
        "sfnwatch_trace": VERSION,
        "executions": [
            {
                **execution_facts(snapshot, execution),
                "visits": [visit_facts(visit) for visit in execution.visits],
                "findings": told[arn],
            }
            for arn, execution in snapshot.executions.items()
        ],
        "findings": told[None],
        "calls": [call_facts(call, snapshot.link(call)) for call in snapshot.calls],
        "task_states": [
            state
            for arn in snapshot.task_states
            for state in facts_of_task(snapshot, arn)
        ],
        "map_runs": [map_run_facts(snapshot, arn) for arn in sorted(map_runs)],
    }


def findings_json(findings: Iterable[Finding]) -> Mapping[str | None, list[Facts]]:
    """Give what was found of each execution, and of the trace as a whole."""
    own = grouped(map(finding_json, findings), lambda told: told["execution"])
    return defaultdict(list, own)


def finding_json(finding: Finding) -> dict[str, Any]:
    told = fields_of(finding, "certainty", "text", "evidence", "data")
    return {"kind": finding.kind, "execution": finding.execution_arn, **told}
