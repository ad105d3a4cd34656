"""Jobs that failed after their state had succeeded, because it did not wait for them.

A state without `.sync` completes as soon as its call was answered. What became of the
job stands elsewhere, if anywhere: in a later state that asked for it, in a call that
stopped it, in the history of the execution it is, in what ECS told of the task.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from sfnwatch.next.analysis.case import FEW, AttemptCase, Case, StateUse, Survey, Work
from sfnwatch.next.analysis.finding import Finding, finding
from sfnwatch.next.analysis.wording import named, plural
from sfnwatch.next.model.arns import short_id
from sfnwatch.next.model.integrations import Pattern
from sfnwatch.next.model.json_text import list_of, mapping_of, parse_json, text_of
from sfnwatch.next.model.map_run import UNSUCCESSFUL
from sfnwatch.next.model.moment import Moment

_PLAIN = frozenset({Pattern.REQUEST_RESPONSE, Pattern.AWS_SDK})
_BAD_STOPS = frozenset({"TaskFailedToStart", "SpotInterruption", "TerminationNotice"})
_ECS = "ecs.amazonaws.com"
_PAUSE = 20
"""After so many records that had to be decoded, the work may pause."""


class JobFailure(Struct, frozen=True):
    """How a job is known to have failed."""

    words: str
    witness: str
    """The event, the call or the task's state that says so; empty where none does."""
    exit_code: int | None = None
    stop_code: str | None = None


JobFailures = Mapping[str, JobFailure]
"""By the job's id."""


def job_failures(survey: Survey, cases: Sequence[Case]) -> Work[JobFailures]:
    """Find the jobs that are known to have failed, if a state left any behind."""
    found: dict[str, JobFailure] = {}
    if not any(_leaves_job(use) for case in cases for use in case.uses):
        return found
    witnesses = _witnesses(survey.moment, cases)
    for number, (job, failure) in enumerate(witnesses):
        if not number % _PAUSE:
            yield
        if failure is not None:
            found.setdefault(job, failure)
    return found


def _leaves_job(use: StateUse) -> bool:
    row = use.row
    return use.first.pattern in _PLAIN and row is not None and row.starts_job


_Told = Iterator[tuple[str, JobFailure | None]]
"""What a record says of a job, by its id."""


def _witnesses(moment: Moment, cases: Sequence[Case]) -> _Told:
    """Yield what any record says of jobs, the best witness first."""
    for arn, execution in moment.executions.items():
        if execution.status in UNSUCCESSFUL:
            by = f"#{execution.ending.id}" if execution.ending else ""
            yield arn, JobFailure(f"ended as {execution.status}", by)
    for case in cases:
        yield from _described(case)
    for call in moment.calls:
        if call.event_source == _ECS and call.has_answer:
            record = moment.trace.cloudtrail_record(call)
            yield from _tasks(record.get("responseElements"), call.event_id)
    for job, states in moment.task_states.items():
        stopped = next((state for state in reversed(states) if state.stopped), None)
        if stopped is not None:
            codes = [container.exit_code for container in stopped.containers]
            yield job, _failure(codes, stopped.stop_code, stopped.key)


def _described(case: Case) -> _Told:
    """Yield the tasks that a state asked for, or stopped."""
    for use in case.uses:
        # A `.sync` answers with its own task, which says no more than its state.
        sync = use.first.pattern is Pattern.SYNC
        if use.row is None or use.row.event_source != _ECS or sync:
            continue
        for each in use.attempts:
            yield from _tasks(_output(case, each), each.end_event)


def _output(case: Case, each: AttemptCase) -> Any:
    event = case.execution.event(each.attempt.ended_by)
    if event is None or event.type != "TaskSucceeded":
        return None
    return parse_json(case.moment.trace.details(event).get("output"))


def _tasks(body: Any, witness: str) -> _Told:
    """Read ECS tasks; an output writes keys with a capital, CloudTrail without."""
    whole = _lowered(body)
    for each in (whole.get("task"), *list_of(whole.get("tasks"))):
        task = _lowered(each)
        job = text_of(task.get("taskArn"))
        codes = [_lowered(c).get("exitCode") for c in list_of(task.get("containers"))]
        if job:
            yield job, _failure(codes, text_of(task.get("stopCode")), witness)


def _failure(
    exit_codes: Sequence[Any], stop_code: str | None, witness: str
) -> JobFailure | None:
    bad = [code for code in exit_codes if isinstance(code, int) and code != 0]
    if bad:
        return JobFailure(f"ended with exit code {bad[0]}", witness, bad[0], stop_code)
    if stop_code in _BAD_STOPS:
        return JobFailure(f"stopped with {stop_code}", witness, None, stop_code)
    return None


def _lowered(value: Any) -> Mapping[str, Any]:
    return {key[:1].lower() + key[1:]: v for key, v in mapping_of(value).items()}


def failed_later(case: Case, failures: JobFailures) -> Iterator[Finding]:
    """Tell of the states that succeeded and whose jobs did not."""
    for use in case.uses if failures else ():
        if not _leaves_job(use):
            continue
        bad = [
            (each, job)
            for each in use.attempts
            if each.attempt.status == "succeeded"
            for job in each.attempt.resource_ids
            if job in failures and failures[job].witness != each.end_event
        ]
        for those in [bad] if len(bad) > FEW else [[one] for one in bad]:
            yield _failed_later(those, failures)


def _failed_later(
    bad: Sequence[tuple[AttemptCase, str]], failures: JobFailures
) -> Finding:
    each, job = bad[0]
    end, row = failures[job], each.attempt.integration
    thing = row.job_word if row else "job"
    what = f"the {thing} it started ({named(short_id(job))}) {end.words}"
    if len(bad) > 1:
        what = f"{plural(len(bad), thing)} it started {end.words} or failed otherwise"
    proofs = (i for each, job in bad for i in (each.end_event, failures[job].witness))
    return finding(
        "job-failed-later",
        f"{named(each.visit.name)} succeeded without waiting, but {what}.",
        (item for item in proofs if item),
        **each.place,
        job=job,
        exit_code=end.exit_code,
        stop_code=end.stop_code,
        count=len(bad),
    )
