"""The records of a trail's file that may concern the executions."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from sfnwatch.model.json_stream import JsonStream
from sfnwatch.model.records import Record
from sfnwatch.model.text_stream import TextStream
from sfnwatch.model.texts import clean

_VALUES_AT_ONCE = 1_000
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
        self._values = self._read_values()
        self.trouble = ""
        """Why not all of it was read; empty if all was. Set at the end of the file."""

    def read(self) -> list[bytes] | None:
        """Return the wanted ones of the next records; None if there are no more."""
        values = list(islice(self._values, _VALUES_AT_ONCE))
        if not values:
            return None
        return [record for record in values if record is not None]

    def _read_values(self) -> Iterator[bytes | None]:
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
                if not isinstance(value, dict) or "eventName" not in value:
                    trouble = "not all in it can be read as records"
                elif self._wanted(value):
                    yield stream.text.encode()
                else:
                    yield None
        except UnicodeDecodeError:
            trouble = "not UTF-8 text"
        except ValueError as error:
            trouble = str(error)
        self.trouble = text.cut or trouble


_MOST_NAMED = 3
"""Most files that are named; the rest are counted."""


def troubles_of(files: dict[str, str]) -> str:
    """Return, in words, which of the tried files could not be read, and why not.

    `files` has a reason for each file, empty if it was read. The words are empty if all
    files were read.
    """
    unread = sorted(place for place, reason in files.items() if reason)
    if not unread:
        return ""
    parts: list[str] = []
    for place in unread[:_MOST_NAMED]:
        name = clean(place.rpartition("/")[2], 120)
        parts.append(f"{name}: {clean(files[place], 200)}")
    if len(unread) > _MOST_NAMED:
        parts.append(f"and {len(unread) - _MOST_NAMED} more")
    count = f"{len(unread)} of the trail's {len(files)} files"
    return f"{count} could not be read whole: {'; '.join(parts)}."
