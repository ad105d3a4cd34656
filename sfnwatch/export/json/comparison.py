"""A comparison of two executions as JSON."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
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
from sfnwatch.export.facts import Facts, fields_of
from sfnwatch.export.json.trace import DOCUMENT_VERSION
from sfnwatch.model.api_call import ApiCall
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
    differences = [_sentence(finding) for finding in comparison.differences]
    verdict = [sentence.text for sentence in comparison_findings(comparison)]
    iterations = []
    for state, group in comparison.groups.items():
        iterations.append(_iterations(state, group))
    return {
        "sfnwatch_compare": DOCUMENT_VERSION,
        "a": _side(comparison.a),
        "b": _side(comparison.b),
        "same": not differences,
        "verdict": verdict,
        "remarks": remarks(comparison),
        **fields_of(comparison, "calls_compared", "same_input"),
        "seconds": _json(comparison.seconds),
        "parts": _parts(comparison.phases),
        "first_difference": differences[0] if differences else None,
        "differences": differences,
        "slowdown": comparison.largest_change(1),
        "speedup": comparison.largest_change(-1),
        "not_compared": [_sentence(gap) for gap in comparison.gaps],
        "definitions": _json(comparison.definitions),
        "states": [_visit_pair(pair) for pair in comparison.pairs],
        "iterations": iterations,
    }


def _sentence(finding: Finding) -> Facts:
    return {"kind": finding.kind, "text": finding.text, **_json(finding.data)}


def _json(value: Any) -> Any:
    """Return a value with the fields of its structs as keys, and seconds rounded."""
    match value:
        case LengthPair():
            return _lengths(value)
        case Struct():
            return _json(asdict(value))
        case CallTally() | DefinitionChanges():
            return _json(vars(value))
        case Mapping():
            return {key: _json(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_json(item) for item in value]
        case float():
            return round(value, 3)
    return value


def _lengths(pair: LengthPair) -> Facts:
    facts: Facts = {
        "a": _json(pair.a),
        "b": _json(pair.b),
        "difference": _json(pair.difference),
        "ratio": None,
    }
    if pair.ratio is not None:
        facts["ratio"] = round(pair.ratio, 4)
    return facts


def _parts(phases: Mapping[Phase, LengthPair]) -> Facts:
    facts: Facts = {}
    for phase, lengths in phases.items():
        name = _PHASES.get(phase, str(phase))
        facts[name] = _lengths(lengths)
    return facts


def _side(side: ComparedExecution) -> Facts:
    execution = side.execution
    calls = side.calls.sure
    snapshot = side.analysis.snapshot
    role_counts = Counter(role_of_call(call, snapshot.link(call)) for call in calls)
    latencies = list(_cloudtrail_latencies(calls))
    failed_calls = [call for call in calls if call.error_code is not None]
    return {
        **fields_of(execution, "arn", "name", "state_machine_arn", "role_arn"),
        "status": execution.status,
        "error": side.error,
        **fields_of(execution, "started_at", "stopped_at", "event_count"),
        "visit_count": len(side.analysis.visits),
        "attempt_count": len(side.attempts),
        "calls": {str(role): role_counts[role] for role in CallRole},
        "failed_calls": len(failed_calls),
        "cloudtrail_latency": _json(median(latencies)) if latencies else None,
        "redrive_count": len(execution.redrives),
    }


def _cloudtrail_latencies(calls: Iterable[ApiCall]) -> Iterator[float]:
    """Yield the seconds until CloudTrail showed a call, for calls read from it."""
    for call in calls:
        if call.seen_at is not None:
            latency = call.seen_at - call.event_time
            yield max(0.0, latency.total_seconds())


def _visit_pair(pair: VisitPair) -> Facts:
    return {
        "path": pair.visit.path,
        "occurrence": pair.occurrence,
        "parent": pair.around.place if pair.around else None,
        "index": pair.visit.index,
        "presence": _presence(pair),
        "moved": pair.moved,
        **_visit(pair.a, "a"),
        **_visit(pair.b, "b"),
        "seconds": _json(pair.seconds),
        "parts": _parts(pair.phases),
        "attempts": [_attempt_pair(attempts) for attempts in pair.attempts],
    }


def _presence(pair: VisitPair) -> str:
    """Return which side has the visit."""
    if pair.both:
        return "both"
    return "a" if pair.a is not None else "b"


def _visit(visit: StateVisit | None, side: str) -> Facts:
    fields = fields_of(visit, "id", "name", "type", "status")
    return {
        f"visit_{side}": fields["id"],
        f"name_{side}": fields["name"],
        f"type_{side}": fields["type"],
        f"status_{side}": fields["status"],
        f"error_{side}": visit_end(visit).error if visit else None,
    }


def _attempt_pair(pair: AttemptPair) -> Facts:
    return {
        "number": pair.number,
        **_attempt_end(pair.a, "a"),
        **_attempt_end(pair.b, "b"),
        "seconds": _json(pair.seconds),
        "calls": _json(pair.calls),
    }


def _attempt_end(analysis: AttemptAnalysis | None, side: str) -> Facts:
    """Return how an attempt ended, and how Step Functions learned of it."""
    facts: Facts = dict.fromkeys((f"status_{side}", f"error_{side}", f"noticed_{side}"))
    if analysis is None:
        return facts
    facts[f"status_{side}"] = analysis.attempt.status
    facts[f"error_{side}"] = analysis.attempt.error
    completion = analysis.completion
    if completion is not None:
        facts[f"noticed_{side}"] = {
            "seconds": _json(completion.lag),
            "by": str(completion.by),
            "certain": completion.certain,
        }
    return facts


def _iterations(state: int, group: IterationGroup) -> Facts:
    """Return the iterations of one state; `state` is its place in `states`."""
    indexes_in_both = group.a.statuses.keys() & group.b.statuses.keys()
    return {
        "state": state,
        "both": len(indexes_in_both),
        "a": _json(group.a.spread),
        "b": _json(group.b.spread),
        "statuses_a": Counter(group.a.statuses.values()),
        "statuses_b": Counter(group.b.statuses.values()),
        "slower": _largest_change(group, 1),
        "faster": _largest_change(group, -1),
    }


def _largest_change(group: IterationGroup, sign: int) -> Facts | None:
    change = group.largest_change(sign)
    if change is None:
        return None
    index, lengths = change
    return {"index": index, "seconds": _lengths(lengths)}
