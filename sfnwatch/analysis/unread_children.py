"""Findings on child executions that a Map Run counts, but that were not read."""

from collections.abc import Sequence

from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.grouping import ranked
from sfnwatch.analysis.lists import listed_counts
from sfnwatch.analysis.quantities import agreeing, plural
from sfnwatch.analysis.trace_analysis import TraceAnalysis
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import role_name
from sfnwatch.model.map_runs import MapRun, map_run_name
from sfnwatch.model.texts import clean

_UNREAD = (
    "{count:,} of the {children} of Map Run {name} {were} counted, histories not"
    " fetched{calls}."
)
_CALLS = "; {calls} by that role may belong to them ({names})"


def unread_children(
    trace_analysis: TraceAnalysis, calls: Sequence[ApiCall]
) -> tuple[list[Finding], Sequence[ApiCall]]:
    """Return findings on Map Runs' executions that were not read, and other calls.

    The calls of these executions can't be told from calls of strangers with the same
    role. The calls returned are `calls` without those by such a role.
    """
    snapshot = trace_analysis.snapshot
    unread = []
    roles = set()
    for map_run in snapshot.map_runs.values():
        parent = snapshot.lineage.map_runs.get(map_run.arn)
        owner = snapshot.executions.get(parent.execution_arn) if parent else None
        read = trace_analysis.started.get(map_run.arn, ())
        count = map_run.executions.total - len(read)
        if owner is not None and count > 0:
            unread.append((map_run, count))
            roles.add(role_name(owner.role_arn))
    roles.discard(None)
    by_role = [call for call in calls if call.role in roles]
    others = [call for call in calls if call.role not in roles]
    findings = [_unread(map_run, count, by_role) for map_run, count in unread]
    return findings, others


def _unread(map_run: MapRun, count: int, calls: Sequence[ApiCall]) -> Finding:
    call_words = ""
    if calls:
        names = listed_counts(ranked(call.event_name for call in calls))
        call_words = _CALLS.format(calls=plural(len(calls), "call"), names=names)
    text = _UNREAD.format(
        count=count,
        children=plural(map_run.executions.total, "child execution"),
        name=clean(map_run_name(map_run.arn)),
        were=agreeing(count, "was", "were"),
        calls=call_words,
    )
    return finding(
        "unseen",
        text,
        calls,
        reason="children-unread",
        map_run=map_run.arn,
        count=count,
        calls=len(calls),
    )
