"""Where the time went: what it was spent on, and which states decided the length.

A Parallel lasts as long as its slowest branch. So each second is counted once, along
the chain of visits that ended last: the states of the top level, and for a Parallel
or a Map those of the branch or iteration that its end waited for.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from sfnwatch.trace.finding import Certainty, Finding, evidence
from sfnwatch.trace.finding_case import Case, is_cut, is_end_lost, known_to, lost_to
from sfnwatch.trace.finding_redrives import stopped_seconds
from sfnwatch.trace.finding_words import listed, named, plural, spoken
from sfnwatch.trace.spans import Part, end_of, length_of, totals
from sfnwatch.trace.timeline import Timeline
from sfnwatch.trace.visits import ROOT, StateVisit

_TOP = 3
_STEPS = 20
_TOLD = (Part.WORKING, Part.WAITING, Part.BACKING_OFF, Part.NOTICING, Part.AROUND)
_PART = {
    Part.WORKING: "working",
    Part.WAITING: "waiting",
    Part.BACKING_OFF: "backing off",
    Part.NOTICING: "before a job's end was noticed",
    Part.AROUND: "in a Map or Parallel as a whole",
}
_SHARE = 0.5
_LASTS = frozenset({"Wait", "Map", "Parallel"})
"""Types that take their time without a task: of Maps, those whose history shows no
iterations, as a Distributed Map's does."""


class Slowest(Struct, frozen=True):
    """The chain of visits that decided an execution's length."""

    steps: tuple[StateVisit, ...]
    """Innermost ones, in the order of time."""
    branched: bool
    """True if a Parallel or a Map was on the way."""


def slowest_path(timeline: Timeline, now: datetime) -> Slowest:
    """Follow the visits back from the end; `now` ends those that still run."""
    inside: dict[int | None, list[StateVisit]] = defaultdict(list)
    for visit in timeline.visits:
        inside[visit.parent].append(visit)
    steps: list[StateVisit] = []
    # A stack, since Parallels may be nested as deep as a definition likes.
    todo = _chain(inside[None], now)
    branched = False
    while todo:
        visit = todo.pop()
        within = inside.get(visit.id)
        if within:
            branched = True
            todo.extend(_chain(within, now))
        else:
            steps.append(visit)
    steps.reverse()
    return Slowest(tuple(steps), branched)


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
    chain.reverse()
    return chain


# -- findings --------------------------------------------------------------------


def time_findings(case: Case) -> Iterator[Finding]:
    """Tell what the time was spent on, and where most of it went."""
    timeline = case.timeline
    begun, now = timeline.started_at, _until(case)
    if begun is None or now is None or not timeline.events:
        return
    lost = 0 if is_cut(timeline) else lost_to(timeline)
    if any(is_end_lost(visit, lost) for visit in timeline.visits):
        return  # how long those states took is missing with their last events
    total = (now - begun).total_seconds()
    ran = total - stopped_seconds(timeline)
    path = slowest_path(timeline, now)
    if total <= 0 or not any(v.attempts or v.type in _LASTS for v in path.steps):
        return
    yield _time(case, path, now, total)
    if len(path.steps) > 1 and not is_cut(timeline):
        yield from _slowest(path, now, ran)


def _until(case: Case) -> datetime | None:
    """Say to when the states are known: where events are missing, to the last one."""
    timeline = case.timeline
    if is_cut(timeline) and timeline.events:
        return timeline.ordered[-1].timestamp
    return known_to(case.trace, timeline, case.now)


def _time(case: Case, path: Slowest, now: datetime, total: float) -> Finding:
    parts: dict[Part, float] = defaultdict(float)
    for visit in path.steps:
        for part, seconds in totals(visit, now).items():
            parts[part] += seconds
    # What lies between an end and a redrive is of no state, or of the one gone on with.
    stopped = stopped_seconds(case.timeline)
    parts.pop(Part.STOPPED, None)
    between = max(0.0, total - stopped - sum(parts.values()))
    spent = [f"{spoken(parts[p])} {_PART[p]}" for p in _TOLD if _worth(parts[p])]
    if _worth(between):
        spent.append(f"{spoken(between)} between states")
    if _worth(stopped):
        spent.append(f"{spoken(stopped)} over, until it was redriven")
    counted = ", each second once, along the slowest branch" if path.branched else ""
    so_far = " so far" if case.timeline.running else ""
    if is_cut(case.timeline):
        so_far = f" up to #{case.timeline.ordered[-1].id}, the last event that is here"
    return Finding(
        kind="time",
        certainty=Certainty.FACT,
        text=f"Of {spoken(total)}{so_far}{counted}: {listed(spent)}.",
        evidence=_ends_of(case),
        data={
            "seconds": round(total, 3),
            **{str(p).replace(" ", "_"): round(parts[p], 3) for p in _TOLD},
            "between": round(between, 3),
            **({"stopped": round(stopped, 3)} if stopped else {}),
            "counted": "slowest path",
        },
    )


def _worth(seconds: float) -> bool:
    return round(seconds, 2) > 0


def _ends_of(case: Case) -> tuple[str, ...]:
    events = case.timeline.ordered
    ending = case.timeline.ending or events[-1]
    return evidence([f"#{events[0].id}", f"#{ending.id}"])


def _slowest(path: Slowest, now: datetime, total: float) -> Iterator[Finding]:
    """Name those that took most; of many alike none decided anything."""
    lengths = [(_length(visit, now), visit) for visit in path.steps]
    ranked = sorted(lengths, key=lambda item: (-item[0], item[1].id))
    top = [
        f"{_where(visit)} ({spoken(seconds)})"
        for seconds, visit in ranked[:_TOP]
        if _worth(seconds)
    ]
    rest = len(ranked) - len(top)
    others = f"; {plural(rest, 'other visit')} took the rest" if rest else ""
    longest = ranked[0]
    if sum(seconds for seconds, _ in ranked[:_TOP]) / total < _SHARE:
        return
    yield Finding(
        kind="slowest-path",
        certainty=Certainty.FACT,
        text=(
            f"The length was decided by {listed(top)}{others}."
            if longest[0] / total < _SHARE
            else f"{top[0]} took most of the time"
            f"{', then came ' + listed(top[1:]) if top[1:] else ''}{others}."
        ),
        evidence=evidence(f"#{visit.id}" for _, visit in ranked[:_TOP]),
        data={
            "seconds": round(total, 3),
            "steps": [
                {"visit": visit.id, "path": visit.path, "seconds": round(seconds, 3)}
                for seconds, visit in lengths[:_STEPS]
            ],
            "count": len(lengths),
            "longest": longest[1].id,
        },
    )


def _length(visit: StateVisit, now: datetime) -> float:
    return length_of(visit, now)


def _where(visit: StateVisit) -> str:
    """Name a visit; one inside another with its whole path."""
    if visit.parent is None:
        return named(visit.name)
    return named(visit.path.removeprefix(f"{ROOT} / "))
