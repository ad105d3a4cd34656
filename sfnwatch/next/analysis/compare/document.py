"""A comparison as a document for people, and as JSON for programs.

The JSON is version 1: keys may be added, never renamed.

    sfnwatch_compare   1
    a, b               each execution: arn, name, state_machine_arn, role_arn, status,
                       error, started_at, stopped_at, event_count, visit_count,
                       attempt_count, calls (how many, by what for), failed_calls,
                       cloudtrail_latency (the median), redrive_count
    same               true if the two did the same; times and polls don't count
    verdict, remarks   sentences: what it comes to; what explains it, what is not known
    calls_compared     false where one side's calls are not known
    same_input         true, false or null (not known)
    seconds            of the whole: {a, b, difference, ratio}
    parts              the same, by what the states' time was spent on
    first_difference   one of `differences`, or null
    differences        in the order of A: kind, text, state (a place in `states`, or
                       null), index, attempt (from 1), a, b, call
    slowdown, speedup  the state that changed most: a place in `states`, or null
    not_compared       what could not be compared: kind, side ("a", "b", null: both),
                       count, text
    definitions        same, only_a, only_b, changed (state to its fields), outside; or
                       null
    states             every pair of visits: path, occurrence, parent (a place), index,
                       presence (both, a, b), moved, visit_a and visit_b (ids),
                       name_a, name_b, type_a, type_b, status_a, status_b,
                       error_a, error_b, seconds, parts, attempts
    iterations         of each Map and Parallel: state (a place), both, a and b (count,
                       median, least, most, …), statuses_a, statuses_b, slower, faster

All lengths are seconds; `difference` is b - a, `ratio` b / a. Strings are AWS's,
unaltered, but for sentences.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from sfnwatch.next.analysis.case import AttemptCase
from sfnwatch.next.analysis.compare.differences import error_of
from sfnwatch.next.analysis.compare.rows import CompareRow, RowKind, compare_rows
from sfnwatch.next.analysis.compare.values import (
    AttemptPair,
    Comparison,
    Difference,
    Iteration,
    IterationGroup,
    Lengths,
    Side,
    VisitPair,
    status_words,
)
from sfnwatch.next.analysis.compare.verdict import remarks, verdict
from sfnwatch.next.analysis.document import (
    Block,
    Column,
    Document,
    Items,
    Paragraph,
    Table,
    section,
)
from sfnwatch.next.analysis.phases import Phase
from sfnwatch.next.analysis.wording import named, short_names
from sfnwatch.next.model.integrations import CallRole
from sfnwatch.next.model.text import duration
from sfnwatch.next.model.times import maybe_iso
from sfnwatch.next.model.visits import StateVisit

VERSION = 1
_PHASES = {Phase.COMPLETION_LAG: "noticing", Phase.CONTAINER: "around"}
"""Phases that version 1 has another word for."""
_DIFFERENCE = ("kind", "text", "state", "index", "attempt", "a", "b", "call")
_FIGURES = frozenset({RowKind.STATE, RowKind.PHASE, RowKind.ALIKE})
_INDENT = "\u2003\u2003"
"""Em spaces, which Markdown keeps."""
_NAME = 20
"""A name is cut to so many cells before a column goes."""

# -- for people ------------------------------------------------------------------------


def comparison_document(comparison: Comparison) -> Document:
    """Write a comparison as a document: who, what it comes to, state by state."""
    answer, *others = verdict(comparison)
    rows = compare_rows(comparison)
    told, lines = remarks(comparison), list(_details(comparison, rows))
    blocks: list[Block] = [
        _sides(comparison),
        Paragraph(answer.text, strong=True),
        *others,
        *section("Conditions and limits", [Items(tuple(told))] if told else [], 1),
        *section("States", [_states(rows)] if rows else [], 1),
        *section("Details", [Items(tuple(lines))] if lines else [], 1),
    ]
    return Document(tuple(blocks))


def _sides(comparison: Comparison) -> Table:
    names = short_names([side.execution.name for side in comparison.sides])
    rows = map(_side_row, comparison.sides, names)
    letters, titles, statuses, lengths, begun = zip(*rows, strict=True)
    return Table(
        (
            Column("", letters),
            Column("Execution", titles, least=_NAME),
            Column("Status", statuses),
            Column("Duration", lengths, right=True),
            Column("Started (UTC)", begun, rank=1),
        )
    )


def _side_row(side: Side, name: str) -> tuple[str, ...]:
    execution, seconds = side.execution, side.seconds
    machine, begun = execution.state_machine_name, execution.started_at
    title = f"{named(machine)} › " if machine else ""
    return (
        side.letter,
        f"{title}{named(name)}",
        status_words(execution.status),
        duration(seconds) if seconds is not None else "",
        f"{begun:%Y-%m-%d %H:%M:%S}" if begun else "",
    )


def _states(rows: Sequence[CompareRow]) -> Table:
    told = [row for row in rows if row.kind in _FIGURES]
    names = tuple(f"{_INDENT * row.depth}{row.label}" for row in told)
    ratios = tuple(row.seconds.ratio_words for row in told)
    return Table(
        (
            Column("", tuple(row.mark for row in told)),
            Column("State", names, least=_NAME),
            Column("A", tuple(row.a.text for row in told), right=True),
            Column("B", tuple(row.b.text for row in told), right=True),
            Column("B − A", tuple(row.seconds.more_words for row in told), right=True),
            Column("B / A", ratios, right=True, rank=1),
        )
    )


def _details(comparison: Comparison, rows: Sequence[CompareRow]) -> Iterator[str]:
    """Write what is no figure: each with the state that it is of."""
    for row in rows:
        title = comparison.pairs[row.place].title
        if row.kind is RowKind.GROUP:
            yield f"{title}: {row.label}"
        elif row.kind is RowKind.DETAIL and not row.minor:
            told = (("A", row.a.text), ("B", row.b.text))
            sides = "; ".join(f"{letter} {text}" for letter, text in told if text)
            yield f"{title}, {row.label}: {sides}"


# -- for programs ----------------------------------------------------------------------


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Give a comparison as JSON values."""
    differences = list(map(_difference, comparison.differences))
    definitions = comparison.definitions
    return {
        "sfnwatch_compare": VERSION,
        "a": _side(comparison.a),
        "b": _side(comparison.b),
        "same": not differences,
        "verdict": [sentence.text for sentence in verdict(comparison)],
        "remarks": remarks(comparison),
        "calls_compared": comparison.calls_compared,
        "same_input": comparison.same_input,
        "seconds": _json(comparison.seconds),
        "parts": _parts(comparison.phases),
        "first_difference": differences[0] if differences else None,
        "differences": differences,
        "slowdown": comparison.extreme(1),
        "speedup": comparison.extreme(-1),
        "not_compared": _json(comparison.gaps),
        "definitions": definitions and {"same": definitions.same, **_json(definitions)},
        "states": list(map(_pair, comparison.pairs)),
        "iterations": [_group(*each) for each in comparison.groups.items()],
    }


def _json(value: Any) -> Any:
    """Give a value with the fields of its structs as keys, and seconds rounded."""
    match value:
        case Lengths():
            ratio = None if value.ratio is None else round(value.ratio, 4)
            lengths = {"a": value.a, "b": value.b, "difference": value.difference}
            return {**_json(lengths), "ratio": ratio}
        case Struct():
            return _json(asdict(value))
        case Mapping():
            return {key: _json(each) for key, each in value.items()}
        case list() | tuple():
            return list(map(_json, value))
        case float():
            return round(value, 3)
    return value


def _difference(difference: Difference) -> dict[str, Any]:
    return {key: _json(getattr(difference, key)) for key in _DIFFERENCE}


def _parts(phases: Mapping[Phase, Lengths]) -> dict[str, Any]:
    return {_PHASES.get(p, str(p)): _json(lengths) for p, lengths in phases.items()}


def _side(side: Side) -> dict[str, Any]:
    execution = side.execution
    roles = Counter(map(side.role_of, side.calls))
    return {
        "arn": execution.arn,
        "name": execution.name,
        "state_machine_arn": execution.state_machine_arn,
        "role_arn": execution.role_arn,
        "status": execution.status,
        "error": side.error,
        "started_at": maybe_iso(execution.started_at),
        "stopped_at": maybe_iso(execution.stopped_at),
        "event_count": execution.event_count,
        "visit_count": len(side.visits),
        "attempt_count": len(side.attempts),
        "calls": {str(role): roles[role] for role in CallRole},
        "failed_calls": sum(call.error_code is not None for call in side.calls),
        "cloudtrail_latency": _json(side.cloudtrail_latency),
        "redrive_count": len(execution.redrives),
    }


def _pair(pair: VisitPair) -> dict[str, Any]:
    return {
        "path": pair.visit.path,
        "occurrence": pair.occurrence,
        "parent": pair.parent,
        "index": pair.visit.index,
        "presence": "both" if pair.both else "a" if pair.a is not None else "b",
        "moved": pair.moved,
        **_visit(pair.a, "a"),
        **_visit(pair.b, "b"),
        "seconds": _json(pair.seconds),
        "parts": _parts(pair.phases),
        "attempts": list(map(_attempt, pair.attempts)),
    }


def _visit(visit: StateVisit | None, which: str) -> dict[str, Any]:
    return {
        f"visit_{which}": visit and visit.id,
        f"name_{which}": visit and visit.name,
        f"type_{which}": visit and visit.type,
        f"status_{which}": visit and visit.status,
        f"error_{which}": visit and error_of(visit),
    }


def _attempt(pair: AttemptPair) -> dict[str, Any]:
    return {
        "number": pair.number,
        **_end(pair.a, "a"),
        **_end(pair.b, "b"),
        "seconds": _json(pair.seconds),
        "calls": _json(pair.calls),
    }


def _end(case: AttemptCase | None, which: str) -> dict[str, Any]:
    """Tell how an attempt ended, and how Step Functions learned of it."""
    told = case.completion if case is not None else None
    return {
        f"status_{which}": case and case.attempt.status,
        f"error_{which}": case and case.attempt.error,
        f"noticed_{which}": told
        and {"seconds": _json(told.lag), "by": str(told.by), "certain": told.certain},
    }


def _group(state: int, group: IterationGroup) -> dict[str, Any]:
    return {
        "state": state,
        "both": sum(bool(i.status_a and i.status_b) for i in group.iterations),
        "a": _json(group.a),
        "b": _json(group.b),
        "statuses_a": group.statuses_a,
        "statuses_b": group.statuses_b,
        "slower": _iteration(group.extreme(1)),
        "faster": _iteration(group.extreme(-1)),
    }


def _iteration(each: Iteration | None) -> dict[str, Any] | None:
    if each is None:
        return None
    return {"index": each.index, "seconds": _json(each.seconds)}
