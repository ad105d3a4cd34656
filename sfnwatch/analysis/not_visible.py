"""Findings on what is not visible of an execution or of a trace, and why."""

from collections.abc import Iterator, Sequence
from functools import partial

from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.missing_calls import missing_calls
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import plural, time_of_day
from sfnwatch.analysis.trace_analysis import TraceAnalysis
from sfnwatch.analysis.unmatched_calls import unmatched_calls
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.execution_list import UNKNOWN
from sfnwatch.model.source_health import WITHOUT_CALLS, HealthState
from sfnwatch.model.texts import clean

_NAMED_MAP_RUNS = 5
"""The most Map Runs that a finding's data names."""
_MESSAGE_CHARACTERS = 200
_TROUBLE = frozenset({HealthState.DENIED, HealthState.EXPIRED, HealthState.REFUSED})
_NOT_LOADED = "The history of {name} is not in what was opened: what it did is unknown."
_NOT_READ = "The history of {name} was not read, so what it did is unknown."
_NOT_WHOLE = (
    "The history of {name} is incomplete: {events} loaded, the last one is #{id}."
)
_CUT = (
    "The history of {name} is incomplete: {events} loaded, the last one is #{id}, and"
    " it went on to its end ({status})."
)
_SUCCESS_HIDDEN = (
    "Only failures of {name} are logged: whether it succeeded or still runs is not"
    " known."
)
_NO_END = (
    "The history of {name} stops before its end: whether it still runs, and how it"
    " ended, is not known."
)
_MAP_RUNS = "{map_runs} started: what child executions did is not in this history."
_REFUSED = "CloudTrail could not be read to the end ({state})"
_INCOMPLETE = "{known}, and {execution} ended at {ended}: later calls may be missing."
_NO_CLOUDTRAIL = "No CloudTrail data loaded, so API calls and polling are unknown."
_NO_HISTORY = (
    "There is no execution history here: calls alone show what was called, but not how"
    " an execution ended."
)

_unseen = partial(finding, "unseen")


def not_visible(analysis: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield what could not be seen of an execution."""
    trace_analysis = analysis.trace_analysis
    yield from _history(analysis.execution)
    yield from missing_calls(analysis)
    yield from _map_runs(analysis)
    yield from _other_executions(analysis)
    can_show = any(trace_analysis.shows(state.integration) for state in analysis.states)
    if trace_analysis.watched and can_show:
        yield from _incomplete(analysis)
        yield from unmatched_calls(trace_analysis, analysis.execution.arn)


def _history(execution: ExecutionAsOf) -> Iterator[Finding]:
    """Yield what of a history is missing: AWS numbers events from 1 without a gap."""
    events = execution.events
    name = named(execution.name)
    if not events:
        template = _NOT_READ if execution.was_watched else _NOT_LOADED
        yield _unseen(template.format(name=name), reason="no-history")
        return
    last = max(event.id for event in events)
    missing = last - len(events)
    is_cut = not execution.running and execution.ending is None
    if missing or is_cut:
        template = _CUT if is_cut else _NOT_WHOLE
        text = template.format(
            name=name,
            events=plural(len(events), "event is", "events are"),
            id=last,
            status=named(execution.status),
        )
        yield _unseen(text, [f"#{last}"], reason="history-gap", missing=missing)
    if execution.status == UNKNOWN:
        template = _SUCCESS_HIDDEN if execution.hides_success else _NO_END
        yield _unseen(template.format(name=name), [f"#{last}"], reason="no-end")


def _map_runs(analysis: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield a finding on Map Runs of which only the events are known."""
    arns = []
    proofs = []
    for event, arn in analysis.execution.map_run_turns:
        if event.type == "MapRunStarted" and arn not in analysis.snapshot.map_runs:
            arns.append(arn or None)
            proofs.append(f"#{event.id}")
    if arns:
        map_runs = plural(len(arns), "Map Run was", "Map Runs were")
        text = _MAP_RUNS.format(map_runs=map_runs)
        kept = arns[:_NAMED_MAP_RUNS]
        yield _unseen(text, proofs, reason="map-run", count=len(arns), map_runs=kept)


def _other_executions(analysis: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield the number of other executions of its machine: they share its role."""
    snapshot = analysis.snapshot
    execution = analysis.execution
    begin = execution.started_at
    if begin is None or snapshot.at is not None:
        return  # the lists are of today, not of the replay's time
    count = snapshot.trace.execution_lists.count_others(
        execution.arn, begin, execution.stopped_at, snapshot.executions
    )
    if count:
        text = (
            f"{plural(count, 'other execution')} of this machine ran at the same time."
        )
        yield finding("other-executions", text, count=count)


def _incomplete(analysis: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield how far CloudTrail is known, if that is short of the execution's end."""
    health = analysis.snapshot.health.get("lookup")
    ended = analysis.execution.stopped_at
    if health is not None and health.state in WITHOUT_CALLS:
        message = clean(health.message, _MESSAGE_CHARACTERS)
        yield _unseen(message, reason=f"cloudtrail-{health.state}")
    elif health is not None and health.state in _TROUBLE:
        text = _REFUSED.format(state=health.state)
        message = clean(health.message, _MESSAGE_CHARACTERS)
        text = f"{text}: {message}" if health.message else f"{text}."
        yield _unseen(text, reason="cloudtrail-refused")
    elif ended is not None and not analysis.trace_analysis.covers(ended):
        text = _INCOMPLETE.format(
            known=_known_words(analysis.trace_analysis),
            execution=named(analysis.execution.name),
            ended=time_of_day(ended),
        )
        known = analysis.trace_analysis.coverage.complete_to
        complete_to = None if known is None else f"{known:%Y-%m-%dT%H:%M:%SZ}"
        yield _unseen(text, fact=False, reason="incomplete", complete_to=complete_to)


def _known_words(trace_analysis: TraceAnalysis) -> str:
    """Describe up to what time CloudTrail's records are known."""
    coverage = trace_analysis.coverage
    if coverage.complete_to is None:
        return "How far CloudTrail is complete is unknown"
    known = time_of_day(coverage.complete_to)
    if coverage.live:
        return f"CloudTrail is complete up to {known} (estimate)"
    return f"The newest call loaded is from {known}"


def not_loaded(
    trace_analysis: TraceAnalysis, roots: Sequence[ExecutionAnalysis]
) -> Iterator[Finding]:
    """Yield what is missing altogether; `roots` are the root executions."""
    trace = trace_analysis.snapshot.trace
    if not trace_analysis.watched and any(map(_makes_calls, roots)):
        yield _unseen(_NO_CLOUDTRAIL, reason="no-cloudtrail")
    if trace.calls and not trace_analysis.snapshot.roots:
        yield _unseen(_NO_HISTORY, reason="no-history")
    yield from unmatched_calls(trace_analysis, None)
    count = len(trace.unread)
    if count:
        text = f"{plural(count, 'record')} could not be read."
        yield _unseen(text, reason="unread", count=count)


def _makes_calls(analysis: ExecutionAnalysis) -> bool:
    return any(state.integration is not None for state in analysis.states)
