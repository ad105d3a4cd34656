"""The recordings there are: what each is about, how it ended, what may be removed.

A recording of megabytes is not decoded to be listed: of its lines only those are that
tell how an execution stands, and they are few.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from sfnwatch.errors import BadFileError, UsageError
from sfnwatch.recording.format import Header, decode_header, decode_line
from sfnwatch.recording.loading import load
from sfnwatch.recording.naming import SUFFIX
from sfnwatch.recording.parsing import parse_value
from sfnwatch.recording.views import view_path
from sfnwatch.trace.events import Received
from sfnwatch.trace.listed import UNSUCCESSFUL
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Trace, extend

_IN_USE = timedelta(minutes=1)
"""What was written to so lately is still recorded to: a watch writes its polls."""
_HEAD = 100
"""Characters in which a line says what it is."""
_AT = re.compile(rb'\{"at": (\d+(?:\.\d+)?),')
_ENDINGS = ("", ".gz", ".zst")


class Shelved(Struct, frozen=True):
    """One recording, as it lies in its folder."""

    path: Path
    size: int
    written_at: datetime
    created: datetime | None = None
    statuses: tuple[tuple[str, str], ...] = ()
    """Each execution's ARN, and AWS's word for how it stands."""
    named: int = 0
    """How many of them the header names: the first ones. Those began the others."""
    seconds: float | None = None
    """From its beginning to the last thing received."""
    trouble: str = ""
    """Why it can't be read."""

    @property
    def name(self) -> str:
        """The file's name without what all recordings end in."""
        return self.path.name.removesuffix(SUFFIX)

    @property
    def executions(self) -> tuple[str, ...]:
        return tuple(arn for arn, _ in self.statuses)

    @property
    def watched(self) -> tuple[tuple[str, str], ...]:
        """Those of `statuses` that were watched; all, where the header names none."""
        return self.statuses[: self.named] or self.statuses

    @property
    def status(self) -> str:
        """AWS's word for how it ended: of several, the first that did not succeed."""
        words = [status for _, status in self.watched]
        return next((w for w in words if w in UNSUCCESSFUL), "".join(words[:1]))

    @property
    def begun(self) -> datetime:
        """When its recording began, or was written to, where that can't be read."""
        return self.created or self.written_at

    @property
    def age(self) -> tuple[datetime, str]:
        """Sort by when it was begun."""
        return self.begun, self.name


def shelved(folder: Path) -> list[Shelved]:
    """List the recordings of a folder, the newest first."""
    return sorted(one_by_one(folder), key=lambda each: each.age, reverse=True)


def one_by_one(folder: Path) -> Iterator[Shelved]:
    """Read the recordings of a folder, the last written to first."""
    for path in paths(folder):
        if (each := _read(path)) is not None:
            yield each


def paths(folder: Path) -> list[Path]:
    """Find the recordings of a folder, the last written to first."""
    found = {path for end in _ENDINGS for path in folder.glob(f"*{SUFFIX}{end}")}
    return sorted(found, key=_written, reverse=True)


def _written(path: Path) -> tuple[float, str]:
    with suppress(OSError):
        return path.stat().st_mtime, path.name
    return 0.0, path.name


def _read(path: Path) -> Shelved | None:
    """Read one; None for what is gone by now, or is no file."""
    try:
        stat = path.stat()
    except OSError:
        return None
    if not path.is_file():
        return None
    plain = Shelved(path, stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC))
    try:
        lines = load(path).content.split(b"\n")
        header = decode_header(parse_value(lines[0].decode()))
    except BadFileError as error:
        return _troubled(plain, error.message.removeprefix(f"{clean(str(path))}: "))
    except ValueError as error:
        return _troubled(plain, clean(str(error), 200))
    return Shelved(
        plain.path,
        plain.size,
        plain.written_at,
        header.created,
        _statuses(header, lines[1:]),
        len(dict.fromkeys(header.executions)),
        _seconds(lines),
    )


def _troubled(plain: Shelved, why: str) -> Shelved:
    return Shelved(plain.path, plain.size, plain.written_at, trouble=why)


def _statuses(header: Header, lines: Sequence[bytes]) -> tuple[tuple[str, str], ...]:
    trace = extend(Trace(), _telling(header, lines))
    named = dict.fromkeys((*header.executions, *trace.timelines))
    return tuple(
        (arn, trace.timelines[arn].status if arn in trace.timelines else "UNKNOWN")
        for arn in named
    )


def _telling(header: Header, lines: Sequence[bytes]) -> Iterator[Received]:
    """Yield the records that tell how an execution stands."""
    for line in lines:
        head = line[:_HEAD]
        described = b'"source": "describe"' in head
        events = b'"source": "history"' in head or b'"source": "express"' in head
        if described or (events and b'"type": "Execution' in line):
            # A torn line is the end; one that is wrong is found when it is opened.
            with suppress(ValueError):
                yield decode_line(parse_value(line.decode()), header.created)


def _seconds(lines: Sequence[bytes]) -> float | None:
    for line in reversed(lines):
        found = _AT.match(line)
        if found:
            return float(found[1])
    return None


def chosen(every: Sequence[Shelved], text: str) -> Shelved:
    """Find what a number, a name or a part of one means; raises UsageError."""
    if not every:
        raise UsageError("There are no recordings.", hint="Watch something first.")
    if text.isascii() and text.isdigit() and 0 < int(text) <= len(every):
        return every[int(text) - 1]
    exact = [e for e in every if text in {e.name, e.path.name, str(e.path)}]
    found = exact or [
        each
        for each in every
        if text in each.name or any(text in arn for arn in each.executions)
    ]
    if len(found) == 1:
        return found[0]
    said = f"{clean(text, 200)!r} names {'several' if found else 'no'} recording"
    hint = f"Give a number from 1 to {len(every)}, or a name: sfnwatch recordings."
    raise UsageError(f"{said}{'s' if found else ''}.", hint=hint)


def to_prune(
    every: Iterable[Shelved],
    now: datetime,
    *,
    older_than: float | None = None,
    larger_than: int | None = None,
) -> list[Shelved]:
    """Choose those that are all of what is asked; never one still recorded to."""
    return [
        each
        for each in every
        if now - each.written_at > _IN_USE
        and (older_than is None or _is_older(each, now, older_than))
        and (larger_than is None or each.size > larger_than)
    ]


def _is_older(each: Shelved, now: datetime, seconds: float) -> bool:
    return (now - each.written_at).total_seconds() > seconds


def remove(each: Shelved) -> None:
    """Remove a recording, and how it was last looked at; raises OSError."""
    each.path.unlink(missing_ok=True)
    if each.created is not None:
        view_path(each.executions, each.created).unlink(missing_ok=True)
