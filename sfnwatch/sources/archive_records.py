"""A trail file's records, as its bytes come: unpacked, split, and most let go at once.

Nothing but what may concern somebody is kept, so memory is that of one step, however
large the file. Python's own parser splits records at 340 MB/s of JSON, as fast as a
decoder that picks out single fields, and gives up no record before a torn end.
"""

import codecs
import json
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from sfnwatch.recording.parsing import NotJsonError, parse_value

Record = dict[str, Any]
Wanted = Callable[[Record], bool]
"""Tells if a record may concern anybody."""

_GZIP = b"\x1f\x8b"
_STEP = 1 << 20
"""Bytes unpacked at once: a few kilobytes may unpack to more than there is memory."""
_MOST_UNPACKED = 1 << 32
_RECORD_MOST = 8 << 20
"""Characters of a record: CloudTrail's end far below."""
_SPACE = " \t\r\n"
_OPENING = re.compile(
    r'[ \t\r\n}]*(?:\{[ \t\r\n]*"Records"[ \t\r\n]*:[ \t\r\n]*\[|\[)?'
)
_OPENING_MOST = 64
"""Characters that an opening has, whoever laid it out."""
_BETWEEN = re.compile(r"[ \t\r\n,]*")
_SCANNER = json.JSONDecoder()
_NOT_YET = object()


class TrailReader:
    """Takes a file's bytes piece by piece, and gives the records that are wanted."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._unpacker: Any = None
        self._begun = False
        self._head = b""
        """The first bytes, until there are enough to tell what it is."""
        self._unpacked = 0
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text, self._at = "", 0
        """What is not read yet: all of the text behind this character."""
        self._opened = self._listed = False
        """If its records, or its lists of them, have begun; if it is in a list."""
        self.records = 0
        """How many there were, wanted or not."""
        self._odd = 0
        """Values that are no records, or none that can be recorded."""
        self.trouble = ""
        """Why not all of it was read; empty if it was."""

    def feed(self, data: bytes) -> list[Record]:
        """Take the next bytes, none for the file's end; give what is wanted of them."""
        final = not data
        found: list[Record] = []
        if not self._begun:
            data = self._head + data
            self._begun = final or len(data) >= len(_GZIP)
            if not self._begun:
                self._head = data
                return found
            self._unpacker = _unpacker() if data.startswith(_GZIP) else None
        try:
            for piece in self._pieces(data):
                self._add(self._decoder.decode(piece))
                found += self._split()
            if final:
                self._add(self._decoder.decode(b"", final=True))
                found += self._split(final=True)
                self._finish()
        except zlib.error as error:
            self._give_up(f"damaged, {self._place}: {error}")
        except UnicodeDecodeError:
            self._give_up(f"not UTF-8 text, {self._place}")
        return found

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        for piece in self._unpack(data) if self._unpacker else [data]:
            self._unpacked += len(piece)
            if self._unpacked > _MOST_UNPACKED:
                self._give_up(f"unpacks to more than {_MOST_UNPACKED >> 30} GiB")
            if self.trouble:
                return
            yield piece

    def _unpack(self, data: bytes) -> Iterator[bytes]:
        """Unpack in steps; a file may be several streams, one after the other."""
        while data:
            if self._unpacker.eof:
                data = data.lstrip(b"\0")  # padding
                if not data:
                    return
                self._unpacker = _unpacker()
            yield self._unpacker.decompress(data, _STEP)
            data = self._unpacker.unconsumed_tail or self._unpacker.unused_data

    def _add(self, text: str) -> None:
        self._text, self._at = self._text[self._at :] + text, 0

    def _split(self, *, final: bool = False) -> Iterator[Record]:
        """Read as many records as are whole."""
        while not self.trouble and (self._opened or self._open(final=final)):
            self._skip(_BETWEEN)
            if self._at == len(self._text):
                return
            if self._listed and self._text[self._at] == "]":
                # Files that were put together are one list after another.
                self._at += 1
                self._opened = self._listed = False
                continue
            start = self._at
            value = self._next()
            if value is _NOT_YET:
                return
            yield from self._take(value, self._text[start : self._at])

    def _open(self, *, final: bool) -> bool:
        """Go into the list, if it is one: a heap may hold one record a line, too."""
        if len(self._text) - self._at < _OPENING_MOST and not final:
            return False
        start = self._at
        self._skip(_OPENING)
        self._listed = self._text[start : self._at].endswith("[")
        self._opened = True
        return True

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _next(self) -> Any:
        try:
            value, self._at = _SCANNER.raw_decode(self._text, self._at)
        except RecursionError:
            self._give_up(f"nested too deep, {self._place}")
        except ValueError:
            # It may go on in the next piece, but not for ever.
            if len(self._text) - self._at > _RECORD_MOST:
                self._give_up(f"no JSON, {self._place}")
        else:
            return value
        return _NOT_YET

    def _take(self, value: Any, text: str) -> Iterator[Record]:
        if not isinstance(value, dict) or "eventName" not in value:
            self._odd += 1
            return
        self.records += 1
        if self._wanted(value):
            try:
                # Once more, and strictly: what JSON doesn't have can't be recorded.
                yield parse_value(text)
            except NotJsonError:
                self._odd += 1

    def _finish(self) -> None:
        if self.trouble:
            return
        if self._unpacker and not self._unpacker.eof:
            self._give_up(f"the gzip stream is cut short, {self._place}")
        elif self._listed or self._text[self._at :].strip(_SPACE):
            self._give_up(f"cut short or no JSON, {self._place}")
        elif not self._unpacked:
            self.trouble = "is empty"
        elif self._odd:
            word = "value" if self._odd == 1 else "values"
            self.trouble = f"{self._odd} {word} in it can't be read as a record"

    def _give_up(self, why: str) -> None:
        self.trouble = why
        self._text, self._at = "", 0

    @property
    def _place(self) -> str:
        return f"after record {self.records}" if self.records else "at its beginning"


def _unpacker() -> Any:
    return zlib.decompressobj(16 + zlib.MAX_WBITS)
