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
        asked = dict.fromkeys(self.header.executions) if self.header else {}
        return self.statuses[: len(asked)] or self.statuses

    @property
    def status(self) -> str:
        """The status of the first watched execution that did not succeed.

        If none failed, it is the first one's status; empty where none is known.
        """
        words = [status for _, status in self.watched]
        return next((w for w in words if w in UNSUCCESSFUL), "".join(words[:1]))

    @property
    def began(self) -> datetime:
        """When the recording began; when it was last written, if that can't be read."""
        return self.header.created if self.header else self.written_at


def recordings_dir() -> Path:
    """Return the folder of this user's recordings, which need not exist yet."""
    return user_folder(user_state_path) / "recordings"


def list_recordings(folder: Path) -> list[ListedRecording]:
    """Return the recordings of a folder, the newest first."""
    found = each_recording(folder)
    return sorted(found, key=lambda each: (each.began, each.name), reverse=True)


def each_recording(folder: Path) -> Iterator[ListedRecording]:
    """Yield the recordings of a folder, the last written first."""
    for path in recording_paths(folder):
        with suppress(OSError):
            stat = path.stat()
            if path.is_file():
                written_at = datetime.fromtimestamp(stat.st_mtime, UTC)
                yield _listed(ListedRecording(path, stat.st_size, written_at))


def recording_paths(folder: Path) -> list[Path]:
    """Return the paths of a folder's recordings, the last written first."""
    found = {path for end in _ENDINGS for path in folder.glob(f"*{SUFFIX}{end}")}
    return sorted(found, key=_written, reverse=True)


def _written(path: Path) -> tuple[float, str]:
    with suppress(OSError):
        return path.stat().st_mtime, path.name
    return 0.0, path.name


def readable_header(path: Path) -> Header | None:
    """Return a recording's header, packed or not; None where it can't be read."""
    try:
        return RecordedFile(path).header
    except BadFileError:
        return None


def _listed(plain: ListedRecording) -> ListedRecording:
    """Return a recording with the header, statuses and length read from its file.

    A file that can't be read has its `trouble` instead.
    """
    path = plain.path
    trace = Trace()
    seconds = None
    try:
        header = RecordedFile(path).header
        for line in ByteStream(path).lines():
            if found := _AT.match(line):
                seconds = max(seconds or 0.0, float(found[1]))
            if _TELLS_STATUS.match(line):
                # A torn line is the last one. A wrong line is reported on opening.
                with suppress(ValueError):
                    trace.add([decode_line(line, header.created)])
    except BadFileError as error:
        why = error.message.removeprefix(clean(str(path))).removeprefix(":1")
        return replace(plain, trouble=why.removeprefix(": "))
    known = trace.as_of().executions
    arns = dict.fromkeys((*header.executions, *known))
    told = [(arn, known[arn].status if arn in known else "UNKNOWN") for arn in arns]
    return replace(plain, header=header, statuses=tuple(told), seconds=seconds)


def choose_recording(every: Sequence[ListedRecording], text: str) -> ListedRecording:
    """Return the recording that a number, a name, or a part of a name or ARN means.

    Raises UsageError unless exactly one fits.
    """
    if not every:
        raise UsageError("There are no recordings.", hint="Watch something first.")
    hint = f"Give a number from 1 to {len(every)}, or a name: sfnwatch recordings."
    if not text:
        raise UsageError("No recording is named.", hint=hint)
    found = [e for e in every if text in {e.name, e.path.name, str(e.path)}]
    if not found and text.isascii() and text.isdigit():
        # A number could be a part of a name too, but nobody means that by it.
        if 0 < int(text) <= len(every):
            return every[int(text) - 1]
        there = "1 recording" if len(every) == 1 else f"{len(every)} recordings"
        raise UsageError(f"There is no recording {text}, of {there}.", hint=hint)
    found = found or [
        each
        for each in every
        if text in each.name or any(text in arn for arn in each.executions)
    ]
    if len(found) == 1:
        return found[0]
    count = "several recordings" if found else "no recording"
    raise UsageError(f"{clean(text, 200)!r} names {count}.", hint=hint)


def to_prune(
    every: Iterable[ListedRecording],
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
    size = -1 if larger_than is None else larger_than
    return [e for e in every if now - e.written_at > age and e.size > size]


def remove(each: ListedRecording) -> None:
    """Remove a recording and its saved view; raises OSError."""
    each.path.unlink(missing_ok=True)
    if each.header is not None:
        view_path(each.header.executions, each.header.created).unlink(missing_ok=True)
