"""A trace as OpenTelemetry spans.

An execution is a trace: a span for it, one for each state, each attempt and each call.
The ids come from the execution's ARN, so an execution exported twice is the same trace.

A call that is matched to one attempt is the attempt's child. A call that fits several
attempts is a child of their execution, with span links to each of them. A call that
only the role matches is a child of the execution, too. If even the execution is not
known, the call is a trace of its own. The attribute `sfnwatch.link.rule` shows which
case it is.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cached_property
from hashlib import sha256

from sfnwatch.analysis.attempt_calls import AttemptCalls
from sfnwatch.analysis.ending_error import ended_with, error_and_cause
from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.last_moment import last_moment
from sfnwatch.analysis.phases import end_of
from sfnwatch.analysis.reasons import cause_words
from sfnwatch.export.call_window import call_window
from sfnwatch.export.names import service_name
from sfnwatch.export.otlp.span import (
    TEXT_CHARACTERS,
    Attributes,
    Json,
    OtlpSpan,
    span_event,
    span_link,
)
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.coverage import Coverage
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.history_event import STATUS_BY_END
from sfnwatch.model.linking.link import AttemptKey, Link
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.times import iso, maybe_iso
from sfnwatch.model.visits import Attempt, StateVisit
from sfnwatch.view.completion_words import completion_parts
from sfnwatch.view.parts import plain_text

_OF_ATTEMPT = ("pattern", "resource_ids", "role_arn")
_OF_TASK = ("version", "stop_code", "stopped_reason")
_OF_FINDING = ("kind", "certainty", "text")
_CLIENT = 3
"""OpenTelemetry's kind of a span for a call to a service."""
_UNSET = 0
_OK = 1
_ERROR = 2
_STATUS = {"succeeded": _OK, "failed": _ERROR, "timed_out": _ERROR, "aborted": _ERROR}
"""OpenTelemetry's status by ours. A caught failure is neither, nor is what still
runs."""


class SpanMaker:
    """Makes the spans of one snapshot: all of them, or only some."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._coverage = Coverage(snapshot)

    @cached_property
    def _now(self) -> datetime:
        return last_moment(self.snapshot)

    def spans(self) -> Iterator[OtlpSpan]:
        """Yield all spans: of executions, then of calls."""
        findings = find(self.snapshot)
        findings_of = grouped(findings, lambda finding: finding.execution_arn)
        for arn, execution in self.snapshot.executions.items():
            begin = _begin_of(execution)
            if begin is not None:
                yield self._execution(execution, begin, findings_of.get(arn, ()))
            for visit in execution.visits:
                yield from self.of_visit(execution, visit)
        for call in self.snapshot.calls:
            if self.snapshot.is_relevant(call):
                yield self.of_call(call)

    def _execution(
        self, execution: ExecutionAsOf, begin: datetime, findings: Iterable[Finding]
    ) -> OtlpSpan:
        arn = execution.arn
        end = execution.stopped_at or self._now
        error, cause = ended_with(self.snapshot, execution)
        events = [*self._redrives(execution), *_exception(end, error, cause)]
        for finding in findings:
            attributes = _named("sfnwatch.finding", finding, *_OF_FINDING)
            events.append(span_event(end, "finding", attributes))
        return OtlpSpan(
            resource=_machine(execution),
            ids=(_trace_id(arn), _part_id(arn), None),
            name=execution.state_machine_name or execution.name,
            times=(begin, end),
            attributes={
                "sfnwatch.kind": "execution",
                **_named("sfnwatch.execution", execution, "arn", "name"),
                "sfnwatch.status": execution.status,
                "sfnwatch.open": execution.running or None,
                "sfnwatch.role_arn": execution.role_arn,
                "error.type": error,
            },
            status=_outcome(execution.status.lower(), error),
            events=events,
            links=self._started_by(arn),
        )

    def _redrives(self, execution: ExecutionAsOf) -> Iterator[Json]:
        """Yield each end that was followed by a redrive, and the redrive."""
        for redrive in execution.redrives:
            ended = redrive.ended
            if ended is not None:
                status = {"sfnwatch.status": STATUS_BY_END[ended.type]}
                yield span_event(ended.at, "ended", status)
                error, cause = error_and_cause(self.snapshot, ended)
                yield from _exception(ended.at, error, cause)
            number = {"sfnwatch.redrive": redrive.number}
            yield span_event(redrive.event.at, "redriven", number)

    def _started_by(self, arn: str) -> list[Json]:
        """Return a link to the attempt, or the Map Run's state, that started it."""
        parent = self.snapshot.lineage.parents.get(arn)
        if parent is None:
            return []
        starter_arn = parent.execution_arn
        starter_id = _part_id(starter_arn, parent.visit_id, parent.attempt_id)
        map_run = {"sfnwatch.map_run.arn": parent.map_run_arn}
        return [span_link(_trace_id(starter_arn), starter_id, map_run)]

    def of_visit(
        self, execution: ExecutionAsOf, visit: StateVisit
    ) -> Iterator[OtlpSpan]:
        """Yield the span of a visit, then those of its attempts."""
        # `self._now` examines the whole trace, so it is only used where needed.
        now = self._now if visit.running else visit.entered_at
        arn = execution.arn
        end = end_of(visit, now)
        yield OtlpSpan(
            resource=_machine(execution),
            ids=(_trace_id(arn), _part_id(arn, visit.id), _part_id(arn, visit.parent)),
            name=visit.name,
            times=(visit.entered_at, end),
            attributes={
                "sfnwatch.kind": "state",
                **_named("sfnwatch.state", visit, "name", "type", "path", "index"),
                "sfnwatch.state.entered_event": visit.id,
                "sfnwatch.status": visit.status,
                "sfnwatch.open": visit.running or None,
                "error.type": visit.error,
            },
            status=_outcome(visit.status, visit.error),
            events=_exception(end, visit.error, visit.cause),
            settled=not visit.running,
        )
        for number, attempt in enumerate(visit.attempts, start=1):
            yield self._attempt(execution, attempt, number, attempt.ended_at or end)

    def _attempt(
        self, execution: ExecutionAsOf, attempt: Attempt, number: int, end: datetime
    ) -> OtlpSpan:
        arn = execution.arn
        message = attempt.error
        if not message and attempt.cause:
            message = cause_words(attempt.cause)
        span_id = _part_id(arn, attempt_id=attempt.scheduled_id)
        return OtlpSpan(
            resource=_machine(execution),
            ids=(_trace_id(arn), span_id, _part_id(arn, attempt.visit_id)),
            name=resource_words(attempt),
            times=(attempt.scheduled_at, end),
            attributes={
                "sfnwatch.kind": "try",
                "sfnwatch.try.number": number,
                "sfnwatch.try.scheduled_event": attempt.scheduled_id,
                **_named("sfnwatch.try", attempt, *_OF_ATTEMPT),
                "sfnwatch.status": attempt.status,
                "sfnwatch.open": attempt.ended_at is None or None,
                "aws.request_id": attempt.request_id,
                "cloud.region": attempt.region,
                "error.type": attempt.error,
            },
            status=_outcome(attempt.status, message),
            events=[
                *self._events_of_attempt((arn, attempt.scheduled_id), attempt),
                *_exception(end, attempt.error, attempt.cause),
            ],
            settled=attempt.ended_at is not None,
        )

    def _events_of_attempt(self, key: AttemptKey, attempt: Attempt) -> Iterator[Json]:
        """Yield what happened during an attempt and during its ECS tasks."""
        job = "job"
        if attempt.integration is not None:
            job = attempt.integration.job_word
        moments = {
            "started": attempt.started_at,
            "submitted": attempt.submitted_at,
            f"{job} stopped": attempt.stopped_at,
        }
        for name, at in moments.items():
            if at is not None:
                yield span_event(at, name)
        calls = AttemptCalls(self.snapshot, self._coverage, key, attempt)
        completion = calls.completion
        if completion is not None:
            words = plain_text(completion_parts(completion)).lstrip("◀━ ")
            attributes = {"sfnwatch.completion": words}
            yield span_event(completion.learned_at, "learned", attributes)
        for job_id in attempt.resource_ids:
            if self.snapshot.task_starter(job_id) == key:
                yield from self._task_states(job_id)

    def _task_states(self, task_arn: str) -> Iterator[Json]:
        for state in self.snapshot.task_states.get(task_arn, ()):
            attributes = {
                "aws.ecs.task.arn": state.task_arn,
                **_named("sfnwatch.task", state, *_OF_TASK),
            }
            yield span_event(state.at, f"task {clean(state.last_status)}", attributes)

    def of_call(self, call: ApiCall) -> OtlpSpan:
        """Return a call's span: all of the time in which it may have been made."""
        link = self.snapshot.link(call)
        error = call.error_code
        begin, end = call_window(self.snapshot, call)
        service = service_name(call)
        candidate_count = link.candidate_count if link is not None else 0
        kind = "network-activity" if call.is_network_activity else "call"
        return OtlpSpan(
            resource={
                "service.name": service,
                "cloud.provider": "aws",
                "cloud.region": call.region,
                "cloud.account.id": call.account_id,
            },
            ids=_ids_of_call(call, link),
            name=f"{service}.{call.event_name}",
            times=(begin, end),
            attributes={
                "sfnwatch.kind": kind,
                "rpc.system": "aws-api",
                "rpc.service": service,
                "rpc.method": call.event_name,
                "aws.request_id": call.request_id,
                "cloud.region": call.region,
                "error.type": error,
                "sfnwatch.vpc_endpoint_id": call.vpc_endpoint_id,
                "sfnwatch.call.event_id": call.event_id,
                "sfnwatch.call.event_time": iso(call.event_time),
                "sfnwatch.call.time_resolution": "1s",
                "sfnwatch.call.seen_at": maybe_iso(call.seen_at),
                **_named("sfnwatch.call", call, "read_only", "role_arn"),
                **_named("sfnwatch.link", link, "rule"),
                **_named("sfnwatch.call", link, "role"),
                **_link_certainty(link),
                **_named("sfnwatch.link", link, "reason", "evidence"),
                "sfnwatch.link.candidates": candidate_count or None,
            },
            status=_outcome("failed" if error else "", call.error_message or error),
            events=_exception(end, error, call.error_message),
            links=list(_candidate_links(link)),
            kind=_CLIENT,
            settled=link is not None and link.is_sure,
        )


def _begin_of(execution: ExecutionAsOf) -> datetime | None:
    """Return when an execution started; its first event's time if that isn't known."""
    if execution.started_at is not None:
        return execution.started_at
    times = [event.at for event in execution.events]
    return min(times, default=None)


def _ids_of_call(call: ApiCall, link: Link | None) -> tuple[str, str, str | None]:
    """Return the ids of a call's trace, of its span and of the parent."""
    span_id = _id(8, "call", "", call.event_id)
    if link is None or not link.execution_arn:
        # If even the execution is not known, the call is a trace of its own.
        return _trace_id(f"call {call.event_id}"), span_id, None
    arn = link.execution_arn
    parent_id = _part_id(arn, attempt_id=link.attempt_id)
    return _trace_id(arn), span_id, parent_id


def _candidate_links(link: Link | None) -> Iterator[Json]:
    """Yield a span link to each attempt that an ambiguous call fits."""
    if link is None:
        return
    rule = _named("sfnwatch.link", link, "rule")
    for arn, attempt_id in link.candidates:
        span_id = _part_id(arn, attempt_id=attempt_id)
        yield span_link(_trace_id(arn), span_id, rule)


def _trace_id(arn: str) -> str:
    """Return a trace's id of 16 bytes, always the same for an execution."""
    return _id(16, "trace", arn)


def _part_id(arn: str, visit_id: int | None = 0, attempt_id: int | None = None) -> str:
    """Return the id of an attempt's span, or of a visit's, or of the execution's."""
    if attempt_id is not None:
        return _id(8, "attempt", attempt_id, arn)
    if visit_id:
        return _id(8, "visit", visit_id, arn)
    return _id(8, "execution", "", arn)


def _id(size: int, *parts: object) -> str:
    """Return an id of `size` bytes, always the same for the same parts."""
    text = "\0".join(map(str, parts))
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return digest[: 2 * size]


def _machine(execution: ExecutionAsOf) -> Attributes:
    """Return the source of an execution's spans: its state machine."""
    parsed = maybe_execution_arn(execution.arn)
    return {
        "service.name": execution.state_machine_name or "Step Functions",
        "cloud.provider": "aws",
        "cloud.region": parsed.region if parsed else None,
        "cloud.account.id": parsed.account if parsed else None,
        "cloud.resource_id": execution.state_machine_arn,
        "aws.step_functions.state_machine.arn": execution.state_machine_arn,
    }


def _outcome(word: str, message: str | None) -> Json:
    """Return OpenTelemetry's status for an outcome in AWS's words, in lower case."""
    code = _STATUS.get(word, _UNSET)
    if code != _ERROR:
        return {"code": code}
    return {"code": code, "message": clean(message or word, TEXT_CHARACTERS)}


def _exception(at: datetime, error: str | None, cause: str | None) -> list[Json]:
    """Return the event that describes an error; none without an error."""
    if error is None and cause is None:
        return []
    message = cause_words(cause) if cause else None
    attributes = {"exception.type": error, "exception.message": message}
    return [span_event(at, "exception", attributes)]


def _named(prefix: str, row: object, *names: str) -> Attributes:
    """Return some of a row's fields as attributes of the same names."""
    return {f"{prefix}.{name}": getattr(row, name, None) for name in names}


def _link_certainty(link: Link | None) -> Attributes:
    """Return how sure a match is: in one word, and as two booleans to filter by."""
    if link is None:
        return {}
    return {
        "sfnwatch.link.certainty": link.certainty and str(link.certainty),
        "sfnwatch.link.exact": link.is_exact,
        "sfnwatch.link.sure": link.is_sure,
    }
