"""The attempts that were considered for a call, each with its outcome."""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from sfnwatch.analysis.names import cleaned_path
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.linking.evidence import PairEvidence
from sfnwatch.model.linking.link import AttemptKey, Link
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import Attempt
from sfnwatch.view.execution_labels import execution_labels

MESSAGE_CHARACTERS = 2000


class AttemptOutcome(StrEnum):
    """The outcome of a considered attempt, in the order of the list."""

    MATCHED = "matched"
    CANDIDATE = "candidate"
    FITS = "also fits"
    """Nothing speaks against the attempt, but the call is not matched to it."""
    RULED_OUT = "ruled out"


class ConsideredAttempt(Struct, frozen=True):
    """An attempt that was considered for a call."""

    evidence: PairEvidence
    attempt: Attempt
    name: str
    """Its state, its …Scheduled event, its execution: `ECS RunTask #7 of run-7f3a`."""
    outcome: AttemptOutcome


def considered_attempts(snapshot: Snapshot, call: ApiCall) -> list[ConsideredAttempt]:
    """Return the attempts that were considered for a call, the matched one first."""
    link = snapshot.link(call)
    attempts: list[ConsideredAttempt] = []
    for evidence in snapshot.trace.linker.evidence_of(call):
        attempt = snapshot.attempt(evidence.key)
        if attempt is not None:
            name = attempt_name(snapshot, evidence.key)
            outcome = _outcome(link, evidence)
            attempts.append(ConsideredAttempt(evidence, attempt, name, outcome))
    order = list(AttemptOutcome)
    return sorted(attempts, key=lambda considered: order.index(considered.outcome))


def _outcome(link: Link | None, evidence: PairEvidence) -> AttemptOutcome:
    if link is not None and evidence.key == link.key:
        return AttemptOutcome.MATCHED
    if link is not None and evidence.key in link.candidates:
        return AttemptOutcome.CANDIDATE
    return AttemptOutcome.RULED_OUT if evidence.against else AttemptOutcome.FITS


def left_out_count(
    snapshot: Snapshot, call: ApiCall, attempts: Iterable[ConsideredAttempt]
) -> int:
    """Return the number of a call's candidates that are not among the `attempts`.

    Where there are very many, only some are listed.
    """
    link = snapshot.link(call)
    if link is None:
        return 0
    listed = sum(each.outcome is AttemptOutcome.CANDIDATE for each in attempts)
    visible = sum(snapshot.attempt(key) is not None for key in link.candidates)
    return visible + link.unlisted - listed


def unsure_calls(snapshot: Snapshot, key: AttemptKey) -> list[tuple[ApiCall, Link]]:
    """Return the calls, with their links, that have an attempt as a candidate.

    They are in the order of time.
    """
    links = snapshot.trace.links
    found = ((call, links.get(call.event_id)) for call in snapshot.calls)
    return [(call, link) for call, link in found if link and key in link.candidates]


def attempt_name(snapshot: Snapshot, key: AttemptKey) -> str:
    """Return an attempt's name: its state, its …Scheduled event, its execution."""
    visit = snapshot.visit_of(key)
    execution = snapshot.executions[key[0]]
    label = execution_labels(snapshot.roots).get(key[0], "")
    name = execution.name
    # A label that is only a number, as of `execution-4`, is unclear after `#7`.
    label = label if label.strip("0123456789") else clean(name, MESSAGE_CHARACTERS)
    state = cleaned_path(visit) if visit is not None else "a state"
    return f"{state} #{key[1]} of {label}"
