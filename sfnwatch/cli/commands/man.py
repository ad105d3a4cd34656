"""The command that prints the manual page."""

import re
from collections.abc import Iterator

import click

from sfnwatch import __version__
from sfnwatch.cli.command_tree import commands_below
from sfnwatch.cli.narration import put
from sfnwatch.templates import read_template


@click.command()
@click.pass_context
def man(context: click.Context) -> None:
    """Print the manual page, made of what --help says.

    \b
    sfnwatch man | man -l -
    sfnwatch man > ~/.local/share/man/man1/sfnwatch.1
    """
    put("\n".join(_page(context.find_root())))


def _page(root: click.Context) -> Iterator[str]:
    """Yield the lines of the page, in roff and in ASCII only."""
    summary = (root.command.help or "").strip().partition("\n")[0]
    yield f'.TH SFNWATCH 1 "" "sfnwatch {__version__}" "User Commands"'
    yield ".SH NAME"
    yield rf"sfnwatch \- {_roff(summary)}"
    yield ".SH SYNOPSIS"
    yield f".B {_roff(root.command_path)}"
    yield from _help(root)
    yield ".SH COMMANDS"
    for context in commands_below(root):
        yield f".SS {_roff(context.command_path)}"
        yield from _help(context)
    yield from map(_roff, read_template("manual.roff").splitlines())


def _help(context: click.Context) -> Iterator[str]:
    """Yield the lines of a command's --help, unchanged."""
    yield ".PP"
    yield ".nf"
    for line in context.get_help().splitlines():
        # `\&` keeps roff from reading a line as a request.
        yield f"\\&{_roff(line)}"
    yield ".fi"


def _roff(text: str) -> str:
    """Escape the characters that roff would interpret, and all that is not ASCII."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"[^ -~]", lambda sign: f"\\[u{ord(sign[0]):04X}]", escaped)
