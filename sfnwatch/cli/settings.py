"""The settings of the configuration file, as the defaults of the commands' options."""

from collections.abc import Mapping
from typing import Any

import click

from sfnwatch.cli.command_tree import commands_below, path_of, settable, subcommands
from sfnwatch.cli.settable_option import SettableOption
from sfnwatch.config.config import OWN_KEYS, Config, load_config
from sfnwatch.config.mistakes import check_keys, convert

CONFIG = "sfnwatch.config"
"""The key of the configuration in a root context's `meta`."""
WITHOUT = frozenset({"completion", "config", "man", "schema"})
"""Commands that work without settings, so also when a setting is wrong."""


def apply_settings(root: click.Context) -> Config:
    """Make the file's settings the defaults of all commands; raises UsageError."""
    config = load_config()
    root.meta[CONFIG] = config
    if config.options:
        root.default_map = _default_map(root, config)
    return config


def _default_map(root: click.Context, config: Config) -> dict[str, Any]:
    """Check the keys of the file, and return its values as click's `default_map`."""
    keys: list[str] = []
    tables: list[str] = []
    for context in commands_below(root):
        options = settable(context.command)
        if options:
            keys += options
            tables.append(path_of(context)[0])
    known = dict.fromkeys((*OWN_KEYS, *keys, *tables))
    check_keys(config.where, config.options, known)
    shared: dict[str, Any] = {}
    by_command: dict[str, Any] = {}
    for key, value in config.options.items():
        # `[redact]` is a command's table, `redact = true` an option.
        is_table = key in tables and isinstance(value, dict)
        if key in keys and not is_table:
            shared[key] = value
        else:
            by_command[key] = value
    return _defaults(root, config, by_command, shared)


def _defaults(
    context: click.Context, config: Config, table: Any, shared: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the defaults of a command's options and of the commands below.

    `table` is the command's own in the file, such as `[demo]` or `[recordings.prune]`;
    `shared` holds the values that are set for all commands.
    """
    options = settable(context.command)
    below = subcommands(context)
    name = ".".join(path_of(context))
    own = convert(config.where, name, table, dict[str, Any])
    if name:
        check_keys(config.where, own, (*options, *below), f"{name}.")
    defaults: dict[str, Any] = {}
    for key, option in options.items():
        param = option.name or key
        if key in own:
            defaults[param] = _value(config, f"{name}.{key}", option, own[key])
        elif key in shared:
            defaults[param] = _value(config, key, option, shared[key])
    for subcommand, below_context in below.items():
        own_table = own.get(subcommand, {})
        defaults[subcommand] = _defaults(below_context, config, own_table, shared)
    return defaults


def _value(config: Config, key: str, option: SettableOption, value: Any) -> Any:
    """Return an option's value in the form in which it would be typed."""
    word = str | int | float
    if option.is_flag:
        return convert(config.where, key, value, bool)
    if not option.multiple:
        return str(convert(config.where, key, value, word))
    values = value
    if isinstance(value, word):
        values = [value]
    return list(map(str, convert(config.where, key, values, list[word])))
