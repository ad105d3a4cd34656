"""A file's JSON, read strictly and value by value.

A trail's files, and what the AWS CLI writes, may be longer than memory: no more than
one piece of text is held, or the one value that is read.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Any

from sfnwatch.model.strict_json import NotJsonError, scan_value, skip_space
from sfnwatch.model.text_stream import HEAD

MAX_LINE = 1 << 24
"""Bytes of a line, and characters of one item of a foreign file: no record of AWS's is
longer, and Python makes up to 24 bytes of each to read it."""
LISTS = ("events", "logEvents", "Events", "Records")
"""The keys under which AWS's answers have their lists."""
JsonPath = tuple[str | int, ...]
"""The way to an item through a value: `("events", 17)`."""
_PIECE = 1 << 20
"""Characters held at least, before a value is read."""
_LEVELS = 4
"""Deeper than `[[{"events": […]}]]` nobody writes."""
_ANSWER = re.compile(
    r'\{(?:\s*"[^"\\]*"\s*:\s*(?:"(?:[^"\\]|\\.)*+"|[^\s",{}\[\]]+)\s*,)*+'
    rf'\s*"(?:{"|".join(LISTS)})"\s*:\s*\['
)
"""An object with such a list; before it stand at most texts and numbers."""


class JsonStream:
    """A file's JSON: one value, or several one after the other, each read by itself."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        """Read UTF-8; raises UnicodeDecodeError, when it is read, for what is none."""
        self._pieces = codecs.iterdecode(blocks, "utf-8")
        self._text = ""
        self._at = 0
        self._line = 1
        """In which the text that is held begins."""
        self._begun = 0
        """Where the value began that was read last."""

    @property
    def is_over(self) -> bool:
        """True where nothing follows but space."""
        return not self._sign()

    def items(self) -> Iterator[tuple[JsonPath, Any]]:
        """Yield every value, those in lists by themselves, and where each stands.

        Of an answer of AWS's they are the items of its list, and whatever stands beside
        that, whose place ends in its key. Raises NotJsonError.
        """
        while not self.is_over:
            yield from self._read(())

    def _read(self, place: JsonPath) -> Iterator[tuple[JsonPath, Any]]:
        """Read what comes next; a list, which may be long, item by item."""
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
        """Give the next character that is no space; none at the end."""
        while True:
            self._at = skip_space(self._text, self._at)
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def _begins(self, pattern: re.Pattern[str]) -> bool:
        """Tell if what comes next begins with a pattern; its first 64 KiB show that."""
        while len(self._text) - self._at < HEAD and self._more():
            pass
        return pattern.match(self._text, self._at) is not None

    def _value(self) -> Any:
        """Read the next value; raises NotJsonError, also for one that is too long."""
        self._sign()
        while True:
            try:
                value, end = scan_value(self._text, self._at)
            except NotJsonError:
                # It may go on in the next piece, but not for ever.
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
        """Stop at each value of the object that begins here, giving its key."""
        for _ in self._parts("}"):
            key = self._value() if self._sign() == '"' else None
            if key is None or self._sign() != ":":
                raise NotJsonError("not JSON: Expecting a key", self._at)
            self._at += 1
            yield key

    def _parts(self, end: str) -> Iterator[None]:
        """Stop where each part of a list or object begins, which is then read."""
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
        """Hold twice as much of what is still to be read; False at the end."""
        self._line += self._text.count("\n", 0, self._at)
        parts = [self._text[self._at :]]
        # One more than a value may have shows that it is too long.
        wanted = min(max(_PIECE, len(parts[0])), MAX_LINE + 1 - len(parts[0]))
        while wanted > 0 and (piece := next(self._pieces, "")):
            parts.append(piece)
            wanted -= len(piece)
        self._text = "".join(parts)
        self._at = 0
        return len(parts) > 1

    @property
    def text(self) -> str:
        """The value that was read last, as it stands in the file."""
        return self._text[self._begun : self._at]

    @property
    def line(self) -> int:
        """The line in which the value begins that was read last."""
        return self.line_of(self._begun)

    def line_of(self, position: int) -> int:
        """Give the line of a NotJsonError's position."""
        return self._line + self._text.count("\n", 0, position)
