"""What a sentence rests on: its evidence, and the lines of the lanes that show it."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from sfnwatch.analysis.finding import FactOrInference, Sentence, line_key
from sfnwatch.tui.paint import Span
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.view.outline_items import Item

SIGNS = {
    FactOrInference.FACT: Span("= fact", "role--exact"),
    FactOrInference.INFERENCE: Span("~ inference", "role--guess"),
}
"""How sure a sentence is, in the words of a screen."""
ReportSection = Sequence[Sequence[Span]]
"""Rows that stand together."""


class Proof(NamedTuple):
    """A piece of evidence."""

    id: str
    item: Item | None
    """None for what this trace does not hold."""


KeepsEntry = Callable[[Iterable[Proof]], bool]
"""Tells whether a sentence stays, by what it rests on."""


def proofs_of(screen_state: ScreenState, told: Sentence) -> list[Proof]:
    """Find what a sentence rests on, each line once, in the order of time."""
    outline = screen_state.outline
    found: dict[str, Proof] = {}
    for evidence in told.evidence:
        key = line_key(evidence, told.execution_arn)
        item = outline.item_of(key)
        found.setdefault(item.key if item else key, Proof(evidence, item))

    def place(proof: Proof) -> tuple[bool, object]:
        return proof.item is None, proof.item and outline.order.place(proof.item)[0]

    return sorted(found.values(), key=place)


def keeping(screen_state: ScreenState) -> KeepsEntry:
    """Give what tells whether a sentence stays, by the lines that it rests on.

    It does if the filter keeps anything of a visit that one of them is of.
    """
    visits = screen_state.kept_visits()
    spot_of = screen_state.outline.containers.spot_of

    def is_kept(proofs: Iterable[Proof]) -> bool:
        items = (proof.item for proof in proofs if proof.item is not None)
        return visits is None or any(spot_of(item)[:2] in visits for item in items)

    return is_kept
