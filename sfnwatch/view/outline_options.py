"""Which lines somebody wants to see."""

from msgspec import Struct

from sfnwatch.view.outline_items import ItemFilter


class OutlineOptions(Struct, frozen=True):
    """Which lines somebody wants to see."""

    keep: ItemFilter | None = None
    closed: frozenset[str] = frozenset()
    """The keys of folds that somebody has closed."""
    opened: frozenset[str] = frozenset()
    """The keys of folds that begin closed, and were opened."""
    hidden_services: frozenset[str] = frozenset()
    folds: bool = True
    """Map Runs, children, the iterations of large Maps and like polls begin folded.
    False for what is read as a whole: there nothing begins folded."""
    aligned: bool = False
    """Show several executions as if all had started at once."""
