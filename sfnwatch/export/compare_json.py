"""A comparison for other programs, version 1: keys may be added, never renamed.

    sfnwatch_compare   1
    a, b               each execution: arn, name, state_machine_arn, role_arn, status,
                       error, started_at, stopped_at, event_count, visit_count,
                       attempt_count, calls (how many, by what for), failed_calls,
                       cloudtrail_latency (the median)
    same               true if the two did the same; times and polls don't count
    verdict, remarks   sentences: what it comes to; what explains it, what is not known
    calls_compared     false where one side's calls are not known
    same_input         true, false or null (not known)
    seconds            of the whole: {a, b, difference, ratio}
    parts              the same, by what the states' time was spent on
    first_difference   one of `differences`, or null
    differences        in the order of A: kind, text, state (a place in `states`, or
                       null), attempt (from 1), a, b
    slowdown, speedup  the state that changed most: a place in `states`, or null
    not_compared       what could not be compared: kind, side ("a", "b", null: both),
                       count, text
    definitions        only_a, only_b, changed (state to its fields), outside; or null
    states             every pair of visits: path, occurrence, parent (a place), index,
                       presence (both, a, b), moved, visit_a and visit_b (ids),
                       name_a, name_b, type_a, type_b, status_a, status_b,
                       error_a, error_b, seconds, parts, attempts
    iterations         of each Map and Parallel: state (a place), a and b (count,
                       median, least, most, …), statuses_a, statuses_b, slower, faster

All lengths are seconds; `difference` is b - a, `ratio` b / a. Strings are AWS's,
unaltered, but for sentences; everything but printable ASCII is escaped.
"""

from collections.abc import Mapping
from typing import Any, TextIO

from sfnwatch.trace.compare_differences import error_of
from sfnwatch.trace.compare_points import (
    CallPair,
    CallTally,
    Definitions,
    Difference,
    Gap,
)
from sfnwatch.trace.compare_remarks import gap_sentence, remarks
from sfnwatch.trace.compare_values import (
    Change,
    Comparison,
    Group,
    Iteration,
    Pair,
    Side,
    Spread,
    TryPair,
)
from sfnwatch.trace.compare_verdict import verdict
from sfnwatch.trace.compare_words import difference_sentence
from sfnwatch.trace.notice import Notice
from sfnwatch.trace.payload import ascii_json
from sfnwatch.trace.spans import Part
from sfnwatch.trace.times import maybe_iso
from sfnwatch.trace.visits import StateVisit

VERSION = 1


def write_json(comparison: Comparison, out: TextIO) -> None:
    """Print a comparison as one object; equal ones give equal texts."""
    out.write(f"{ascii_json(comparison_json(comparison), indent=2)}\n")


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Give a comparison as JSON values."""
    differences = [_difference(comparison, d) for d in comparison.differences]
    return {
        "sfnwatch_compare": VERSION,
        "a": _side(comparison.a),
        "b": _side(comparison.b),
        "same": not differences,
        "verdict": list(verdict(comparison)),
        "remarks": list(remarks(comparison)),
        "calls_compared": comparison.calls_compared,
        "same_input": comparison.same_input,
        "seconds": _change(comparison.seconds),
        "parts": _parts(comparison.parts),
        "first_difference": differences[0] if differences else None,
        "differences": differences,
        "slowdown": _place(comparison, comparison.slower),
        "speedup": _place(comparison, comparison.faster),
        "not_compared": [_gap(comparison, gap) for gap in comparison.gaps],
        "definitions": _definitions(comparison.definitions),
        "states": [_pair(pair) for pair in comparison.pairs],
        "iterations": [_group(group) for group in comparison.groups.values()],
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "arn": side.execution_arn,
        "name": side.name,
        "state_machine_arn": side.state_machine_arn,
        "role_arn": side.role_arn,
        "status": side.status,
        "error": side.error,
        "started_at": maybe_iso(side.started_at),
        "stopped_at": maybe_iso(side.stopped_at),
        "event_count": side.events,
        "visit_count": side.visits,
        "attempt_count": side.tries,
        "calls": {str(role): count for role, count in side.calls.items()},
        "failed_calls": side.failed_calls,
        "cloudtrail_latency": _seconds(side.latency),
        "redrive_count": len(side.redrives),
    }


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _change(change: Change) -> dict[str, float | None]:
    return {
        "a": _seconds(change.a),
        "b": _seconds(change.b),
        "difference": _seconds(change.difference),
        "ratio": None if change.ratio is None else round(change.ratio, 4),
    }


def _parts(parts: Mapping[Part, Change]) -> dict[str, Any]:
    return {str(part): _change(change) for part, change in parts.items()}


def _place(comparison: Comparison, pair: Pair | None) -> int | None:
    return None if pair is None else comparison.places[pair.path, pair.occurrence]


# -- what is different ---------------------------------------------------------------


def _difference(comparison: Comparison, difference: Difference) -> dict[str, Any]:
    return {
        "kind": str(difference.sort),
        "text": difference_sentence(comparison, difference),
        "state": difference.place,
        "index": difference.index,
        "attempt": difference.number,
        "a": difference.a,
        "b": difference.b,
        "call": None if difference.call is None else _call(difference.call),
    }


def _gap(comparison: Comparison, gap: Gap) -> dict[str, Any]:
    return {
        "kind": str(gap.kind),
        "side": None if gap.which is None else str(gap.which),
        "count": gap.count,
        "text": gap_sentence(comparison, gap),
    }


def _definitions(definitions: Definitions | None) -> dict[str, Any] | None:
    if definitions is None:
        return None
    return {
        "same": definitions.same,
        "only_a": list(definitions.only_a),
        "only_b": list(definitions.only_b),
        "changed": {name: list(fields) for name, fields in definitions.changed},
        "outside": definitions.outside,
    }


# -- states --------------------------------------------------------------------------


def _pair(pair: Pair) -> dict[str, Any]:
    a, b = pair.a, pair.b
    return {
        "path": pair.path,
        "occurrence": pair.occurrence,
        "parent": pair.parent,
        "index": pair.index,
        "presence": "both" if pair.both else "a" if a is not None else "b",
        "moved": pair.moved,
        **_visit(a, "a"),
        **_visit(b, "b"),
        "seconds": _change(pair.seconds),
        "parts": _parts(pair.parts),
        "attempts": [_try(tried) for tried in pair.tries],
    }


def _visit(visit: StateVisit | None, side: str) -> dict[str, Any]:
    told = (
        (None,) * 5
        if visit is None
        else (visit.id, visit.name, visit.type, visit.status, error_of(visit))
    )
    keys = ("visit", "name", "type", "status", "error")
    return {f"{key}_{side}": value for key, value in zip(keys, told, strict=True)}


def _try(tried: TryPair) -> dict[str, Any]:
    a, b = tried.a, tried.b
    return {
        "number": tried.number,
        "status_a": a.status if a is not None else None,
        "status_b": b.status if b is not None else None,
        "error_a": a.error if a is not None else None,
        "error_b": b.error if b is not None else None,
        "seconds": _change(tried.seconds),
        "noticed_a": _notice(tried.noticed_a),
        "noticed_b": _notice(tried.noticed_b),
        "calls": [_call(call) for call in tried.calls],
    }


def _notice(told: Notice | None) -> dict[str, Any] | None:
    if told is None:
        return None
    return {
        "seconds": _seconds(told.seconds),
        "by": str(told.by),
        "certain": told.certain,
    }


def _call(call: CallPair) -> dict[str, Any]:
    return {
        "role": str(call.role),
        "event_source": call.source,
        "event_name": call.name,
        "a": _tally(call.a),
        "b": _tally(call.b),
    }


def _tally(tally: CallTally | None) -> dict[str, Any] | None:
    if tally is None:
        return None
    return {
        "count": tally.count,
        "failed": tally.failed,
        "error_codes": dict(tally.errors),
        "interval_mean": _seconds(tally.interval),
        "interval_min": _seconds(tally.shortest),
        "interval_max": _seconds(tally.longest),
        "guessed": tally.guessed,
        "first": tally.first,
    }


# -- iterations ----------------------------------------------------------------------


def _group(group: Group) -> dict[str, Any]:
    return {
        "state": group.place,
        "both": group.both,
        "a": _spread(group.a),
        "b": _spread(group.b),
        "statuses_a": dict(group.statuses_a),
        "statuses_b": dict(group.statuses_b),
        "slower": _iteration(group.slower),
        "faster": _iteration(group.faster),
    }


def _spread(spread: Spread | None) -> dict[str, Any] | None:
    if spread is None:
        return None
    return {
        "count": spread.count,
        "median": _seconds(spread.median),
        "least": _seconds(spread.least),
        "least_index": spread.least_index,
        "most": _seconds(spread.most),
        "most_index": spread.most_index,
    }


def _iteration(iteration: Iteration | None) -> dict[str, Any] | None:
    if iteration is None:
        return None
    return {"index": iteration.index, "seconds": _change(iteration.seconds)}
