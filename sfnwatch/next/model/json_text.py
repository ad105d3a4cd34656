"""Reading what lies inside AWS's payloads, whatever strangers put there."""

import json
import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeGuard

import msgspec

_SCALARS = frozenset({int, float, bool, type(None)})


def parse_json(text: Any) -> Any:
    """Parse a JSON text; None when it isn't one, or is nested past all reason."""
    if not isinstance(text, str | bytes) or not text:
        return None
    try:
        # Twice as fast, and strict: what it takes Python's parser reads the same.
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def parse_object(text: str | bytes) -> Mapping[str, Any]:
    """Parse a JSON object; an empty one for anything else."""
    return mapping_of(parse_json(text))


def encode_json(value: Any) -> bytes:
    """Write a JSON value as bytes of ASCII.

    Raises ValueError for what JSON can't hold, NaN and infinities among it.
    """
    try:
        return ascii_json(value).encode()
    except RecursionError as error:
        msg = "nested too deep"
        raise ValueError(msg) from error


def values_at(value: Any, path: str) -> Iterator[str]:
    """Yield the strings at a dotted `path`; `[]` walks a list: `Tasks[].TaskArn`."""
    found = [value]
    for key, is_list in _steps(path):
        found = [v[key] for v in found if _is_mapping(v) and key in v]
        if not found:
            return
        if is_list:
            found = [item for v in found if isinstance(v, list) for item in v]
    yield from (v for v in found if isinstance(v, str) and v)


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[tuple[str, bool], ...]:
    """Split a path into its keys, and whether what stands at each is a list."""
    parts = path.split(".")
    return tuple((part.removesuffix("[]"), part.endswith("[]")) for part in parts)


def strings_in(value: Any) -> list[str]:
    """Give every string that stands as a value inside a JSON value, in any order.

    Iterative, since requestParameters may be nested as deep as its sender likes.
    """
    found: list[str] = []
    left = [value]
    for current in left:
        kind = type(current)
        if kind is str:
            found.append(current)
        elif kind is dict:
            left.extend(current.values())
        elif kind is list or kind is tuple:
            left.extend(current)
        elif kind not in _SCALARS and isinstance(current, Mapping):
            left.extend(current.values())
    return found


def text_of(value: Any) -> str | None:
    """Take a string, or nothing: a field may hold anything in a hostile record."""
    return value if isinstance(value, str) and value else None


def mapping_of(value: Any) -> Mapping[str, Any]:
    """Take an object, or an empty one."""
    return value if _is_mapping(value) else {}


def list_of(value: Any) -> list[Any]:
    """Take a list, or an empty one."""
    return value if isinstance(value, list) else []


def int_of(value: Any) -> int | None:
    """Take a whole number; JSON's true and false are none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def float_of(value: Any) -> float | None:
    """Take a number that is finite, and none that is past all reason."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _is_mapping(value: Any) -> TypeGuard[Mapping[str, Any]]:
    # Nearly all are dicts; to ask the abstract class takes ten times as long.
    return type(value) is dict or isinstance(value, Mapping)


def canonical(value: Any) -> str:
    """Write a JSON value so that equal values give equal texts.

    What was read at the edge of the nesting allowed may be past it here: then all
    its strings stand for it.
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    except RecursionError:
        return json.dumps(sorted(strings_in(value)))


def ascii_json(value: Any, *, indent: int | None = None) -> str:
    """Write a JSON value in printable ASCII, strings unaltered.

    NaN and infinities, which JSON doesn't have, raise ValueError.
    """
    return json.dumps(value, ensure_ascii=True, allow_nan=False, indent=indent)
