"""Findings on jobs that failed after the state that began them had succeeded."""

from collections.abc import Iterator, Sequence
from typing import Any

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.grouping import report_groups
from sfnwatch.analysis.integration_words import leaves_job
from sfnwatch.analysis.job_failures import JobFailure, JobFailures
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import plural
from sfnwatch.model.arns import short_id

_ONE = "{state} succeeded without waiting, but the {job} it started ({id}) {end}."
_SEVERAL = (
    "{state} succeeded without waiting, but {jobs} it started {end} or failed"
    " otherwise."
)
_FailedJob = tuple[AttemptAnalysis, str, JobFailure]
"""The attempt that started a job, the job's id, and how the job failed."""


def failed_later(
    analysis: ExecutionAnalysis, failures: JobFailures
) -> Iterator[Finding]:
    """Yield findings on states that succeeded although their jobs failed later."""
    for state in analysis.states:
        if not failures or not leaves_job(state.first):
            continue
        failed: list[_FailedJob] = []
        for attempt in state.attempts:
            failed += _failed_jobs(attempt, failures)
        for jobs in report_groups(failed):
            yield _failed_later(jobs)


def _failed_jobs(
    attempt: AttemptAnalysis, failures: JobFailures
) -> Iterator[_FailedJob]:
    """Yield the failed jobs of an attempt that succeeded."""
    if attempt.attempt.status != "succeeded":
        return
    for job in attempt.attempt.resource_ids:
        failure = failures.get(job)
        if failure is not None and failure.witness != attempt.end_event:
            yield attempt, job, failure


def _failed_later(jobs: Sequence[_FailedJob]) -> Finding:
    attempt, job, failure = jobs[0]
    integration = attempt.attempt.integration
    noun = integration.job_word if integration else "job"
    template = _ONE if len(jobs) == 1 else _SEVERAL
    text = template.format(
        state=attempt.state.name,
        job=noun,
        jobs=plural(len(jobs), noun),
        id=named(short_id(job)),
        end=failure.words,
    )
    proofs = []
    for each_attempt, _, each_failure in jobs:
        proofs.append(each_attempt.end_event)
        if each_failure.witness:
            proofs.append(each_failure.witness)
    data: dict[str, Any] = {
        **attempt.place,
        "job": job,
        "count": len(jobs),
        "exit_code": failure.exit_code,
        "stop_code": failure.stop_code,
    }
    return finding("job-failed-later", text, proofs, **data)
