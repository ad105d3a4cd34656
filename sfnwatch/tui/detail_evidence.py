"""The evidence of the detail: the attempts that were considered for a call."""

from collections.abc import Iterator

from sfnwatch.tui.detail_entries import Fact, fact
from sfnwatch.tui.item_detail import ItemDetail
from sfnwatch.view import why_words
from sfnwatch.view.considered_attempts import (
    AttemptOutcome,
    ConsideredAttempt,
    considered_attempts,
    left_out_count,
)
from sfnwatch.view.parts import Part, Role, counted, status_part

_MOST_ATTEMPTS = 6
"""Attempts that a call's evidence lists."""
_MOST_PARAMETERS = 8
"""Parameters that are listed for an attempt."""
_SEE_EXPLAIN = "sfnwatch explain --why tells all"


def call_evidence(detail: ItemDetail) -> Iterator[Fact]:
    """Yield the attempts considered for a call, their outcomes and evidence."""
    call = detail.call
    if call is None:
        return
    attempts = considered_attempts(detail.snapshot, call)
    for number, considered in enumerate(attempts[:_MOST_ATTEMPTS]):
        yield _attempt(considered)
        yield from _parameters(considered, is_first=number == 0)
    more = max(0, len(attempts) - _MOST_ATTEMPTS)
    more += left_out_count(detail.snapshot, call, attempts)
    if more:
        words = counted(more, "more attempt")
        yield fact("", f"… and {words}: {_SEE_EXPLAIN}", Role.DIM)


def _attempt(considered: ConsideredAttempt) -> Fact:
    """Return an attempt with its outcome, and what speaks against it."""
    parts = [Part(f"{considered.name}  "), status_part(considered.attempt.status)]
    against = "; ".join(why_words.sentences_against(considered))
    if against:
        parts.append(Part(f"  {against}", Role.DIM))
    arn, scheduled_id = considered.evidence.key
    return Fact(considered.outcome, tuple(parts), f"{arn}#{scheduled_id}")


def _parameters(considered: ConsideredAttempt, *, is_first: bool) -> Iterator[Fact]:
    """Yield the parameters that differ and, unless ruled out, those that agree.

    The call's equal parameters are listed with the first attempt only.
    """
    comparison = considered.evidence.comparison
    leaves = [("other", Role.WARN, leaf) for leaf in comparison.different]
    if considered.outcome is not AttemptOutcome.RULED_OUT:
        for sentence in considered.evidence.same:
            yield fact("same", sentence)
        if is_first:
            leaves += [("same", Role.PLAIN, leaf) for leaf in comparison.equal]
    for label, role, leaf in leaves[:_MOST_PARAMETERS]:
        path, value = why_words.leaf_words(leaf)
        yield Fact(label, (Part(f"{path}  ", Role.DIM), Part(value, role)), rows=2)
    more = len(leaves) - _MOST_PARAMETERS
    if more > 0:
        words = counted(more, "more parameter")
        yield fact("", f"… and {words}: {_SEE_EXPLAIN}", Role.DIM)
