"""The records of a trail's file that may concern the executions."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from sfnwatch.model.json_stream import JsonStream
from sfnwatch.model.records import Record
from sfnwatch.model.text_stream import TextStream
from sfnwatch.model.texts import clean

_AT_ONCE = 1_000
"""Values read between two moments at which the reading can be stopped. DuckDB takes
longer for each value, and more memory, if it gets more at once."""


class TrailReader:
    """Reads the wanted records of a file.

    The packed bytes are held in memory, but never more than a piece of the unpacked
    text. A file may be one list of records, several lists put together, or a record a
    line.
    """

    def __init__(
        self, blocks: Iterable[bytes], wanted: Callable[[Record], bool]
    ) -> None:
        """Take a file's bytes, in pieces of any size; pieces are dropped once read."""
        self._blocks = deque(blocks)
        self._wanted = wanted
        self._looked = self._look()
        self.trouble = ""
        """Why not all of it was read; empty if all was. Set at the end of the file."""

    def read(self) -> list[bytes] | None:
        """Return the wanted ones of the next records; None if there are no more."""
        looked = list(islice(self._looked, _AT_ONCE))
        return list(filter(None, looked)) if looked else None

    def _look(self) -> Iterator[bytes | None]:
        """Yield each record, or None for one that is not wanted."""
        text = TextStream(self._blocks.popleft() for _ in range(len(self._blocks)))
        stream = JsonStream(text)
        trouble = ""
        try:
            if stream.is_over:
                trouble = "is empty"
            for place, value in stream.items():
                if place and isinstance(place[-1], str):
                    continue  # a value beside the list of records
                if isinstance(value, dict) and "eventName" in value:
                    yield stream.text.encode() if self._wanted(value) else None
                else:
                    trouble = "not all in it can be read as records"
        except UnicodeDecodeError:
            trouble = "not UTF-8 text"
        except ValueError as error:
            trouble = str(error)
        self.trouble = text.cut or trouble


_NAMED = 3
"""Most files that are named; the rest are counted."""


def troubles_of(files: dict[str, str]) -> str:
    """Return, in words, which of the tried files could not be read, and why not.

    `files` has a reason for each file, empty if it was read. The words are empty if all
    files were read.
    """
    bad = {place: why for place, why in files.items() if why}
    named = [
        f"{clean(place.rpartition('/')[2], 120)}: {clean(why, 200)}"
        for place, why in sorted(bad.items())[:_NAMED]
    ]
    if rest := len(bad) - len(named):
        named.append(f"and {rest} more")
    counted = f"{len(bad)} of the trail's {len(files)} files"
    return f"{counted} could not be read whole: {'; '.join(named)}." if bad else ""
