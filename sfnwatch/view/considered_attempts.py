"""The attempts that were considered for a call, and what became of each."""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from sfnwatch.analysis.wording import visit_name
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.linking.evidence import Weighed
from sfnwatch.model.linking.link import AttemptKey, Link
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import Attempt
from sfnwatch.view.wording import execution_labels

MESSAGE_CHARACTERS = 2000


class AttemptOutcome(StrEnum):
    """What became of an attempt that was considered, in the order they are told."""

    MATCHED = "matched"
    CANDIDATE = "candidate"
    FITS = "also fits"
    """Nothing speaks against it, and yet the call is matched otherwise."""
    RULED_OUT = "ruled out"


class ConsideredAttempt(Struct, frozen=True):
    """An attempt that was considered for a call."""

    weighed: Weighed
    attempt: Attempt
    name: str
    """`ECS RunTask #7 of run-7f3a`: its state, its …Scheduled event, its execution."""
    outcome: AttemptOutcome


def considered_attempts(snapshot: Snapshot, call: ApiCall) -> list[ConsideredAttempt]:
    """Give the attempts that were considered for a call, the one it is of first."""
    link = snapshot.link(call)
    found = list[ConsideredAttempt]()
    for each in snapshot.trace.linker.weigh(call):
        attempt = snapshot.attempt(each.key)
        if attempt is not None:
            name = attempt_name(snapshot, each.key)
            outcome = _outcome(link, each)
            found.append(ConsideredAttempt(each, attempt, name, outcome))
    order = list(AttemptOutcome)
    return sorted(found, key=lambda each: order.index(each.outcome))


def _outcome(link: Link | None, weighed: Weighed) -> AttemptOutcome:
    if link is not None and weighed.key == link.key:
        return AttemptOutcome.MATCHED
    if link is not None and weighed.key in link.candidates:
        return AttemptOutcome.CANDIDATE
    return AttemptOutcome.RULED_OUT if weighed.against else AttemptOutcome.FITS


def left_out(
    snapshot: Snapshot, call: ApiCall, told: Iterable[ConsideredAttempt]
) -> int:
    """Count the candidates that are not among those told: of very many some are."""
    link = snapshot.link(call)
    if link is None:
        return 0
    listed = sum(each.outcome is AttemptOutcome.CANDIDATE for each in told)
    seen = sum(snapshot.attempt(key) is not None for key in link.candidates)
    return seen + link.unlisted - listed


def unsure_calls(snapshot: Snapshot, key: AttemptKey) -> list[tuple[ApiCall, Link]]:
    """Give the ambiguous calls that may be an attempt's, the earliest first."""
    links = snapshot.trace.links
    found = ((call, links.get(call.event_id)) for call in snapshot.calls)
    return [(call, link) for call, link in found if link and key in link.candidates]


def attempt_name(snapshot: Snapshot, key: AttemptKey) -> str:
    """Name an attempt by its state, its …Scheduled event and its execution."""
    visit = snapshot.visit_of(key)
    execution = snapshot.executions[key[0]]
    label = execution_labels(snapshot.roots).get(key[0], "")
    name = execution.name
    # What is left of `execution-4` is a number beside a number.
    label = label if label.strip("0123456789") else clean(name, MESSAGE_CHARACTERS)
    state = visit_name(visit, alone=False) if visit is not None else "a state"
    return f"{state} #{key[1]} of {label}"
