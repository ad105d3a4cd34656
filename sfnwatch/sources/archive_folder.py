"""A trail's files in a folder: a copy of the bucket, part of one, or just a heap."""

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, Iterator
from datetime import datetime
from pathlib import Path

from sfnwatch.sources.archive_layout import (
    Said,
    TrailFile,
    Window,
    choose,
    is_passed_over,
    said_by,
)
from sfnwatch.sources.archive_shelf import Found, UnreadableError
from sfnwatch.sources.drive import Failure
from sfnwatch.trace.events import HealthState
from sfnwatch.trace.text import clean
from sfnwatch.trace.values import replace

_CHUNK = 1 << 19
"""Bytes read at once; unpacked they take a thread some 50 ms."""


class Folder:
    """A shelf: whatever lies below a path of this machine."""

    is_live = False

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        return clean(str(self._path), 300)

    @property
    def said(self) -> Said:
        return said_by(_folders(self._path))

    async def files(self, window: Window, recent: datetime | None) -> Found:
        del recent  # days that are over are not even opened
        return await asyncio.to_thread(find_files, self._path, window)

    async def chunks(self, file: TrailFile, note: str) -> AsyncGenerator[bytes, None]:
        """Yield a file's bytes, read in a thread: it may lie beyond a network."""
        del note
        try:
            with await asyncio.to_thread(Path(file.place).open, "rb") as stream:
                while chunk := await asyncio.to_thread(stream.read, _CHUNK):
                    yield chunk
        except OSError as error:
            raise UnreadableError(_why(error)) from error


def find_files(path: Path, window: Window) -> Found:
    """Find the files that a window may need: by its days, accounts and Regions.

    Folders that can hold nothing of it are not opened. Raises Failure where there is
    nothing at all.
    """
    troubles: list[tuple[str, str]] = []
    try:
        if path.is_file():
            return Found((_one(path),))
        files = tuple(_walk(str(path), window, troubles))
    except OSError as error:
        msg = f"Reading the trail's files in {clean(str(path), 300)}: {_why(error)}."
        raise Failure(HealthState.REFUSED, f"{msg} Name another folder.") from error
    return Found(files, tuple(troubles))


def _one(path: Path) -> TrailFile:
    """Take a file that was named itself, whatever it is called."""
    return TrailFile(str(path), key=_key(str(path), path.stat()))


def _walk(
    top: str, window: Window, troubles: list[tuple[str, str]]
) -> Iterator[TrailFile]:
    """Walk the folders that may hold something; links to folders are not followed."""
    waiting = [(top, _folders(Path(top)))]
    while waiting:
        folder, parts = waiting.pop()
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            if folder == top:
                raise
            troubles.append((folder, _why(error)))
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if not is_passed_over(parts, entry.name, window):
                    waiting.append((entry.path, (*parts, entry.name)))
            elif (file := _file(entry, window)) is not None:
                yield file


def _file(entry: os.DirEntry[str], window: Window) -> TrailFile | None:
    chosen = choose(entry.path, entry.name, window)
    if chosen is None:
        return None
    try:
        told = entry.stat()
    except OSError:
        return chosen  # reading it will say what it is
    if not stat.S_ISREG(told.st_mode):
        return None  # a pipe would never end
    return replace(chosen, key=_key(entry.path, told))


def _key(path: str, told: os.stat_result) -> str:
    """Tell a file from what it becomes: it may still be on its way here."""
    return f"{path} {told.st_size} {told.st_mtime_ns}"


def _folders(path: Path) -> tuple[str, ...]:
    return path.absolute().parts


def _why(error: OSError) -> str:
    return clean(error.strerror or str(error), 200)
