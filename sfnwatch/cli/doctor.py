"""What tells why something does not work: the doctor, and the file that --debug writes.

The doctor says whether a watch would work from here. Nothing is watched and nothing is
recorded. What is asked of AWS is in `sources/diagnosis.py`; here is what this machine
alone knows.

The file has in it what was asked, answered and decided, line by line. It is what the
program's own loggers are told, and nothing of anybody else's: botocore's hold
signatures and tokens. Of a request they are told its operation, host, outcome, request
ID and size, of what was received only how much it was: no payload of a state and no
credential gets that far. What looks like one all the same, in a command line or a
refusal of AWS's, is taken out here.
"""

import asyncio
import logging
import os
import platform
import re
import shlex
import shutil
import sys
import textwrap
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import to_builtins

from sfnwatch import __version__
from sfnwatch.cli.narration import lacks_unicode, narrate, put_json, put_row
from sfnwatch.cli.options import account_options, json_option, name_argument, signed_in
from sfnwatch.errors import Outcome, RefusedError, SfnwatchError, UsageError
from sfnwatch.model.arns import Named
from sfnwatch.model.known_secrets import KNOWN_SECRETS
from sfnwatch.model.values import clean, iso

if TYPE_CHECKING:
    from sfnwatch.sources.diagnosis import Check

_MARK = b"sfnwatch debug "
"""What such a file begins with: any other is not written to."""
_LARGEST = 64 << 20
"""Bytes of a file; a watch of some weeks may come to that."""
_LONGEST = 4000
_PACKAGES = ("textual", "botocore", "aiobotocore", "aiohttp", "msgspec", "click")
_PREFIXES = ("AWS_", "SFNWATCH_")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
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
"""A URL's name and password, the ID of a key, and what stands behind these words."""
_MARKS = {True: "✔", False: "✘", None: "–"}
_ASCII_MARKS = {True: "ok", False: "NO", None: "--"}
_NAME, _LEAST, _MOST = 34, 40, 100
"""Columns: of a check's name, and of what is found at least and at most."""
_LOG = logging.getLogger(__name__)


@click.command()
@name_argument(metavar="[EXECUTION|MACHINE]")
@json_option
@account_options
def doctor(name: Named | None, *, as_json: bool, **account: Any) -> int:
    """Say whether a watch would work from here, and what to do where it would not.

    Versions, terminal, credentials, identity, Region, clock, and each read that a watch
    makes, tried once: on what is named as `watch` takes it, or on the first execution
    there is. The exit code is 3 where something failed. Names and IDs of the account
    are in what is printed.

    \b
    sfnwatch doctor
    sfnwatch doctor nightly-report --profile dev
    sfnwatch doctor ARN --json | jq '.checks[] | select(.ok == false)'
    """
    from sfnwatch.sources.diagnosis import Diagnosis

    settings, found = signed_in(**account), list["Check"]()

    def tell(check: "Check") -> None:
        found.append(check)
        _LOG.debug("%s %s: %s", _ASCII_MARKS[check.ok], check.name, check.found)
        if not as_json:
            _print(check)

    for check in _of_this_machine():
        tell(check)
    asyncio.run(Diagnosis(name, settings, tell).run())
    failed = any(check.ok is False for check in found)
    if as_json:
        put_json({"sfnwatch_doctor": 1, "ok": not failed, "checks": to_builtins(found)})
    return RefusedError.exit_code if failed else Outcome.SUCCEEDED


def _of_this_machine() -> "Iterator[Check]":
    """Look at what needs no network."""
    from sfnwatch.sources.diagnosis import Check

    yield Check("versions", True, ", ".join(versions()))
    yield Check("terminal", *_terminal())
    names = ", ".join(variables())
    yield Check("variables", None, names or "none of AWS's, nor of ours")


def _terminal() -> tuple[bool | None, str]:
    """Say what the screen would have to draw on."""
    from rich.console import Console

    if not sys.stdout.isatty():
        return None, "none: lines are printed, and no screen."
    columns, lines = shutil.get_terminal_size()
    colors = Console(file=sys.stdout).color_system or "no"
    kind = os.environ.get("TERM", "TERM is not set")
    return True, f"{kind}, {columns}×{lines}, {colors} colors, {sys.stdout.encoding}"


def _print(check: "Check") -> None:
    is_plain = lacks_unicode()
    marks, arrow = (_ASCII_MARKS, "->") if is_plain else (_MARKS, "→")
    columns = shutil.get_terminal_size((_NAME + _MOST, 24)).columns
    width = max(_LEAST, min(_MOST, columns - _NAME - 1))
    advice = f"{arrow} {check.advice}" if check.advice else ""
    lines = textwrap.wrap(check.found, width, break_on_hyphens=False) or [""]
    lines += textwrap.wrap(advice, width, break_on_hyphens=False)
    head = f"{marks[check.ok]} {check.name}"
    for line in lines:
        put_row(f"{head:<{_NAME}} {line}".rstrip())
        head = ""


# -- the file of --debug ---------------------------------------------------------------


def versions() -> Iterator[str]:
    """Name what runs here, and what it stands on."""
    yield f"sfnwatch {__version__}"
    yield f"Python {platform.python_version()} on {platform.system()}"
    yield from (f"{name} {version_of(name) or '-'}" for name in _PACKAGES)


def version_of(package: str) -> str:
    """Give the version of a package; empty for one that is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def variables() -> list[str]:
    """Name those that matter of the variables that are set; a value may be secret."""
    proxies = (n for n in _PROXIES if n in os.environ or n.lower() in os.environ)
    return [*(n for n in sorted(os.environ) if n.startswith(_PREFIXES)), *proxies]


@contextmanager
def debugging(path: Path) -> Iterator[None]:
    """Write all that is logged to a file meanwhile; raises UsageError beforehand.

    Where not all could be written that is said at the end.
    """
    writer, logger = _DebugWriter(path), logging.getLogger("sfnwatch")
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
    """Say how it ended; of a crash where, and not with what: that may be a payload."""
    if error is None or isinstance(error, SfnwatchError):
        _LOG.debug("ends%s", f": {error}" if error else "")
        return
    _LOG.debug("ends by %s", type(error).__name__)
    for frame in traceback.extract_tb(error.__traceback__):
        _LOG.debug("  %s:%s in %s", frame.filename, frame.lineno, frame.name)


class _DebugWriter(logging.Handler):
    """Appends lines to a file; what it can't write is left out, and nothing ends."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.trouble = ""
        """Why not all is in the file."""
        self._file = _opened(path)
        self._left = _LARGEST - os.fstat(self._file).st_size

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line at once: what comes after it may be a crash."""
        if self.trouble:
            return
        text = KNOWN_SECRETS.hide(record.getMessage())[:_LONGEST]
        for pattern, instead in _SECRETS:
            text = pattern.sub(instead, text)
        at = iso(datetime.fromtimestamp(record.created, UTC))
        line = f"{at} {clean(text, _LONGEST)}\n".encode()
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
    """Open a file to append to, new or begun by this; raises UsageError.

    It is for its owner's eyes alone: names are in it.
    """
    shown = clean(str(path), 200)
    if shown == "-":
        # Neither stdout nor stderr is free: one is data, on the other is the screen.
        raise UsageError("--debug takes a file.", hint="Name one, as debug.log.")
    try:
        if path.exists() and not path.is_file():
            # A pipe that nobody reads is waited for without end.
            raise UsageError(f"--debug: {shown} is no file.", hint="Name another.")
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"--debug: can't write {shown}: {why}.") from error
    head = os.read(file, len(_MARK))
    if head not in {b"", _MARK}:
        os.close(file)
        msg = f"--debug: {shown} is there, and is no debug file."
        raise UsageError(msg, hint="Files are never overwritten: name another.")
    if not head:
        os.write(file, _MARK + b"1\n")
    # One that was there may have been opened to others since.
    path.chmod(0o600)
    return file
