"""The door for all that a person reads outside the screen.

Strangers write a part of it: names, ARNs, what AWS answered, what a file holds. An ESC
among it would reach the terminal, which acts on it: clipboard, title, colours.
"""

import io
import sys
from typing import TextIO

import click

from sfnwatch.trace.text import clean, clean_lines


def narrate(text: str) -> None:
    """Tell the person something that is no data, on stderr: always in one line."""
    click.echo(f"sfnwatch: {clean(text)}", err=True)


def put_row(text: str) -> None:
    """Print a line that is read by people, on stdout."""
    click.echo(clean(text))


def put_path(path: str) -> None:
    """Print a path for programs as it is, and for a terminal clean."""
    click.echo(clean(path) if sys.stdout.isatty() else path)


class CleanStream(io.TextIOBase):
    """A stream of lines on which nothing but what can be shown goes out.

    It says that it is no terminal: what is styled would come out as its codes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write("\n".join(clean_lines(text)))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self._stream.errors


def guard_stderr() -> None:
    """Clean what others write there, too: warnings, tracebacks, loggers, click.

    A screen is drawn on `sys.__stderr__`, which stays.
    """
    if not isinstance(sys.stderr, CleanStream):
        sys.stderr = CleanStream(sys.stderr)
