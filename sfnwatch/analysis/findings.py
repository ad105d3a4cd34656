"""What a trace shows, in sentences, each with its evidence and its certainty.

Where evidence is missing, a finding says that it is missing, and nothing more: a
missing record does not prove that nothing happened. The findings are those of a
snapshot: a replay does not show the end at its beginning.
"""

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from sfnwatch.analysis.awaited import awaited
from sfnwatch.analysis.calls_alone import calls_alone
from sfnwatch.analysis.caught import caught
from sfnwatch.analysis.child_outcomes import children
from sfnwatch.analysis.completions import completions
from sfnwatch.analysis.conclusions import conclusions
from sfnwatch.analysis.denied_polls import denials
from sfnwatch.analysis.emulators import endpoints, moto_sample
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis, analyse_execution
from sfnwatch.analysis.failed import failed, failed_out_of_sight
from sfnwatch.analysis.failed_calls import failed_calls
from sfnwatch.analysis.failed_later import failed_later
from sfnwatch.analysis.failed_map_runs import map_runs_failed
from sfnwatch.analysis.finding import Finding, Steps
from sfnwatch.analysis.headlines import headline
from sfnwatch.analysis.job_failures import JobFailures, job_failures
from sfnwatch.analysis.lateness import record_delays
from sfnwatch.analysis.network_activity import network_activity
from sfnwatch.analysis.not_visible import not_loaded, not_visible
from sfnwatch.analysis.patterns import patterns
from sfnwatch.analysis.polling import polling
from sfnwatch.analysis.redrives import redriven
from sfnwatch.analysis.retries import container_retries, retries
from sfnwatch.analysis.time_findings import time_findings
from sfnwatch.analysis.topics import topic_order
from sfnwatch.analysis.trace_analysis import TraceAnalysis
from sfnwatch.analysis.unnamed_tasks import unnamed_tasks
from sfnwatch.analysis.unpolled_calls import unpolled_calls
from sfnwatch.analysis.variables import variables
from sfnwatch.analysis.work import Work
from sfnwatch.model.snapshot import Snapshot

_OF_STATE = (denials, completions, polling, unpolled_calls, retries, failed_calls)
"""The findings on a state, in their order."""


def find(snapshot: Snapshot, now: datetime | None = None) -> list[Finding]:
    """Find all: for each execution and child execution, then for the whole trace.

    What still runs is measured to `now`. Without it, that is the snapshot's time, or
    else the time of the newest record.
    """
    steps = find_in_steps(snapshot, now)
    return [finding for finding in steps if finding is not None]


def find_in_steps(snapshot: Snapshot, now: datetime | None = None) -> Steps:
    """Yield all findings, and None wherever other work may be done in between.

    Once the trace changes, the search must begin again.
    """
    trace_analysis = TraceAnalysis(snapshot, now)
    yield from trace_analysis.sort_calls()
    roots = yield from _analyse_executions(trace_analysis, trace_analysis.roots)
    nested = yield from _analyse_executions(trace_analysis, snapshot.children)
    failures = yield from job_failures(snapshot, [*roots, *nested])
    for analysis in (*roots, *nested):
        findings: list[Finding] = []
        for finding in _of_execution(analysis, failures):
            if finding is None:
                yield None
            else:
                execution = analysis.execution
                of_execution = replace(
                    finding,
                    execution_arn=execution.arn,
                    headline=headline(finding, execution),
                )
                findings.append(of_execution)
        findings.sort(key=topic_order)
        yield from findings
        yield None
    yield from conclusions(roots)
    yield from calls_alone(trace_analysis)
    yield from network_activity(trace_analysis)
    yield from endpoints(snapshot, roots)
    yield from not_loaded(trace_analysis, roots)
    yield from record_delays(snapshot)


def _analyse_executions(
    trace_analysis: TraceAnalysis, arns: Iterable[str]
) -> Work[list[ExecutionAnalysis]]:
    analyses = []
    for arn in arns:
        execution = trace_analysis.snapshot.executions[arn]
        analysis = yield from analyse_execution(trace_analysis, execution)
        analyses.append(analysis)
        yield
    return analyses


def _of_execution(analysis: ExecutionAnalysis, failures: JobFailures) -> Steps:
    yield from failed(analysis)
    yield from failed_out_of_sight(analysis)
    yield from patterns(analysis)
    yield None
    for state in analysis.states:
        for attempt in state.attempts:
            # These are cached: they are worked out here, once, with pauses.
            _ = attempt.intervals, attempt.complete, attempt.completion
            yield None
        for find_of_state in _OF_STATE:
            yield from find_of_state(state)
            yield None
    searches = (
        caught(analysis),
        children(analysis),
        failed_later(analysis, failures),
        redriven(analysis),
        map_runs_failed(analysis),
        container_retries(analysis),
        time_findings(analysis),
        unnamed_tasks(analysis),
        variables(analysis),
        awaited(analysis),
        moto_sample(analysis),
        not_visible(analysis),
    )
    for findings in searches:
        yield from findings
        yield None
