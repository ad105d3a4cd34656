"""Options of the command line, as the configuration and the environment set them.

Every option is a key of the same name: `drain = "30m"` holds wherever there is a
--drain, and under `[demo]` for that command alone; SFNWATCH_DRAIN overrules both. So
nothing has to be listed twice: a new option can be set at once. What the screen takes
from the configuration itself (its theme, its times) is left to it.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import click
from msgspec import Struct

from sfnwatch.config import SIMPLE, Config, load_config
from sfnwatch.config_words import (
    PREFIX,
    boolean,
    mapping,
    only,
    quoted,
    shown,
    truth,
    variable,
)
from sfnwatch.errors import UsageError

SETTINGS = "sfnwatch.settings"
"""Where a context's `meta` has what `read` gave."""
_NEVER = frozenset({"help", "version", "yes"})
"""What must be typed each time it is meant."""
WITHOUT = frozenset({"completion", "config", "man", "schema"})
"""Commands that nothing is set for: they must work when a setting is wrong."""
Path = tuple[str, ...]
"""A command: `("recordings", "prune")`."""


class Setting(Struct, frozen=True):
    """What an option is set to, and by whom."""

    value: Any
    where: str


def key_of(param: click.Parameter) -> str:
    """Give an option's key, which is its long name."""
    return max(param.opts, key=len).lstrip("-")


def commands(
    group: click.Group, path: Path = ()
) -> Iterator[tuple[Path, click.Command]]:
    """Yield every command that can be given options, with its path."""
    for name, command in group.commands.items():
        if not path and name in WITHOUT:
            continue
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def options(command: click.Command) -> dict[str, click.Option]:
    """Give the options that can be set, by their keys."""
    found = [param for param in command.params if isinstance(param, click.Option)]
    return {
        key_of(param): param
        for param in found
        if key_of(param) not in {*_NEVER, *SIMPLE}
    }


def known(group: click.Group) -> tuple[str, ...]:
    """Name all keys for options, and the tables of single commands."""
    found: dict[str, None] = {}
    for path, command in commands(group):
        found |= dict.fromkeys(options(command))
        found[path[0]] = None
    return tuple(found)


def known_here() -> tuple[str, ...]:
    """Name them for the program that runs; none where none does, as in a test."""
    context = click.get_current_context(silent=True)
    root = context.find_root().command if context else None
    return known(root) if isinstance(root, click.Group) else ()


def read(
    group: click.Group, config: Config, environ: Mapping[str, str] = os.environ
) -> dict[Path, dict[str, Setting]]:
    """Give what each option of each command is set to; raises UsageError."""
    where = shown(config.source) if config.source else ""
    shared = {
        key: (key, value)
        for key, value in config.options.items()
        if not _is_table(group, key, value)
    }
    found = {}
    for path, command in commands(group):
        table = _own(group, path, command, config, where)
        own = {key: (".".join((*path, key)), value) for key, value in table.items()}
        found[path] = {
            **_of_file(where, command, {**shared, **own}),
            **_of_environment(command, environ),
        }
    return found


def _of_file(
    where: str, command: click.Command, written: Mapping[str, tuple[str, Any]]
) -> dict[str, Setting]:
    """Read what the file has for a command, by its keys: as written, and the value."""
    return {
        key: Setting(_value(where, written[key][0], option, written[key][1]), where)
        for key, option in options(command).items()
        if key in written
    }


def _of_environment(
    command: click.Command, environ: Mapping[str, str]
) -> dict[str, Setting]:
    found = {}
    for key, option in options(command).items():
        name = variable(key)
        if told := environ.get(name):
            found[key] = Setting(_of_variable(name, option, told), name)
    return found


def _is_table(group: click.Group, key: str, value: Any) -> bool:
    """Tell `[redact]`, a command's table, from `redact = true`, an option."""
    return key in group.commands and isinstance(value, dict)


def _own(
    group: click.Group,
    path: Path,
    command: click.Command,
    config: Config,
    where: str,
) -> Mapping[str, Any]:
    """Give the table of one command, `[demo]` or `[recordings.prune]`."""
    table: Any = config.options
    for depth, name in enumerate(path):
        table = table.get(name, {})
        if depth == 0 and not isinstance(table, dict) and name in _all_keys(group):
            return {}
        table = mapping(where, ".".join(path[: depth + 1]), table)
    below = command.commands if isinstance(command, click.Group) else {}
    prefix = f"{'.'.join(path)}."
    only(where, table, dict.fromkeys((*options(command), *below)), prefix)
    return {key: value for key, value in table.items() if key not in below}


def _all_keys(group: click.Group) -> set[str]:
    return {key for _, command in commands(group) for key in options(command)}


def _value(where: str, key: str, option: click.Option, value: Any) -> Any:
    if option.is_flag:
        return boolean(where, key, value)
    if option.multiple:
        values = value if isinstance(value, list) else [value]
        return [_word(where, key, each) for each in values]
    return _word(where, key, value)


def _word(where: str, key: str, value: Any) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    msg = f"{where}: {quoted(key)} must be a text in quotes, or a number."
    raise UsageError(msg)


def _of_variable(name: str, option: click.Option, value: str) -> Any:
    if option.is_flag:
        return truth(name, value)
    return value.split(",") if option.multiple else value


def apply(context: click.Context) -> click.Group:
    """Have the commands below a context begin with what is set; give their group.

    Raises UsageError.
    """
    group = context.command
    if not isinstance(group, click.Group):
        raise TypeError(group)
    config = load_config(options=lambda: known(group))
    if config.source is None and not any(
        name.startswith(PREFIX) for name in os.environ
    ):
        # Not even what there is to be set need be known.
        context.meta[SETTINGS] = defaultdict[Path, dict[str, Setting]](dict)
        return group
    found = read(group, config)
    context.meta[SETTINGS] = found
    defaults: dict[str, Any] = {}
    for path, command in commands(group):
        table = defaults
        for name in path:
            table = table.setdefault(name, {})
        for key, setting in found[path].items():
            table[options(command)[key].name or key] = setting.value
    context.default_map = defaults
    return group


def origin(error: click.UsageError) -> str:
    """Say where a wrong value was set; nothing if it was typed."""
    if not isinstance(error, click.BadParameter) or not error.ctx or not error.param:
        return ""
    param, path = error.param, tuple(error.ctx.command_path.split()[1:])
    source = error.ctx.get_parameter_source(param.name or "")
    if source is not click.core.ParameterSource.DEFAULT_MAP:
        return ""
    found = error.ctx.find_root().meta.get(SETTINGS, {}).get(path, {})
    setting = found.get(key_of(param))
    return f"{setting.where}: " if setting else ""
