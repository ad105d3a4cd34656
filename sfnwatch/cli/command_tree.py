"""The tree of the commands: what is below a command, and what of it can be set."""

from collections.abc import Iterator

import click

from sfnwatch.cli.settable_option import SettableOption


def settable(command: click.Command) -> dict[str, SettableOption]:
    """Give a command's options that can be set, by their keys."""
    found = (each for each in command.params if isinstance(each, SettableOption))
    return {each.key: each for each in found}


def commands(context: click.Context) -> Iterator[click.Context]:
    """Yield a context of every command below one, as if nothing were typed."""
    for each in directly_below(context):
        yield each
        yield from commands(each)


def directly_below(context: click.Context) -> Iterator[click.Context]:
    group = context.command
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(context):
        if command := group.get_command(context, name):
            yield command.make_context(name, [], context, resilient_parsing=True)


def path_of(context: click.Context) -> tuple[str, ...]:
    """Name a command, and the groups that it is in: `recordings`, `prune`."""
    return tuple(context.command_path.split()[1:])
