"""Where a call stands among those of its attempt: which poll, how long since."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.integrations import CallRole


@dataclass(frozen=True, slots=True)
class Rank:
    """A call's place."""

    number: int
    """From 1, among those of its name."""
    gap: float | None
    since: float | None


def rank_calls(
    by_attempt: Mapping[tuple[str, int], list[ApiCall]],
    attempts: Mapping[tuple[str, int], Attempt],
) -> dict[str, Rank]:
    """Rank each call that belongs to an attempt, by its event id."""
    found: dict[str, Rank] = {}
    for key, calls in by_attempt.items():
        attempt = attempts.get(key)
        begun = _begun(attempt, calls) if attempt else None
        counted: Counter[str] = Counter()
        before: datetime | None = None
        for call in calls:
            counted[call.event_name] += 1
            at = call.event_time
            action = attempt is not None and is_action(attempt, call)
            found[call.event_id] = Rank(
                number=counted[call.event_name],
                gap=(at - before).total_seconds() if before else None,
                since=(at - begun).total_seconds() if begun and not action else None,
            )
            before = at
    return found


def _begun(attempt: Attempt, calls: Iterable[ApiCall]) -> datetime:
    action = next((c for c in calls if is_action(attempt, c)), None)
    begun = action.event_time if action else causing_phase(attempt)
    return begun.replace(microsecond=0)


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
    row = attempt.integration
    return row is not None and row.role_of(call.event_name) is CallRole.ACTION
