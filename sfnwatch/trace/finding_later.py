"""Jobs that failed after their state had succeeded, for nobody waited for them.

A request-response state is over once its call was answered. What became of the job
stands elsewhere, if anywhere: in a later state that asked for it, in a call that
stopped it, in the history of the execution it is, in what ECS told of the task.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from sfnwatch.trace.arns import last_segment
from sfnwatch.trace.finding import Certainty, Finding, evidence
from sfnwatch.trace.finding_case import FEW, Case, Try
from sfnwatch.trace.finding_words import named, plural
from sfnwatch.trace.integrations import Pattern
from sfnwatch.trace.payload import mapping_of, parse_json, text_of
from sfnwatch.trace.task_states import task_key
from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.words import short_id

_PLAIN = frozenset({Pattern.REQUEST_RESPONSE, Pattern.AWS_SDK})
_BAD_STOPS = frozenset({"TaskFailedToStart", "SpotInterruption", "TerminationNotice"})
_BAD_ENDS = frozenset({"FAILED", "TIMED_OUT", "ABORTED"})


class End(Struct, frozen=True):
    """How a job is known to have failed."""

    words: str
    witness: str
    """The event, the call or the task's state that says so; empty where none does."""
    exit_code: int | None = None
    stop_code: str | None = None


def failed_ends(trace: Trace) -> Mapping[str, End]:
    """Give the jobs of the trace that are known to have failed, by their ids."""
    found: dict[str, End] = {}
    for arn, timeline in trace.histories.items():
        if timeline.status in _BAD_ENDS:
            found[arn] = End(f"ended as {timeline.status}", _ending(arn, trace))
        for event in timeline.ordered:
            output = event.detail("output") if event.type == "TaskSucceeded" else None
            # Outputs may be large, and hardly any describes a task.
            if output is not None and '"TaskArn"' in output:
                body = parse_json(output)
                for job, end in _ends(body, f"#{event.id}"):
                    found.setdefault(job, end)
    for call in trace.ordered_calls:
        for job, end in _ends(call.raw.get("responseElements"), call.event_id):
            found.setdefault(job, end)
    for job, states in trace.task_states.items():
        stopped = next((state for state in reversed(states) if state.stopped), None)
        told = _end(stopped.detail, task_key(stopped)) if stopped else None
        if told:
            found.setdefault(job, told)
    return found


def _ending(arn: str, trace: Trace) -> str:
    ending = trace.histories[arn].ending
    return f"#{ending.id}" if ending else ""


def _ends(body: Any, witness: str) -> Iterator[tuple[str, End]]:
    """Read ECS tasks; an output writes keys with a capital, CloudTrail without."""
    whole = _lowered(body)
    tasks = whole.get("tasks")
    several = tasks if isinstance(tasks, list) else []
    for each in (whole.get("task"), *several):
        task = _lowered(each)
        job = text_of(task.get("taskArn"))
        end = _end(task, witness)
        if job and end:
            yield job, end


def _end(task: Mapping[str, Any], witness: str) -> End | None:
    stop = text_of(task.get("stopCode"))
    containers = task.get("containers")
    codes = [
        code
        for each in (containers if isinstance(containers, list) else [])
        if isinstance(code := _lowered(each).get("exitCode"), int) and code != 0
    ]
    if codes:
        return End(f"ended with exit code {codes[0]}", witness, codes[0], stop)
    if stop in _BAD_STOPS:
        return End(f"stopped with {stop}", witness, None, stop)
    return None


def _lowered(value: Any) -> Mapping[str, Any]:
    return {key[:1].lower() + key[1:]: v for key, v in mapping_of(value).items()}


def failed_later(case: Case, ends: Mapping[str, End]) -> Iterator[Finding]:
    """Tell of the states that succeeded and whose jobs did not."""
    if not ends:
        return
    for use in case.uses:
        if use.first.pattern not in _PLAIN:
            continue
        bad = [
            (tried, job, ends[job])
            for tried in use.tries
            if _began_job(tried)
            for job in tried.attempt.resource_ids
            if job in ends and ends[job].witness != tried.end_event
        ]
        for those in [bad] if len(bad) > FEW else [[each] for each in bad]:
            if those:
                yield _later(those)


def _began_job(tried: Try) -> bool:
    row = tried.attempt.integration
    return row is not None and row.starts_job and tried.attempt.status == "succeeded"


def _later(bad: list[tuple[Try, str, End]]) -> Finding:
    tried, job, end = bad[0]
    name, row = named(tried.visit.name), tried.attempt.integration
    thing = row.job_word if row else "job"
    if len(bad) == 1:
        subject = f"the {thing} it began ({named(short_id(last_segment(job)))})"
    else:
        subject = f"{plural(len(bad), f'{thing} it began', f'{thing}s it began')}"
    return Finding(
        kind="job-failed-later",
        certainty=Certainty.FACT,
        text=(
            f"{name} succeeded, for it did not wait, but {subject}"
            f" {end.words}{'' if len(bad) == 1 else ', or otherwise failed'}."
        ),
        evidence=evidence(
            item for t, _, e in bad for item in (t.end_event, e.witness) if item
        ),
        data={
            "visit": tried.visit.id,
            "attempt": tried.attempt.scheduled_id,
            "job": job,
            "exit_code": end.exit_code,
            "stop_code": end.stop_code,
            "count": len(bad),
        },
    )
