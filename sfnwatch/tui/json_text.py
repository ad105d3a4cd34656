"""JSON as text that is safe to paste: nothing in it that a terminal could act on.

Iterative, so that no depth of nesting can stop it; numbers that came as text leave
as that text, since a float would not be what AWS sent.
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

_DEEPEST = 40
"""Levels that are indented: below, a million lines could be spaces and no more."""
_ASTRAL = 0xFFFF


class Number(str):
    """A number as it stands in its JSON text, however long or exact."""

    __slots__ = ()


def parse_exactly(text: str) -> Any:
    """Parse JSON, its numbers left as they stand; None for what is none."""
    try:
        return json.loads(
            text, parse_int=Number, parse_float=Number, parse_constant=Number
        )
    except (ValueError, RecursionError):
        return None


def quoted(text: str) -> str:
    """Write a JSON string; what can't be printed is escaped, all else stays legible."""
    words = json.dumps(text, ensure_ascii=False)
    if words.isprintable():
        return words
    return "".join(c if c.isprintable() else _escaped(c) for c in words)


def _escaped(character: str) -> str:
    code = ord(character)
    if code <= _ASTRAL:
        return f"\\u{code:04x}"
    high, low = divmod(code - _ASTRAL - 1, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


def scalar_text(value: Any) -> str:
    """Write a value that holds no others, as JSON has it."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        # Python refuses to write integers of more than 4300 digits.
        return f"{Decimal(value):f}" if value.bit_length() > 1024 else str(value)  # noqa: PLR2004
    if isinstance(value, float):
        return json.dumps(value)
    return quoted(str(value))


def is_object(value: Any) -> bool:
    return isinstance(value, Mapping)


def is_array(value: Any) -> bool:
    return isinstance(value, list | tuple)


def json_text(value: Any) -> str:
    """Write a JSON value over as many lines as a person would."""
    return "".join(_parts(value))


_Step = tuple[str, Any, int]
"""What to write first; then the value, or nothing (`_DONE`); at which depth."""
_DONE = object()


def _parts(value: Any) -> Iterator[str]:
    steps: list[_Step] = [("", value, 0)]
    while steps:
        lead, item, depth = steps.pop()
        yield lead
        if item is _DONE:
            continue
        if is_object(item) and item:
            members = [(f"{quoted(str(key))}: ", part) for key, part in item.items()]
            yield "{"
            steps += _inside(members, "}", depth)
        elif is_array(item) and item:
            yield "["
            steps += _inside([("", part) for part in item], "]", depth)
        elif is_object(item):
            yield "{}"
        else:
            yield "[]" if is_array(item) else scalar_text(item)


def _inside(members: list[tuple[str, Any]], end: str, depth: int) -> list[_Step]:
    """Give what is left to be written of a container, the last of it first."""
    line = _new_line(depth + 1)
    steps = [
        (f"{',' if place else ''}{line}{key}", part, depth + 1)
        for place, (key, part) in enumerate(members)
    ]
    steps.append((f"{_new_line(depth)}{end}", _DONE, depth))
    steps.reverse()
    return steps


def _new_line(depth: int) -> str:
    return "\n" + "  " * min(depth, _DEEPEST)
