"""A document that explains why calls are matched as they are, with all evidence."""

from collections.abc import Iterable, Iterator
from itertools import chain

from sfnwatch.analysis.document import Block, Document, Heading, Items, Paragraph
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import plural
from sfnwatch.analysis.statuses import status_words
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.linking.leaf_comparison import Leaf
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.view.considered_attempts import (
    MESSAGE_CHARACTERS,
    ConsideredAttempt,
    considered_attempts,
    left_out_count,
)
from sfnwatch.view.why_words import (
    leaf_words,
    match_verdict,
    role_words,
    sentences_against,
)


def why_document(snapshot: Snapshot, calls: Iterable[ApiCall]) -> Document:
    """Return all evidence for and against each attempt that may have made the calls."""
    return chain.from_iterable(_call_blocks(snapshot, call) for call in calls)


def _call_blocks(snapshot: Snapshot, call: ApiCall) -> Iterator[Block]:
    attempts = considered_attempts(snapshot, call)
    at = f"{call.event_time:%Y-%m-%d %H:%M:%S} UTC"
    yield Heading(f"{named(call.event_name)} at {at}")
    yield Paragraph(match_verdict(snapshot, call), strong=True)
    yield Items(list(_call_facts(call)))
    for considered in attempts:
        status = status_words(considered.attempt.status)
        yield Heading(f"{considered.outcome}: {considered.name}, {status}", 2)
        lines = list(_evidence_lines(considered))
        if not lines:
            role = role_words(considered.evidence.role)
            lines = [f"for: its role and its time fit, as {role}"]
        yield Items(lines)
    left_out = left_out_count(snapshot, call, attempts)
    if left_out:
        yield Paragraph(f"{plural(left_out, 'more attempt')} may have made it.")
    if not attempts:
        yield Paragraph("No attempt here makes such calls, or has an ID that it names.")


def _call_facts(call: ApiCall) -> Iterator[str]:
    where = f" in {clean(call.region, MESSAGE_CHARACTERS)}" if call.region else ""
    identity = f"{call.event_source}{where}, event ID {call.event_id}"
    yield clean(identity, MESSAGE_CHARACTERS)
    by = f"role {call.role or 'unknown'}, through {call.invoked_by or 'no service'}"
    yield clean(by, MESSAGE_CHARACTERS)
    if call.error_code is not None:
        because = f": {call.error_message}" if call.error_message else ""
        yield clean(f"failed with {call.error_code}{because}", MESSAGE_CHARACTERS)


def _evidence_lines(considered: ConsideredAttempt) -> Iterator[str]:
    """Yield what speaks for an attempt, then what speaks against it."""
    evidence = considered.evidence
    for same_id in evidence.same:
        yield f"for: {clean(same_id, MESSAGE_CHARACTERS)}"
    for leaf in evidence.comparison.equal:
        yield f"for: same {_leaf(leaf)}"
    for sentence in sentences_against(considered):
        yield f"against: {sentence}"
    for leaf in evidence.comparison.different:
        yield f"against: other {_leaf(leaf)}"


def _leaf(leaf: Leaf) -> str:
    return ": ".join(leaf_words(leaf))
