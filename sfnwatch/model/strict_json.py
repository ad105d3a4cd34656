"""Reads JSON strictly: a text that is none is refused, with the position."""

import json
import re
from typing import Any

import msgspec


class NotJsonError(ValueError):
    """A text is no JSON; `position` is the index of the character that shows it."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text:.40} is too large")
    return number


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
"""Python's parser without its laxness: every value it reads can be written again."""
_OBJECTS = msgspec.json.Decoder(dict[str, Any])
_BLANKS = re.compile(r"[ \t\r\n]*")


def skip_space(text: str, position: int) -> int:
    match = _BLANKS.match(text, position)
    return match.end() if match else position


def scan_value(text: str, start: int) -> tuple[Any, int]:
    """Return the JSON value that begins at `start`, and the index of its end.

    Raises NotJsonError, also for a value nested too deep for Python.
    """
    try:
        return _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise NotJsonError(f"not JSON: {error.msg}", error.pos) from error
    except RecursionError as error:
        raise NotJsonError("nested too deep to be read", start) from error
    except ValueError as error:
        what = str(error).partition(":")[0]
        raise NotJsonError(f"not JSON: {what}", start) from error


def parse_value(text: str) -> Any:
    """Return the only JSON value of a text; raises NotJsonError."""
    value, end = scan_value(text, skip_space(text, 0))
    end = skip_space(text, end)
    if end < len(text):
        raise NotJsonError("not JSON: Extra data", end)
    return value


def decode_object(data: bytes) -> dict[str, Any]:
    """Return a JSON object; raises ValueError for anything else."""
    try:
        found: Any = _OBJECTS.decode(data)
    except (ValueError, RecursionError):
        # Python's parser accepts half of a surrogate pair, and says what is wrong.
        found = parse_value(data.decode())
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - as for all bad data
    return found
