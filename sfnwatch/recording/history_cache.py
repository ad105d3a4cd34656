"""The histories of finished executions, kept as recordings in the user's cache.

A finished execution changes only if it is redriven, and then it ends again: the name of
a file has the time of the end, so that an outdated file is never found. The files are
recordings like any other, but for the input and the output of states.
"""

from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from platformdirs import user_cache_path

from sfnwatch import __version__
from sfnwatch.config.user_folders import NO_HOME, user_folder
from sfnwatch.errors import SfnwatchError
from sfnwatch.model.execution_list import ListedExecution
from sfnwatch.model.history_event import STATUS_BY_END, decode_event
from sfnwatch.model.records import Batch, DecodeError
from sfnwatch.recording.file_names import safe_name
from sfnwatch.recording.format import SUFFIX, new_header
from sfnwatch.recording.recorded_file import RecordedFile
from sfnwatch.recording.recorder import atomic_write, write_recording

_NAME_BYTES = 120
"""Bytes for the state machine's and the execution's name in a file's name."""
_DIGITS = 16
"""Digits of the digest that makes a file's name unique."""
_MOST_FILES = 2000
"""With more files, those that were used longest ago are deleted."""


def cache_dir() -> Path:
    """Return the folder of the cached histories, which need not exist yet."""
    return user_folder(user_cache_path) / "histories"


def is_whole(events: Batch) -> bool:
    """True for the events of a finished execution: the last one ends it."""
    if not events:
        return False
    try:
        last, _ = decode_event(events[-1])
    except DecodeError:
        return False
    return last.type in STATUS_BY_END


class HistoryCache:
    """Keeps histories in a folder; without a home, or on a full disk, it keeps none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, execution: ListedExecution) -> Batch | None:
        """Return the events of an execution; None if they are not kept as a whole."""
        path = self._path(execution)
        try:
            events = tuple(RecordedFile(path).records())
            # The files that are used last are pruned last.
            path.touch()
        except (OSError, SfnwatchError):
            return None
        return events if is_whole(events) else None

    def save(self, execution: ListedExecution, events: Batch) -> bool:
        """Keep the events of an execution; False if they can't be written."""
        if self._folder.is_relative_to(NO_HOME):
            return False
        tool = f"sfnwatch {__version__}"
        header = new_header(datetime.now(UTC), tool, (execution.arn,))
        with suppress(OSError, SfnwatchError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with atomic_write(self._path(execution)) as out:
                write_recording(out, header, events)
            return True
        return False

    def prune(self) -> None:
        """Delete the files that were used longest ago, if there are too many."""
        with suppress(OSError):
            by_use = sorted(
                self._folder.glob(f"*{SUFFIX}"),
                key=lambda path: path.stat().st_mtime,
                reverse=True,
            )
            for path in by_use[_MOST_FILES:]:
                path.unlink(missing_ok=True)

    def _path(self, execution: ListedExecution) -> Path:
        """Return a name that is unique to an execution and its end."""
        ended = execution.stopped_at
        identity = f"{execution.arn} {ended.timestamp() if ended else ''}"
        digest = sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()
        name = safe_name(f"{execution.machine}.{execution.name}", _NAME_BYTES)
        visible_name = name.lstrip(".-") or "execution"
        return self._folder / f"{visible_name}.{digest[:_DIGITS]}{SUFFIX}"
