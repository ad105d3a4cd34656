"""The difference of two JSON values: the paths at which they differ.

A path is written as Step Functions writes it: `$.order.items[0]`, and `$['a b']` for a
key that is no plain name. What is added or removed as a whole is one difference: the
paths inside it are not listed. The items of arrays are compared by their indices.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from msgspec import Struct

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Change(StrEnum):
    """What became of the value at a path."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Place(NamedTuple):
    """A place in a JSON value: a key or an index, below another place or the root.

    Keys may be as long as a payload, so a path is written only where it is shown.
    """

    parent: "Place | None"
    key: str | int


class PathDifference(Struct, frozen=True):
    """A place, and the values there; None for the one that is not there."""

    place: Place | None
    """None for the whole value."""
    change: Change
    before: Any = None
    after: Any = None

    @property
    def path(self) -> str:
        """The path of the place, as Step Functions writes it."""
        steps: list[str] = []
        place = self.place
        while place is not None:
            steps.append(_step(place.key))
            place = place.parent
        return "".join(["$", *reversed(steps)])


def json_difference(before: Any, after: Any) -> list[PathDifference]:
    """Return the paths at which two JSON values differ, in the order of `before`.

    What `after` has besides follows the paths that both have, object by object.
    """
    differences: list[PathDifference] = []
    # There is no recursion: the sender of a payload may nest it as deep as they like.
    pending = [PathDifference(None, Change.CHANGED, before, after)]
    while pending:
        difference = pending.pop()
        if difference.change is not Change.CHANGED:
            differences.append(difference)
            continue
        inner = _inner_differences(difference)
        if inner is not None:
            pending.extend(reversed(inner))
        elif not _is_same(difference.before, difference.after):
            differences.append(difference)
    return differences


def _inner_differences(difference: PathDifference) -> list[PathDifference] | None:
    """Return what may differ inside two objects or two arrays; None for other pairs."""
    place = difference.place
    before = difference.before
    after = difference.after
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return list(_of_objects(place, before, after))
    if isinstance(before, list) and isinstance(after, list):
        return list(_of_arrays(place, before, after))
    return None


def _of_objects(
    place: Place | None, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[PathDifference]:
    for key, value in before.items():
        if key not in after:
            yield PathDifference(Place(place, key), Change.REMOVED, before=value)
        elif not _is_same(value, after[key]):
            yield PathDifference(Place(place, key), Change.CHANGED, value, after[key])
    for key, value in after.items():
        if key not in before:
            yield PathDifference(Place(place, key), Change.ADDED, after=value)


def _of_arrays(
    place: Place | None, before: list[Any], after: list[Any]
) -> Iterator[PathDifference]:
    shared = min(len(before), len(after))
    for index in range(shared):
        old = before[index]
        new = after[index]
        if not _is_same(old, new):
            yield PathDifference(Place(place, index), Change.CHANGED, old, new)
    for index in range(shared, len(before)):
        yield PathDifference(Place(place, index), Change.REMOVED, before[index])
    for index in range(shared, len(after)):
        yield PathDifference(Place(place, index), Change.ADDED, after=after[index])


def _step(key: str | int) -> str:
    """Return a step of a path: `.name`, `['any text']` or `[0]`."""
    if isinstance(key, int):
        return f"[{key}]"
    if _PLAIN_NAME.fullmatch(key):
        return f".{key}"
    escaped = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def _is_same(before: Any, after: Any) -> bool:
    """True for equal values of a JSON type: 1 and 1.0 are equal, 1 and true are not.

    Objects and arrays are never the same here: they are compared by what is inside.
    """
    if isinstance(before, bool) or isinstance(after, bool):
        return before is after
    if isinstance(before, Mapping | list) or isinstance(after, Mapping | list):
        return False
    return bool(before == after)
