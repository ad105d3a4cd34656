"""The types of options and arguments: each reads a text, or says why it can't."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import click

from sfnwatch.errors import SfnwatchError, UsageError
from sfnwatch.model.arns import parse_log_group
from sfnwatch.model.texts import clean, without_login

T = TypeVar("T")
_LONGEST_SECONDS = 36_500 * 86_400.0
"""The longest duration: a century. Clocks do not reach much further."""
_LARGEST_BYTES = float(1 << 60)
"""The largest size that an option takes; nobody means more."""
_SLOWEST = 0.1
_FASTEST = 10_000
_NUMBER = r"(\d+(?:\.\d+)?)\s*"
_SECONDS_OF_UNIT = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


class Parsed(click.ParamType[T]):
    """A value read from a text; an environment variable separates several by commas."""

    envvar_list_splitter = ","

    def __init__(self, read: Callable[[str], T], name: str, example: str) -> None:
        """Read values by a function, which raises ValueError for a wrong text."""
        self.name = name
        self._read = read
        self._example = example

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> T:
        if not isinstance(value, str):
            return cast("T", value)
        try:
            return self._read(value.strip())
        except (ValueError, OverflowError):
            msg = f"{without_login(value)!r} is no {self.name}; write {self._example}"
            self.fail(msg, param, ctx)


def http_url(text: str) -> str:
    parts = urlsplit(text)
    # Reading a wrong port raises ValueError, too.
    host = parts.hostname
    _ = parts.port
    if parts.scheme not in {"http", "https"} or not host or re.search(r"\s", text):
        raise ValueError(text)
    return text


def matched(pattern: str, text: str) -> re.Match[str]:
    """Match the whole of a text; raises ValueError."""
    match = re.fullmatch(pattern, text)
    if match is None:
        raise ValueError(text)
    return match


def form(pattern: str) -> Callable[[str], str]:
    """Return a function that reads a text of a form, a regular expression."""
    return lambda text: matched(pattern, text)[0]


def _seconds(text: str) -> float:
    """Return the seconds of a duration such as `15m`; raises ValueError."""
    number, unit = matched(rf"{_NUMBER}([smhd]?)", text.lower()).groups()
    seconds = float(number) * _SECONDS_OF_UNIT[unit]
    if seconds > _LONGEST_SECONDS:
        raise ValueError(text)
    return seconds


def _bytes(text: str) -> float:
    """Return the bytes of a size such as `100MB` or `1GiB`; raises ValueError."""
    match = matched(rf"{_NUMBER}(?:([kmg])(i?))?b?", text.lower())
    number, prefix, binary = match.groups()
    base = 1024 if binary else 1000
    power = "kmg".index(prefix) + 1 if prefix else 0
    size = float(number) * float(base**power)
    if size > _LARGEST_BYTES:
        raise ValueError(text)
    return size


def _past(text: str) -> datetime | timedelta:
    """Return a day or a time, in UTC if it has no zone; or how long ago, as `24h`."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return timedelta(seconds=_seconds(text))
    if time.tzinfo is None:
        return time.replace(tzinfo=UTC)
    return time.astimezone(UTC)


def _speed(text: str) -> float:
    speed = float(text)
    if not _SLOWEST <= speed <= _FASTEST:
        raise ValueError(text)
    return speed


def _log_group(text: str) -> str:
    parse_log_group(text)
    return text


LOG_GROUP = Parsed(_log_group, "log group", "/aws/cloudtrail/mine")
DURATION = Parsed(_seconds, "duration", "90s, 15m or 1h")
"""In seconds."""
SIZE = Parsed(_bytes, "size", "500kB, 100MB or 1GiB")
"""In bytes."""
SINCE = Parsed(_past, "time", "90m, 24h, 7d or 2026-11-01")
SPEED = Parsed(_speed, "speed", f"a number from {_SLOWEST} to {_FASTEST}")
"""A factor; 2 is twice as fast."""
FORMATS = click.Choice(["text", "markdown", "json"])
PORT = click.IntRange(0, 65535)
ANY = Parsed(str, "text", "any")


class CommaChoice(click.Choice[str]):
    """One of some words; an environment variable separates several by commas."""

    envvar_list_splitter = ","


class FilePath(click.Path):
    """A file's path; a text that no file system takes is refused in plain words."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if value == "":
            self.fail("'' is no path", param, ctx)
        try:
            return super().convert(value, param, ctx)
        except ValueError as error:
            self.fail(f"{value!r} is no path: {error}", param, ctx)


class NewFile(FilePath):
    """The path of a file that is to be written.

    A file that exists, or that can't be made, is refused before anything is done: it
    may be the file that is read, or an execution may be watched for hours first. A pipe
    or a device may be written to. For --output, `-` is stdout; for a recording, a
    missing folder is made later.
    """

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        path = super().convert(value, param, ctx)
        is_output = param.name == "output"
        if is_output and str(path) == "-":
            return None
        problem = f"Can't write {clean(str(path))}"
        if path.is_file():
            hint = "Files are never overwritten: name another."
            raise UsageError(f"{problem}: the file exists.", hint=hint)
        if is_output and not path.parent.is_dir():
            raise SfnwatchError(f"{problem}: No such file or directory.")
        return path
