"""JSON, read strictly: what is none is refused, with where that is."""

import json
import re
from typing import Any

import msgspec


class NotJsonError(ValueError):
    """A text that isn't JSON, and the character where that shows."""

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
"""Python's parser without what is lax in it: what it takes can be written again."""
_OBJECTS = msgspec.json.Decoder(dict[str, Any])
_BLANKS = re.compile(r"[ \t\r\n]*")


def skip_space(text: str, position: int) -> int:
    match = _BLANKS.match(text, position)
    return match.end() if match else position


def scan_value(text: str, start: int) -> tuple[Any, int]:
    """Read the JSON value that begins at `start`, and tell where it ends.

    Raises NotJsonError, for what is nested too deep for Python as well.
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
    """Read the one JSON value of a text; raises NotJsonError."""
    value, end = scan_value(text, skip_space(text, 0))
    end = skip_space(text, end)
    if end < len(text):
        raise NotJsonError("not JSON: Extra data", end)
    return value


def decode_object(data: bytes) -> dict[str, Any]:
    """Read a JSON object, and nothing else; raises ValueError."""
    try:
        found: Any = _OBJECTS.decode(data)
    except (ValueError, RecursionError):
        # Python's own parser takes half of a surrogate pair, and says what is wrong.
        found = parse_value(data.decode())
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - as for all bad data
    return found
