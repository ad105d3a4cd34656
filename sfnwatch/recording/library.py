"""The recordings in the user's folder: which executions each has, and how they ended.

To list a recording of megabytes, only the few lines that show an execution's status
are decoded.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from platformdirs import user_state_path

from sfnwatch.config.user_folders import user_folder
from sfnwatch.errors import BadFileError, UsageError
from sfnwatch.model.execution_list import UNSUCCESSFUL
from sfnwatch.model.texts import clean
from sfnwatch.model.trace import Trace
from sfnwatch.recording.format import SUFFIX, Header, decode_line
from sfnwatch.recording.recorded_file import ByteStream, RecordedFile
from sfnwatch.recording.saved_view import view_path

_IN_USE = timedelta(minutes=10)
"""A file that was written within this time may still be recorded to. A watch writes its
polls, one a minute while it waits for a redrive, and may be suspended for a while."""
_AT = re.compile(rb'\{"at": (-?\d+(?:\.\d+)?),')
_TELLS_STATUS = re.compile(
    rb'.{1,80}"source": "(?:describe"|(?:history|express)".*"type": ?"Execution)'
)
"""Matches a line that shows an execution's status."""
_ENDINGS = ("", ".gz", ".zst")


class ListedRecording(Struct, frozen=True):
    """One recording in its folder, as it is listed."""

    path: Path
    size: int
    written_at: datetime
    header: Header | None = None
    """None where the file can't be read."""
    statuses: tuple[tuple[str, str], ...] = ()
    """Each execution's ARN and AWS's word for its status; `UNKNOWN` where no line has
    it."""
    seconds: float | None = None
    """Seconds from the recording's beginning to the last record received."""
    trouble: str = ""
    """Why the file can't be read; empty where it can."""

    @property
    def key(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """The file's name without the suffix of recordings."""
        return self.path.name.removesuffix(SUFFIX)

    @property
    def executions(self) -> tuple[str, ...]:
        return tuple(arn for arn, _ in self.statuses)

    @property
    def watched(self) -> tuple[tuple[str, str], ...]:
        """The `statuses` of executions that the header names; all if it names none."""
        # The executions that the header names are the first of the statuses.
        named_count = len(set(self.header.executions)) if self.header else 0
        return self.statuses[:named_count] or self.statuses

    @property
    def status(self) -> str:
        """The status of the first watched execution that did not succeed.

        If none failed, it is the first one's status; empty where none is known.
        """
        watched = [status for _, status in self.watched]
        for status in watched:
            if status in UNSUCCESSFUL:
                return status
        return watched[0] if watched else ""

    @property
    def began(self) -> datetime:
        """When the recording began; when it was last written, if that can't be read."""
        return self.header.created if self.header else self.written_at


def recordings_dir() -> Path:
    """Return the folder of this user's recordings, which need not exist yet."""
    return user_folder(user_state_path) / "recordings"


def list_recordings(folder: Path) -> list[ListedRecording]:
    """Return the recordings of a folder, the newest first."""
    recordings = each_recording(folder)
    return sorted(
        recordings, key=lambda listed: (listed.began, listed.name), reverse=True
    )


def each_recording(folder: Path) -> Iterator[ListedRecording]:
    """Yield the recordings of a folder, the last written first."""
    for path in recording_paths(folder):
        with suppress(OSError):
            stat = path.stat()
            if path.is_file():
                written_at = datetime.fromtimestamp(stat.st_mtime, UTC)
                unread = ListedRecording(path, stat.st_size, written_at)
                yield _read(unread)


def recording_paths(folder: Path) -> list[Path]:
    """Return the paths of a folder's recordings, the last written first."""
    paths: set[Path] = set()
    for ending in _ENDINGS:
        paths.update(folder.glob(f"*{SUFFIX}{ending}"))
    return sorted(paths, key=_last_written, reverse=True)


def _last_written(path: Path) -> tuple[float, str]:
    # The file may be gone meanwhile.
    with suppress(OSError):
        return path.stat().st_mtime, path.name
    return 0.0, path.name


def readable_header(path: Path) -> Header | None:
    """Return a recording's header, packed or not; None where it can't be read."""
    try:
        return RecordedFile(path).header
    except BadFileError:
        return None


def _read(unread: ListedRecording) -> ListedRecording:
    """Return a recording with the header, statuses and length read from its file.

    A file that can't be read has its `trouble` instead.
    """
    path = unread.path
    trace = Trace()
    seconds = None
    try:
        header = RecordedFile(path).header
        for line in ByteStream(path).lines():
            at = _AT.match(line)
            if at:
                seconds = max(seconds or 0.0, float(at[1]))
            if _TELLS_STATUS.match(line):
                # A torn line is the last one. A wrong line is reported on opening.
                with suppress(ValueError):
                    trace.add([decode_line(line, header.created)])
    except BadFileError as error:
        # The list names the file already.
        trouble = error.message.removeprefix(clean(str(path)))
        trouble = trouble.removeprefix(":1").removeprefix(": ")
        return replace(unread, trouble=trouble)
    executions = trace.as_of().executions
    arns = dict.fromkeys((*header.executions, *executions))
    statuses = tuple(
        (arn, executions[arn].status if arn in executions else "UNKNOWN")
        for arn in arns
    )
    return replace(unread, header=header, statuses=statuses, seconds=seconds)


def choose_recording(
    recordings: Sequence[ListedRecording], text: str
) -> ListedRecording:
    """Return the recording that a number, a name, or a part of a name or ARN means.

    Raises UsageError unless exactly one fits.
    """
    count = len(recordings)
    if not recordings:
        raise UsageError("There are no recordings.", hint="Watch something first.")
    hint = f"Give a number from 1 to {count}, or a name: sfnwatch recordings."
    if not text:
        raise UsageError("No recording is named.", hint=hint)
    fitting = [listed for listed in recordings if _has_name(listed, text)]
    if not fitting and text.isascii() and text.isdigit():
        # A number could be a part of a name too, but nobody means that by it.
        if 0 < int(text) <= count:
            return recordings[int(text) - 1]
        there = "1 recording" if count == 1 else f"{count} recordings"
        raise UsageError(f"There is no recording {text}, of {there}.", hint=hint)
    if not fitting:
        fitting = [listed for listed in recordings if _has_in_name(listed, text)]
    if len(fitting) == 1:
        return fitting[0]
    named = "several recordings" if fitting else "no recording"
    raise UsageError(f"{clean(text, 200)!r} names {named}.", hint=hint)


def _has_name(listed: ListedRecording, text: str) -> bool:
    path = listed.path
    return text in {listed.name, path.name, str(path)}


def _has_in_name(listed: ListedRecording, text: str) -> bool:
    """True if the text is a part of the recording's name or an execution's ARN."""
    return any(text in name for name in (listed.name, *listed.executions))


def to_prune(
    recordings: Iterable[ListedRecording],
    now: datetime,
    *,
    older_than: float | None = None,
    larger_than: float | None = None,
) -> list[ListedRecording]:
    """Return the recordings that are both older and larger than the given limits.

    The limits are in seconds and in bytes. A recording that may still be recorded to is
    never chosen.
    """
    age = max(_IN_USE, timedelta(seconds=older_than or 0.0))
    old = [listed for listed in recordings if now - listed.written_at > age]
    if larger_than is None:
        return old
    return [listed for listed in old if listed.size > larger_than]


def remove(listed: ListedRecording) -> None:
    """Remove a recording and its saved view; raises OSError."""
    listed.path.unlink(missing_ok=True)
    header = listed.header
    if header is not None:
        saved_view = view_path(header.executions, header.created)
        saved_view.unlink(missing_ok=True)
