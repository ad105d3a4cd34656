"""The options that decide which lines are shown."""

from msgspec import Struct

from sfnwatch.view.outline_items import ItemFilter


class OutlineOptions(Struct, frozen=True):
    """The user's choice of the lines to show."""

    keep: ItemFilter | None = None
    closed: frozenset[str] = frozenset()
    """The keys of folds that the user closed."""
    opened: frozenset[str] = frozenset()
    """The keys of folds that begin closed and that the user opened."""
    hidden_services: frozenset[str] = frozenset()
    folds: bool = True
    """True if Map Runs, children, iterations of large Maps and polls begin folded.

    False for output that is read as a whole: there nothing begins folded.
    """
    aligned: bool = False
    """Show several executions as if all had started at once."""
