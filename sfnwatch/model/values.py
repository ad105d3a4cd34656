"""Reads JSON values: each as the type it should have, or not at all."""

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
"""The first is twice as fast, and stricter. Python's parser reads everything that the
first accepts in the same way."""


def parse_json(text: Any) -> Any:
    """Return the value of a JSON text; None if it is no JSON or is nested too deep."""
    if not text or type(text) not in _TEXTS:
        return None
    for parse in _PARSERS:
        try:
            return parse(text)
        except (ValueError, RecursionError):
            continue
    return None


def parse_object(text: str | bytes) -> Mapping[str, Any]:
    """Return the JSON object of a text; an empty one for anything else."""
    return mapping_of(parse_json(text))


def encode_json(value: Any) -> bytes:
    """Return a JSON value as bytes of ASCII.

    Raises ValueError for values that JSON can't hold, such as NaN and infinities.
    """
    try:
        return ascii_json(value).encode()
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def values_at(value: Any, path: str) -> Iterator[str]:
    """Yield the strings at a dotted `path`; `[]` is each item: `Tasks[].TaskArn`."""
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
    """Return the keys of a path, each with True if its value is a list to walk."""
    parts = path.split(".")
    return tuple((part.removesuffix("[]"), part.endswith("[]")) for part in parts)


def strings_in(value: Any) -> list[str]:
    """Return all strings inside a JSON value, except keys, in any order.

    There is no recursion, since the sender of requestParameters may nest them as deep
    as they like.
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
    """Return a string; None if it is empty or of another type.

    A field may hold anything in a hostile record.
    """
    return value if isinstance(value, str) and value else None


def required_text(record: Mapping[str, Any], key: str) -> str:
    """Return a string that must be there; raises KeyError or ValueError."""
    value = record[key]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} is {value!r:.60}")
    return value


def mapping_of(value: Any) -> Mapping[str, Any]:
    """Return an object; an empty one for anything else."""
    return value if value and _is_mapping(value) else {}


def list_of(value: Any) -> list[Any]:
    """Return a list; an empty one for anything else."""
    return value if isinstance(value, list) else []


def int_of(value: Any) -> int | None:
    """Return a whole number; None for anything else, also for true and false."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def float_of(value: Any) -> float | None:
    """Return a number as a float; None for other types and for what is not finite."""
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
    """Return a Struct with its fields read from a record, which may hold any values.

    A field whose value is missing or of another type keeps its default. Only texts,
    numbers and times are read; the caller passes all other fields as `known`.
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
    # Nearly all are dicts; checking for the abstract class takes ten times as long.
    return type(value) is dict or isinstance(value, Mapping)


def canonical(value: Any) -> str:
    """Return a JSON value as a text; equal values give equal texts.

    A value that could just be read may be nested too deep to be written here. Then the
    text is made of all its strings.
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    except RecursionError:
        return json.dumps(sorted(strings_in(value)))


def ascii_json(value: Any, *, indent: int | None = None) -> str:
    """Return a JSON value in printable ASCII, with its strings unaltered.

    Raises ValueError for NaN and infinities, which JSON doesn't have.
    """
    # msgspec would indent faster, but it refuses half of a surrogate pair.
    return json.dumps(value, ensure_ascii=True, allow_nan=False, indent=indent)
