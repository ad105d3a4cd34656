"""A document that explains why calls are matched as they are, with all evidence."""

from collections.abc import Iterable, Iterator, Sequence
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
    left_out,
)
from sfnwatch.view.weighing_wording import (
    leaf_words,
    match_verdict,
    role_words,
    sentences_against,
)


def why(snapshot: Snapshot, calls: Iterable[ApiCall]) -> Document:
    """Return all evidence for and against each attempt that may have made the calls."""
    return chain.from_iterable(_call_blocks(snapshot, call) for call in calls)


def _call_blocks(snapshot: Snapshot, call: ApiCall) -> Iterator[Block]:
    told = considered_attempts(snapshot, call)
    at = f"{call.event_time:%Y-%m-%d %H:%M:%S} UTC"
    yield Heading(f"{named(call.event_name)} at {at}")
    yield Paragraph(match_verdict(snapshot, call), strong=True)
    yield Items(list(_call_facts(call)))
    for each in told:
        status = status_words(each.attempt.status)
        yield Heading(f"{each.outcome}: {each.name}, {status}", 2)
        yield Items(list(_lines(each)))
    if more := left_out(snapshot, call, told):
        yield Paragraph(f"{plural(more, 'more attempt')} may have made it.")
    if not told:
        yield Paragraph("No attempt here makes such calls, or has an ID that it names.")


def _call_facts(call: ApiCall) -> Iterator[str]:
    where = f" in {clean(call.region, MESSAGE_CHARACTERS)}" if call.region else ""
    yield clean(
        f"{call.event_source}{where}, event ID {call.event_id}", MESSAGE_CHARACTERS
    )
    by = f"role {call.role or 'unknown'}, through {call.invoked_by or 'no service'}"
    yield clean(by, MESSAGE_CHARACTERS)
    if call.error_code is not None:
        because = f": {call.error_message}" if call.error_message else ""
        yield clean(f"failed with {call.error_code}{because}", MESSAGE_CHARACTERS)


def _lines(each: ConsideredAttempt) -> Sequence[str]:
    weighed = each.weighed
    lines = [f"for: {clean(same, MESSAGE_CHARACTERS)}" for same in weighed.same]
    lines += (f"for: same {_leaf(leaf)}" for leaf in weighed.comparison.equal)
    lines += (f"against: {sentence}" for sentence in sentences_against(each))
    lines += (f"against: other {_leaf(leaf)}" for leaf in weighed.comparison.different)
    if not lines:
        lines.append(f"for: its role and its time fit, as {role_words(weighed.role)}")
    return lines


def _leaf(leaf: Leaf) -> str:
    return ": ".join(leaf_words(leaf))
