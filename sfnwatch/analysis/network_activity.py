"""Findings on network activity: calls through VPC endpoints, not calls of states."""

from collections.abc import Iterator

from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import times
from sfnwatch.analysis.trace_analysis import TraceAnalysis
from sfnwatch.model.api_call import ApiCall

_THROUGH = (
    "Network activity, no call of a state: {call} with {role} went {often} through"
    " {endpoint}{outcome}."
)
_DENIED = (
    "Network activity, no call of a state: the policy of {endpoint} denied {call}"
    " with {role} {often}."
)


def network_activity(trace_analysis: TraceAnalysis) -> Iterator[Finding]:
    """Yield a finding for each endpoint, call, role and outcome."""
    groups = grouped(trace_analysis.network_activity, _group)
    for _, events in sorted(groups.items()):
        first = events[0]
        template = _DENIED if first.is_denied_by_endpoint else _THROUGH
        outcome = f" and failed with {named(first.error_code)}"
        text = template.format(
            call=named(first.event_name),
            role=f"the role {named(first.role)}" if first.role else "no role known",
            often=times(len(events)),
            endpoint=endpoint_name(first),
            outcome=outcome if first.error_code else "",
        )
        yield finding(
            "network-activity",
            text,
            events,
            call=first.event_name,
            role=first.role,
            vpc_endpoint_id=first.vpc_endpoint_id,
            denied=first.is_denied_by_endpoint,
            error_code=first.error_code,
            count=len(events),
        )


def _group(event: ApiCall) -> tuple[str, str, str, str]:
    endpoint = event.vpc_endpoint_id or ""
    return endpoint, event.event_name, event.role or "", event.error_code or ""


def endpoint_name(event: ApiCall) -> str:
    """Return the endpoint of a network activity event: `VPC endpoint vpce-0a1b`."""
    if event.vpc_endpoint_id is None:
        return "a VPC endpoint"
    return f"VPC endpoint {named(event.vpc_endpoint_id)}"


def endpoint_words(event: ApiCall) -> str:
    """Return what an endpoint did with the call of a network activity event."""
    if event.is_denied_by_endpoint:
        return f"denied by the policy of {endpoint_name(event)}"
    return f"through {endpoint_name(event)}"
