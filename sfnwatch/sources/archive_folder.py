"""A trail's files in a folder."""

import asyncio
import os
import stat
from collections.abc import AsyncGenerator
from pathlib import Path

from msgspec.structs import replace

from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean
from sfnwatch.sources.answers import Failure
from sfnwatch.sources.trail_files import (
    FileWindow,
    TrailFile,
    UnreadableError,
    is_wanted,
    wanted_file,
)

CHUNK_BYTES = 1 << 16
"""Bytes read at once. Unpacking them takes a thread some 6 ms, and 64 MiB at worst."""


class ArchiveFolder:
    """A local folder: a copy of the bucket, a part of a copy, or any files."""

    is_live = False
    """True where CloudTrail itself delivers. A copy is as old as its last update."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = clean(str(path), 300)
        self.folders = path.absolute().parts
        """The parts of the folder's own path."""

    async def files(self, window: FileWindow) -> list[TrailFile]:
        """List the files of the window; raises Failure."""
        return await asyncio.to_thread(self._files, window)

    def _files(self, window: FileWindow) -> list[TrailFile]:
        """Find files by their days, accounts and Regions.

        Folders that can't hold such files are not opened, and links to folders are not
        followed. Raises Failure if the folder does not exist or can't be read.
        """
        path = self._path
        files: list[TrailFile] = []
        try:
            if path.is_file():
                # A file that was named itself is taken, whatever it is called.
                return [TrailFile(str(path), _key(str(path), path.stat()))]
            path.stat()
            for folder, folders, names in os.walk(path):
                above = Path(folder).absolute().parts
                folders[:] = [f for f in folders if is_wanted(above, f, window)]
                for name in names:
                    file = _file(f"{folder}/{name}", name, window)
                    if file is not None:
                        files.append(file)
        except OSError as error:
            msg = f"Reading the trail's files in {self.name}: {_reason_of(error)}."
            raise Failure(HealthState.REFUSED, f"{msg} Name another folder.") from error
        return files

    async def chunks(self, file: TrailFile, _: str) -> AsyncGenerator[bytes, None]:
        """Yield a file's bytes, read in a thread: the file may be on a network drive.

        Raises UnreadableError.
        """
        try:
            with await asyncio.to_thread(Path(file.place).open, "rb") as stream:
                while chunk := await asyncio.to_thread(stream.read, CHUNK_BYTES):
                    yield chunk
        except OSError as error:
            raise UnreadableError(_reason_of(error)) from error


def _file(path: str, name: str, window: FileWindow) -> TrailFile | None:
    chosen = wanted_file(path, name, window)
    if chosen is None:
        return None
    try:
        status = Path(path).stat()
    except OSError:
        return chosen  # reading it later reports the error
    if not stat.S_ISREG(status.st_mode):
        return None  # reading a pipe would never end
    return replace(chosen, key=_key(path, status))


def _key(path: str, status: os.stat_result) -> str:
    """Return a key of a file's present state: the file may still be being copied."""
    return f"{path} {status.st_size} {status.st_mtime_ns}"


def _reason_of(error: OSError) -> str:
    """Return the system's words for an error, cleaned."""
    return clean(error.strerror or str(error), 200)
