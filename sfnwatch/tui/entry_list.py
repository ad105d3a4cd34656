"""A list with a cursor, all of whose entries are at hand."""

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from sfnwatch.tui.cursor_list import CursorList
from sfnwatch.tui.spans import Span


class HasKey(Protocol):
    """An entry that has a key."""

    @property
    def key(self) -> str: ...


EntryT = TypeVar("EntryT", bound=HasKey)
DrawsEntry = Callable[[EntryT, int], Sequence[Sequence[Span]]]
"""Draws an entry in rows of at most the given number of cells."""


class EntryList(CursorList, Generic[EntryT]):
    """A list whose entries are all at hand, each with a key of its own."""

    def __init__(
        self,
        rows: DrawsEntry[EntryT],
        nothing: str = "",
        *,
        clicked: Callable[[EntryT, int, bool], None] | None = None,
        stops: Callable[[EntryT], bool] = lambda _: True,
        id: str | None = None,  # noqa: A002 - Textual's word
    ) -> None:
        """`nothing` is shown where there are no entries.

        `clicked` is called with an entry, the cell that was clicked, and whether it was
        a double click. The cursor skips entries for which `stops` is False.
        """
        super().__init__(id=id)
        self._draw_entry = rows
        self._click = clicked
        self._stops = stops
        self.nothing = nothing
        self.entries: Sequence[EntryT] = ()

    @property
    def count(self) -> int:
        return len(self.entries) or bool(self.nothing)

    def key_of(self, place: int) -> str | None:
        if place >= len(self.entries):
            return None
        return self.entries[place].key

    def place_of(self, key: str) -> int | None:
        for place, entry in enumerate(self.entries):
            if entry.key == key:
                return place
        return None

    def draw(self, place: int, width: int) -> Sequence[Sequence[Span]]:
        if place < len(self.entries):
            return self._draw_entry(self.entries[place], width - 1)
        return [[Span(f" {self.nothing}", "role--dim")]]

    def stops_at(self, place: int) -> bool:
        return place < len(self.entries) and self._stops(self.entries[place])

    def clicked(self, place: int, x: int, *, twice: bool) -> None:
        if self._click is not None and place < len(self.entries):
            self._click(self.entries[place], x, twice)
        else:
            super().clicked(place, x, twice=twice)

    @property
    def entry(self) -> EntryT | None:
        """The selected entry; None if there is none."""
        if self.cursor >= len(self.entries):
            return None
        return self.entries[self.cursor]
