"""All output of the program outside the screen goes through this module.

stdout is data, stderr is narration. Strangers write a part of it: names, ARNs, AWS's
answers, the contents of files. An ESC in such text would reach the terminal, which
would act on it: clipboard, title, colors.
"""

import io
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

import click

from sfnwatch.model.known_secrets import KNOWN_SECRETS
from sfnwatch.model.texts import clean, clean_lines

if TYPE_CHECKING:
    from rich.progress import Progress

_BARE = {"C", "POSIX"}
"""Locales without an encoding: ASCII."""
_COERCED = {"C.UTF-8", "C.utf8", "UTF-8"}
"""What Python sets LC_CTYPE to in such a locale."""


def narrate(text: str) -> None:
    """Print a message for the user on stderr, always in one line."""
    click.echo(f"sfnwatch: {clean(text)}", err=True)


class ProgressBar:
    """How far long work is, on stderr; nothing is drawn where that is no terminal."""

    def __init__(self, progress: "Progress", total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total)

    def begin(self, step: str) -> None:
        """Say which step begins; `step` is cleaned already."""
        self._progress.update(self._task, description=step)

    def advance(self) -> None:
        self._progress.advance(self._task)


@contextmanager
def progress_bar(total: int) -> Iterator[ProgressBar]:
    """Yield a bar of `total` steps, which disappears at the end."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(
        *columns,
        # Not `sys.stderr`, from which the codes that draw a bar are cleaned.
        console=Console(file=sys.__stderr__),
        disable=not are_terminals(sys.__stderr__),
        transient=True,
    ) as progress:
        yield ProgressBar(progress, total)


def put(text: str) -> None:
    """Print data to stdout, without known secrets; on a terminal it is cleaned."""
    with stdout() as out:
        click.echo(KNOWN_SECRETS.hide(text), out)


def put_json(value: Any) -> None:
    """Print data as indented JSON, which people can read too."""
    import json

    put(json.dumps(value, indent=2))


def put_row(text: str) -> None:
    """Print a line for people on stdout."""
    put(clean(text))


def confirm(question: str) -> None:
    """Ask whether to go on; raises click.Abort for a no."""
    click.confirm(clean(question), abort=True, err=True)


def put_table(rows: Sequence[tuple[str, ...]], right: Collection[int] = ()) -> None:
    """Print rows in columns; the columns with numbers in `right` are right-aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells: list[str] = []
        for number, (cell, width) in enumerate(zip(row, widths, strict=True)):
            if number in right:
                cells.append(cell.rjust(width))
            else:
                cells.append(cell.ljust(width))
        put_row("  ".join(cells).rstrip())


def are_terminals(*streams: TextIO | None) -> bool:
    return all(stream is not None and stream.isatty() for stream in streams)


def is_served() -> bool:
    """True if `sfnwatch web` shows the screen, and not a terminal."""
    return os.environ.get("TEXTUAL_DRIVER", "").endswith("WebDriver")


def can_ask() -> bool:
    """True if there is a person at a terminal who can be asked."""
    return are_terminals(sys.stdin, sys.__stderr__)


def ask_unseen(prompt: str) -> str:
    """Return text that the user types without seeing it; raises click.Abort."""
    from getpass import getpass

    try:
        return getpass(f"sfnwatch: {clean(prompt)}")
    except EOFError as error:
        raise click.Abort from error


def streams() -> tuple[TextIO, TextIO]:
    """Return stdout and stderr, for code that writes lines to them while it runs."""
    return sys.stdout, sys.stderr


@contextmanager
def stdout() -> Iterator[TextIO]:
    """Yield stdout; a reader that stops early, as `head` does, is no error."""
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()


def discard_output() -> None:
    """Send stdout to nowhere: at its exit Python still writes what is buffered."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())


def lacks_unicode() -> bool:
    """True if the locale's or stdout's encoding is not Unicode."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return not (_is_unicode(encoding) and _is_unicode(_locale_encoding()))


def _is_unicode(encoding: str) -> bool:
    return encoding.lower().startswith("utf")


def _locale_encoding() -> str:
    """Return the locale's encoding; UTF-8 if the locale does not name one."""
    language = os.environ.get("LANG", "")
    characters = os.environ.get("LC_CTYPE", "")
    if language in _BARE and characters in _COERCED:
        # Python has set LC_CTYPE because of LANG=C, which was set for a reason.
        characters = ""
    locale = os.environ.get("LC_ALL") or characters or language
    if locale in _BARE:
        return "ascii"
    encoding = locale.partition("@")[0].partition(".")[2]
    return encoding or "utf-8"


def for_people(stream: TextIO) -> TextIO:
    """Return the stream, or one that writes in ASCII if the locale has no Unicode."""
    if not lacks_unicode():
        return stream
    return cast("TextIO", CleanStream(stream, terminal=stream.isatty()))


class CleanStream(io.TextIOBase):
    """A stream of lines that writes nothing but what can be shown.

    If the locale has no Unicode, signs become ASCII; letters stay.
    """

    def __init__(self, stream: TextIO, *, terminal: bool = False) -> None:
        """Clean a stream; without `terminal` other code writes no styled text to it.

        The codes of styled text would come out as characters.
        """
        self._stream = stream
        self._terminal = terminal
        self._lacks_unicode = lacks_unicode()

    def write(self, text: str) -> int:
        shown = "\n".join(clean_lines(text))
        if self._lacks_unicode and not shown.isascii():
            from sfnwatch.view.signs import to_ascii

            shown = to_ascii(shown)
        self._stream.write(shown)
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding


def settle_streams() -> None:
    """Make the three standard streams usable, in whatever state they are.

    A closed stream is replaced, or the next opened file would take its place. Nothing
    can be written to the replaced stdout: writing there is an error. Characters that
    stdout's encoding lacks are shown as `?`. Everything that is written on a terminal
    is cleaned, and so is what other code writes on stderr: warnings, tracebacks,
    loggers, click. The screen is drawn on `sys.__stderr__`, which stays as it is.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            access = os.O_WRONLY if name == "stderr" else os.O_RDONLY
            descriptor = os.open(os.devnull, access)
            setattr(sys, name, os.fdopen(descriptor, mode))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
        if sys.stdout.isatty():
            sys.stdout = CleanStream(sys.stdout, terminal=True)
    if not isinstance(sys.stderr, CleanStream):
        sys.stderr = CleanStream(sys.stderr)
