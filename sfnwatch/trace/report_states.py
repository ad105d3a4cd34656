"""The states of an execution as rows: how often, how long and with which calls.

All visits of one state in one place are one row: the iterations of a Map, the rounds
of a loop. The branches of a Parallel are places of their own.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from statistics import mean, median

from msgspec import Struct

from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.finding_case import (
    CallsByAttempt,
    action_of,
    as_known,
    known_to,
    lost_to,
)
from sfnwatch.trace.finding_polls import is_denied, settled_intervals
from sfnwatch.trace.lanes import polls_of
from sfnwatch.trace.links import role_of_call
from sfnwatch.trace.reach import Reach, reach
from sfnwatch.trace.spans import Part, length_of, totals
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import resource_words

_NEVER = datetime.min.replace(tzinfo=UTC)
_Place = tuple[int, object, str, str, str]


class CallsOfState(Struct, frozen=True):
    """The calls tied to a state's tries."""

    by_role: Mapping[str, int]
    """action, poll, stop, other: those there are none of are left out."""
    by_rule: Mapping[str, int]
    denied: int
    failed: int
    """Calls with another error than being denied."""
    poll_call: str | None = None
    """What it polls with."""
    poll_mean: float | None = None
    poll_min: float | None = None
    poll_max: float | None = None


class StateRow(Struct, frozen=True):
    """One state in one place, all its visits together; lengths in seconds."""

    path: str
    """As AWS's names have it: `Parallel[1] / Each[*] / Work`."""
    name: str
    type: str
    resource: str | None
    """`ecs:runTask.sync`, cleaned; None for what is no Task."""
    visits: int
    visit: int
    """The id of the first of them."""
    tries: int
    failed_tries: int
    parts: Mapping[Part, float]
    """What the time of all visits together was spent on."""
    seconds: float
    """The time of all visits together: of iterations side by side, more than passed."""
    longest: float
    median: float
    statuses: Mapping[str, int]
    calls: CallsOfState


class _Ground(Struct, frozen=True):
    """What the rows of one execution are made from."""

    trace: Trace
    timeline: Timeline
    calls: CallsByAttempt
    now: datetime
    reach: Reach
    lost: float
    """The last id that is missing of its events."""


def state_rows(
    trace: Trace,
    timeline: Timeline,
    calls: CallsByAttempt,
    now: datetime | None = None,
) -> tuple[StateRow, ...]:
    """Give a row for each state and place, in the order they were first entered.

    `now` is the screen's, for what still runs.
    """
    known = known_to(trace, timeline, now) or _NEVER
    ground = _Ground(trace, timeline, calls, known, reach(trace), lost_to(timeline))
    return tuple(_row(ground, path, visits) for path, visits in _places(timeline))


def _places(timeline: Timeline) -> Iterable[tuple[str, list[StateVisit]]]:
    """Group visits by place; a place is known by its parent's, not by its text."""
    places: dict[_Place, int] = {}
    of_visit: dict[int, int] = {}
    found: dict[int, tuple[str, list[StateVisit]]] = {}
    by_id = timeline.visits.by_id
    for visit in sorted(timeline.visits, key=lambda visit: visit.id):
        parent = by_id.get(visit.parent) if visit.parent is not None else None
        outer = of_visit.get(parent.id, 0) if parent else 0
        index = _index(parent, visit)
        resource = resource_words(visit.attempts[0]) if visit.attempts else ""
        place = (outer, index, visit.name, visit.type, resource)
        number = places.setdefault(place, len(places) + 1)
        of_visit[visit.id] = number
        if number not in found:
            prefix = found[outer][0] if outer else ""
            found[number] = (_path(prefix, index, visit.name), [])
        found[number][1].append(visit)
    return found.values()


def _index(parent: StateVisit | None, visit: StateVisit) -> object:
    """Tell branches apart, and not iterations."""
    if visit.index is None:
        return None
    return "*" if parent is not None and parent.type == "Map" else visit.index


def _path(prefix: str, index: object, name: str) -> str:
    if not prefix:
        return name
    return f"{prefix}{'' if index is None else f'[{index}]'} / {name}"


def _row(ground: _Ground, path: str, visits: Sequence[StateVisit]) -> StateRow:
    parts: dict[Part, float] = defaultdict(float)
    lengths = []
    for visit in visits:
        known = as_known(ground.timeline, visit, ground.lost)
        for part, seconds in totals(known, ground.now).items():
            parts[part] += seconds
        lengths.append(length_of(known, ground.now))
    first = visits[0]
    tries = [attempt for visit in visits for attempt in visit.attempts]
    return StateRow(
        path=path,
        name=first.name,
        type=first.type,
        resource=resource_words(tries[0]) if tries else None,
        visits=len(visits),
        visit=first.id,
        tries=len(tries),
        failed_tries=sum(a.status in {"failed", "timed_out"} for a in tries),
        parts={part: round(parts[part], 3) for part in Part if parts[part]},
        seconds=round(sum(lengths), 3),
        longest=round(max(lengths), 3),
        median=round(median(lengths), 3),
        statuses=dict(sorted(Counter(visit.status for visit in visits).items())),
        calls=_calls(ground, visits),
    )


def _calls(ground: _Ground, visits: Iterable[StateVisit]) -> CallsOfState:
    arn, links_of = ground.timeline.execution_arn, ground.trace.links
    own: list[ApiCall] = []
    gaps: list[float] = []
    polled: Counter[str] = Counter()
    for visit in visits:
        for attempt in visit.attempts:
            those = ground.calls.get((arn, attempt.scheduled_id), ())
            polls = polls_of(attempt, those)
            action = action_of(attempt, those)
            own.extend(those)
            gaps.extend(settled_intervals(ground.reach, action, polls))
            polled.update(poll.event_name for poll in polls)
    links = [links_of[call.event_id] for call in own]
    denied = sum(map(is_denied, own))
    return CallsOfState(
        by_role=_counted(
            str(role_of_call(call, link)) for call, link in zip(own, links, strict=True)
        ),
        by_rule=_counted(str(link.rule) for link in links),
        denied=denied,
        failed=sum(call.error_code is not None for call in own) - denied,
        poll_call=min(polled, key=lambda name: (-polled[name], name), default=None),
        poll_mean=round(mean(gaps), 1) if gaps else None,
        poll_min=min(gaps, default=None),
        poll_max=max(gaps, default=None),
    )


def _counted(words: Iterable[str]) -> Mapping[str, int]:
    return dict(sorted(Counter(words).items()))
