"""The states of an execution as rows: how often, how long and with which calls.

All visits of one state in one place are one row: the iterations of a Map, the rounds
of a loop. The branches of a Parallel are places of their own.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from statistics import mean, median

from msgspec import Struct

from sfnwatch.next.analysis.case import AttemptCase, Case, as_known, lost_to
from sfnwatch.next.analysis.completion import is_denied
from sfnwatch.next.analysis.failures import FAILED
from sfnwatch.next.analysis.phases import Phase, length_of, seconds_by_phase
from sfnwatch.next.analysis.wording import ranked, resource_words
from sfnwatch.next.model.links import role_of_call
from sfnwatch.next.model.visits import StateVisit

_NEVER = datetime.min.replace(tzinfo=UTC)
_Place = tuple[int, object, str, str, str]


class CallsOfState(Struct, frozen=True):
    """The calls matched to a state's attempts."""

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
    id_word: str
    """What people call the id of its job: `task ARN`."""
    visits: int
    visit: int
    """The id of the first of them."""
    tries: int
    failed_tries: int
    phases: Mapping[Phase, float]
    """What the time of all visits together was spent on."""
    seconds: float
    """The time of all visits together: of iterations side by side, more than passed."""
    longest: float
    median: float
    statuses: Mapping[str, int]
    calls: CallsOfState


def state_rows(case: Case) -> list[StateRow]:
    """Give a row for each state and place, in the order they were first entered."""
    attempts: dict[int, list[AttemptCase]] = defaultdict(list)
    for use in case.uses:
        for each in use.attempts:
            attempts[each.visit.id].append(each)
    now = case.survey.known_to(case.execution) or _NEVER
    lost = lost_to(case.execution)
    found = []
    for path, visits in _places(case.visits):
        known = [as_known(case.execution, visit, lost) for visit in visits]
        own = [each for visit in visits for each in attempts[visit.id]]
        found.append(_row(case, path, known, own, now))
    return found


def _places(visits: Iterable[StateVisit]) -> Iterable[tuple[str, list[StateVisit]]]:
    """Group visits by place; a place is known by its parent's, not by its text."""
    places: dict[_Place, int] = {}
    of_visit: dict[int, int] = {}
    found: dict[int, tuple[str, list[StateVisit]]] = {}
    by_id: dict[int | None, StateVisit] = {}
    for visit in visits:
        by_id[visit.id] = visit
        parent = by_id.get(visit.parent)
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


def _row(
    case: Case,
    path: str,
    visits: Sequence[StateVisit],
    attempts: Sequence[AttemptCase],
    now: datetime,
) -> StateRow:
    phases: dict[Phase, float] = defaultdict(float)
    for visit in visits:
        for phase, seconds in seconds_by_phase(visit, now).items():
            phases[phase] += seconds
    lengths = [length_of(visit, now) for visit in visits]
    first, tries = visits[0], [each.attempt for each in attempts]
    row = tries[0].integration if tries else None
    return StateRow(
        path=path,
        name=first.name,
        type=first.type,
        resource=resource_words(tries[0]) if tries else None,
        id_word=row.id_word if row else "id",
        visits=len(visits),
        visit=first.id,
        tries=len(tries),
        failed_tries=sum(attempt.status in FAILED for attempt in tries),
        phases={phase: round(phases[phase], 3) for phase in Phase if phases[phase]},
        seconds=round(sum(lengths), 3),
        longest=round(max(lengths), 3),
        median=round(median(lengths), 3),
        statuses=_counted(visit.status for visit in visits),
        calls=_calls(case, attempts),
    )


def _calls(case: Case, attempts: Sequence[AttemptCase]) -> CallsOfState:
    links = case.moment.trace.links
    calls = [(call, links[call.event_id]) for each in attempts for call in each.calls]
    gaps = [gap for each in attempts for gap in each.intervals.seconds]
    denied = sum(is_denied(call) for call, _ in calls)
    polled = ranked(poll.event_name for each in attempts for poll in each.polls)
    return CallsOfState(
        by_role=_counted(str(role_of_call(call, link)) for call, link in calls),
        by_rule=_counted(str(link.rule) for _, link in calls),
        denied=denied,
        failed=sum(call.error_code is not None for call, _ in calls) - denied,
        poll_call=next(iter(polled), None),
        poll_mean=round(mean(gaps), 1) if gaps else None,
        poll_min=min(gaps, default=None),
        poll_max=max(gaps, default=None),
    )


def _counted(words: Iterable[str]) -> Mapping[str, int]:
    return dict(sorted(Counter(words).items()))
