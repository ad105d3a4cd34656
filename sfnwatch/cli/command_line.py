"""A command line that is read, and checked, without being run."""

from collections.abc import Sequence
from copy import copy
from typing import cast

import click

from sfnwatch.cli.account import choose_account
from sfnwatch.cli.collector import read_collector
from sfnwatch.cli.command_tree import settable
from sfnwatch.cli.display import choose_display
from sfnwatch.cli.watch_options import choose_aws
from sfnwatch.errors import UsageError
from sfnwatch.model.texts import clean

TAKES_WORDS = {"ignore_unknown_options": True, "allow_interspersed_args": False}
"""click's settings of a command whose arguments are a command line with own options."""


def read_line(
    root: click.Context, words: Sequence[str], *, lenient: bool = False
) -> click.Context:
    """Read a command line without running it; raises the errors of its command.

    If `lenient`, required arguments and options may be missing.
    """
    parent = root
    group = cast("click.Group", root.command)
    name, command, rest = group.resolve_command(root, list(words))
    if isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        parent = command.make_context(name, [], parent=root)
        name, command, rest = command.resolve_command(parent, rest)
    if command is None or not settable(command):
        raise UsageError(f"{clean(words[0], 100)!r} has no settings.")
    checking = checked(command, lenient=lenient)
    context = checking.make_context(name, rest, parent=parent)
    _check_together(context)
    return context


def checked(command: click.Command, *, lenient: bool) -> click.Command:
    """Return a copy of a command that refuses wrong values, and does nothing else.

    No eager option such as --debug acts at once.
    """
    checking = copy(command)
    checking.params = list(map(copy, command.params))
    for param in checking.params:
        if lenient:
            param.required = False
        if param.is_eager:
            param.callback = None
    return checking


def _check_together(context: click.Context) -> None:
    """Raise the UsageError of a command whose options don't fit together.

    Options of the screen are allowed off a terminal, too: the command line is not run.
    """
    values = context.params
    with context:
        if "no_lookup" in values:
            choose_aws(**values)
        elif "profile" in values:
            choose_account(**values)
        if "theme" in values:
            choose_display(**values, usable=True)
        if values.get("otlp"):
            read_collector(values["otlp"])
