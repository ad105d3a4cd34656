"""Compares the leaves of an attempt with those of a call.

A leaf that only one side has proves nothing. A redacted recording has the same alias
for the same text, so texts are compared there as anywhere else. Its booleans are all
false and its numbers are negative. So an equal boolean is never evidence for a pair,
and a negative number beside a text is no evidence at all.

A comparison of two values gives True, False, or None where it proves nothing.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from sfnwatch.model.linking.arn_comparison import (
    is_same_resource,
    is_same_version,
)
from sfnwatch.model.linking.leaves import (
    COLONS_OF_ARN,
    MOST_MEMBERS,
    PARAMETER_NAMES,
    SEPARATORS_OF_ARN,
    EntryNames,
    Leaves,
    NamedArns,
)
from sfnwatch.model.times import maybe_time

_DATED = re.compile(r"\d{4}-\d\d-\d\d|[A-Z][a-z]{2} \d{1,2}, \d{4}")
_REDACTED_TIME = re.compile(r"time-\d+")
_RANDOM = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
_PATHS_WITH_VERSIONS = ("taskdefinition", "jobdefinition", "functionname")
"""The ends of paths whose values may name a version of a resource."""


class Leaf(NamedTuple):
    """A value that both sides have, as each side has it."""

    path: str
    """As Step Functions writes it: `Overrides.ContainerOverrides[app].Cpu`."""
    scheduled: Any
    called: Any


class LeafComparison(Struct, frozen=True):
    """The parameters that an attempt and a call both have."""

    equal: tuple[Leaf, ...] = ()
    different: tuple[Leaf, ...] = ()
    """Each of these is evidence against the attempt having made the call."""


def compare_leaves(scheduled: Leaves, called: Leaves) -> LeafComparison:
    """Compare the leaves of an attempt with those of a call."""
    equal: list[Leaf] = []
    different: list[Leaf] = []
    for path, (written, value) in scheduled.items():
        if path not in called:
            continue
        other = called[path][1]
        # Nearly all values are equal texts: they are compared at once.
        is_equal_text = value == other and type(value) is str
        same = is_equal_text or _is_same(value, other, path)
        if same is None:
            continue
        leaf = Leaf(written, value, other)
        if same:
            equal.append(leaf)
        else:
            different.append(leaf)
    return LeafComparison(tuple(equal), tuple(different))


def differ(scheduled: Leaves, called: Leaves) -> bool:
    """True if any leaf differs: a quick check, since most attempts are ruled out."""
    for path, (_, value) in scheduled.items():
        if path in called:
            other = called[path][1]
            if value != other and _is_same(value, other, path) is False:
                return True
    return False


def is_plain(path: str, value: Any) -> bool:
    """True for a text that is the same as another at its path only if it is equal."""
    if type(value) is not str or value.startswith("arn:"):
        return False
    if _DATED.match(value) or _REDACTED_TIME.fullmatch(value):
        return False
    return not _is_client_token(path) and not path.endswith(_PATHS_WITH_VERSIONS)


def _is_client_token(path: str) -> bool:
    """True for a client token: the SDK generates one where none is given.

    So a different token is no evidence against a pair.
    """
    return path.rpartition(".")[2] in PARAMETER_NAMES["tokens"]


def _is_same(one: Any, other: Any, path: str) -> bool | None:
    if one is None or other is None:
        return None
    if isinstance(one, str) and isinstance(other, str):
        return one == other or _is_same_text(one, other, path)
    if isinstance(one, bool) or isinstance(other, bool):
        # Equal booleans are no evidence for a pair.
        texts = {str(one).lower(), str(other).lower()}
        return False if texts == {"true", "false"} else None
    if isinstance(one, EntryNames) and isinstance(other, EntryNames):
        return None if one <= other else False
    if one == other:
        return True
    if _is_client_token(path):
        return None
    if isinstance(one, tuple | frozenset) or isinstance(other, tuple | frozenset):
        return _is_same_list(one, other, path)
    return _is_same_number(one, other)


def _is_same_list(one: Any, other: Any, path: str) -> bool | None:
    """Compare two lists in order; as sets, if one side has lost its order."""
    if isinstance(one, EntryNames) or isinstance(other, EntryNames):
        return None
    if isinstance(other, NamedArns):
        return _is_named_among(one, other) if isinstance(one, str) else None
    if isinstance(one, tuple) and isinstance(other, tuple):
        if len(one) != len(other):
            return False
        pairs = zip(one, other, strict=True)
        return _all_same([_is_same(a, b, path) for a, b in pairs])
    return _is_same_set(_elements(one), _elements(other), path)


def _elements(value: Any) -> Sequence[Any]:
    return tuple(value) if isinstance(value, tuple | frozenset) else (value,)


def _is_same_set(ones: Sequence[Any], others: Sequence[Any], path: str) -> bool | None:
    """True if each element of either side is the same as one of the other side."""
    if len(ones) * len(others) > MOST_MEMBERS:
        return set(ones) == set(others)
    rows = [[_is_same(a, b, path) for b in others] for a in ones]
    columns = zip(*rows, strict=True)
    return _all_same([_best(results) for results in (*rows, *columns)])


def _best(results: Iterable[bool | None]) -> bool | None:
    """Return True if any element is the same, and False if all are others."""
    distinct = {*results}
    if True in distinct:
        return True
    return False if distinct == {False} else None


def _all_same(results: Sequence[bool | None]) -> bool | None:
    """Return True if all are the same, and False if any is another."""
    if False in results:
        return False
    return None if None in results else True


def _is_named_among(value: str, arns: NamedArns) -> bool | None:
    """True if a value names one of several ARNs, or a resource that one of them is in.

    None if it names none and an ARN has a random id: the value may be the name of the
    resource with that id.
    """
    last = value.rpartition("/")[2]
    for arn in arns:
        parts = SEPARATORS_OF_ARN.split(arn)[COLONS_OF_ARN:]
        if last in parts or _is_same(value, arn, ""):
            return True
    return None if any(map(_RANDOM.search, arns)) else False


def _is_same_number(one: Any, other: Any) -> bool | None:
    """Compare two numbers, or a number with a text that is a number or a time.

    None for any other text. None also for a negative number beside a text, since
    redacted numbers are negative and redacted texts are aliases.
    """
    text = one
    number = other
    if not isinstance(one, str):
        text = other
        number = one
    if not isinstance(text, str):
        return False
    if _DATED.match(text):
        return _is_same_time(number, text)
    try:
        return None if number < 0 else float(text) == float(number)
    except (ValueError, OverflowError):
        return None


def _is_same_text(one: str, other: str, path: str) -> bool | None:
    if _is_client_token(path):
        return None
    if one.startswith("arn:") or other.startswith("arn:"):
        return is_same_resource(one, other)
    if _DATED.match(one) and _DATED.match(other):
        return _is_same_time(one, other)
    if _REDACTED_TIME.fullmatch(one) or _REDACTED_TIME.fullmatch(other):
        return None
    if path.endswith(_PATHS_WITH_VERSIONS):
        return is_same_version(f"function:{one}", other)
    return False


def _is_same_time(one: Any, other: Any) -> bool | None:
    """Compare two times to the second, since CloudTrail has some in whole seconds only.

    CloudTrail has some times in Java's American format without a zone, such as
    `Jul 10, 2023 1:26:49 PM`. Beside another time they give None.
    """
    one_time = maybe_time(one)
    other_time = maybe_time(other)
    if one_time is None or other_time is None:
        is_one_known = one_time is not None or other_time is not None
        return None if is_one_known else False
    return abs((one_time - other_time).total_seconds()) < 1
