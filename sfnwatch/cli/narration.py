"""The door for all that a person reads outside the screen.

stdout is data, stderr is narration. Strangers write a part of it: names, ARNs, what AWS
answered, what a file holds. An ESC among it would reach the terminal, which acts on it:
clipboard, title, colors.
"""

import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

import click

from sfnwatch.model.values import clean, clean_lines


def narrate(text: str) -> None:
    """Tell the person something that is no data, on stderr: always in one line."""
    click.echo(f"sfnwatch: {clean(text)}", err=True)


def put_row(text: str) -> None:
    """Print a line that is read by people, on stdout."""
    click.echo(clean(text))


def put_path(path: str) -> None:
    """Print a path for programs as it is, and for a terminal clean."""
    click.echo(clean(path) if sys.stdout.isatty() else path)


def put_table(rows: Sequence[tuple[str, ...]], right: frozenset[int]) -> None:
    """Print rows in columns; those whose numbers are in `right` end together."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            f"{cell:>{width}}" if n in right else f"{cell:<{width}}"
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        put_row("  ".join(cells).rstrip())


@contextmanager
def stdout() -> Iterator[TextIO]:
    """Give stdout; that its reader has had enough, as `head` has, is no fault."""
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()


def discard_output() -> None:
    """Let what is still to be written go nowhere; Python writes it on its way out."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())


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


def settle_streams() -> None:
    """Make the three streams fit to be written to, whatever they were started as.

    Something is put in a closed one's place: the next file opened would take it. What
    stdout's encoding lacks is shown as `?`. And what others write on stderr is cleaned
    too: warnings, tracebacks, loggers, click. A screen is drawn on `sys.__stderr__`,
    which stays.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    if not isinstance(sys.stderr, CleanStream):
        sys.stderr = CleanStream(sys.stderr)
