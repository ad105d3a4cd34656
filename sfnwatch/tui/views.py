"""The views there are: one table, from which switching, keys, help and saving are made.

A further view is a line in the deck's table, and an action that shows it.
"""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct
from textual.widget import Widget

from sfnwatch.tui.actions import Group

LANES = "lanes"
"""The view that is there first, and that the others lead back to."""


class Keyed(Protocol):
    """A part whose cursor is on something that the lanes know by the same key."""

    @property
    def selected_key(self) -> str | None:
        """The key of what the cursor is on."""
        ...

    def select_key(self, key: str) -> bool:
        """Put the cursor on something; False if it is not shown here."""
        ...


class Folding(Protocol):
    """A part that folds in its own way."""

    def toggle_fold(self) -> None:
        """Fold or unfold what the cursor is on, or in."""
        ...

    def toggle_folds(self) -> None:
        """Fold or unfold all there is."""
        ...


class DeckView(Struct, frozen=True):
    """One way to look at the moment that is shown."""

    name: str
    """Its id on the screen, and in a saved view."""
    widget: Callable[[], Widget]
    """Where the keys go while it is shown; it is made when it is first asked for."""
    groups: tuple[Group, ...]
    """The actions that help tells of first."""
    action: str = ""
    """The id of the action that shows it; the lanes are there without."""
    keyed: Callable[[], Keyed] | None = None
    """The widget, if what is selected in the lanes can be selected in it, too."""
    folding: Callable[[], Folding] | None = None
    """The widget, if it folds otherwise than the lanes do."""
    show: Callable[[], None] | None = None
    """Brings it to the moment that is shown; it is asked only while it is in view."""
    slow: bool = False
    """True if it is enough to show it anew each second, not with each frame."""
