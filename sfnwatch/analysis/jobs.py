"""Findings on how a state called its service: by which pattern, and which calls."""

from collections.abc import Iterator
from typing import Any

from sfnwatch.analysis.attempt_analysis import AttemptGroup
from sfnwatch.analysis.completions import completions
from sfnwatch.analysis.denied_polls import denials
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, Steps, finding
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.integration_words import integration_text, resource_words
from sfnwatch.analysis.names import named
from sfnwatch.analysis.polling import polling
from sfnwatch.analysis.quantities import plural
from sfnwatch.analysis.state_analysis import StateAnalysis

_CALLS = "{state} ({resource}) called {action} {often}; {others} matched{known}{open}."
_MAY_BE_ITS = "; {calls} of that time may be its own"


def job_findings(state: StateAnalysis) -> Steps:
    """Yield how a state called its service, and how it waited for its job."""
    for find in (denials, completions, polling, calls_without_polls):
        yield from find(state)
        yield None


def patterns(execution: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield the patterns of states and their meaning; like states make one finding."""
    by_resource = grouped(execution.states, lambda state: resource_words(state.first))
    for states in by_resource.values():
        first = states[0].first
        text = integration_text([state.name for state in states], first)
        proofs = [f"#{state.first.scheduled_id}" for state in states]
        data: dict[str, Any] = {
            "visit": states[0].visits[0].id,
            "states": len(states),
            "visits": sum(len(state.visits) for state in states),
            "pattern": str(first.pattern),
        }
        yield finding("pattern", text, proofs, **data)


def calls_without_polls(state: StateAnalysis) -> Iterator[Finding]:
    """Yield the calls of a state that made some but, as far as is known, no poll."""
    made = [attempt for attempt in state.attempts if attempt.actions.every]
    if not made or any(attempt.polls.every for attempt in state.attempts):
        return
    group = AttemptGroup(made)
    actions = group.actions
    first = actions.every[0]
    other_count = len(group.calls.sure) - len(actions.sure)
    unproven_actions = state.unproven_calls(first.name, None)
    unproven_polls = group.polls_that_may_be_its
    known = ""
    open_ = ""
    if state.starts_job:
        known = state.trace_analysis.known_words
        if unproven_polls:
            open_ += _MAY_BE_ITS.format(calls=plural(len(unproven_polls), "poll"))
    if unproven_actions:
        noun = f"more {named(first.event_name)} call"
        open_ += _MAY_BE_ITS.format(calls=plural(len(unproven_actions), noun))
    text = _CALLS.format(
        state=state.name,
        resource=resource_words(state.first),
        action=named(first.event_name),
        often=actions.often,
        others=plural(other_count, "other call") if other_count else "no other call",
        known=known,
        open=open_,
    )
    data = {
        **group.first.place,
        "call": first.event_name,
        **actions.figures,
        "others": other_count,
        "polls": 0,
        "pattern": str(state.first.pattern),
    }
    is_whole = group.is_seen_whole or not state.starts_job
    is_fact = is_whole and not group.calls.guessed and not open_
    yield finding("calls", text, group.calls.ids, fact=is_fact, **data)
