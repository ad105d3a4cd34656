"""Parts of the screen that are made when they are first wanted.

The first picture needs none of them, and to import one takes some milliseconds.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from textual.widget import Widget

Part = TypeVar("Part", bound=Widget)


class Late(Generic[Part]):
    """A part, made and put on the screen by the first call."""

    def __init__(self, make: Callable[[], Part], join: Callable[[Part], None]) -> None:
        self.made: Part | None = None
        """None until it was wanted."""
        self._make, self._join = make, join

    def __call__(self) -> Part:
        if self.made is None:
            self.made = self._make()
            self._join(self.made)
        return self.made
