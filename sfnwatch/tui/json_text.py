"""JSON read as it came, and written as text that is safe to paste."""

from decimal import Decimal
from typing import Any

import msgspec

from sfnwatch.model.values import encode_json

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
"""Numbers are written as they came: as a float, one could differ from AWS's."""


def decode_json(text: str | bytes) -> Any:
    """Return decoded JSON, its numbers exact; None for a text that is not JSON."""
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def json_text(value: Any) -> str:
    """Return JSON over several lines, without anything a terminal could act on.

    Bytes are JSON already: only the blanks between values change.
    """
    data = value
    try:
        if not isinstance(value, bytes):
            data = _ENCODER.encode(value)
        text = msgspec.json.format(data, indent=2).decode()
    except (ValueError, TypeError, RecursionError):
        text = value.decode() if isinstance(value, bytes) else _on_one_line(value)
    # Unprintable characters stand only inside strings, where an escape is the same.
    return "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in text)


def _on_one_line(value: Any) -> str:
    try:
        return encode_json(value).decode()
    except (ValueError, TypeError):
        return f"({type(value).__name__}, nested too deep to be written)"


def _escaped(character: str) -> str:
    code = character.encode("utf-16-be", "surrogatepass").hex()
    escaped = ""
    for begin in range(0, len(code), 4):
        escaped += f"\\u{code[begin : begin + 4]}"
    return escaped
