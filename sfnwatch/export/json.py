"""The machine-readable trace, version 1: a contract that other programs rely on.

Keys may be added, never renamed. Strings are AWS's, unaltered, and come out with
everything but printable ASCII escaped.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any, TextIO

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from sfnwatch.analysis.case import AttemptCase
from sfnwatch.analysis.compare.comparison import Comparison, DefinitionChanges
from sfnwatch.analysis.compare.differences import error_of
from sfnwatch.analysis.compare.iterations import IterationGroup
from sfnwatch.analysis.compare.sentences import remarks, verdict
from sfnwatch.analysis.compare.sides import Lengths, Side
from sfnwatch.analysis.compare.visit_pairs import AttemptPair, CallTally, VisitPair
from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.phases import PHASE_KEYS, Phase
from sfnwatch.analysis.report import ExecutionReport, Report, StateRow
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
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import role_of_call
from sfnwatch.model.linking.parameters import Leaf
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.values import ascii_json
from sfnwatch.model.visits import StateVisit
from sfnwatch.templates import read_template
from sfnwatch.view.considered_attempts import ConsideredAttempt, considered_attempts
from sfnwatch.view.weighing_wording import values_of

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


# -- the report ------------------------------------------------------------------------


def report_json(report: Report) -> Facts:
    """Give a report as one object: a contract, like the trace's own.

    `findings` is a flat list of all, each with its `execution`; `executions` has what
    is no finding.
    """
    return {
        "sfnwatch_trace": VERSION,
        "findings": [finding_json(finding) for finding in report.findings],
        "executions": [_execution_json(each) for each in report.executions],
        "calls": {**_plain(report.calls), "unread": report.unread},
    }


def _execution_json(execution: ExecutionReport) -> Facts:
    run = execution.execution
    verdict = _plain(execution.verdict)
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
    """Give one row of the table of states; lengths in seconds."""
    facts = _plain(row)
    phases = facts.pop("phases").items()
    del facts["id_word"]
    parts = {PHASE_KEYS[phase]: seconds for phase, seconds in phases}
    return {**facts, "parts": parts, "calls": _plain(row.calls)}


def _plain(value: object) -> Facts:
    """Give the fields of a value, its times as we write them."""
    return fields_of(value, *vars(value))


# -- one call --------------------------------------------------------------------------


def why_json(snapshot: Snapshot, call: ApiCall) -> Facts:
    """Give a call, and all attempts that were considered, the one it is of first.

    considered   execution, visit, attempt, role (what the call would be to it), for
                 (ids, each with its word; parameters), against (sentences), different
                 (parameters)

    A parameter has its path, and its value as it was scheduled and as it was called.
    """
    told = [_considered(each) for each in considered_attempts(snapshot, call)]
    return {**call_facts(call, snapshot.link(call)), "considered": told}


def _considered(each: ConsideredAttempt) -> Facts:
    weighed = each.weighed
    arn, scheduled_id = each.weighed.key
    return {
        "execution": arn,
        "visit": each.attempt.visit_id,
        "attempt": scheduled_id,
        "role": str(weighed.role),
        "for": {
            "ids": list(weighed.same),
            "parameters": list(map(_leaf, weighed.comparison.equal)),
        },
        "against": list(weighed.against),
        "different": list(map(_leaf, weighed.comparison.different)),
    }


def _leaf(leaf: Leaf) -> Facts:
    return {key: values_of(value) for key, value in leaf._asdict().items()}


# -- the schema ------------------------------------------------------------------------


def trace_schema() -> dict[str, Any]:
    """Give the schema of `export --to json`."""
    schema: dict[str, Any] = json.loads(read_template("trace.schema.json"))
    return schema


def line_schema() -> dict[str, Any]:
    """Give the schema of each line of `--json`, which shares its parts with that."""
    schema = trace_schema()
    return {
        "$schema": schema["$schema"],
        "title": "A line of sfnwatch --json, version 1",
        "$ref": "#/$defs/line",
        "$defs": schema["$defs"],
    }


# -- two executions beside each other --------------------------------------------------

_PHASES = {Phase.COMPLETION_LAG: "noticing", Phase.CONTAINER: "around"}
"""Phases that a comparison has another word for."""


def comparison_json(comparison: Comparison) -> Facts:
    """Give a comparison as JSON values, version 1.

    sfnwatch_compare   1
    a, b               each execution: arn, name, state_machine_arn, role_arn, status,
                       error, started_at, stopped_at, event_count, visit_count,
                       attempt_count, calls (how many, by what for), failed_calls,
                       cloudtrail_latency (the median), redrive_count
    same               true if the two did the same; times and polls don't count
    verdict, remarks   sentences: what it comes to; what explains it, what is open
    calls_compared     false where one side's calls are not known
    same_input         true, false or null (not known)
    seconds            of the whole: {a, b, difference, ratio}
    parts              the same, by what the states' time was spent on
    first_difference   one of `differences`, or null
    differences        in the order of A: kind, text, state (a place in `states`, or
                       null), index, attempt (from 1), a, b, call
    slowdown, speedup  the state that changed most: a place in `states`, or null
    not_compared       what could not be compared: kind, side ("a", "b", or null for
                       both), count, text
    definitions        same, only_a, only_b, changed (state to its fields), outside;
                       or null
    states             every pair of visits: path, occurrence, parent (a place),
                       index, presence (both, a, b), moved, visit_a and visit_b (ids),
                       name_a, name_b, type_a, type_b, status_a, status_b,
                       error_a, error_b, seconds, parts, attempts
    iterations         of each Map and Parallel: state (a place), both, a and b
                       (count, median, least, most, …), statuses_a, statuses_b,
                       slower, faster

    All lengths are seconds; `difference` is b - a, `ratio` b / a.
    """
    differences = list(map(_told, comparison.differences))
    return {
        "sfnwatch_compare": VERSION,
        "a": _side(comparison.a),
        "b": _side(comparison.b),
        "same": not differences,
        "verdict": [sentence.text for sentence in verdict(comparison)],
        "remarks": remarks(comparison),
        **fields_of(comparison, "calls_compared", "same_input"),
        "seconds": _json(comparison.seconds),
        "parts": _parts(comparison.phases),
        "first_difference": differences[0] if differences else None,
        "differences": differences,
        "slowdown": comparison.extreme(1),
        "speedup": comparison.extreme(-1),
        "not_compared": list(map(_told, comparison.gaps)),
        "definitions": _json(comparison.definitions),
        "states": list(map(_pair, comparison.pairs)),
        "iterations": [_group(*each) for each in comparison.groups.items()],
    }


def _told(finding: Finding) -> Facts:
    return {"kind": finding.kind, "text": finding.text, **_json(finding.data)}


def _json(value: Any) -> Any:
    """Give a value with the fields of its structs as keys, and seconds rounded."""
    match value:
        case Lengths():
            ratio = None if value.ratio is None else round(value.ratio, 4)
            lengths = {"a": value.a, "b": value.b, "difference": value.difference}
            return {**_json(lengths), "ratio": ratio}
        case Struct():
            return _json(asdict(value))
        case CallTally() | DefinitionChanges():
            return _json(vars(value))
        case Mapping():
            return {key: _json(each) for key, each in value.items()}
        case list() | tuple():
            return list(map(_json, value))
        case float():
            return round(value, 3)
    return value


def _parts(phases: Mapping[Phase, Lengths]) -> Facts:
    return {_PHASES.get(p, str(p)): _json(lengths) for p, lengths in phases.items()}


def _side(side: Side) -> Facts:
    execution = side.execution
    calls = side.calls.sure
    link = side.case.snapshot.link
    roles = Counter(role_of_call(call, link(call)) for call in calls)
    seen = [(call.seen_at, call.event_time) for call in calls]
    lags = [max(0.0, (at - made).total_seconds()) for at, made in seen if at]
    return {
        **fields_of(execution, "arn", "name", "state_machine_arn", "role_arn"),
        "status": execution.status,
        "error": side.error,
        **fields_of(execution, "started_at", "stopped_at", "event_count"),
        "visit_count": len(side.case.visits),
        "attempt_count": len(side.attempts),
        "calls": {str(role): roles[role] for role in CallRole},
        "failed_calls": sum(call.error_code is not None for call in calls),
        "cloudtrail_latency": _json(median(lags)) if lags else None,
        "redrive_count": len(execution.redrives),
    }


def _pair(pair: VisitPair) -> Facts:
    return {
        "path": pair.visit.path,
        "occurrence": pair.occurrence,
        "parent": pair.around and pair.around.place,
        "index": pair.visit.index,
        "presence": "both" if pair.both else "a" if pair.a is not None else "b",
        "moved": pair.moved,
        **_visit(pair.a, "a"),
        **_visit(pair.b, "b"),
        "seconds": _json(pair.seconds),
        "parts": _parts(pair.phases),
        "attempts": list(map(_attempt_pair, pair.attempts)),
    }


def _visit(visit: StateVisit | None, which: str) -> Facts:
    return {
        f"visit_{which}": visit and visit.id,
        f"name_{which}": visit and visit.name,
        f"type_{which}": visit and visit.type,
        f"status_{which}": visit and visit.status,
        f"error_{which}": visit and error_of(visit),
    }


def _attempt_pair(pair: AttemptPair) -> Facts:
    return {
        "number": pair.number,
        **_end(pair.a, "a"),
        **_end(pair.b, "b"),
        "seconds": _json(pair.seconds),
        "calls": _json(pair.calls),
    }


def _end(case: AttemptCase | None, which: str) -> Facts:
    """Tell how an attempt ended, and how Step Functions learned of it."""
    told = case.completion if case is not None else None
    return {
        f"status_{which}": case and case.attempt.status,
        f"error_{which}": case and case.attempt.error,
        f"noticed_{which}": told
        and {"seconds": _json(told.lag), "by": str(told.by), "certain": told.certain},
    }


def _group(state: int, group: IterationGroup) -> Facts:
    return {
        "state": state,
        "both": len(group.a.statuses.keys() & group.b.statuses.keys()),
        "a": _json(group.a.spread),
        "b": _json(group.b.spread),
        "statuses_a": Counter(group.a.statuses.values()),
        "statuses_b": Counter(group.b.statuses.values()),
        "slower": _extreme(group, 1),
        "faster": _extreme(group, -1),
    }


def _extreme(group: IterationGroup, sign: int) -> Facts | None:
    found = group.extreme(sign)
    return found and {"index": found[0], "seconds": _json(found[1])}
