"""The difference of two JSON values: the paths at which they differ.

A path is written as Step Functions writes it: `$.order.items[0]`, and `$['a b']` for a
key that is no plain name. What is added or removed as a whole is one difference: the
paths inside it are not listed. The items of arrays are compared by their indices.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ROOT = "$"


class Change(StrEnum):
    """What became of the value at a path."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class PathDifference(Struct, frozen=True):
    """A path, and the values there; None for the one that is not there."""

    path: str
    change: Change
    before: Any = None
    after: Any = None


def json_difference(before: Any, after: Any) -> list[PathDifference]:
    """Return the paths at which two JSON values differ, in the order of `before`.

    What `after` has besides follows the paths that both have, object by object.
    """
    differences: list[PathDifference] = []
    # There is no recursion: the sender of a payload may nest it as deep as they like.
    pending: list[PathDifference] = [_at(_ROOT, before, after)]
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


def _at(path: str, before: Any, after: Any) -> PathDifference:
    """Return the values at a path that both have; whether they differ is not known."""
    return PathDifference(path, Change.CHANGED, before, after)


def _inner_differences(difference: PathDifference) -> list[PathDifference] | None:
    """Return what may differ inside two objects or two arrays; None for other pairs."""
    path = difference.path
    before = difference.before
    after = difference.after
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return list(_of_objects(path, before, after))
    if isinstance(before, list) and isinstance(after, list):
        return list(_of_arrays(path, before, after))
    return None


def _of_objects(
    path: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[PathDifference]:
    for key, value in before.items():
        inner_path = f"{path}{_step(key)}"
        if key in after:
            yield _at(inner_path, value, after[key])
        else:
            yield PathDifference(inner_path, Change.REMOVED, before=value)
    for key, value in after.items():
        if key not in before:
            yield PathDifference(f"{path}{_step(key)}", Change.ADDED, after=value)


def _of_arrays(
    path: str, before: list[Any], after: list[Any]
) -> Iterator[PathDifference]:
    shared = min(len(before), len(after))
    for index in range(shared):
        yield _at(f"{path}[{index}]", before[index], after[index])
    for index in range(shared, len(before)):
        yield PathDifference(f"{path}[{index}]", Change.REMOVED, before=before[index])
    for index in range(shared, len(after)):
        yield PathDifference(f"{path}[{index}]", Change.ADDED, after=after[index])


def _step(key: str) -> str:
    """Return a key as a step of a path: `.name`, or `['any text']`."""
    if _PLAIN_NAME.fullmatch(key):
        return f".{key}"
    escaped = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def _is_same(before: Any, after: Any) -> bool:
    """True for equal values of a JSON type: 1 and 1.0 are equal, 1 and true are not."""
    if isinstance(before, bool) or isinstance(after, bool):
        return before is after
    if isinstance(before, Mapping | list) or isinstance(after, Mapping | list):
        return False
    return bool(before == after)
