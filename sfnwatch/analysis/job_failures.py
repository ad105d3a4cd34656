"""The jobs that states left behind, and how they are known to have failed.

A state without `.sync` completes as soon as its call is answered. Only other records
show what became of its job, if any do: a later state that asked for the job, a call
that stopped it, the history of a job that is an execution, or ECS's state of the task.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.integration_words import leaves_job
from sfnwatch.analysis.state_analysis import StateAnalysis
from sfnwatch.analysis.work import Work
from sfnwatch.model.ecs_task import BAD_STOPS
from sfnwatch.model.execution_list import UNSUCCESSFUL
from sfnwatch.model.integrations import Pattern
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.values import list_of, mapping_of, parse_json, text_of

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


_JobFacts = Iterator[tuple[str, JobFailure | None]]
"""A job's id, and its failure, or None if the record shows no failure."""


def job_failures(
    snapshot: Snapshot, analyses: Sequence[ExecutionAnalysis]
) -> Work[JobFailures]:
    """Return the jobs known to have failed; none if no state left a job behind."""
    failures: dict[str, JobFailure] = {}
    states: list[StateAnalysis] = []
    for analysis in analyses:
        states += analysis.states
    if any(leaves_job(state.first) for state in states):
        for job, failure in _job_facts(snapshot, states):
            yield
            if failure is not None:
                failures.setdefault(job, failure)
    return failures


def _job_facts(snapshot: Snapshot, states: Iterable[StateAnalysis]) -> _JobFacts:
    """Yield what each record shows of jobs, the best witness first."""
    for arn, execution in snapshot.executions.items():
        if execution.status in UNSUCCESSFUL:
            witness = f"#{execution.ending.id}" if execution.ending else ""
            yield arn, JobFailure(f"ended as {execution.status}", witness)
    for state in states:
        is_ecs = state.integration and state.integration.event_source == _ECS
        # The output of a `.sync` is its own task, which adds nothing to its state.
        if is_ecs and state.first.pattern is not Pattern.SYNC:
            yield from _tasks_in_outputs(snapshot, state)
    for call in snapshot.calls:
        if call.event_source == _ECS and call.has_answer:
            record = snapshot.trace.cloudtrail_record(call)
            yield from _tasks(record.get("responseElements"), call.event_id)
    for job, task_states in snapshot.task_states.items():
        stopped = [task_state for task_state in task_states if task_state.stopped]
        if stopped:
            last = stopped[-1]
            codes = [container.exit_code for container in last.containers]
            yield job, _failure(codes, last.stop_code, last.key)


def _tasks_in_outputs(snapshot: Snapshot, state: StateAnalysis) -> _JobFacts:
    """Yield the tasks in a state's outputs: it described or stopped them."""
    for attempt in state.attempts:
        event = state.execution.event(attempt.attempt.ended_by)
        if event is not None and event.type == "TaskSucceeded":
            output = snapshot.trace.details(event).get("output")
            yield from _tasks(parse_json(output), attempt.end_event)


def _tasks(body: Any, witness: str) -> _JobFacts:
    """Yield the ECS tasks in a body.

    In a state's output the keys begin with a capital letter, in CloudTrail they do not.
    """
    fields = _lowered(body)
    tasks = [fields.get("task"), *list_of(fields.get("tasks"))]
    for task in map(_lowered, tasks):
        containers = map(_lowered, list_of(task.get("containers")))
        codes = [container.get("exitCode") for container in containers]
        job = text_of(task.get("taskArn"))
        if job:
            yield job, _failure(codes, text_of(task.get("stopCode")), witness)


def _failure(
    exit_codes: Iterable[Any], stop_code: str | None, witness: str
) -> JobFailure | None:
    for code in exit_codes:
        if isinstance(code, int) and code != 0:
            return JobFailure(f"ended with exit code {code}", witness, code, stop_code)
    if stop_code in BAD_STOPS:
        return JobFailure(f"stopped with {stop_code}", witness, None, stop_code)
    return None


def _lowered(value: Any) -> Mapping[str, Any]:
    """Return an object with keys that begin with a small letter."""
    lowered = {}
    for key, field in mapping_of(value).items():
        initial = key[:1].lower()
        lowered[f"{initial}{key[1:]}"] = field
    return lowered
