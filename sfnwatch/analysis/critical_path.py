"""Findings on where the time of an execution went."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Steps, finding
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.lists import listed
from sfnwatch.analysis.names import visit_path
from sfnwatch.analysis.phases import (
    PHASE_KEYS,
    Phase,
    end_of,
    length_of,
    seconds_by_phase,
)
from sfnwatch.analysis.quantities import plural, spoken
from sfnwatch.model.visits import StateVisit

_TOP = 3
_STEPS = 20
_SHARE = 0.5
_LITTLE = 0.01
"""The least share of the time for which a visit is named."""
_WORDS = {
    Phase.WORKING: "working",
    Phase.WAITING: "waiting",
    Phase.BACKING_OFF: "retry back-off",
    Phase.COMPLETION_LAG: "completion lag",
    Phase.CONTAINER: "inside Map/Parallel",
}


def critical_path(visits: Iterable[StateVisit], now: datetime) -> list[StateVisit]:
    """Return the innermost visits that decided an execution's length, in order.

    They are followed back from the end. Visits that still run end at `now`.
    """
    inside = grouped(visits, lambda visit: visit.parent)
    path: list[StateVisit] = []
    # A stack, since Parallels may be nested as deep as a definition likes.
    todo = _chain(inside.get(None, ()), now)
    while todo:
        visit = todo.pop()
        if within := inside.get(visit.id):
            todo.extend(_chain(within, now))
        else:
            path.append(visit)
    return path[::-1]


def _chain(visits: Sequence[StateVisit], now: datetime) -> list[StateVisit]:
    """Return the visits of one level that led to its end, one after another.

    Within a branch, a state follows the state before it. An iteration that had to wait
    for its turn follows the iteration whose end let it begin.
    """
    ends = sorted((end_of(visit, now), -visit.id, visit) for visit in visits)
    before: dict[int, StateVisit | None] = {}
    last_of: dict[object, StateVisit] = {}
    for visit in visits:
        before[visit.id] = last_of.get(visit.index)
        last_of[visit.index] = visit
    chain: list[StateVisit] = []
    earlier = reversed(ends[:-1])
    current = ends[-1][2] if ends else None
    while current is not None:
        chain.append(current)
        begin = current.entered_at
        number = current.id
        over = (v for end, _, v in earlier if end <= begin and v.id < number)
        current = before[number] or next(over, None)
    return chain[::-1]


def time_findings(case: ExecutionAnalysis) -> Steps:
    """Yield which visits took most of the time, and what the time was spent on."""
    execution = case.execution
    begun = case.execution.started_at
    if begun is None or not execution.events:
        return
    # If events are missing, the states are known up to the last event loaded.
    now = execution.events[-1].at if case.is_cut else case.known_to
    if not case.is_cut and any(map(case.is_end_lost, case.visits)):
        return  # the length of states whose last events are missing is not known
    yield None
    total = (now - begun).total_seconds()
    path = critical_path(map(case.as_known, case.visits), now)
    yield None
    is_part = any(v.type == "Task" and not v.attempts for v in path)
    if total <= 0 or not path or is_part:
        return  # a task whose own events are missing did not wait all the time
    if len(path) > 1 and not case.is_cut:
        yield from _slowest(path, now, total - execution.stopped_seconds)
    yield from _time(case, path, now, total)


def _time(
    case: ExecutionAnalysis, path: Sequence[StateVisit], now: datetime, total: float
) -> Steps:
    """Yield what the time was spent on, if any phase took time worth naming."""
    execution = case.execution
    spent = Counter[Phase]()
    for visit in path:
        spent.update(seconds_by_phase(execution, visit, now))
        yield None
    # The time between an end and a redrive belongs to no state, or to the state that
    # the redrive continued.
    stopped = execution.stopped_seconds
    known = {phase: spent.get(phase, 0.0) for phase in _WORDS}
    between = max(0.0, total - stopped - sum(known.values()))
    if not any(map(_worth, (*known.values(), stopped))):
        return
    parts = [(seconds, _WORDS[phase]) for phase, seconds in known.items()]
    parts += [(between, "between states"), (stopped, "stopped until it was redriven")]
    told = [f"{spoken(seconds)} {words}" for seconds, words in parts if _worth(seconds)]
    so_far = " so far" if execution.running else ""
    if case.is_cut:
        so_far = f" up to #{execution.events[-1].id}, the last event loaded"
    branched = any(visit.parent is not None for visit in path)
    once = " (parallel time counted once)" if branched else ""
    ending = execution.ending or execution.events[-1]
    figures: dict[str, Any] = {"seconds": round(total, 3)}
    figures |= {PHASE_KEYS[phase]: round(known[phase], 3) for phase in known}
    figures["between"] = round(between, 3)
    if stopped:
        figures["stopped"] = round(stopped, 3)
    text = f"Critical path, {spoken(total)}{so_far}{once}: {listed(told)}."
    proofs = [f"#{execution.events[0].id}", f"#{ending.id}"]
    yield finding("time", text, proofs, **figures, counted="slowest path")


def _worth(seconds: float) -> bool:
    return round(seconds, 2) > 0


def _slowest(path: Sequence[StateVisit], now: datetime, total: float) -> Steps:
    """Yield the visits that took most, if a few of them took half of the time.

    Among many visits of like length, none decided the total.
    """
    lengths = [(length_of(visit, now), visit) for visit in path]
    order = sorted(lengths, key=lambda item: (-item[0], item[1].id))
    top = order[:_TOP]
    longest, visit = order[0]
    if total <= 0 or not _worth(longest):
        return
    if sum(seconds for seconds, _ in top) / total < _SHARE:
        return
    notable = ((v, spoken(took)) for took, v in top if took / total >= _LITTLE)
    names = [f"{visit_path(v)} ({took})" for v, took in notable]
    rest = len(order) - len(names)
    others = f", and {plural(rest, 'shorter visit')}" if rest else ""
    text = f"The critical path was {', '.join(names)}{others}."
    if longest / total > _SHARE:
        then = f", then {listed(names[1:])}" if names[1:] else ""
        text = f"{names[0]} took most of the time{then}."
    shown = ((v, round(seconds, 3)) for seconds, v in lengths[:_STEPS])
    steps = [{"visit": v.id, "path": v.path, "seconds": took} for v, took in shown]
    data: dict[str, Any] = {"seconds": round(total, 3), "steps": steps}
    data |= {"count": len(lengths), "longest": visit.id}
    yield finding("slowest-path", text, (f"#{v.id}" for _, v in top), **data)
