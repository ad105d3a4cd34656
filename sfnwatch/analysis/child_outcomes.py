"""Findings on what became of Map Runs and child executions."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import asdict

from sfnwatch.analysis.ending_error import ended_with
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, Steps, finding
from sfnwatch.analysis.grouping import ranked
from sfnwatch.analysis.lists import listed_counts, some
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import plural
from sfnwatch.analysis.reasons import error_words
from sfnwatch.analysis.statuses import status_words
from sfnwatch.analysis.trace_analysis import TraceAnalysis
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import role_name, short_id
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.execution_list import UNSUCCESSFUL
from sfnwatch.model.map_runs import MapRun, map_run_name
from sfnwatch.model.started_executions import Parent
from sfnwatch.model.texts import clean

_CAUSE = 160
_BECAME = ("failed", "timed_out", "aborted", "succeeded", "running", "pending")
"""The statuses of a Map Run's executions, failures first."""


def children(case: ExecutionAnalysis) -> Steps:
    """Yield findings on an execution's Map Runs, and on children that failed."""
    lineage = case.snapshot.lineage
    arn = case.execution.arn
    started = case.trace_analysis.started
    for told in case.snapshot.map_runs.values():
        parent = lineage.map_runs.get(told.arn)
        if parent is not None and parent.execution_arn == arn:
            yield from _map_run(case, told, parent)
    for child in started.get(arn, ()):
        if child.status in UNSUCCESSFUL:
            yield _child_failed(case, child, lineage.parents[child.arn])


def _map_run(case: ExecutionAnalysis, told: MapRun, parent: Parent) -> Steps:
    """Yield a finding on a Map Run, if an event shows that it was started."""
    turns = case.execution.map_run_turns
    starts = [f"#{turn.event.id}" for turn in turns if turn.arn == told.arn]
    if not starts:
        return
    read = case.trace_analysis.started.get(told.arn, ())
    ends = list[str]()
    for child in read:
        if child.status in UNSUCCESSFUL:
            error, _ = ended_with(case.snapshot, child)
            ends.append(error or child.status)
            yield None
    counts = told.executions
    errors = ranked(ends)
    reasons = f" ({listed_counts(errors)})" if errors else ""
    became = [f"{n:,} {status_words(k)}" for k in _BECAME if (n := getattr(counts, k))]
    verb = "was" if len(read) == 1 else "were"
    histories = f"{len(read):,} of the {counts.total:,} child histories {verb} read"
    if len(read) >= counts.total:
        histories = "All child histories were read" if read else "No child has run yet"
    text = f"{case.state_name(parent.visit_id)} ran"
    text += f" {plural(told.items.total, 'item')} as"
    text += f" {plural(counts.total, 'child execution')}:"
    text += f" {some(became, 6) or 'none has started'}{reasons}. {histories}."
    data: dict[str, Any] = {"map_run": told.arn, "visit": parent.visit_id or None}
    data |= {"status": told.status, **asdict(counts)}
    yield finding("children", text, starts, **data, histories=len(read), errors=errors)


def _child_failed(
    case: ExecutionAnalysis, child: ExecutionAsOf, parent: Parent
) -> Finding:
    error, cause = ended_with(case.snapshot, child)
    name = named(f"{child.state_machine_name} › {short_id(child.name)}")
    attempt = parent.attempt_id
    reason = error_words(error, cause, _CAUSE)
    text = f"The child execution started by {case.state_name(parent.visit_id)}, {name},"
    text += f" ended as {child.status}{f' with {reason}' if reason else ''}."
    data: dict[str, Any] = {"execution": child.arn, "visit": parent.visit_id or None}
    data |= {"attempt": attempt, "status": child.status, "error": error or child.status}
    return finding("child-failed", text, [f"#{attempt}"] if attempt else [], **data)


def unread_children(
    survey: TraceAnalysis, calls: Sequence[ApiCall]
) -> tuple[list[Finding], Sequence[ApiCall]]:
    """Return findings on Map Runs' executions that were not read, and other calls.

    The calls of these executions can't be told from calls of strangers with the same
    role. The calls returned are `calls` without those by such a role.
    """
    snapshot = survey.snapshot
    unread = list[tuple[MapRun, int]]()
    roles: set[str | None] = set()
    for told in snapshot.map_runs.values():
        parent = snapshot.lineage.map_runs.get(told.arn)
        owner = snapshot.executions.get(parent.execution_arn) if parent else None
        count = told.executions.total - len(survey.started.get(told.arn, ()))
        if owner is not None and count > 0:
            unread.append((told, count))
            roles.add(role_name(owner.role_arn))
    roles.discard(None)
    theirs = [call for call in calls if call.role in roles]
    rest = [call for call in calls if call.role not in roles]
    return [_unread(told, count, theirs) for told, count in unread], rest


def _unread(told: MapRun, count: int, calls: Sequence[ApiCall]) -> Finding:
    text = f"{count:,} of the {plural(told.executions.total, 'child execution')} of Map"
    text += f" Run {clean(map_run_name(told.arn))} {'was' if count == 1 else 'were'}"
    text += " counted but not read"
    if calls:
        names = listed_counts(ranked(call.event_name for call in calls))
        text += f"; {plural(len(calls), 'call')} by that role may belong to them"
        text += f" ({names})"
    what: dict[str, Any] = {"reason": "children-unread", "map_run": told.arn}
    return finding("unseen", f"{text}.", calls, **what, count=count, calls=len(calls))
