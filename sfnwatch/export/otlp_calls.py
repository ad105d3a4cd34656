"""The span of an API call, with the attributes of OpenTelemetry's AWS conventions."""

from sfnwatch.export.otlp_values import (
    Code,
    Json,
    SpanKind,
    exception,
    link,
    span,
    span_id,
    trace_id,
)
from sfnwatch.export.placing import window
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.lanes import Row
from sfnwatch.trace.text import clean
from sfnwatch.trace.times import iso, maybe_iso


def call_resource(call: ApiCall) -> dict[str, object]:
    """Say what lane a call is in: the service, in its account and Region."""
    return {
        "service.name": _service(call),
        "cloud.provider": "aws",
        "cloud.region": call.region,
        "cloud.account.id": call.account_id,
    }


def _service(call: ApiCall) -> str:
    """Name the service as its event source does; the SDK's name for it isn't known."""
    return call.event_source.removesuffix(".amazonaws.com") or "unknown"


def call_span(row: Row, call: ApiCall) -> Json:
    """Give a call's span; it lasts all of the time in which it may have been made."""
    begin, end = window(row)
    failed = call.error_code is not None
    outcome: Json = {"code": int(Code.ERROR if failed else Code.UNSET)}
    if failed:
        outcome["message"] = clean(call.error_message or call.error_code or "", 2_000)
    return span(
        _ids(row, call),
        f"{_service(call)}.{call.event_name}",
        (begin, end),
        {
            "sfnwatch.kind": "call",
            "rpc.system": "aws-api",
            "rpc.service": _service(call),
            "rpc.method": call.event_name,
            "aws.request_id": call.request_id,
            "cloud.region": call.region,
            "error.type": call.error_code,
            "sfnwatch.call.event_id": call.event_id,
            "sfnwatch.call.event_time": iso(call.event_time),
            "sfnwatch.call.time_resolution": "1s",
            "sfnwatch.call.seen_at": maybe_iso(call.seen_at),
            "sfnwatch.call.read_only": call.read_only,
            "sfnwatch.call.role_arn": call.role_arn,
            **_tie(row),
        },
        outcome=outcome,
        kind=SpanKind.CLIENT,
        events=exception(end, call.error_code, call.error_message),
        links=_candidates(row),
    )


def _ids(row: Row, call: ApiCall) -> tuple[str, str, str | None]:
    """Find the call's place: under its try, else its execution, else nowhere."""
    own, tie = span_id(call.event_id, "call"), row.link
    if tie is None or tie.execution_arn is None:
        return trace_id(f"call {call.event_id}"), own, None
    arn = tie.execution_arn
    if tie.attempt_id is not None:
        return trace_id(arn), own, span_id(arn, "attempt", tie.attempt_id)
    return trace_id(arn), own, span_id(arn, "execution")


def _candidates(row: Row) -> list[Json]:
    if row.link is None:
        return []
    rule = {"sfnwatch.link.rule": str(row.link.rule)}
    return [
        link(trace_id(arn), span_id(arn, "attempt", number), rule)
        for arn, number in row.link.candidates
    ]


def _tie(row: Row) -> dict[str, object]:
    tie = row.link
    if tie is None:
        return {}
    return {
        "sfnwatch.call.role": str(tie.role),
        "sfnwatch.link.rule": str(tie.rule),
        "sfnwatch.link.exact": tie.rule.exact,
        "sfnwatch.link.evidence": tie.evidence,
        "sfnwatch.link.candidates": tie.candidate_count or None,
    }
