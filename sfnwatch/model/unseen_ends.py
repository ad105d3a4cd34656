"""Ends of visits that no event tells: they follow from what is around them."""

from collections.abc import Mapping, Sequence

from sfnwatch.model.visits import StateVisit

ENDED_AS = {"Failed": "aborted", "Aborted": "aborted", "TimedOut": "timed_out"}
"""How an execution's end ends what still ran, unless it is what failed."""


def ends_with_execution(
    running: Sequence[StateVisit],
    ending: str,
    failing: Sequence[StateVisit],
    lineage: Mapping[int, StateVisit],
) -> dict[int, str]:
    """Say how what runs ended with the execution: Succeeded, Failed, Aborted, TimedOut.

    Of one that succeeded nothing runs by then: the ends of what is open are not among
    the records. What failed is known from the event before; else it is what is in
    trouble. `lineage` has the visits by their ids, to find what is around one.
    """
    if ending == "Succeeded":
        return {visit.id: unseen_end(visit, lineage) for visit in running}
    if ending not in ENDED_AS:
        return {}
    if ending != "Failed":
        # It came from outside: nothing in the execution failed.
        return dict.fromkeys((visit.id for visit in running), ENDED_AS[ending])
    failing = failing or [visit for visit in running if visit.trouble]
    return ends_around(running, failing)


def ends_around(
    visits: Sequence[StateVisit], failing: Sequence[StateVisit]
) -> dict[int, str]:
    """Have those around the failing event fail, and all else be aborted.

    `failing` has the visit of that event first. What failed together with it is not
    aborted: it ended by its own failure.
    """
    ends = {visit.id: end_beside(visit, failing) for visit in visits}
    blamed = {visit.id: visit.trouble or "failed" for visit in failing}
    return {visit_id: blamed.get(visit_id, ends[visit_id]) for visit_id in ends}


def end_beside(visit: StateVisit, failing: Sequence[StateVisit]) -> str:
    """Say how a visit ended as another, the first of `failing`, brought it down.

    The trouble of a Task counts if it came after the failing event: nothing was left
    to try it again. One that failed before that waited for its next try, and so did
    one that had fewer tries of the same state. Those were aborted.
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
    """Say how a visit ended whose end is missing, as what is around it has succeeded.

    Its failure was caught, or else that of what is around it, which aborts the rest.
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
