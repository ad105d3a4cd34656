"""The differences of a state's output and its input, as entries of the detail."""

from collections.abc import Iterator

from sfnwatch.analysis.quantities import plural
from sfnwatch.analysis.state_changes import state_changes, value_words
from sfnwatch.model.json_difference import Change, PathDifference
from sfnwatch.model.texts import clean
from sfnwatch.tui.detail_entries import FACT_CHARACTERS, Fact, fact
from sfnwatch.tui.item_detail import ItemDetail
from sfnwatch.view.parts import Part, Role

_MOST_PATHS = 200
"""At most this many paths are listed; the others are counted."""
_ROLES = {
    Change.ADDED: Role.GOOD,
    Change.REMOVED: Role.BAD,
    Change.CHANGED: Role.WARN,
}
_ROWS = 3
"""Most rows that a path or a value takes; the records have them in full."""
_SHORT = 60
"""Two values of at most this many characters together share a row."""


def item_changes(detail: ItemDetail) -> Iterator[Fact]:
    """Yield what the state of an item changed, or why that is not known.

    Nothing is yielded for an item that belongs to no state.
    """
    if detail.visit is None or detail.execution is None:
        return
    changes = state_changes(detail.snapshot, detail.execution, detail.visit)
    if not changes.differences:
        yield fact("changes", changes.sentence, Role.DIM)
        return
    for difference in changes.differences[:_MOST_PATHS]:
        yield from _difference_facts(difference)
    left_out = len(changes.differences) - _MOST_PATHS
    if left_out > 0:
        yield fact("more", f"… and {plural(left_out, 'more path')}", Role.DIM)


def _difference_facts(difference: PathDifference) -> Iterator[Fact]:
    """Yield a path with its values; long values have rows of their own."""
    change = difference.change
    path = Part(clean(difference.path, FACT_CHARACTERS), _ROLES[change])
    before = Part(value_words(difference.before, FACT_CHARACTERS), Role.DIM)
    after = Part(value_words(difference.after, FACT_CHARACTERS))
    gap = Part("  ")
    if change is Change.ADDED:
        yield Fact("added", (path, gap, after), rows=_ROWS)
    elif change is Change.REMOVED:
        yield Fact("removed", (path, gap, before), rows=_ROWS)
    elif len(before.text) + len(after.text) <= _SHORT:
        yield Fact("changed", (path, gap, before, Part("  →  "), after), rows=_ROWS)
    else:
        yield Fact("changed", (path,), rows=_ROWS)
        yield Fact("  from", (before,), rows=_ROWS)
        yield Fact("  to", (after,), rows=_ROWS)
