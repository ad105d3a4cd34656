"""Whether one more page of a list brings anything.

A token may lead back to the page that it came with, or on and on through pages that
hold nothing: whoever trusts it would read for ever.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from sfnwatch.sources.answers import Page

_PAUSE_AFTER_PAGES = 2
"""Pages in a row without anything new before there is a pause."""
_SHORTEST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0


class EndlessPagesError(Exception):
    """Pages that do not end; the message says what is wrong with them."""


class PageWalk:
    """One reading of a list, page by page.

    An empty page is no trouble: a filter finds nothing in it. So only pages that repeat
    another have no end.
    """

    most_repeated: ClassVar[int] = 10
    """Pages in a row that repeat what was read before the list is called endless."""

    def __init__(self, ceiling: int | None = None) -> None:
        """Begin one; there are never more items than `ceiling`."""
        self.read = 0
        """How many pages were read."""
        self._ceiling = ceiling
        self._items = 0
        self._tokens: set[str] = set()
        self._last: Sequence[Any] = []
        """The items of the page before."""
        self._vain = 0
        """How many pages in a row brought nothing new."""
        self._repeated = 0
        """How many pages in a row repeated what was read before."""

    def pause_after(self, page: Page, token: str) -> float:
        """Take a page in, and the token of the next one.

        Gives the seconds to wait before that is asked for. Raises EndlessPagesError.
        """
        items = page.listed()
        self.read += 1
        self._items += len(items)
        if self._ceiling is not None and self._items > self._ceiling:
            msg = f"more than {self._ceiling:,} items, and there are never so many"
            raise EndlessPagesError(msg)
        is_repeated = self._repeats(items, token)
        self._repeated = self._repeated + 1 if is_repeated else 0
        self._vain = self._vain + 1 if is_repeated or not items else 0
        if self._repeated >= self.most_repeated:
            msg = f"{self._repeated} pages in a row brought nothing new"
            raise EndlessPagesError(msg)
        if self._vain < _PAUSE_AFTER_PAGES:
            return 0.0
        grown = _SHORTEST_PAUSE_SECONDS * 2.0**self._repeated
        return min(_LONGEST_PAUSE_SECONDS, grown)

    def _repeats(self, items: Sequence[Any], token: str) -> bool:
        """True for a token that was there before, or the page before once more."""
        is_known = token in self._tokens or (len(items) > 0 and items == self._last)
        self._tokens.add(token)
        self._last = items
        return is_known


class DensePageWalk(PageWalk):
    """One reading of a list that has no empty page before its end.

    Its items are msgspec.Raw. Each page has to bring one that did not come before.
    """

    most_repeated = 3

    def __init__(self, ceiling: int | None = None) -> None:
        super().__init__(ceiling)
        self._seen: set[int] = set()
        """The hashes of all items."""

    def _repeats(
        self,
        items: Sequence[Any],
        token: str,  # noqa: ARG002 - whatever leads to new items is no trouble
    ) -> bool:
        hashes = {hash(bytes(item)) for item in items}
        has_new = not hashes <= self._seen
        self._seen |= hashes
        return not has_new
