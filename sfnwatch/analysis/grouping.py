"""Puts like things into groups, and counts them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")
K = TypeVar("K")
FEW = 3
"""Up to this number, like things are reported one by one; more of them together."""


def ranked(names: Iterable[str]) -> dict[str, int]:
    """Count names, the most frequent first."""
    counts = Counter(names)
    names_in_order = sorted(counts, key=lambda name: (-counts[name], name))
    return {name: counts[name] for name in names_in_order}


def counts_by_name(names: Iterable[str]) -> dict[str, int]:
    """Count names, in alphabetical order."""
    return dict(sorted(Counter(names).items()))


def grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Group items by their key, in the order in which the keys first come."""
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def report_groups(items: Sequence[T]) -> list[Sequence[T]]:
    """Divide like items into groups to report: one by one, or all together if many."""
    if len(items) > FEW:
        return [items]
    return [[item] for item in items]
