"""What a trace shows, in sentences, each with its evidence and its certainty.

Where evidence is missing, a finding says that it is missing, and nothing more: a
missing record does not prove that nothing happened. The findings are those of a
snapshot: a replay does not show the end at its beginning.

A Parallel lasts as long as its slowest branch. So each second is counted once, along
the critical path: the states of the top level, and inside a Parallel or a Map the
states of the branch or iteration that its end waited for.
"""

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from sfnwatch.analysis.calls_alone import calls_alone
from sfnwatch.analysis.caught import caught
from sfnwatch.analysis.child_outcomes import children
from sfnwatch.analysis.completions import completions
from sfnwatch.analysis.conclusions import conclusions
from sfnwatch.analysis.denied_polls import denials
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis, analyse_execution
from sfnwatch.analysis.failed import failed, failed_out_of_sight
from sfnwatch.analysis.failed_calls import failed_calls
from sfnwatch.analysis.failed_later import failed_later
from sfnwatch.analysis.failed_map_runs import map_runs_failed
from sfnwatch.analysis.finding import Finding, Steps
from sfnwatch.analysis.job_failures import JobFailures, job_failures
from sfnwatch.analysis.lateness import lateness
from sfnwatch.analysis.not_visible import not_loaded, not_visible
from sfnwatch.analysis.patterns import patterns
from sfnwatch.analysis.polling import polling
from sfnwatch.analysis.redrives import redriven
from sfnwatch.analysis.retries import container_retries, retries
from sfnwatch.analysis.time_findings import time_findings
from sfnwatch.analysis.topics import topic_order
from sfnwatch.analysis.trace_analysis import TraceAnalysis
from sfnwatch.analysis.unpolled_calls import unpolled_calls
from sfnwatch.analysis.work import Work
from sfnwatch.model.snapshot import Snapshot

_OF_STATE = (denials, completions, polling, unpolled_calls, retries, failed_calls)
"""The findings on a state, in their order."""


def find(snapshot: Snapshot, now: datetime | None = None) -> list[Finding]:
    """Find all: for each execution and child execution, then for the whole trace.

    What still runs is measured to `now`. Without it, that is the snapshot's time, or
    else the time of the newest record.
    """
    return [found for found in find_in_steps(snapshot, now) if found is not None]


def find_in_steps(snapshot: Snapshot, now: datetime | None = None) -> Steps:
    """Yield all findings, and None wherever other work may be done in between.

    Once the trace changes, the search must begin again.
    """
    survey = TraceAnalysis(snapshot, now)
    yield from survey.look()
    roots: list[ExecutionAnalysis] = yield from _cases(survey, survey.roots)
    nested: list[ExecutionAnalysis] = yield from _cases(survey, snapshot.children)
    failures = yield from job_failures(snapshot, [*roots, *nested])
    for case in (*roots, *nested):
        told: list[Finding] = []
        for found in _of_execution(case, failures):
            if found is None:
                yield None
            else:
                told.append(replace(found, execution_arn=case.execution.arn))
        yield from sorted(told, key=topic_order)
        yield None
    yield from conclusions(roots)
    yield from calls_alone(survey)
    yield from not_loaded(survey, roots)
    yield from lateness(snapshot)


def _cases(survey: TraceAnalysis, arns: Iterable[str]) -> Work[list[ExecutionAnalysis]]:
    cases = []
    for arn in arns:
        case = yield from analyse_execution(survey, survey.snapshot.executions[arn])
        cases.append(case)
        yield
    return cases


def _of_execution(case: ExecutionAnalysis, failures: JobFailures) -> Steps:
    yield from failed(case)
    yield from failed_out_of_sight(case)
    yield from patterns(case)
    yield None
    for use in case.states:
        # Each attempt's cached figures are worked out here, once, with pauses.
        for _ in ((a.intervals, a.complete, a.completion) for a in use.attempts):
            yield None
        for tell in _OF_STATE:
            yield from tell(use)
            yield None
    outcome = caught(case), children(case), failed_later(case, failures), redriven(case)
    others = map_runs_failed(case), container_retries(case), time_findings(case)
    for findings in (*outcome, *others, not_visible(case)):
        yield from findings
        yield None
