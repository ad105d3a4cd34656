"""What became of what an execution began: of Map Runs, of executions that failed."""

from collections import Counter
from collections.abc import Iterator, Sequence

from sfnwatch.trace.arns import role_name, short_id
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.family import Begun
from sfnwatch.trace.finding import Certainty, Finding, evidence
from sfnwatch.trace.finding_case import Case
from sfnwatch.trace.finding_words import named, plural, some
from sfnwatch.trace.map_runs import Counts, MapRun
from sfnwatch.trace.nests import map_run_name
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.words import cause_words

_CAUSE = 160
_BAD = frozenset({"FAILED", "TIMED_OUT", "ABORTED"})


def children(case: Case) -> Iterator[Finding]:
    """Tell of the Map Runs of an execution, and of nested executions that failed."""
    timeline = case.timeline
    for arn, begun in timeline.began_map_runs.items():
        told = case.trace.map_runs.get(arn)
        if told is not None:
            yield _map_run(case, told, begun)
    for arn, begun in timeline.began.items():
        child = case.trace.histories.get(arn)
        if child is not None and child.status in _BAD:
            yield _failed(case, child, begun)


def _map_run(case: Case, told: MapRun, begun: Begun) -> Finding:
    counts = told.executions
    own = [
        case.trace.histories[arn]
        for arn, parent in case.trace.family.parents.items()
        if parent.map_run_arn == told.arn
    ]
    errors = Counter(_error(child) for child in own if child.status in _BAD)
    ranked = sorted(errors.items(), key=lambda item: (-item[1], item[0]))
    why = f" ({some([f'{n} {named(e)}' for e, n in ranked])})" if ranked else ""
    return Finding(
        kind="children",
        certainty=Certainty.FACT,
        text=f"{_state(case, begun)} ran {plural(told.items.total, 'item')} as"
        f" {plural(counts.total, 'execution')} of {_its(counts.total)} own:"
        f" {_outcome(counts)}{why}."
        f" {plural(len(own), 'history', 'histories')} of them"
        f" {'is' if len(own) == 1 else 'are'} here.",
        evidence=evidence(_starts(case.timeline, told.arn)),
        data={
            "map_run": told.arn,
            "visit": begun.visit_id or None,
            "status": told.status,
            "total": counts.total,
            "succeeded": counts.succeeded,
            "failed": counts.failed,
            "timed_out": counts.timed_out,
            "aborted": counts.aborted,
            "running": counts.running,
            "pending": counts.pending,
            "histories": len(own),
            "errors": dict(ranked),
        },
    )


def _its(count: int) -> str:
    return "its" if count == 1 else "their"


def _outcome(counts: Counts) -> str:
    """Say what they came to, failures first: `3 failed, 37 succeeded`."""
    if counts.total and counts.succeeded == counts.total:
        return "it succeeded" if counts.total == 1 else "all of them succeeded"
    told = (
        (counts.failed, "failed"),
        (counts.timed_out, "timed out"),
        (counts.aborted, "were aborted"),
        (counts.succeeded, "succeeded"),
        (counts.running, "run"),
        (counts.pending, "are pending"),
    )
    return some([f"{n:,} {word}" for n, word in told if n]) or "none has begun"


def _starts(timeline: Timeline, map_run_arn: str) -> Iterator[str]:
    for event in timeline.ordered:
        if event.detail("mapRunArn") == map_run_arn:
            yield f"#{event.id}"


def _state(case: Case, begun: Begun) -> str:
    visit = case.timeline.visits.by_id.get(begun.visit_id)
    return named(visit.name) if visit else "A Map state"


def _failed(case: Case, child: Timeline, begun: Begun) -> Finding:
    cause = child.ending.detail("cause") if child.ending else None
    reason = f": {clean(cause_words(cause), _CAUSE)}" if cause else ""
    name = f"{child.state_machine_name} › {short_id(child.name)}"
    return Finding(
        kind="child-failed",
        certainty=Certainty.FACT,
        text=f"The execution that {_state(case, begun)} started, {named(name)}, ended"
        f" as {child.status} with {named(_error(child))}{reason}.",
        evidence=evidence([f"#{begun.attempt_id}"] if begun.attempt_id else []),
        data={
            "execution": child.execution_arn,
            "visit": begun.visit_id or None,
            "attempt": begun.attempt_id,
            "status": child.status,
            "error": _error(child),
        },
    )


def _error(child: Timeline) -> str:
    error = child.ending.detail("error") if child.ending else None
    return error or child.status


def unread_children(
    trace: Trace, calls: Sequence[ApiCall]
) -> tuple[tuple[Finding, ...], tuple[ApiCall, ...]]:
    """Tell of executions of Map Runs that were not read, and of calls by their role.

    What they called can't be told from calls of strangers with that role: those are
    taken out of `calls`, and the rest is given back.
    """
    roles: set[str] = set()
    found: list[tuple[MapRun, int]] = []
    for told in trace.map_runs.values():
        begun = trace.family.map_runs.get(told.arn)
        parents = trace.family.parents.values()
        own = sum(parent.map_run_arn == told.arn for parent in parents)
        if begun is not None and told.executions.total > own:
            found.append((told, told.executions.total - own))
            role = role_name(trace.histories[begun.execution_arn].role_arn)
            roles |= {role} if role else set()
    theirs = [call for call in calls if call.role in roles]
    findings = tuple(_unread(told, count, theirs) for told, count in found)
    return findings, tuple(call for call in calls if call.role not in roles)


def _unread(told: MapRun, count: int, calls: Sequence[ApiCall]) -> Finding:
    names = Counter(call.event_name for call in calls)
    ranked = sorted(names.items(), key=lambda item: (-item[1], item[0]))
    of_calls = f"{plural(len(calls), 'call')} of their role may be theirs"
    what = f": {of_calls} ({some([f'{n} {named(c)}' for c, n in ranked])})"
    return Finding(
        kind="unseen",
        certainty=Certainty.FACT,
        text=f"{count:,} of the {plural(told.executions.total, 'execution')} of Map Run"
        f" {clean(map_run_name(told.arn))} were counted and not read"
        f"{what if calls else ''}.",
        evidence=evidence(call.event_id for call in calls),
        data={
            "reason": "children-unread",
            "map_run": told.arn,
            "count": count,
            "calls": len(calls),
        },
    )
