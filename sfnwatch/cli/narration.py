"""The door for all that leaves the program outside the screen: no other is there.

stdout is data, stderr is narration. Strangers write a part of it: names, ARNs, what AWS
answered, what a file holds. An ESC among it would reach the terminal, which acts on it:
clipboard, title, colors.
"""

import io
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO, cast

import click

from sfnwatch.model.known_secrets import KNOWN_SECRETS
from sfnwatch.model.texts import clean, clean_lines

_BARE = {"C", "POSIX"}
_COERCED = {"C.UTF-8", "C.utf8", "UTF-8"}


def narrate(text: str) -> None:
    """Tell the person something that is no data, on stderr: always in one line."""
    click.echo(f"sfnwatch: {clean(text)}", err=True)


def put(text: str) -> None:
    """Print data: for programs as it is, and for a terminal clean."""
    with stdout() as out:
        click.echo(KNOWN_SECRETS.hide(text), out)


def put_json(value: Any) -> None:
    """Print data as JSON that people can read, too."""
    import json

    put(json.dumps(value, indent=2))


def put_row(text: str) -> None:
    """Print a line that is read by people, on stdout."""
    put(clean(text))


def confirm(question: str) -> None:
    """Ask whether to go on; raises click.Abort for a no."""
    click.confirm(clean(question), abort=True, err=True)


def put_table(rows: Sequence[tuple[str, ...]], right: Collection[int] = ()) -> None:
    """Print rows in columns; those whose numbers are in `right` end together."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = [">" if number in right else "<" for number in range(len(widths))]
    for row in rows:
        cells = map("{:{}{}}".format, row, sides, widths)
        put_row("  ".join(cells).rstrip())


def are_terminals(*streams: TextIO | None) -> bool:
    return all(stream is not None and stream.isatty() for stream in streams)


def is_served() -> bool:
    """True where `sfnwatch web` shows the screen, and no terminal does."""
    return os.environ.get("TEXTUAL_DRIVER", "").endswith("WebDriver")


def can_ask() -> bool:
    """True where there is a person on a terminal to ask something of."""
    return are_terminals(sys.stdin, sys.__stderr__)


def ask_unseen(prompt: str) -> str:
    """Have the person type something that is not shown; raises click.Abort."""
    from getpass import getpass

    try:
        return getpass(f"sfnwatch: {clean(prompt)}")
    except EOFError as error:
        raise click.Abort from error


def streams() -> tuple[TextIO, TextIO]:
    """Give stdout and stderr to what writes lines to them for as long as it runs."""
    return sys.stdout, sys.stderr


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


def lacks_unicode() -> bool:
    """True where the locale, or what stdout is encoded in, has no more than letters."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    names = (encoding, _codeset(os.environ))
    return not all(e.lower().replace("-", "").startswith("utf") for e in names)


def _codeset(environ: Mapping[str, str]) -> str:
    """Give what the locale writes characters in; UTF-8 where it does not say."""
    names = ["LC_ALL", "LC_CTYPE", "LANG"]
    if environ.get("LANG") in _BARE and environ.get("LC_CTYPE") in _COERCED:
        # So Python makes more of LANG=C, which somebody has set for a reason.
        names.remove("LC_CTYPE")
    locale = next(filter(None, (environ.get(name) for name in names)), "")
    codeset = locale.partition("@")[0].partition(".")[2]
    return codeset or ("ascii" if locale in _BARE else "utf-8")


def for_people(stream: TextIO) -> TextIO:
    """Give a stream on which people read: in ASCII where there is nothing else."""
    if not lacks_unicode():
        return stream
    return cast("TextIO", CleanStream(stream, terminal=stream.isatty()))


class CleanStream(io.TextIOBase):
    """A stream of lines on which nothing but what can be shown goes out.

    Its signs are those of ASCII where there are no others; letters stay.
    """

    def __init__(self, stream: TextIO, *, terminal: bool = False) -> None:
        """Clean a stream; unless it says that it is a terminal none is styled for it.

        What is styled would come out as its codes.
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
    """Make the three streams fit to be written to, whatever they were started as.

    Something is put in a closed one's place: the next file opened would take it. Into a
    closed stdout nothing can be written, which is an error where there is something to
    write. What stdout's encoding lacks is shown as `?`. A terminal is cleaned for,
    whatever is written on it. And what others write on stderr is cleaned too: warnings,
    tracebacks, loggers, click. A screen is drawn on `sys.__stderr__`, which stays.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            access = os.O_WRONLY if name == "stderr" else os.O_RDONLY
            setattr(sys, name, os.fdopen(os.open(os.devnull, access), mode))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
        if sys.stdout.isatty():
            sys.stdout = CleanStream(sys.stdout, terminal=True)
    if not isinstance(sys.stderr, CleanStream):
        sys.stderr = CleanStream(sys.stderr)
