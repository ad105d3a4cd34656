"""Infers the ends of visits that have no event for it, from the visits around them."""

from collections.abc import Mapping, Sequence

from sfnwatch.model.visits import StateVisit

ENDED_AS = {"Failed": "aborted", "Aborted": "aborted", "TimedOut": "timed_out"}
"""The status that running visits get from an execution's end, unless they failed."""


def ends_with_execution(
    running: Sequence[StateVisit],
    ending: str,
    failing: Sequence[StateVisit],
    lineage: Mapping[int, StateVisit],
) -> dict[int, str]:
    """Return the statuses with which running visits ended, by visit id.

    `ending` is the execution's end: Succeeded, Failed, Aborted or TimedOut; for other
    words nothing ends. After success nothing can still run, so the records lack the
    ends of the open visits. `failing` are the visits that failed, as the previous event
    shows. If it is empty, the visits in trouble are taken. `lineage` has all visits by
    their ids, to find the ones around a visit.
    """
    if ending == "Succeeded":
        return {visit.id: unseen_end(visit, lineage) for visit in running}
    if ending not in ENDED_AS:
        return {}
    if ending != "Failed":
        # The end came from outside: nothing in the execution failed.
        return dict.fromkeys((visit.id for visit in running), ENDED_AS[ending])
    failing = failing or [visit for visit in running if visit.trouble]
    return ends_around(running, failing)


def ends_around(
    visits: Sequence[StateVisit], failing: Sequence[StateVisit]
) -> dict[int, str]:
    """Return the statuses of visits at a failing event: failed around it, else aborted.

    `failing` has the visit of the failing event first, and then the visits around it. A
    visit that failed together with it is not aborted: it ended by its own failure.
    """
    ends = {visit.id: end_beside(visit, failing) for visit in visits}
    blamed = {visit.id: visit.trouble or "failed" for visit in failing}
    return {visit_id: blamed.get(visit_id, ends[visit_id]) for visit_id in ends}


def end_beside(visit: StateVisit, failing: Sequence[StateVisit]) -> str:
    """Return how a visit ended when the failure of another, `failing[0]`, ended it.

    A Task that failed after the failing event ended by its own failure: it could not be
    tried again. A Task that failed before it was waiting for its next try, and so was
    aborted. The same holds for a visit to the same state with fewer tries so far.
    """
    if not failing or visit.trouble is None:
        return "aborted"
    first = failing[0]
    failed_by = first.troubled_by if first.trouble else first.id
    is_same_state = visit.name == first.name
    has_tries_left = is_same_state and len(visit.attempts) < len(first.attempts)
    if visit.troubled_by < failed_by or has_tries_left:
        return "aborted"
    return visit.trouble


def unseen_end(visit: StateVisit, lineage: Mapping[int, StateVisit]) -> str:
    """Return how a visit ended if its end is missing and a visit around it succeeded.

    Either the visit's own failure was caught, or the failure of a visit around it was
    caught, which aborted the visits inside that one.
    """
    lost = False
    outer = lineage.get(visit.parent or 0)
    while outer is not None:
        lost = lost or bool(outer.trouble)
        outer = lineage.get(outer.parent or 0)
    if visit.type == "Fail":
        return "failed"
    if visit.trouble:
        return visit.trouble if lost else "caught"
    return "aborted" if lost else "succeeded"
