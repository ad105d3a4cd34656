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


def job_findings(use: StateAnalysis) -> Steps:
    """Yield how a state called its service, and how it waited for its job."""
    for tell in (denials, completions, polling, calls):
        yield from tell(use)
        yield None


def patterns(case: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield the patterns of states and their meaning; like states make one finding."""
    for uses in grouped(case.states, lambda use: resource_words(use.first)).values():
        first, proofs = uses[0].first, (f"#{use.first.scheduled_id}" for use in uses)
        text = integration_text([use.name for use in uses], first)
        data: dict[str, Any] = {"visit": uses[0].visits[0].id, "states": len(uses)}
        data["visits"] = sum(len(use.visits) for use in uses)
        yield finding("pattern", text, proofs, **data, pattern=str(first.pattern))


def calls(use: StateAnalysis) -> Iterator[Finding]:
    """Yield the calls of a state that made some but, as far as is known, no poll."""
    made = [each for each in use.attempts if each.actions.every]
    if not made or any(each.polls.every for each in use.attempts):
        return
    told = AttemptGroup(made)
    waited = made if use.starts_job else ()
    unmatched = [poll for each in waited for poll in each.polls_that_may_be_its]
    surely = not use.starts_job or all(each.is_seen_whole for each in made)
    actions = told.actions
    action = told.actions.every[0].event_name
    others = len(told.calls.sure) - len(actions.sure)
    more = plural(others, "other call") if others else "no other call"
    text = f"{use.name} ({resource_words(use.first)}) called {named(action)}"
    text += f" {actions.often}; {more} matched"
    text += use.trace_analysis.known_words if use.starts_job else ""
    if unmatched:
        text += f"; {plural(len(unmatched), 'poll')} of that time may be its own"
    unproven = use.unproven_calls(actions.every[0].name, None)
    if unproven:
        more_calls = plural(len(unproven), f"more {named(action)} call")
        text += f"; {more_calls} of that time may be its own"
    data = {**told.first.place, "call": action, **actions.figures, "others": others}
    data |= {"polls": 0, "pattern": str(use.first.pattern)}
    is_open = told.calls.guessed or unmatched or unproven
    fact = surely and not is_open
    yield finding("calls", f"{text}.", told.calls.ids, fact=fact, **data)
