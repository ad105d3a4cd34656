"""JSON text in, values out; the errors are sentences, and never a crash.

Python's parser is lax where JSON is strict (NaN, numbers that overflow) and gives
up with a RecursionError on deep nesting. What is accepted here can be written
again, and is shallow enough for everything that walks through it later.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

MAX_DEPTH = 200
"""Levels of nesting; Python's parser ends at about 1000, less what it is called in."""

_SPACE = re.compile(r"[ \t\r\n]*")
_BETWEEN = re.compile(r"[ \t\r\n,:]*")
_STEP = re.compile(r"\[(?P<index>\d+)\]|\.?(?P<key>[^.\[\]]+)")


class NotJsonError(ValueError):
    """A text that isn't JSON, and the line where that shows."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def _no_constant(name: str) -> Any:
    msg = f"{name} is no JSON number"
    raise ValueError(msg)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        msg = f"the number {text:.40} is too large"
        raise ValueError(msg)
    return number


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


def parse_values(text: str) -> Iterator[tuple[int, Any]]:
    """Yield each JSON value of a text, one after the other, and the line it is on.

    Raises NotJsonError.
    """
    index = _after_space(text, 0)
    line = 1 + text.count("\n", 0, index)
    while index < len(text):
        value, end = _value(text, index, line)
        yield line, value
        end = _after_space(text, end)
        line += text.count("\n", index, end)
        index = end


def parse_value(text: str) -> Any:
    """Read the one JSON value of a text; raises NotJsonError."""
    values = list(parse_values(text))
    if len(values) != 1:
        raise NotJsonError(f"{len(values)} JSON values where one should be", 1)
    return values[0][1]


def _after_space(text: str, index: int) -> int:
    match = _SPACE.match(text, index)
    return match.end() if match else index


def _value(text: str, index: int, line: int) -> tuple[Any, int]:
    try:
        value, end = _DECODER.raw_decode(text, index)
    except json.JSONDecodeError as error:
        what = f"not JSON: {error.msg} at column {error.colno}"
        raise NotJsonError(what, error.lineno) from error
    except RecursionError as error:
        raise NotJsonError("nested too deep to be read", line) from error
    except ValueError as error:
        what = str(error).partition(":")[0]
        raise NotJsonError(f"not JSON: {what}", line) from error
    if _may_be_deep(text, index, end) and deeper_than(value, MAX_DEPTH):
        raise NotJsonError(f"nested deeper than {MAX_DEPTH} levels", line)
    return value, end


def _may_be_deep(text: str, start: int, end: int) -> bool:
    return text.count("{", start, end) + text.count("[", start, end) > MAX_DEPTH


def deeper_than(value: Any, limit: int) -> bool:
    """Tell if objects and lists are nested deeper than `limit`, without recursion."""
    level = [value]
    for _ in range(limit + 1):
        level = [v for v in level if isinstance(v, dict | list)]
        if not level:
            return False
        level = [
            child for v in level for child in (v.values() if isinstance(v, dict) else v)
        ]
    return True


def line_of(text: str, line: int, where: str) -> int:
    """Find the line where the item at `where` begins: `events[17]`, `[3].Records[0]`.

    `line` is that of the value it is in; it is the answer where the way is not found.
    """
    index = 0
    for _ in range(line - 1):
        index = text.index("\n", index) + 1
    try:
        for step in _STEP.finditer(where):
            index = _into(text, _after_space(text, index) + 1, step)
    except ValueError:
        return line
    return text.count("\n", 0, index) + 1


def _into(text: str, index: int, step: re.Match[str]) -> int:
    """Go past the items before the one that `step` names, from behind the bracket."""
    left = int(step["index"]) if step["index"] else -1
    while True:
        index = _after(text, index)
        if left == 0:
            return index
        value, index = _DECODER.raw_decode(text, index)
        left -= 1
        if left < 0:
            index = _after(text, index)
            if value == step["key"]:
                return index
            _, index = _DECODER.raw_decode(text, index)


def _after(text: str, index: int) -> int:
    match = _BETWEEN.match(text, index)
    return match.end() if match else index
