"""Findings that rest on several executions together."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from sfnwatch.analysis.attempt_analysis import AttemptGroup
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import CONCLUSION, Finding, finding
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.lists import some
from sfnwatch.analysis.names import named, short_names_of
from sfnwatch.analysis.quantities import cadence, plural, times

_SEVERAL = 2


def conclusions(cases: Sequence[ExecutionAnalysis]) -> Iterator[Finding]:
    """Yield which jobs two or more executions start, and in which ways.

    A way is a resource, together with whether all its polls were denied. With only one
    way, or only one execution, the other findings already say as much.
    """
    uses = [use for case in cases for use in case.states if use.starts_job]
    started = [each for use in uses for each in use.attempts if each.actions.sure]
    ways = grouped(started, lambda each: each.way)
    if len(cases) < _SEVERAL or len(ways) < _SEVERAL:
        return
    names = short_names_of(case.execution for case in cases)
    for those in ways.values():
        yield _conclusion(AttemptGroup(those), names)


def _conclusion(told: AttemptGroup, names: Mapping[str, str]) -> Finding:
    resource, denied = told.first.way
    arns = list(dict.fromkeys(each.key[0] for each in told.attempts))
    polls = told.polls.sure
    succeeded = told.statuses == {"succeeded"}
    unsure = told.calls.guessed or any(e.polls_that_may_be_its for e in told.attempts)
    # True if no later record can change what is said about the polls.
    whole = all(e.settled if polls else e.is_seen_whole for e in told.attempts)
    known = "" if whole else told.first.state.trace_analysis.known_words
    then = f", with no poll matched{known}"
    if polls:
        every = (
            f" {cadence(fmean(told.seconds_between_polls))}"
            if told.seconds_between_polls
            else ""
        )
        most = "up to " if told.polls.guessed else ""
        count = f"{most}{plural(len(told.polls.every), 'poll')}{told.so_far}"
        then = f", then {named(polls[0].event_name)}{every} ({count})"
    refutes = denied and told.complete and succeeded
    actions = told.actions.sure
    often = f" ({times(len(actions))})" if len(actions) > 1 else ""
    became = f"; every poll was denied{told.so_far}" if denied else ""
    if denied and told.statuses == {"running"}:
        became += ", and it is still running"
    elif denied and succeeded:
        refuted = ", so completion doesn't depend on polling" if refutes else ""
        became += f", yet it still succeeded{refuted}"
    text = f"{resource} ({some(names[arn] for arn in arns)}) calls"
    text += f" {named(actions[0].event_name)}{often}{then}{became}."
    data: dict[str, Any] = {"resource": resource, "executions": arns}
    data |= {"tries": len(told.attempts), "polls": len(polls)}
    data |= {"denied": len(polls) if denied else 0, "statuses": sorted(told.statuses)}
    data["interval_mean"] = (
        round(fmean(told.seconds_between_polls), 1)
        if told.seconds_between_polls
        else None
    )
    if polls and told.so_far:
        data["so_far"] = True
    fact = whole and not unsure and not refutes
    return finding(CONCLUSION, text, told.calls.sure, fact=fact, **data)
