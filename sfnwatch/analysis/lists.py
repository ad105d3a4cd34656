"""Lists as part of a sentence: `a, b and c`."""

from collections.abc import Iterable, Mapping, Sequence

from sfnwatch.analysis.grouping import FEW
from sfnwatch.analysis.names import named


def listed(items: Sequence[str]) -> str:
    """Join items as in a sentence: `a, b and c`."""
    if len(items) < 2:  # noqa: PLR2004 - one needs no joining
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def some(items: Iterable[str], most: int = FEW) -> str:
    """Join the first few items, and add the number of the others."""
    every = list(items)
    more = len(every) - most
    if more <= 0:
        return listed(every)
    return listed([*every[:most], f"{more} more"])


def listed_counts(counts: Mapping[str, int], most: int = FEW) -> str:
    """List names with their counts: `5 DescribeTasks, 4 RunTask and 1 more`."""
    items = [f"{count} {named(name)}" for name, count in counts.items()]
    return some(items, most)
