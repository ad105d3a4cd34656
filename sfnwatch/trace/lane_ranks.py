"""Where a call stands among those of its attempt: which poll, how long since."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.integrations import CallRole

Rank = tuple[int, float | None, float | None]
"""Which of its name a call is, from 1, its `gap` and its `since`: see `Row`."""


def ranks(attempt: Attempt | None, calls: Sequence[ApiCall]) -> Iterator[Rank]:
    """Rank the calls of an attempt, in their order; None: its history is not known."""
    actions: set[str] = set()
    begun: datetime | None = None
    if attempt is not None:
        actions = _actions(attempt, {call.event_name for call in calls})
        begun = _begun(attempt, actions, calls)
    counted: dict[str, int] = {}
    before: datetime | None = None
    for call in calls:
        name, at = call.event_name, call.event_time
        counted[name] = counted.get(name, 0) + 1
        gap = _seconds(at - before) if before else None
        since = _seconds(at - begun) if begun and name not in actions else None
        yield counted[name], gap, since
        before = at


@lru_cache(maxsize=4096)
def _seconds(passed: timedelta) -> float:
    """Give whole seconds: many polls are as far apart, and share them."""
    return passed.total_seconds()


def _actions(attempt: Attempt, names: Iterable[str]) -> set[str]:
    row = attempt.integration
    if row is None:
        return set()
    return {name for name in names if row.role_of(name) is CallRole.ACTION}


def _begun(attempt: Attempt, actions: set[str], calls: Sequence[ApiCall]) -> datetime:
    made = (c.event_time for c in calls if c.event_name in actions)
    return (next(made, None) or causing_phase(attempt)).replace(microsecond=0)


def causing_phase(attempt: Attempt) -> datetime:
    """When the action call had been answered: submitted, or for a plain call its end.

    While neither is there yet, the call is still tied to the start.
    """
    return (
        attempt.submitted_at
        or attempt.ended_at
        or attempt.started_at
        or attempt.scheduled_at
    )


def is_action(attempt: Attempt, call: ApiCall) -> bool:
    return bool(_actions(attempt, (call.event_name,)))
