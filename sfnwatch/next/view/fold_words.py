"""What a fold says: enough to know whether to open it."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from sfnwatch.next.model.api_call import ApiCall
from sfnwatch.next.model.coverage import Coverage
from sfnwatch.next.model.history import HistoryEvent
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.text import clean, duration
from sfnwatch.next.model.visits import ROOT, StateVisit
from sfnwatch.next.view.children import (
    child_execution,
    child_map_run,
    child_parts,
    map_run_parts,
)
from sfnwatch.next.view.order import Fold, FoldKind
from sfnwatch.next.view.parts import Part, Role, counted, status_glyph

_LIMIT = 200
_FAILED = frozenset({"failed", "timed_out"})
_NAMES = 2
"""A branch of so few states is told by their names."""
_MINUTE = 60
_INSIDE = (("branch", "branches"), ("iteration", "iterations"))
"""What a Parallel has, and a Map."""


class Tally(Struct):
    """What is in a fold, counted."""

    states: int = 0
    branches: int = 0
    calls: int = 0
    failed_calls: int = 0
    failed_tries: int = 0
    retries: int = 0
    names: tuple[str, ...] = ()
    """The states of a branch in order, where they are few."""


def fold_parts(
    moment: Moment, fold: Fold, visit: StateVisit | None
) -> tuple[Part, ...]:
    """Say what is folded, how it stands and what is in it."""
    if fold.kind is FoldKind.MAP_RUN:
        run = child_map_run(moment, fold.child_arn)
        if run is None:
            return ()
        listed = Part("  C: list", Role.DIM)
        return (*child_parts(run), Part("  "), *map_run_parts(run), listed)
    told = tally(moment, fold)
    if fold.kind is FoldKind.CHILD:
        child = child_execution(moment, fold.child_arn)
        states = Part(f"  {counted(told.states, 'state')}", Role.DIM)
        return (*child_parts(child), states, *_tally_parts(told)) if child else ()
    if visit is None:
        return ()
    return tuple(_branch_parts(moment, fold, visit, told))


def _branch_parts(
    moment: Moment, fold: Fold, visit: StateVisit, told: Tally
) -> Iterator[Part]:
    yield Part(branch_words(visit, fold.index), Role.NAME)
    status, seconds = _outcome(moment, fold, visit)
    glyph = status_glyph(status)
    yield Part(f"  {glyph.text} {clean(status.replace('_', ' '), _LIMIT)}", glyph.role)
    if seconds is not None:
        yield Part(f" {duration(max(0.0, seconds))}", Role.DIM)
    yield Part(f"  {_contents(fold, visit, told)}", Role.DIM)
    yield from _tally_parts(told)


def branch_words(visit: StateVisit, index: int | None) -> str:
    """Name a branch by its path: `Prepare[0]`, `Each[1] / Inner[0]`."""
    path = visit.path.removeprefix(f"{ROOT} / ")
    return clean(path if index is None else f"{path}[{index}]", _LIMIT)


def _contents(fold: Fold, visit: StateVisit, told: Tally) -> str:
    """Say what is in a fold: of a short branch the states, by their names."""
    if fold.index is not None and told.names:
        return clean(", ".join(told.names), _LIMIT)
    states = counted(told.states, "state")
    if fold.index is not None:
        return states
    one, more = _INSIDE[visit.type == "Map"]
    return f"{counted(told.branches, one, more)}, {states}"


def _tally_parts(told: Tally) -> Iterator[Part]:
    if told.failed_tries:
        words = counted(told.failed_tries, "failed try", "failed tries")
        yield Part(f"  ✘ {words}", Role.BAD)
    if told.retries:
        yield Part(f"  ⟳ {counted(told.retries, 'retry', 'retries')}", Role.WARN)
    if told.calls:
        yield Part(f"  {counted(told.calls, 'call')}", Role.DIM)
    if told.failed_calls:
        yield Part(f"  ✘ {told.failed_calls:,} denied or failed", Role.BAD)


def tally(moment: Moment, fold: Fold) -> Tally:
    """Count what is behind the fold of a visit, a branch or a child."""
    told = Tally()
    names: list[str] = []
    branches: set[int] = set()
    for visit in _visits_in(moment, fold):
        own = visit.id == fold.visit_id and fold.kind is not FoldKind.CHILD
        if own:
            continue
        told.states += 1
        told.failed_tries += sum(a.status in _FAILED for a in visit.attempts)
        numbers = range(2, len(visit.attempts) + 1)
        told.retries += sum(not visit.is_redriven(number) for number in numbers)
        if visit.parent == fold.visit_id:
            names.append(visit.name)
            branches |= {visit.index} if visit.index is not None else set()
    calls = [m for m in fold.members if isinstance(m, ApiCall) and moment.shows_call(m)]
    told.calls = len(calls)
    told.failed_calls = sum(call.error_code is not None for call in calls)
    told.branches = len(branches)
    told.names = tuple(names) if len(names) <= _NAMES else ()
    return told


def _visits_in(moment: Moment, fold: Fold) -> Iterator[StateVisit]:
    seen: set[tuple[str, int]] = set()
    for member in fold.members:
        if isinstance(member, HistoryEvent) and member.visit_id:
            key = member.execution_arn, member.visit_id
            execution = moment.executions.get(member.execution_arn)
            visit = execution.visit(member.visit_id) if execution else None
            if visit is not None and key not in seen:
                seen.add(key)
                yield visit


def _outcome(moment: Moment, fold: Fold, visit: StateVisit) -> tuple[str, float | None]:
    """Say how a visit, or one branch of it, stands, and how long it took."""
    if fold.index is None:
        if visit.ended_at is None:
            return visit.status, None
        spent = (visit.ended_at - visit.entered_at).total_seconds() - visit.paused
        return visit.status, spent
    execution = moment.executions[fold.execution_arn]
    events = [
        member
        for member in fold.members
        if isinstance(member, HistoryEvent) and execution.event(member.id)
    ]
    status = _branch_status(fold, events, moment)
    if status == "running" or not events:
        return status, None
    return status, (events[-1].at - events[0].at).total_seconds()


def _branch_status(fold: Fold, events: Sequence[HistoryEvent], moment: Moment) -> str:
    """Say how a branch stands: a Map's own events tell, else its last state."""
    for event in reversed(events):
        if event.type == "MapIterationStarted":
            break  # anew, if the Map is retried
        if event.type.startswith("MapIteration"):
            return event.type.removeprefix("MapIteration").lower()
    last = ""
    for visit in _visits_in(moment, fold):
        if visit.parent == fold.visit_id:
            if visit.running:
                return "running"
            last = visit.status
    return last or "running"


# -- polls and waits -----------------------------------------------------------------


def poll_run_parts(moment: Moment, coverage: Coverage, fold: Fold) -> tuple[Part, ...]:
    """Say how many polls are folded, how far apart they are and what became of them."""
    calls = [member for member in fold.members if isinstance(member, ApiCall)]
    whole = coverage.is_settled(fold.last) if fold.last else True
    more = "polls" if len(calls) > 1 else "poll"
    said = [Part(f"{len(calls)}{'' if whole else '+'} more {more}")]
    apart = _seconds_apart([c for c in calls if coverage.is_settled(c)])
    if apart is not None:
        often = f"{apart:.0f} s" if apart < 2 * _MINUTE else duration(round(apart))
        said.append(Part(f", about every {often}", Role.DIM))
    error = calls[0].error_code if calls else None
    if error:
        word = "all denied" if "denied" in error.lower() else clean(error, _LIMIT)
        said.append(Part(f"  ✘ {word}", Role.BAD))
    del moment
    return tuple(said)


def _seconds_apart(calls: Sequence[ApiCall]) -> float | None:
    if len(calls) <= 1:
        return None
    times: list[datetime] = [call.event_time for call in calls]
    return (times[-1] - times[0]).total_seconds() / (len(times) - 1)


def backoff_parts(visit: StateVisit, number: int) -> tuple[Part, ...]:
    """Say how long a failed try was followed by nothing."""
    wait = visit.backoff_before(number)
    if wait is None:
        return ()
    seconds = round((wait[1] - wait[0]).total_seconds())
    words = f"{seconds} s" if seconds < _MINUTE else duration(seconds)
    return (Part(f"⟳ backing off {words}", Role.WARN),)
