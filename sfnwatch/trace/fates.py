"""How visits end that say nothing of their ends: by what ended around them."""

from collections.abc import Sequence
from typing import NamedTuple

from sfnwatch.trace.scopes import Open, Place, outward

ENDED_AS = {"Failed": "aborted", "Aborted": "aborted", "TimedOut": "timed_out"}
"""How an execution's end ends what still ran, unless it is what failed."""


class Fate(NamedTuple):
    """What is to become of a visit; nothing is changed yet."""

    visit: Open
    status: str
    blamed: bool = False
    """True for what failed, and for what is around it."""


def cuts_off(ending: str) -> bool:
    """True for an end that came from outside: nothing in the execution failed."""
    return ending in ENDED_AS and ending != "Failed"


def fates_at_end(
    running: Sequence[Open], ending: str, failing: Sequence[Open]
) -> list[Fate]:
    """End what runs as the execution ended: Succeeded, Failed, Aborted, TimedOut.

    Of one that succeeded nothing runs by then: the ends of what is open are not among
    the records. What failed is known from the event before; else it is what is in
    trouble.
    """
    if ending == "Succeeded":
        return [Fate(visit, _unseen_end(visit)) for visit in running]
    if ending not in ENDED_AS:
        return []
    failing = failing or [visit for visit in running if visit.trouble]
    return fates_around(running, () if cuts_off(ending) else failing, ENDED_AS[ending])


def fates_around(
    visits: Sequence[Open], failing: Sequence[Open], otherwise: str = "aborted"
) -> list[Fate]:
    """Have those around the failing event fail, and all else end otherwise.

    The trouble of others does not count: a Task that waits to be tried again is
    aborted, not failed.
    """
    return [
        Fate(visit, visit.trouble or "failed", blamed=True)
        if visit in failing
        else Fate(visit, otherwise)
        for visit in visits
    ]


def _unseen_end(visit: Open) -> str:
    """Say how a visit ended whose end is missing, the execution having succeeded.

    Its failure was caught, or else that of what is around it, which aborts the rest.
    """
    lost = any(outer.trouble for outer in outward(Place(visit.scope, None)))
    if visit.type == "Fail":
        return "failed"
    if visit.trouble:
        return visit.trouble if lost else "caught"
    return "aborted" if lost else "succeeded"
