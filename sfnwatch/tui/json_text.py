"""JSON read as it came, and written as text that is safe to paste."""

from decimal import Decimal
from typing import Any

import msgspec

from sfnwatch.model.values import encode_json

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
"""Numbers leave as they came: a float would not be what AWS sent."""


def decode(text: str | bytes) -> Any:
    """Read JSON, its numbers as they stand; None for what is none."""
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def json_text(value: Any) -> str:
    """Write JSON over several lines, without anything a terminal could act on.

    Of bytes, which are JSON already, nothing but the blanks between values changes.
    """
    try:
        data = value if isinstance(value, bytes) else _ENCODER.encode(value)
        text = msgspec.json.format(data, indent=2).decode()
    except (ValueError, TypeError, RecursionError):
        text = value.decode() if isinstance(value, bytes) else _plain(value)
    # What can't be printed stands inside of strings only: there an escape is the same.
    return "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in text)


def _plain(value: Any) -> str:
    try:
        return encode_json(value).decode()
    except (ValueError, TypeError):
        return f"({type(value).__name__}, nested too deep to be written)"


def _escaped(character: str) -> str:
    code = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{code[n : n + 4]}" for n in range(0, len(code), 4))
