"""Where the time went: what it was spent on, and which states decided the length.

A Parallel lasts as long as its slowest branch. So each second is counted once, along
the critical path: the states of the top level, and for a Parallel or a Map those of the
branch or iteration that its end waited for.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sfnwatch.next.analysis.case import Case
from sfnwatch.next.analysis.finding import Finding, Steps, finding
from sfnwatch.next.analysis.outcomes import stopped_seconds
from sfnwatch.next.analysis.phases import Phase, end_of, length_of, seconds_by_phase
from sfnwatch.next.analysis.wording import listed, plural, spoken, visit_name
from sfnwatch.next.model.visits import StateVisit

_TOP = 3
_STEPS = 20
_PAUSE = 100
_SHARE = 0.5
_LITTLE = 0.01
"""A share of the time that is not worth naming."""
_LASTS = frozenset({"Wait", "Map", "Parallel"})
"""Types that take their time without a task: of Maps, those whose history shows no
iterations, as a Distributed Map's does."""
_WORDS = {
    Phase.WORKING: "working",
    Phase.WAITING: "waiting",
    Phase.BACKING_OFF: "retry back-off",
    Phase.COMPLETION_LAG: "completion lag",
    Phase.CONTAINER: "inside Map/Parallel",
}
PHASE_KEYS = {
    Phase.WORKING: "working",
    Phase.WAITING: "waiting",
    Phase.BACKING_OFF: "backing_off",
    Phase.COMPLETION_LAG: "noticing",
    Phase.CONTAINER: "around",
    Phase.STOPPED: "stopped",
}
"""What the phases are called in data, in the order they are told."""


def critical_path(visits: Iterable[StateVisit], now: datetime) -> list[StateVisit]:
    """Give the chain of visits that decided an execution's length, innermost ones.

    They are followed back from the end; `now` ends those that still run.
    """
    inside: dict[int | None, list[StateVisit]] = defaultdict(list)
    for visit in visits:
        inside[visit.parent].append(visit)
    path: list[StateVisit] = []
    # A stack, since Parallels may be nested as deep as a definition likes.
    todo = _chain(inside[None], now)
    while todo:
        visit = todo.pop()
        if within := inside.get(visit.id):
            todo.extend(_chain(within, now))
        else:
            path.append(visit)
    return path[::-1]


def _chain(visits: Sequence[StateVisit], now: datetime) -> list[StateVisit]:
    """Give the visits of one level that followed on each other up to its end.

    Within a branch a state follows on the one before it. An iteration that had to
    wait for its turn follows on the one whose end let it begin.
    """
    ends = sorted((end_of(visit, now), -visit.id, visit) for visit in visits)
    before: dict[int, StateVisit | None] = {}
    last_of: dict[object, StateVisit] = {}
    for visit in visits:
        before[visit.id] = last_of.get(visit.index)
        last_of[visit.index] = visit
    chain: list[StateVisit] = []
    place = len(ends) - 1
    current = ends[-1][2] if ends else None
    while current is not None:
        chain.append(current)
        follows = before[current.id]
        while follows is None and place > 0:
            place -= 1
            end, _, other = ends[place]
            if end <= current.entered_at and other.id < current.id:
                follows = other
        current = follows
    return chain[::-1]


# -- findings --------------------------------------------------------------------------


def time_findings(case: Case) -> Steps:
    """Tell where most of the time went, and what it was spent on."""
    execution = case.execution
    begun, now = execution.started_at, _until(case)
    if begun is None or now is None or not execution.events:
        return
    if not case.is_cut and any(map(case.is_end_lost, case.visits)):
        return  # how long those states took is missing with their last events
    yield None
    total = (now - begun).total_seconds()
    path = critical_path(case.visits, now)
    yield None
    if total <= 0 or not any(v.attempts or v.type in _LASTS for v in path):
        return
    spent: dict[Phase, float] = defaultdict(float)
    for number, visit in enumerate(path, 1):
        for phase, seconds in seconds_by_phase(visit, now).items():
            spent[phase] += seconds
        if not number % _PAUSE:
            yield None
    told = _time(case, path, spent, total)
    if len(path) > 1 and not case.is_cut:
        yield from _slowest(path, now, total - stopped_seconds(execution))
    if told is not None:
        yield told


def _until(case: Case) -> datetime | None:
    """Say to when the states are known: where events are missing, to the last one."""
    execution = case.execution
    if case.is_cut and execution.events:
        return execution.events[-1].at
    return case.survey.known_to(execution)


def _time(
    case: Case,
    path: Sequence[StateVisit],
    spent: Mapping[Phase, float],
    total: float,
) -> Finding | None:
    """Tell what it was spent on; None where it took no time to speak of."""
    execution = case.execution
    # What lies between an end and a redrive is of no state, or of the one gone on with.
    stopped = stopped_seconds(execution)
    known = {phase: spent.get(phase, 0.0) for phase in _WORDS}
    between = max(0.0, total - stopped - sum(known.values()))
    parts = [(seconds, _WORDS[phase]) for phase, seconds in known.items()]
    parts += [(stopped, "stopped until it was redriven")]
    if not any(_worth(seconds) for seconds, _ in parts):
        return None
    parts.insert(len(known), (between, "between states"))
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
    return finding(
        "time",
        f"Critical path, {spoken(total)}{so_far}{once}: {listed(told)}.",
        [f"#{execution.events[0].id}", f"#{ending.id}"],
        **figures,
        counted="slowest path",
    )


def says_nothing(data: Mapping[str, Any]) -> bool:
    """True for a `time` finding that has no time of any state's own in it."""
    told = ("working", "waiting", "backing_off", "noticing", "stopped")
    return not any(_worth(data.get(key) or 0.0) for key in told)


def _worth(seconds: float) -> bool:
    return round(seconds, 2) > 0


def _slowest(
    path: Sequence[StateVisit], now: datetime, total: float
) -> Iterator[Finding]:
    """Name those that took most; of many alike none decided anything."""
    lengths = [(length_of(visit, now), visit) for visit in path]
    ranked = sorted(lengths, key=lambda item: (-item[0], item[1].id))
    top = ranked[:_TOP]
    longest, visit = ranked[0]
    if total <= 0 or sum(seconds for seconds, _ in top) / total < _SHARE:
        return
    names = [
        f"{visit_name(v, alone=v.parent is None)} ({spoken(seconds)})"
        for seconds, v in top
        if seconds / total >= _LITTLE
    ]
    if longest / total < _SHARE:
        rest = len(ranked) - len(names)
        others = f", and {plural(rest, 'shorter visit')}" if rest else ""
        text = f"The critical path was {', '.join(names)}{others}."
    else:
        then = f", then {listed(names[1:])}" if names[1:] else ""
        text = f"{names[0]} took most of the time{then}."
    yield finding(
        "slowest-path",
        text,
        (f"#{visit.id}" for _, visit in top),
        seconds=round(total, 3),
        steps=[
            {"visit": v.id, "path": v.path, "seconds": round(seconds, 3)}
            for seconds, v in lengths[:_STEPS]
        ],
        count=len(lengths),
        longest=visit.id,
    )
