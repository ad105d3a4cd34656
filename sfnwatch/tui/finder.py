"""The filter and the search, and the lines that they find."""

import time
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec.structs import replace

from sfnwatch.model.texts import clean
from sfnwatch.tui.cursor_list import CursorList
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span
from sfnwatch.view.outline_items import Item, ItemFilter
from sfnwatch.view.parts import counted
from sfnwatch.view.row_order import RowOrder

if TYPE_CHECKING:
    from sfnwatch.view.filter_language import Filter

_SLICE_SECONDS = 0.008
"""After this many seconds of searching, other tasks, such as keys, get their turn."""
_SHOWN_LENGTH = 200
"""Most characters of a filter or a search that are shown."""


def _live(filter_: "Filter", screen_state: ScreenState) -> ItemFilter:
    """Return what decides by a filter or search, also while more comes in.

    What it has looked up is used until the trace changes; then it looks again.
    """

    @lru_cache(maxsize=1)
    def by_now(version: int, order: RowOrder) -> ItemFilter:
        del version, order
        return filter_.predicate(screen_state.trace.as_of(), screen_state.outline)

    def keeps(item: Item) -> bool:
        return by_now(screen_state.trace.version, screen_state.outline.order)(item)

    return keeps


class Finder:
    """Holds the filter and the search, and goes from hit to hit."""

    def __init__(self, screen_state: ScreenState, lanes: CursorList) -> None:
        self._screen_state = screen_state
        self._lanes = lanes
        self.filtered = ""
        """The filter as it was typed; empty for none."""

    @property
    def active(self) -> bool:
        return bool(self.filtered or self._screen_state.searched)

    def filter_by(self, text: str) -> None:
        """Show only the lines that a filter keeps; raises FilterError."""
        # Loaded when it is first needed: reading filters takes a parser.
        from sfnwatch.view.filter_language import parse_filter  # noqa: PLC0415

        keep = None
        if text.strip():
            keep = _live(parse_filter(text), self._screen_state)
        self.filtered = text if text.strip() else ""
        options = self._screen_state.outline.options
        self._screen_state.set_options(replace(options, keep=keep))

    def search_for(self, words: str) -> None:
        """Begin a search; with empty words, end it."""
        from sfnwatch.view.filter_language import found  # noqa: PLC0415

        screen_state = self._screen_state
        screen_state.searched = words
        screen_state.found = _live(found(words), screen_state) if words else None

    async def step(self, direction: int) -> bool:
        """Go to the next hit, round the end if needed; direction 0 may stay on a hit.

        Return False if there is none. Other tasks run meanwhile, so lines may change.
        """
        screen_state = self._screen_state
        step = abs(direction)
        sign = -1 if direction < 0 else 1
        begun = time.monotonic()
        while screen_state.found is not None and step <= len(screen_state.items):
            items = screen_state.items
            if not items:
                return False
            place = (self._lanes.cursor + sign * step) % len(items)
            if screen_state.found(items[place]):
                self._lanes.select(place)
                return True
            if time.monotonic() - begun > _SLICE_SECONDS:
                await screen_state.clock.sleep(0)
                begun = time.monotonic()
            step += 1
        return False

    def spans(self) -> list[Span]:
        """Return the filter and the search in words; empty if there are none."""
        spans: list[Span] = []
        searched = self._screen_state.searched
        if self.filtered:
            lines = counted(len(self._screen_state.items), "line")
            left_out = self._screen_state.outline.filtered
            spans += [
                Span("filter ", "look--faint"),
                Span(clean(self.filtered, _SHOWN_LENGTH), "role--name"),
                Span(f"  {lines}, {left_out:,} left out"),
                Span("   ~ change", "look--faint"),
            ]
        if searched:
            spans += [
                Span("   search " if spans else "search ", "look--faint"),
                Span(clean(searched, _SHOWN_LENGTH), "role--name"),
                Span("   n next   N previous", "look--faint"),
            ]
        if spans:
            spans.append(Span("   escape clear", "look--faint"))
        return spans
