"""The critical path: the visits that decided how long an execution took."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.phases import end_of
from sfnwatch.model.visits import StateVisit


def critical_path(visits: Iterable[StateVisit], now: datetime) -> list[StateVisit]:
    """Return the innermost visits that decided an execution's length, in order.

    They are followed back from the end. Visits that still run end at `now`.
    """
    inside = grouped(visits, lambda visit: visit.parent)
    path: list[StateVisit] = []
    # A stack, since Parallels may be nested as deep as a definition likes.
    stack = _chain(inside.get(None, ()), now)
    while stack:
        visit = stack.pop()
        if visit.id in inside:
            stack.extend(_chain(inside[visit.id], now))
        else:
            path.append(visit)
    path.reverse()
    return path


def _chain(visits: Sequence[StateVisit], now: datetime) -> list[StateVisit]:
    """Return the visits of one level that led to its end, one after another.

    Within a branch, a state follows the state before it. An iteration that had to wait
    for its turn follows the iteration whose end let it begin.
    """
    predecessors = _predecessors(visits)
    latest_first = sorted(visits, key=lambda visit: (end_of(visit, now), -visit.id))
    latest_first.reverse()
    ended_earlier = iter(latest_first)
    chain: list[StateVisit] = []
    visit = next(ended_earlier, None)
    while visit is not None:
        chain.append(visit)
        visit = predecessors.get(visit.id) or _made_room(ended_earlier, visit, now)
    chain.reverse()
    return chain


def _predecessors(visits: Iterable[StateVisit]) -> Mapping[int, StateVisit]:
    """Return the visit before each visit of the same branch or iteration, by id."""
    predecessors: dict[int, StateVisit] = {}
    last_of_branch: dict[int | None, StateVisit] = {}
    for visit in visits:
        if visit.index in last_of_branch:
            predecessors[visit.id] = last_of_branch[visit.index]
        last_of_branch[visit.index] = visit
    return predecessors


def _made_room(
    ended_earlier: Iterator[StateVisit], visit: StateVisit, now: datetime
) -> StateVisit | None:
    """Return the first of `ended_earlier` that had ended when a visit began."""
    for earlier in ended_earlier:
        if end_of(earlier, now) <= visit.entered_at and earlier.id < visit.id:
            return earlier
    return None
