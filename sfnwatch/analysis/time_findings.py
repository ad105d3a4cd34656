"""Findings on where the time of an execution went.

A Parallel lasts as long as its slowest branch. So each second is counted once, along
the critical path: the states of the top level, and inside a Parallel or a Map the
states of the branch or iteration that its end waited for.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sfnwatch.analysis.critical_path import critical_path
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, Steps, finding
from sfnwatch.analysis.lists import listed
from sfnwatch.analysis.names import cleaned_path
from sfnwatch.analysis.phases import PHASE_KEYS, Phase, seconds_by_phase, seconds_taken
from sfnwatch.analysis.quantities import plural, spoken
from sfnwatch.model.visits import StateVisit

_LONGEST_VISITS = 3
"""How many of the longest visits are named, if they took most of the time."""
_MOST_STEPS = 20
"""The most visits that a finding's data lists."""
_MOST_OF_THE_TIME = 0.5
"""The share of the time from which one or a few visits took most of it."""
_NAMED_SHARE = 0.01
"""The least share of the time for which a visit is named."""
_PHASE_WORDS = {
    Phase.WORKING: "working",
    Phase.WAITING: "waiting",
    Phase.BACKING_OFF: "retry back-off",
    Phase.COMPLETION_LAG: "completion lag",
    Phase.CONTAINER: "inside Map/Parallel",
}
"""The phases in which time is spent while an execution runs."""


def time_findings(analysis: ExecutionAnalysis) -> Steps:
    """Yield which visits took most of the time, and what the time was spent on."""
    execution = analysis.execution
    begun = execution.started_at
    if begun is None or not execution.events:
        return
    if analysis.is_cut:
        # The states are known up to the last event loaded.
        now = execution.events[-1].at
    elif any(map(analysis.is_end_lost, analysis.visits)):
        return  # the length of states whose last events are missing is not known
    else:
        now = analysis.known_to
    yield None
    total = (now - begun).total_seconds()
    path = critical_path(map(analysis.as_known, analysis.visits), now)
    yield None
    if total <= 0 or not path:
        return
    if any(visit.type == "Task" and not visit.attempts for visit in path):
        return  # a task whose own events are missing did not wait all the time
    if len(path) > 1 and not analysis.is_cut:
        running_seconds = total - execution.stopped_seconds
        yield _longest_visits(path, now, running_seconds)
    yield from _time_spent(analysis, path, now, total)


def _time_spent(
    analysis: ExecutionAnalysis, path: Sequence[StateVisit], now: datetime, total: float
) -> Steps:
    """Yield what the time was spent on, if any phase took time worth naming."""
    execution = analysis.execution
    spent = dict.fromkeys(_PHASE_WORDS, 0.0)
    for visit in path:
        for phase, seconds in seconds_by_phase(execution, visit, now).items():
            if phase in spent:
                spent[phase] += seconds
        yield None
    # The time between an end and a redrive belongs to no state, or to the state that
    # the redrive continued.
    stopped = execution.stopped_seconds
    between = max(0.0, total - stopped - sum(spent.values()))
    if not any(map(_is_notable, (*spent.values(), stopped))):
        return
    figures: dict[str, Any] = {"seconds": round(total, 3)}
    parts: dict[str, float] = {}
    for phase, seconds in spent.items():
        figures[PHASE_KEYS[phase]] = round(seconds, 3)
        parts[_PHASE_WORDS[phase]] = seconds
    figures["between"] = round(between, 3)
    parts["between states"] = between
    if stopped:
        figures["stopped"] = round(stopped, 3)
        parts["stopped until it was redriven"] = stopped
    named_parts = [
        f"{spoken(seconds)} {words}"
        for words, seconds in parts.items()
        if _is_notable(seconds)
    ]
    is_branched = any(visit.parent is not None for visit in path)
    once = " (parallel time counted once)" if is_branched else ""
    length = f"{spoken(total)}{_reach_words(analysis)}{once}"
    text = f"Critical path, {length}: {listed(named_parts)}."
    ending = execution.ending or execution.events[-1]
    proofs = [f"#{execution.events[0].id}", f"#{ending.id}"]
    yield finding("time", text, proofs, **figures, counted="slowest path")


def _reach_words(analysis: ExecutionAnalysis) -> str:
    """Return how far the time is known, unless that is to the execution's end."""
    if analysis.is_cut:
        last = analysis.execution.events[-1]
        return f" up to #{last.id}, the last event loaded"
    return " so far" if analysis.execution.running else ""


def _is_notable(seconds: float) -> bool:
    return round(seconds, 2) > 0


def _longest_visits(
    path: Sequence[StateVisit], now: datetime, total: float
) -> Finding | None:
    """Return which visits took most, if a few of them took half of the time.

    Among many visits of like length, none decided the total.
    """
    lengths = {visit.id: seconds_taken(visit, now) for visit in path}
    longest_first = sorted(path, key=lambda visit: (-lengths[visit.id], visit.id))
    longest = longest_first[0]
    if total <= 0 or not _is_notable(lengths[longest.id]):
        return None
    top = longest_first[:_LONGEST_VISITS]
    if sum(lengths[visit.id] for visit in top) / total < _MOST_OF_THE_TIME:
        return None
    names = []
    for visit in top:
        seconds = lengths[visit.id]
        if seconds / total >= _NAMED_SHARE:
            names.append(f"{cleaned_path(visit)} ({spoken(seconds)})")
    first, *others = names
    if lengths[longest.id] / total > _MOST_OF_THE_TIME:
        then = f", then {listed(others)}" if others else ""
        text = f"{first} took most of the time{then}."
    else:
        rest = len(path) - len(names)
        if rest:
            names.append(plural(rest, "shorter visit"))
        text = f"The critical path was {listed(names)}."
    steps = []
    for visit in path[:_MOST_STEPS]:
        seconds = round(lengths[visit.id], 3)
        steps.append({"visit": visit.id, "path": visit.path, "seconds": seconds})
    data: dict[str, Any] = {"seconds": round(total, 3), "steps": steps}
    data |= {"count": len(path), "longest": longest.id}
    proofs = [f"#{visit.id}" for visit in top]
    return finding("slowest-path", text, proofs, **data)
