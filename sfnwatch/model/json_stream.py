"""Reads a file's JSON strictly and value by value.

A trail's files and the output of the AWS CLI may not fit into memory. So only one piece
of text, or the value that is being read, is held.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Any

from sfnwatch.model.strict_json import NotJsonError, scan_value, skip_space
from sfnwatch.model.text_stream import HEAD

MAX_LINE = 1 << 24
"""Bytes of a line, and characters of one item of a foreign file, at most. No record of
AWS is longer, and Python takes up to 24 bytes of memory for each to read it."""
LISTS = ("events", "logEvents", "Events", "Records")
"""The keys under which AWS's answers have their lists."""
JsonPath = tuple[str | int, ...]
"""The path to an item in a value: `("events", 17)`."""
_PIECE = 1 << 20
"""Characters to hold at least before a value is read."""
_LEVELS = 4
"""Steps of an item's path at most: nobody nests deeper than `[[{"events": […]}]]`."""
_ANSWER = re.compile(
    r'\{(?:\s*"[^"\\]*"\s*:\s*(?:"(?:[^"\\]|\\.)*+"|[^\s",{}\[\]]+)\s*,)*+'
    rf'\s*"(?:{"|".join(LISTS)})"\s*:\s*\['
)
"""Matches the beginning of an object with such a list. Before the list there may only
be strings, numbers, true, false and null."""


class JsonStream:
    """A file's JSON: one value, or several one after the other, read one by one."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        """Take blocks of UTF-8; reading other bytes raises UnicodeDecodeError."""
        self._pieces = codecs.iterdecode(blocks, "utf-8")
        self._text = ""
        self._at = 0
        self._line = 1
        """The number of the line in which the held text begins."""
        self._begun = 0
        """The position in the held text where the last value begins."""

    @property
    def is_over(self) -> bool:
        """True if only space follows."""
        return not self._sign()

    def items(self) -> Iterator[tuple[JsonPath, Any]]:
        """Yield every value with its path; the items of a list one by one.

        An answer of AWS yields the items of its list, and the values beside the list; a
        path of the latter ends in a key. Raises NotJsonError.
        """
        while not self.is_over:
            yield from self._read(())

    def _read(self, place: JsonPath) -> Iterator[tuple[JsonPath, Any]]:
        """Yield the next value; a list, which may be long, item by item."""
        if len(place) > _LEVELS:
            raise NotJsonError("nested too deep to be read", self._at)
        if self._sign() == "[":
            for number, _ in enumerate(self._parts("]")):
                yield from self._read((*place, number))
        elif self._begins(_ANSWER):
            for key in self._members():
                if key in LISTS and self._sign() == "[":
                    yield from self._read((*place, key))
                else:
                    yield (*place, key), self._value()
        else:
            yield place, self._value()

    def _sign(self) -> str:
        """Return the next character that is no space; an empty text at the end."""
        while True:
            self._at = skip_space(self._text, self._at)
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def _begins(self, pattern: re.Pattern[str]) -> bool:
        """True if the next text matches a pattern; 64 KiB of it are enough for that."""
        while len(self._text) - self._at < HEAD and self._more():
            pass
        return pattern.match(self._text, self._at) is not None

    def _value(self) -> Any:
        """Return the next value; raises NotJsonError, also for a value too long."""
        self._sign()
        while True:
            try:
                value, end = scan_value(self._text, self._at)
            except NotJsonError:
                # The value may go on in the next piece, up to the limit.
                if len(self._text) - self._at > MAX_LINE:
                    what = f"a value longer than {MAX_LINE >> 20} MiB"
                    raise NotJsonError(what, self._at) from None
                if not self._more():
                    raise
            else:
                if end < len(self._text) or not self._more():
                    self._begun = self._at
                    self._at = end
                    return value

    def _members(self) -> Iterator[str]:
        """Yield each key of the object that begins here.

        The caller reads the key's value before the next key is asked for.
        """
        for _ in self._parts("}"):
            key = self._value() if self._sign() == '"' else None
            if key is None or self._sign() != ":":
                raise NotJsonError("not JSON: Expecting a key", self._at)
            self._at += 1
            yield key

    def _parts(self, end: str) -> Iterator[None]:
        """Yield at the beginning of each part of a list or object.

        The caller reads the part before the next one is asked for.
        """
        self._at += 1
        sign = self._sign()
        self._at += sign == end
        while sign != end:
            yield
            sign = self._sign()
            if sign not in {",", end}:
                raise NotJsonError("not JSON: Expecting ',' delimiter", self._at)
            self._at += 1

    def _more(self) -> bool:
        """Hold twice as much of the unread text; return False at the file's end."""
        self._line += self._text.count("\n", 0, self._at)
        parts = [self._text[self._at :]]
        # One character more than a value may have shows that it is too long.
        wanted = min(max(_PIECE, len(parts[0])), MAX_LINE + 1 - len(parts[0]))
        while wanted > 0 and (piece := next(self._pieces, "")):
            parts.append(piece)
            wanted -= len(piece)
        self._text = "".join(parts)
        self._at = 0
        return len(parts) > 1

    @property
    def text(self) -> str:
        """The text of the last value, as it stands in the file."""
        return self._text[self._begun : self._at]

    @property
    def line(self) -> int:
        """The number of the line in which the last value begins."""
        return self.line_of(self._begun)

    def line_of(self, position: int) -> int:
        """Return the line number of a NotJsonError's position."""
        return self._line + self._text.count("\n", 0, position)
