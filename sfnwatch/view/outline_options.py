"""Which lines somebody wants to see."""

from msgspec import Struct

from sfnwatch.view.outline_items import (
    ItemFilter,
)


class OutlineOptions(Struct, frozen=True):
    """What somebody wants to see of the lines."""

    keep: ItemFilter | None = None
    closed: frozenset[str] = frozenset()
    """The keys of folds that somebody has closed."""
    opened: frozenset[str] = frozenset()
    """The keys of what begins folded, and was opened."""
    hidden_services: frozenset[str] = frozenset()
    folds: bool = True
    """Map Runs, children, the iterations of large Maps and like polls begin folded.
    False to have nothing folded by itself: for what is read as a whole."""
    aligned: bool = False
    """Several executions: as if all had started at once."""
