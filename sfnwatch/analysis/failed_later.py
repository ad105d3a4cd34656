"""Findings on jobs that failed after the state that began them had succeeded."""

from collections.abc import Iterator, Sequence
from typing import Any

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.grouping import report_groups
from sfnwatch.analysis.job_failures import JobFailures, leaves_job
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import plural
from sfnwatch.model.arns import short_id


def failed_later(case: ExecutionAnalysis, failed: JobFailures) -> Iterator[Finding]:
    """Yield findings on states that succeeded although their jobs failed later."""
    for use in filter(leaves_job, case.states if failed else ()):
        well = [each for each in use.attempts if each.attempt.status == "succeeded"]
        jobs = ((each, job) for each in well for job in each.attempt.resource_ids)
        left = [(each, job) for each, job in jobs if job in failed]
        bad = [(own, job) for own, job in left if failed[job].witness != own.end_event]
        for those in report_groups(bad):
            yield _failed_later(those, failed)


def _failed_later(
    bad: Sequence[tuple[AttemptAnalysis, str]], failures: JobFailures
) -> Finding:
    each, job = bad[0]
    end = failures[job]
    row = each.attempt.integration
    thing = row.job_word if row else "job"
    what = f"the {thing} it started ({named(short_id(job))}) {end.words}"
    if len(bad) > 1:
        what = f"{plural(len(bad), thing)} it started {end.words} or failed otherwise"
    text = f"{named(each.visit.name)} succeeded without waiting, but {what}."
    proofs = [i for each, job in bad for i in (each.end_event, failures[job].witness)]
    data: dict[str, Any] = {**each.place, "job": job, "count": len(bad)}
    data |= {"exit_code": end.exit_code, "stop_code": end.stop_code}
    return finding("job-failed-later", text, filter(None, proofs), **data)
