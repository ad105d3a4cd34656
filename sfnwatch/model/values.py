"""Values of JSON: each taken for what it should be, or left out."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from types import UnionType
from typing import Any, TypeGuard, TypeVar, get_args

import msgspec

from sfnwatch.model.times import maybe_time

S = TypeVar("S", bound=msgspec.Struct)
_TEXTS = frozenset({str, bytes})
_SCALARS = frozenset({int, float, bool, type(None)})
_PARSERS: tuple[Callable[[str | bytes], Any], ...] = (msgspec.json.decode, json.loads)
"""The first is twice as fast, and strict: what it takes Python's parser reads alike."""


def parse_json(text: Any) -> Any:
    """Parse a JSON text; None when it isn't one, or is nested past all reason."""
    if not text or type(text) not in _TEXTS:
        return None
    for parse in _PARSERS:
        try:
            return parse(text)
        except (ValueError, RecursionError):
            continue
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
        raise ValueError("nested too deep") from error


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


def required_text(record: Mapping[str, Any], key: str) -> str:
    """Take a string that must be there; raises KeyError and ValueError."""
    value = record[key]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} is {value!r:.60}")
    return value


def mapping_of(value: Any) -> Mapping[str, Any]:
    """Take an object, or an empty one."""
    return value if value and _is_mapping(value) else {}


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


_READERS: Mapping[Any, Callable[[Any], Any]] = {
    str: text_of,
    int: int_of,
    float: float_of,
    datetime: maybe_time,
}


def read_fields(kind: type[S], record: Mapping[str, Any], /, **known: Any) -> S:
    """Read a Struct's fields by their names in the record, whatever stands there.

    What is missing or of another type has its field's default; what is no text, number
    or time is for the caller to give, as `known`.
    """
    for name, key, reader in _readers_of(kind):
        value = None if name in known else reader(record.get(key))
        if value is not None:
            known[name] = value
    return kind(**known)


@lru_cache(maxsize=64)
def _readers_of(
    kind: type[msgspec.Struct],
) -> tuple[tuple[str, str, Callable[[Any], Any]], ...]:
    found = []
    for each in msgspec.structs.fields(kind):
        types = get_args(each.type) if isinstance(each.type, UnionType) else [each.type]
        reader = next((_READERS[t] for t in types if t in _READERS), None)
        if reader is not None:
            found.append((each.name, each.encode_name, reader))
    return tuple(found)


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
    # msgspec's would indent faster, but refuses half of a surrogate pair.
    return json.dumps(value, ensure_ascii=True, allow_nan=False, indent=indent)
