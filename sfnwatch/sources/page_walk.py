"""Whether one more page of a list brings anything.

A token may lead back to an earlier page, or on through pages without end: a reader that
trusts every token may never stop.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from sfnwatch.sources.answers import Page

_PAUSE_AFTER_PAGES = 2
"""Pages in a row that are empty, or repeat an earlier one, before there is a pause."""
_SHORTEST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0


class EndlessPagesError(Exception):
    """Pages that do not end; the message says what is wrong with them."""


class PageWalk:
    """One reading of a list, page by page.

    Empty pages are normal: a filter may match nothing in them. They only slow the
    reading down. Pages that repeat earlier ones end it.
    """

    most_repeated: ClassVar[int] = 10
    """The number of repeating pages in a row that are taken to have no end."""

    def __init__(self, ceiling: int | None = None) -> None:
        """Begin to read; AWS never lists more items than `ceiling`."""
        self.pages_read = 0
        self._ceiling = ceiling
        self._items = 0
        self._tokens: set[str] = set()
        self._last: Sequence[Any] = []
        """The items of the page before."""
        self._unproductive = 0
        """How many pages in a row were empty, or repeated earlier ones."""
        self._repeated = 0
        """How many pages in a row repeated earlier ones."""

    def pause_after(self, page: Page, token: str) -> float:
        """Note a page and the next page's token; return the seconds to wait before it.

        Raises EndlessPagesError.
        """
        items = page.listed()
        self.pages_read += 1
        self._items += len(items)
        if self._ceiling is not None and self._items > self._ceiling:
            msg = f"more than {self._ceiling:,} items, and AWS never has so many"
            raise EndlessPagesError(msg)
        is_repeated = self._repeats(items, token)
        self._repeated = self._repeated + 1 if is_repeated else 0
        is_unproductive = is_repeated or not items
        self._unproductive = self._unproductive + 1 if is_unproductive else 0
        if self._repeated >= self.most_repeated:
            msg = f"{self._repeated} pages in a row brought nothing new"
            raise EndlessPagesError(msg)
        if self._unproductive < _PAUSE_AFTER_PAGES:
            return 0.0
        grown = _SHORTEST_PAUSE_SECONDS * 2.0**self._repeated
        return min(_LONGEST_PAUSE_SECONDS, grown)

    def _repeats(self, items: Sequence[Any], token: str) -> bool:
        """True if the token was seen before, or the page equals the one before it."""
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
        token: str,  # noqa: ARG002 - any token that leads to new items will do
    ) -> bool:
        hashes = {hash(bytes(item)) for item in items}
        has_new = not hashes <= self._seen
        self._seen |= hashes
        return not has_new
