"""A list of items in the order of their places."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import chain
from operator import itemgetter

from sfnwatch.view.outline_items import Item, SortKey

_MOST_BETWEEN = 10
"""New items are merged by sorting if there are at most this many old ones for each.

Only the old items between the first and the last new one count.
"""


class SortedItems:
    """Items in the order of their places, and a list of the places."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.places: list[SortKey] = []

    def insert(self, item: Item, place: SortKey) -> None:
        at = len(self.places)
        if self.places and place < self.places[-1]:
            at = bisect_left(self.places, place)
        self.places.insert(at, place)
        self.items.insert(at, item)

    def insert_all(self, lines: Sequence[tuple[SortKey, Item]]) -> None:
        """Insert several items, which are in order, at their places.

        The calls of a late page most often go between few other items. To sort these
        again takes less time than to move all later items once for each call.
        """
        if not lines:
            return
        first = bisect_left(self.places, lines[0][0])
        last = bisect_left(self.places, lines[-1][0])
        if last - first > _MOST_BETWEEN * len(lines):
            for place, item in lines:
                self.insert(item, place)
            return
        between = zip(self.places[first:last], self.items[first:last], strict=True)
        merged = sorted(chain(between, lines), key=itemgetter(0))
        self.places[first:last] = [place for place, _ in merged]
        self.items[first:last] = [item for _, item in merged]

    def remove(self, place: SortKey) -> None:
        """Remove the item at a place."""
        at = bisect_left(self.places, place)
        del self.places[at]
        del self.items[at]

    def index(self, place: SortKey) -> int | None:
        """Return the index of the item at a place; None if there is none."""
        at = bisect_left(self.places, place)
        if at < len(self.places) and self.places[at] == place:
            return at
        return None
