"""The spans of an execution, of its states and of their tries."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sfnwatch.export.otlp_values import (
    Json,
    event,
    exception,
    link,
    span,
    span_id,
    status,
    trace_id,
)
from sfnwatch.trace.arns import maybe_execution_arn
from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.findings import findings
from sfnwatch.trace.notice import Notice
from sfnwatch.trace.spans import end_of, notices
from sfnwatch.trace.task_lives import Life, lives_by_attempt
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import TERMINAL, Timeline, Trace
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import cause_words, notice_words, resource_words


def execution_resource(timeline: Timeline) -> dict[str, object]:
    """Say what made the spans of an execution: its state machine."""
    parsed = maybe_execution_arn(timeline.execution_arn)
    return {
        "service.name": timeline.state_machine_name or "Step Functions",
        "cloud.provider": "aws",
        "cloud.region": parsed.region if parsed else None,
        "cloud.account.id": parsed.account if parsed else None,
        "cloud.resource_id": timeline.state_machine_arn,
        "aws.step_functions.state_machine.arn": timeline.state_machine_arn,
    }


def execution_spans(trace: Trace, timeline: Timeline, now: datetime) -> Iterator[Json]:
    """Yield the execution's span, then those of its states, each with its tries."""
    begin = timeline.started_at or min(
        (event.timestamp for event in timeline.ordered), default=None
    )
    if begin is None:
        return
    yield _execution(trace, timeline, (begin, timeline.stopped_at or now))
    told, arn = notices(trace), timeline.execution_arn
    lives = lives_by_attempt(trace)
    for visit in timeline.visits:
        end = end_of(visit, now)
        yield _visit(arn, visit, end)
        for number, attempt in enumerate(visit.attempts, start=1):
            notice = told.get((arn, attempt.scheduled_id))
            tasks = lives.get((arn, attempt.scheduled_id), ())
            yield _attempt(arn, attempt, number, end, (notice, tasks))


def _execution(
    trace: Trace, timeline: Timeline, times: tuple[datetime, datetime]
) -> Json:
    arn, ending = timeline.execution_arn, timeline.ending
    error = ending.detail("error") if ending else None
    cause = ending.detail("cause") if ending else None
    told = [
        event(
            times[1],
            "finding",
            {
                "sfnwatch.finding.kind": finding.kind,
                "sfnwatch.finding.certainty": str(finding.certainty),
                "sfnwatch.finding.text": finding.text,
            },
        )
        for finding in findings(trace, timeline)
    ]
    return span(
        (trace_id(arn), span_id(arn, "execution"), None),
        timeline.state_machine_name or timeline.name,
        times,
        {
            "sfnwatch.kind": "execution",
            "sfnwatch.execution.arn": arn,
            "sfnwatch.execution.name": timeline.name,
            "sfnwatch.status": timeline.status,
            "sfnwatch.open": timeline.running or None,
            "sfnwatch.role_arn": timeline.role_arn,
            "error.type": error,
        },
        outcome=status(timeline.status.lower(), error),
        events=[*_redrives(timeline), *exception(times[1], error, cause), *told],
        links=_started_by(trace, arn),
    )


def _redrives(timeline: Timeline) -> Iterator[Json]:
    """Yield each end that was none, and the redrive that followed."""
    for redrive in timeline.redrives:
        ended = redrive.ended
        if ended is not None:
            at, status_ = ended.timestamp, TERMINAL[ended.type]
            yield event(at, "ended", {"sfnwatch.status": status_})
            yield from exception(at, ended.detail("error"), ended.detail("cause"))
        yield event(redrive.at, "redriven", {"sfnwatch.redrive": redrive.number})


def _started_by(trace: Trace, arn: str) -> list[Json]:
    """Link an execution to the try that started it, or to its Map Run's state."""
    begun = trace.family.parents.get(arn)
    if begun is None:
        return []
    other = begun.execution_arn
    if begun.attempt_id is not None:
        origin = span_id(other, "attempt", begun.attempt_id)
    elif begun.visit_id:
        origin = span_id(other, "visit", begun.visit_id)
    else:
        origin = span_id(other, "execution")
    run = {"sfnwatch.map_run.arn": begun.map_run_arn} if begun.map_run_arn else {}
    return [link(trace_id(other), origin, run)]


def _visit(arn: str, visit: StateVisit, end: datetime) -> Json:
    parent = (
        span_id(arn, "visit", visit.parent)
        if visit.parent is not None
        else span_id(arn, "execution")
    )
    return span(
        (trace_id(arn), span_id(arn, "visit", visit.id), parent),
        visit.name,
        (visit.entered_at, end),
        {
            "sfnwatch.kind": "state",
            "sfnwatch.state.name": visit.name,
            "sfnwatch.state.type": visit.type,
            "sfnwatch.state.path": visit.path,
            "sfnwatch.state.index": visit.index,
            "sfnwatch.state.entered_event": visit.id,
            "sfnwatch.status": visit.status,
            "sfnwatch.open": visit.ended_at is None or None,
            "error.type": visit.error,
        },
        outcome=status(visit.status, visit.error),
        events=exception(end, visit.error, visit.cause),
    )


def _attempt(
    arn: str,
    attempt: Attempt,
    number: int,
    end: datetime,
    told: tuple[Notice | None, Sequence[Life]],
) -> Json:
    end = attempt.ended_at or end
    why = attempt.error or (cause_words(attempt.cause) if attempt.cause else None)
    return span(
        (
            trace_id(arn),
            span_id(arn, "attempt", attempt.scheduled_id),
            span_id(arn, "visit", attempt.visit_id),
        ),
        resource_words(attempt),
        (attempt.scheduled_at, end),
        {
            "sfnwatch.kind": "try",
            "sfnwatch.try.number": number,
            "sfnwatch.try.scheduled_event": attempt.scheduled_id,
            "sfnwatch.try.pattern": str(attempt.pattern),
            "sfnwatch.try.resource_ids": attempt.resource_ids,
            "sfnwatch.try.role_arn": attempt.role_arn,
            "sfnwatch.status": attempt.status,
            "sfnwatch.open": attempt.ended_at is None or None,
            "aws.request_id": attempt.request_id,
            "cloud.region": attempt.region,
            "error.type": attempt.error,
        },
        outcome=status(attempt.status, why),
        events=[
            *_phases(attempt, told[0]),
            *_changes(told[1]),
            *exception(end, attempt.error, attempt.cause),
        ],
    )


def _changes(lives: Sequence[Life]) -> Iterator[Json]:
    """Yield what ECS told of the tasks that a try began."""
    for life in lives:
        for state in life.states:
            values = {
                "aws.ecs.task.arn": state.task_arn,
                "sfnwatch.task.version": state.version,
                "sfnwatch.task.stop_code": state.stop_code,
                "sfnwatch.task.stopped_reason": state.stopped_reason,
            }
            yield event(state.at, f"task {clean(state.last_status)}", values)


def _phases(attempt: Attempt, told: Notice | None) -> Iterator[Json]:
    """Yield what happened on the way, in the order of a try's life."""
    job = attempt.integration.job_word if attempt.integration else "job"
    moments = (
        ("started", attempt.started_at),
        ("submitted", attempt.submitted_at),
        (f"{job} stopped", attempt.stopped_at),
    )
    for name, at in moments:
        if at is not None:
            yield event(at, name, {})
    if told is not None:
        words = {"sfnwatch.notice": notice_words(told)}
        yield event(told.noticed_at, "noticed", words)
