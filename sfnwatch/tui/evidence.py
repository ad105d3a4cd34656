"""The evidence of a sentence, and the lines of the lanes that show it."""

from collections.abc import Iterable
from typing import NamedTuple

from sfnwatch.analysis.document import Sentence
from sfnwatch.analysis.evidence import line_key
from sfnwatch.analysis.finding import FactOrInference
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span
from sfnwatch.view.outline_items import Item

CERTAINTIES = {
    FactOrInference.FACT: Span("= fact", "role--exact"),
    FactOrInference.INFERENCE: Span("~ inference", "role--guess"),
}
"""How certain a sentence is, in a screen's words."""


class Evidence(NamedTuple):
    """A piece of evidence: its id, and its item in the lanes."""

    id: str
    item: Item | None
    """None for evidence that this trace does not hold."""


def evidence_of(screen_state: ScreenState, sentence: Sentence) -> list[Evidence]:
    """Return a sentence's evidence, each line once, in the order of time."""
    outline = screen_state.outline
    by_line: dict[str, Evidence] = {}
    for evidence_id in sentence.evidence:
        key = line_key(evidence_id, sentence.execution_arn)
        item = outline.item_of(key)
        if item is not None:
            key = item.key
        by_line.setdefault(key, Evidence(evidence_id, item))

    def place(evidence: Evidence) -> tuple[bool, object]:
        if evidence.item is None:
            return True, None
        return False, outline.order.place(evidence.item)[0]

    return sorted(by_line.values(), key=place)


def is_kept(
    screen_state: ScreenState,
    evidence: Iterable[Evidence],
    visits: set[tuple[str, int]] | None,
) -> bool:
    """True if evidence belongs to one of the `visits` that a filter keeps.

    Without a filter `visits` is None, and all evidence is kept.
    """
    if visits is None:
        return True
    for piece in evidence:
        if piece.item is None:
            continue
        arn, visit_id, _ = screen_state.outline.containers.spot_of(piece.item)
        if (arn, visit_id) in visits:
            return True
    return False
