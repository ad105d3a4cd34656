"""The tree of the commands: the commands of a group, and their settable options."""

from collections.abc import Iterator

import click

from sfnwatch.cli.settable_option import SettableOption


def commands_below(context: click.Context) -> Iterator[click.Context]:
    """Yield a context of every command below one, as if nothing were typed."""
    for command in subcommands(context).values():
        yield command
        yield from commands_below(command)


def subcommands(context: click.Context) -> dict[str, click.Context]:
    """Return the contexts of a group's own commands by name; empty for a command."""
    contexts: dict[str, click.Context] = {}
    group = context.command
    if isinstance(group, click.Group):
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if command is not None:
                contexts[name] = command.make_context(
                    name, [], context, resilient_parsing=True
                )
    return contexts


def settable(command: click.Command) -> dict[str, SettableOption]:
    """Return a command's options that can be set, by their keys."""
    options: dict[str, SettableOption] = {}
    for param in command.params:
        if isinstance(param, SettableOption):
            options[param.key] = param
    return options


def path_of(context: click.Context) -> tuple[str, ...]:
    """Return a command's name behind those of its groups: `recordings`, `prune`."""
    return tuple(context.command_path.split()[1:])
