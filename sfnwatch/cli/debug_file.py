"""The file that --debug writes: requests, answers and decisions, line by line.

It holds the lines of the program's own loggers and of no others: botocore's hold
signatures and tokens. Of a request, the program's loggers get its operation, host,
outcome, request ID and size; of received data, only the amount. No payload of a state
and no credential gets that far. Text that looks like a credential all the same, in a
command line or an error message of AWS, is taken out here.
"""

import logging
import os
import platform
import re
import shlex
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sfnwatch import __version__
from sfnwatch.cli.narration import narrate
from sfnwatch.errors import SfnwatchError, UsageError
from sfnwatch.model.known_secrets import KNOWN_SECRETS
from sfnwatch.model.texts import clean
from sfnwatch.model.times import iso

_LARGEST = 64 << 20
"""Most bytes of a file; a watch of some weeks may come to that."""
_LINE_LENGTH = 4000
"""Most characters of a line."""
_PACKAGES = ("textual", "botocore", "aiobotocore", "aiohttp", "msgspec", "click")
_PREFIXES = ("AWS_", "SFNWATCH_")
_SECRETS = (
    (re.compile(r"(?<=://)[^/@\s]+(?=@)"), "…"),
    (re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{8,}"), r"\1…"),
    (
        re.compile(
            r"(?i)\b(x-amz-[\w-]*|authorization|signature|credential"
            r"|[\w-]*(?:secret|token|password)[\w-]*)([\"']?\s*[=:]\s*).*"
        ),
        r"\1\2…",
    ),
)
"""Patterns to their replacements: a URL's name and password, the ID of a key, and the
text behind words such as `token`."""
_MARK = b"sfnwatch debug "
"""The first bytes of a debug file; a file without them is not written to."""
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_LOG = logging.getLogger(__name__)


def versions() -> Iterator[str]:
    """Yield the versions of sfnwatch, of Python and of the packages it needs."""
    yield f"sfnwatch {__version__}"
    yield f"Python {platform.python_version()} on {platform.system()}"
    for name in _PACKAGES:
        yield f"{name} {version_of(name) or '-'}"


def version_of(package: str) -> str:
    """Return the version of a package; empty for one that is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def variables() -> list[str]:
    """Return the names of relevant variables that are set; values may be secret."""
    names = [name for name in sorted(os.environ) if name.startswith(_PREFIXES)]
    names += [name for name in _PROXIES if {name, name.lower()} & os.environ.keys()]
    return names


@contextmanager
def debugging(path: Path) -> Iterator[None]:
    """Write all log lines of the block to a file; raises UsageError before the block.

    If not all lines could be written, a message at the end says so.
    """
    writer = _DebugWriter(path)
    logger = logging.getLogger("sfnwatch")
    before = logger.level
    logger.addHandler(writer)
    logger.setLevel(logging.DEBUG)
    try:
        _LOG.debug("begins: %s", ", ".join(versions()))
        _LOG.debug("command line: %s", shlex.join(sys.argv))
        _LOG.debug("variables that are set: %s", ", ".join(variables()) or "none")
        yield
    finally:
        _log_end(sys.exc_info()[1])
        logger.removeHandler(writer)
        logger.setLevel(before)
        writer.close()
        if writer.trouble:
            narrate(f"{path} is not complete: {writer.trouble}")


def _log_end(error: BaseException | None) -> None:
    """Log how the program ended; of a crash the place, not the text.

    The text may have a payload in it.
    """
    if error is None:
        _LOG.debug("ends")
        return
    if isinstance(error, SfnwatchError):
        _LOG.debug("ends: %s", error)
        return
    _LOG.debug("ends by %s", type(error).__name__)
    for frame in traceback.extract_tb(error.__traceback__):
        _LOG.debug("  %s:%s in %s", frame.filename, frame.lineno, frame.name)


class _DebugWriter(logging.Handler):
    """Appends lines to a file; after an error it leaves lines out, and raises none."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.trouble = ""
        """Why the file is not complete; empty if it is."""
        self._file = _opened(path)
        self._left = _LARGEST - os.fstat(self._file).st_size

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line at once: the program may crash next."""
        if self.trouble:
            return
        text = KNOWN_SECRETS.hide(record.getMessage())[:_LINE_LENGTH]
        for pattern, replacement in _SECRETS:
            text = pattern.sub(replacement, text)
        at = iso(datetime.fromtimestamp(record.created, UTC))
        line = f"{at} {clean(text, _LINE_LENGTH)}\n".encode()
        self._left -= len(line)
        if self._left < 0:
            self.trouble = f"it has {_LARGEST >> 20} MiB, and gets no larger."
            return
        try:
            os.write(self._file, line)
        except OSError as error:
            self.trouble = f"{error.strerror or error}."

    def close(self) -> None:
        os.close(self._file)
        super().close()


def _opened(path: Path) -> int:
    """Open a new file, or a debug file, to append to; raises UsageError.

    Only its owner may read it: names are in it.
    """
    shown = clean(str(path), 200)
    if shown == "-":
        # Neither stdout nor stderr is free: data goes to one, the screen to the other.
        raise UsageError("--debug takes a file.", hint="Name one, as debug.log.")
    try:
        if path.exists() and not path.is_file():
            # Opening a pipe that nobody reads would wait without end.
            raise UsageError(f"--debug: {shown} is no file.", hint="Name another.")
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"--debug: can't write {shown}: {why}.") from error
    head = os.read(file, len(_MARK))
    if head not in {b"", _MARK}:
        os.close(file)
        msg = f"--debug: {shown} exists and isn't a debug file."
        raise UsageError(msg, hint="Files are never overwritten: name another.")
    if not head:
        os.write(file, _MARK + b"1\n")
    # Others may have been allowed to read an existing file since.
    path.chmod(0o600)
    return file
