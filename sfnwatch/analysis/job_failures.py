"""The jobs that states left behind, and how they are known to have failed.

A state without `.sync` completes as soon as its call is answered. Only other records
show what became of its job, if any do: a later state that asked for the job, a call
that stopped it, the history of a job that is an execution, or ECS's state of the task.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.state_analysis import StateAnalysis
from sfnwatch.analysis.work import Work
from sfnwatch.model.ecs_task import BAD_STOPS
from sfnwatch.model.execution_list import UNSUCCESSFUL
from sfnwatch.model.integrations import Pattern
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.values import list_of, mapping_of, parse_json, text_of

_PLAIN = frozenset({Pattern.REQUEST_RESPONSE, Pattern.AWS_SDK})
_ECS = "ecs.amazonaws.com"


class JobFailure(Struct, frozen=True):
    """How a job is known to have failed."""

    words: str
    witness: str
    """The event, call or task state that shows the failure; empty if there is none."""
    exit_code: int | None = None
    stop_code: str | None = None


JobFailures = Mapping[str, JobFailure]
"""The known failures, by the job's id."""


def job_failures(
    snapshot: Snapshot, cases: Sequence[ExecutionAnalysis]
) -> Work[JobFailures]:
    """Return the jobs known to have failed; none if no state left a job behind."""
    found: dict[str, JobFailure] = {}
    if any(leaves_job(use) for case in cases for use in case.states):
        for job, failure in _witnesses(snapshot, cases):
            yield
            if failure is not None:
                found.setdefault(job, failure)
    return found


def leaves_job(use: StateAnalysis) -> bool:
    return use.first.pattern in _PLAIN and use.starts_job


_TaskFacts = Iterator[tuple[str, JobFailure | None]]
"""A job's id, and its failure, or None if the record shows no failure."""


def _witnesses(snapshot: Snapshot, cases: Sequence[ExecutionAnalysis]) -> _TaskFacts:
    """Yield what each record shows of jobs, the best witness first."""
    for arn, execution in snapshot.executions.items():
        if execution.status in UNSUCCESSFUL:
            by = f"#{execution.ending.id}" if execution.ending else ""
            yield arn, JobFailure(f"ended as {execution.status}", by)
    for case in cases:
        for use in case.states:
            # The output of a `.sync` is its own task, which adds nothing to its state.
            sync = use.first.pattern is Pattern.SYNC
            if use.row is not None and use.row.event_source == _ECS and not sync:
                yield from _described(case, use)
    for call in snapshot.calls:
        if call.event_source == _ECS and call.has_answer:
            record = snapshot.trace.cloudtrail_record(call)
            yield from _tasks(record.get("responseElements"), call.event_id)
    for job, states in snapshot.task_states.items():
        stopped = next((state for state in reversed(states) if state.stopped), None)
        if stopped is not None:
            codes = [container.exit_code for container in stopped.containers]
            yield job, _failure(codes, stopped.stop_code, stopped.key)


def _described(case: ExecutionAnalysis, use: StateAnalysis) -> _TaskFacts:
    """Yield the tasks in a state's output: it described or stopped them."""
    for each in use.attempts:
        event = case.execution.event(each.attempt.ended_by)
        if event is not None and event.type == "TaskSucceeded":
            output = case.snapshot.trace.details(event).get("output")
            yield from _tasks(parse_json(output), each.end_event)


def _tasks(body: Any, witness: str) -> _TaskFacts:
    """Yield the ECS tasks in a body.

    In a state's output the keys begin with a capital letter, in CloudTrail they do not.
    """
    whole = _lowered(body)
    for task in map(_lowered, (whole.get("task"), *list_of(whole.get("tasks")))):
        codes = [_lowered(c).get("exitCode") for c in list_of(task.get("containers"))]
        if job := text_of(task.get("taskArn")):
            yield job, _failure(codes, text_of(task.get("stopCode")), witness)


def _failure(
    exit_codes: Sequence[Any], stop_code: str | None, witness: str
) -> JobFailure | None:
    bad = [code for code in exit_codes if isinstance(code, int) and code != 0]
    if bad:
        return JobFailure(f"ended with exit code {bad[0]}", witness, bad[0], stop_code)
    if stop_code in BAD_STOPS:
        return JobFailure(f"stopped with {stop_code}", witness, None, stop_code)
    return None


def _lowered(value: Any) -> Mapping[str, Any]:
    return {key[:1].lower() + key[1:]: v for key, v in mapping_of(value).items()}
