"""Findings on the calls of states that did not poll."""

from collections.abc import Iterator

from sfnwatch.analysis.attempt_group import AttemptGroup
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import plural
from sfnwatch.analysis.state_analysis import StateAnalysis

_CALLS = "{state} ({resource}) called {action} {often}; {others} matched{known}{open}."
_MAY_BE_ITS = "; {calls} of that time may be its own"


def unpolled_calls(state: StateAnalysis) -> Iterator[Finding]:
    """Yield the calls of a state whose attempts made no poll, as far as is known."""
    made = [attempt for attempt in state.attempts if attempt.actions.every]
    if not made or any(attempt.polls.every for attempt in state.attempts):
        return
    group = AttemptGroup(made)
    actions = group.actions
    first = actions.every[0]
    other_count = len(group.calls.sure) - len(actions.sure)
    unproven_actions = state.unproven_calls(first.name, None)
    known = ""
    open_ = ""
    if state.starts_job:
        known = state.trace_analysis.known_words
        unproven_polls = group.polls_that_may_be_its
        if unproven_polls:
            open_ = _MAY_BE_ITS.format(calls=plural(len(unproven_polls), "poll"))
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
