"""A comparison of two executions as JSON."""

from collections import Counter
from collections.abc import Mapping
from statistics import median
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis
from sfnwatch.analysis.compare.attempt_pair import AttemptPair, CallTally
from sfnwatch.analysis.compare.compared_execution import ComparedExecution
from sfnwatch.analysis.compare.comparison import Comparison
from sfnwatch.analysis.compare.definitions import DefinitionChanges
from sfnwatch.analysis.compare.end import visit_end
from sfnwatch.analysis.compare.iterations import IterationGroup
from sfnwatch.analysis.compare.length_pair import LengthPair
from sfnwatch.analysis.compare.remarks import remarks
from sfnwatch.analysis.compare.sentences import comparison_findings
from sfnwatch.analysis.compare.visit_pair import VisitPair
from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.phases import Phase
from sfnwatch.export.facts import (
    Facts,
    fields_of,
)
from sfnwatch.export.json.trace import DOCUMENT_VERSION
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import role_of_call
from sfnwatch.model.visits import StateVisit

_PHASES = {Phase.COMPLETION_LAG: "noticing", Phase.CONTAINER: "around"}
"""The phases that have another name in a comparison."""


def comparison_json(comparison: Comparison) -> Facts:
    """Return a comparison as JSON values, version 1.

    sfnwatch_compare   1
    a, b               each execution: arn, name, state_machine_arn, role_arn, status,
                       error, started_at, stopped_at, event_count, visit_count,
                       attempt_count, calls (the number by role), failed_calls,
                       cloudtrail_latency (the median), redrive_count
    same               true if the two did the same; times and polls don't count
    verdict, remarks   sentences: the result; what may explain it, what is not known
    calls_compared     false if one side's calls are not known
    same_input         true, false or null (not known)
    seconds            of the whole executions: {a, b, difference, ratio}
    parts              the same for each phase of the states' time
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

    All lengths are in seconds; `difference` is b - a, `ratio` is b / a.
    """
    differences = list(map(_told, comparison.differences))
    return {
        "sfnwatch_compare": DOCUMENT_VERSION,
        "a": _side(comparison.a),
        "b": _side(comparison.b),
        "same": not differences,
        "verdict": [sentence.text for sentence in comparison_findings(comparison)],
        "remarks": remarks(comparison),
        **fields_of(comparison, "calls_compared", "same_input"),
        "seconds": _json(comparison.seconds),
        "parts": _parts(comparison.phases),
        "first_difference": differences[0] if differences else None,
        "differences": differences,
        "slowdown": comparison.largest_change(1),
        "speedup": comparison.largest_change(-1),
        "not_compared": list(map(_told, comparison.gaps)),
        "definitions": _json(comparison.definitions),
        "states": list(map(_pair, comparison.pairs)),
        "iterations": [_group(*each) for each in comparison.groups.items()],
    }


def _told(finding: Finding) -> Facts:
    return {"kind": finding.kind, "text": finding.text, **_json(finding.data)}


def _json(value: Any) -> Any:
    """Return a value with the fields of its structs as keys, and seconds rounded."""
    match value:
        case LengthPair():
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


def _parts(phases: Mapping[Phase, LengthPair]) -> Facts:
    return {_PHASES.get(p, str(p)): _json(lengths) for p, lengths in phases.items()}


def _side(side: ComparedExecution) -> Facts:
    execution = side.execution
    calls = side.calls.sure
    link = side.analysis.snapshot.link
    roles = Counter(role_of_call(call, link(call)) for call in calls)
    seen = [(call.seen_at, call.event_time) for call in calls]
    lags = [max(0.0, (at - made).total_seconds()) for at, made in seen if at]
    return {
        **fields_of(execution, "arn", "name", "state_machine_arn", "role_arn"),
        "status": execution.status,
        "error": side.error,
        **fields_of(execution, "started_at", "stopped_at", "event_count"),
        "visit_count": len(side.analysis.visits),
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
        f"error_{which}": visit and visit_end(visit).error,
    }


def _attempt_pair(pair: AttemptPair) -> Facts:
    return {
        "number": pair.number,
        **_end(pair.a, "a"),
        **_end(pair.b, "b"),
        "seconds": _json(pair.seconds),
        "calls": _json(pair.calls),
    }


def _end(case: AttemptAnalysis | None, which: str) -> Facts:
    """Return how an attempt ended, and how Step Functions learned of it."""
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
    found = group.largest_change(sign)
    return found and {"index": found[0], "seconds": _json(found[1])}
