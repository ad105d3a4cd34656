"""The files of an archive in their turn, each read once; trouble is that of one file.

Unless it is that of all: then it is raised, and the same file is tried again.
"""

import asyncio
from collections import deque
from contextlib import aclosing

from sfnwatch.sources.archive_layout import TrailFile
from sfnwatch.sources.archive_records import Record, TrailReader, Wanted
from sfnwatch.sources.archive_report import Report
from sfnwatch.sources.archive_shelf import Found, Shelf, UnreadableError
from sfnwatch.trace.events import HealthState

_TRIES = 3
"""How often a file is asked for whose answer is cut; and after so many files that may
not be read, with none that was, it is not they but the permission."""


class Reading:
    """What was found and is to be read, and what came of it."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._files: deque[TrailFile] = deque()
        self._read: set[str] = set()
        """The keys of the files that were read, if not to their end."""
        self._tries = self._refused = 0
        self.report = Report()

    @property
    def waiting(self) -> bool:
        return bool(self._files)

    def forget(self) -> None:
        """Begin anew, with whatever is found next."""
        self._files.clear()
        self._read.clear()
        self._tries = self._refused = 0
        self.report = Report()

    def add(self, found: Found) -> None:
        """Take what is new of what a look has found, oldest first."""
        fresh = {file.key: file for file in found.files if file.key not in self._read}
        files = sorted(fresh.values(), key=lambda file: (_seconds(file), file.place))
        self._files.extend(files)
        self.report.looked(len(files), found.troubles)

    async def next(self, wanted: Wanted) -> list[Record]:
        """Read the file whose turn it is; one that can't be read is named.

        Raises Failure.
        """
        file = self._files[0]
        records: list[Record] = []
        try:
            reader, records = await self._read_through(file, wanted)
        except UnreadableError as error:
            self._raise_if_of_all(error)
            self.report.unreadable(file, error.why)
        else:
            self._read.add(file.key)
            self.report.read(file, reader.trouble)
        self._files.popleft()
        self._tries = 0
        return records

    async def _read_through(
        self, file: TrailFile, wanted: Wanted
    ) -> tuple[TrailReader, list[Record]]:
        """Read a file to its end, or to where it makes no more sense."""
        reader, found = TrailReader(wanted), list[Record]()
        chunks = self._shelf.chunks(file, self.report.turn)
        async with aclosing(chunks) as stream:
            async for chunk in stream:
                found += await asyncio.to_thread(reader.feed, chunk)
                if reader.trouble:
                    return reader, found
        return reader, found + await asyncio.to_thread(reader.feed, b"")

    def _raise_if_of_all(self, error: UnreadableError) -> None:
        failure = error.failure
        if failure is None:
            return
        if failure.state is HealthState.DENIED:
            self._refused += 1
            if self._refused >= _TRIES and not self._read:
                raise failure from error
            return
        self._tries += 1
        if self._tries < _TRIES:
            raise failure from error


def _seconds(file: TrailFile) -> float:
    """Sort by it: what has no stamp comes first."""
    return file.stamp.timestamp() if file.stamp else 0.0
