"""What a bar of the Perfetto export is called, and what it says when it is clicked."""

from collections.abc import Iterable, Mapping
from typing import Any

from sfnwatch.export.placing import window
from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.findings import Finding
from sfnwatch.trace.lanes import Row
from sfnwatch.trace.links import Link
from sfnwatch.trace.notice import Notice
from sfnwatch.trace.spans import Segment
from sfnwatch.trace.task_lives import Life
from sfnwatch.trace.task_states import TaskState
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Timeline
from sfnwatch.trace.times import iso, maybe_iso
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import call_words, notice_words, plain, resource_words

Args = dict[str, Any]
_LIMIT = 2_000
"""A cause may be a whole job as JSON."""
_LISTED = 100


def execution_args(timeline: Timeline, told: Iterable[Finding]) -> Args:
    return _told(
        arn=timeline.execution_arn,
        state_machine_arn=timeline.state_machine_arn,
        role_arn=timeline.role_arn,
        status=timeline.status,
        started_at=maybe_iso(timeline.started_at),
        stopped_at=maybe_iso(timeline.stopped_at),
        events=len(timeline.events),
        error=timeline.ending.detail("error") if timeline.ending else None,
        cause=timeline.ending.detail("cause") if timeline.ending else None,
        findings=[f"{f.certainty}: {f.text}" for f in told],
    )


def visit_args(visit: StateVisit, sayings: list[str]) -> Args:
    return _told(
        path=visit.path,
        type=visit.type,
        status=visit.status,
        entered_event=visit.id,
        index=visit.index,
        entered_at=iso(visit.entered_at),
        exited_at=maybe_iso(visit.exited_at),
        error=visit.error,
        cause=visit.cause,
        findings=sayings,
    )


def try_name(attempt: Attempt, number: int) -> str:
    words = resource_words(attempt)
    return f"{words} · try {number}" if number > 1 else words


def try_args(attempt: Attempt) -> Args:
    return _told(
        status=attempt.status,
        pattern=str(attempt.pattern),
        scheduled_event=attempt.scheduled_id,
        scheduled_at=iso(attempt.scheduled_at),
        started_at=maybe_iso(attempt.started_at),
        submitted_at=maybe_iso(attempt.submitted_at),
        ended_at=maybe_iso(attempt.ended_at),
        error=attempt.error,
        cause=attempt.cause,
        request_id=attempt.request_id,
        resource_ids=list(attempt.resource_ids),
        role_arn=attempt.role_arn,
        region=attempt.region,
    )


def phase_args(segment: Segment, told: Notice | None) -> Args:
    return _told(
        begin=iso(segment.begin),
        end="still running" if segment.open else iso(segment.end),
        notice=notice_words(told) if told else None,
    )


def call_name(row: Row) -> str:
    words = call_words(row)
    return plain((*words.name, *words.error)) if words else ""


def service(call: ApiCall) -> str:
    """Name a service as its own event source does: `ecs`."""
    return clean(call.event_source.removesuffix(".amazonaws.com"), 80) or "unknown"


def call_args(row: Row, call: ApiCall) -> Args:
    begin, end = window(row)
    return _told(
        event_id=call.event_id,
        event_time=iso(call.event_time),
        time_resolution="1 s: CloudTrail gives whole seconds",
        made_between=[iso(begin), iso(end)],
        seen_at=maybe_iso(call.seen_at),
        event_source=call.event_source,
        event_name=call.event_name,
        request_id=call.request_id,
        error_code=call.error_code,
        error_message=call.error_message,
        read_only=call.read_only,
        region=call.region,
        role_arn=call.role_arn,
        state=row.caller.path if row.caller else None,
        **_tie(row.link),
    )


def task_args(life: Life, state: TaskState) -> Args:
    return _told(
        task_arn=state.task_arn,
        version=state.version,
        at=iso(state.at),
        seen_at=maybe_iso(state.seen_at),
        last_status=state.last_status,
        desired_status=state.desired_status,
        stop_code=state.stop_code,
        stopped_reason=state.stopped_reason,
        stopped_at=maybe_iso(state.stopped_at),
        exit_codes=[
            str(c.exit_code) for c in state.containers if c.exit_code is not None
        ],
        state=life.visit.path,
        rule=str(life.link.rule),
    )


def _tie(link: Link | None) -> Mapping[str, Any]:
    if link is None:
        return {}
    candidates = [f"{arn}#{number}" for arn, number in link.candidates]
    return {
        "call_role": str(link.role),
        "rule": str(link.rule),
        "exact": link.rule.exact,
        "evidence": link.evidence,
        "candidates": candidates,
    }


def _told(**args: Any) -> Args:
    """Leave out what is not known, and clean the rest."""
    return {key: _cleaned(value) for key, value in args.items() if _known(value)}


def _known(value: Any) -> bool:
    return value is not None and value not in ("", [])


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value, _LIMIT)
    if isinstance(value, list):
        rest = len(value) - _LISTED
        more = [f"… {rest} more"] if rest > 0 else []
        return [*map(_cleaned, value[:_LISTED]), *more]
    return value
