"""A command line that is read, and checked, without being run."""

from collections.abc import Sequence
from copy import copy
from typing import cast

import click

from sfnwatch.cli.account import choose_account
from sfnwatch.cli.command_tree import settable
from sfnwatch.cli.watch_options import choose_aws
from sfnwatch.errors import UsageError
from sfnwatch.model.texts import clean

TAKES_WORDS = {"ignore_unknown_options": True, "allow_interspersed_args": False}
"""For a command whose arguments are a command line, with options of its own."""


def read_line(
    root: click.Context, words: Sequence[str], *, lenient: bool = False
) -> click.Context:
    """Read a command line without running it; raises as the command would.

    Where it is `lenient` what is required may be missing.
    """
    group = cast("click.Group", root.command)
    name, command, rest = group.resolve_command(root, list(words))
    if isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        root = command.make_context(name, [], parent=root)
        name, command, rest = command.resolve_command(root, rest)
    if command is None or not settable(command):
        raise UsageError(f"{clean(words[0], 100)!r} has no settings.")
    context = checked(command, lenient=lenient).make_context(name, rest, parent=root)
    _check_together(context)
    return context


def checked(command: click.Command, *, lenient: bool) -> click.Command:
    """Give a command that refuses values as ever, and of which nothing acts at once."""
    strict = copy(command)
    strict.params = [copy(each) for each in command.params]
    for each in strict.params:
        each.required = each.required and not lenient
        if each.is_eager:
            each.callback = None
    return strict


def _check_together(context: click.Context) -> None:
    """Raise UsageError for what a command would refuse of its options, taken together.

    What is for the screen is no mistake where this is asked off a terminal.
    """
    from sfnwatch.cli.collector import read_collector
    from sfnwatch.cli.display import choose_display

    asked = context.params
    with context:
        if "no_lookup" in asked:
            choose_aws(**asked)
        elif "profile" in asked:
            choose_account(**asked)
        if "theme" in asked:
            choose_display(**asked, usable=True)
        if asked.get("otlp"):
            read_collector(asked["otlp"])
