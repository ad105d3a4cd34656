"""Findings on states whose calls are not in the records, and why."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.lists import some
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import agreeing, plural
from sfnwatch.analysis.state_analysis import StateAnalysis
from sfnwatch.model.arns import account_of
from sfnwatch.model.integrations import Integration, Unrecorded

_MOST_PROOFS = 5
_NOT_RECORDED = "{states} {call} {resource}: {action} {why}."
_WHY = {
    Unrecorded.DATA_EVENT: "is a data event, which CloudTrail Event history does not"
    " include",
    Unrecorded.HTTP: "is an HTTPS request; CloudTrail Event history includes only the"
    " GetSecretValue for its connection",
    Unrecorded.KUBERNETES: "is a request to the cluster's own Kubernetes API, which"
    " CloudTrail does not log",
    # The only sign of it is that an AWS page does not list the call.
    Unrecorded.NEVER: "is not logged by CloudTrail",
}
_OTHER_ACCOUNT = (
    "{state} uses a role of account {account}: its calls are in that account's"
    " CloudTrail; --trail-profile can read it."
)
_NOT_MATCHED = (
    "No {action} call was matched to {state}; {calls} here, and whose is not certain."
)
_NOT_FOUND = (
    "No {action} call was matched to {state}, though CloudTrail is complete up to there"
    " (estimate); another Region's, or another trail, may have it."
)

_unseen = partial(finding, "unseen")


def missing_calls(analysis: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield why no call of a state is in the records; first those that never are."""
    unrecorded = []
    missing = []
    for state in analysis.states:
        if state.integration is None:
            continue
        if not analysis.trace_analysis.shows(state.integration):
            unrecorded.append((state, state.integration))
        elif not any(attempt.calls.every for attempt in state.attempts):
            missing.append((state, state.integration))
    by_resource = grouped(unrecorded, lambda pair: resource_words(pair[0].first))
    for resource, pairs in by_resource.items():
        _, integration = pairs[0]
        yield _unrecorded(resource, integration, [state for state, _ in pairs])
    for state, integration in missing:
        yield from _missing(analysis, state, integration)


def _unrecorded(
    resource: str, integration: Integration, states: list[StateAnalysis]
) -> Finding:
    """Return a finding on states whose calls the Event history never has."""
    unrecorded = integration.unrecorded or Unrecorded.DATA_EVENT
    text = _NOT_RECORDED.format(
        states=some([state.name for state in states]),
        call=agreeing(len(states), "calls", "call"),
        resource=resource,
        action=integration.action_event,
        why=_WHY[unrecorded],
    )
    data: dict[str, Any] = {
        "reason": "not-recorded",
        "visit": states[0].visits[0].id,
        "states": len(states),
        "count": sum(len(state.attempts) for state in states),
        "call": _call_name(integration),
    }
    is_fact = unrecorded is not Unrecorded.NEVER
    return _unseen(text, _scheduled(states), fact=is_fact, **data)


def _missing(
    analysis: ExecutionAnalysis, state: StateAnalysis, integration: Integration
) -> Iterator[Finding]:
    """Yield why no call of a state is in the records, although it could be there."""
    trace_analysis = analysis.trace_analysis
    proofs = _scheduled([state])
    place = {"visit": state.visits[0].id, "count": len(state.attempts)}
    account = account_of(state.first.role_arn)
    if account is not None and account != account_of(analysis.execution.role_arn):
        text = _OTHER_ACCOUNT.format(state=state.name, account=named(account))
        reason = {"reason": "other-account", "account": account}
        yield _unseen(text, proofs, fact=False, **place, **reason)
        return
    for attempt in state.attempts:
        if not trace_analysis.covers(attempt.attempt.ended_at):
            return  # its calls may still come
    reason = {"reason": "not-found", "call": _call_name(integration)}
    template = _NOT_FOUND
    name = (integration.event_source, integration.action_event)
    doubtful = trace_analysis.doubtful_names[name]
    if doubtful:
        reason["reason"] = "not-matched"
        template = _NOT_MATCHED
    text = template.format(
        action=named(integration.action_event),
        state=state.name,
        calls=plural(doubtful, "call of that name is", "calls of that name are"),
    )
    yield _unseen(text, proofs, fact=False, **place, **reason)


def _scheduled(states: Iterable[StateAnalysis]) -> list[str]:
    """Return the events that scheduled the first attempts."""
    ids = []
    for state in states:
        ids += [f"#{attempt.attempt.scheduled_id}" for attempt in state.attempts]
    return list(dict.fromkeys(ids))[:_MOST_PROOFS]


def _call_name(integration: Integration) -> str:
    service = integration.event_source.removesuffix(".amazonaws.com")
    return f"{service}:{integration.action_event}"
