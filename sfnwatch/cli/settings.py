"""The settings of the configuration file, as the defaults of the commands' options."""

from collections.abc import Mapping
from typing import Any

import click

from sfnwatch.cli.command_tree import commands, directly_below, path_of, settable
from sfnwatch.cli.settable_option import SettableOption
from sfnwatch.config.config import OWN_KEYS, Config, load_config
from sfnwatch.config.mistakes import check_keys, convert

CONFIG = "sfnwatch.config"
"""Where a context's `meta` has the settings that were read."""
WITHOUT = frozenset({"completion", "config", "man", "schema"})
"""Commands that nothing is set for: they must work when a setting is wrong."""


def apply_settings(root: click.Context) -> Config:
    """Have all commands begin with what the file sets; raises UsageError."""
    config = load_config()
    root.meta[CONFIG] = config
    if config.options:
        every = [each for each in commands(root) if settable(each.command)]
        keys = dict.fromkeys(key for each in every for key in settable(each.command))
        # `[redact]` is a command's table, `redact = true` an option.
        tables = dict.fromkeys(path_of(each)[0] for each in every)
        check_keys(config.where, config.options, (*OWN_KEYS, *keys, *tables))
        shared = {
            key: value
            for key, value in config.options.items()
            if key in keys and not (key in tables and isinstance(value, dict))
        }
        own = {k: v for k, v in config.options.items() if k not in shared}
        root.default_map = _defaults(root, config, own, shared)
    return config


def _defaults(
    context: click.Context, config: Config, told: Any, shared: Mapping[str, Any]
) -> dict[str, Any]:
    """Give what the file sets of a command and of those below, as click wants it.

    `told` is the command's own table, such as `[demo]` or `[recordings.prune]`.
    """
    options = settable(context.command)
    below = {each.info_name or "": each for each in directly_below(context)}
    prefix = "".join(f"{name}." for name in path_of(context))
    own = convert(config.where, prefix.rstrip("."), told, dict[str, Any])
    if prefix:
        check_keys(config.where, own, (*options, *below), prefix)
    set_here = {**shared, **own}
    defaults = dict[str, Any]()
    for key, given in options.items():
        if key in set_here:
            whole = prefix + key if key in own else key
            defaults[given.name or key] = _value(config, whole, given, set_here[key])
    for name, each in below.items():
        defaults[name] = _defaults(each, config, own.get(name, {}), shared)
    return defaults


def _value(config: Config, name: str, given: SettableOption, value: Any) -> Any:
    """Give a value as it might be typed."""
    word = str | int | float
    if given.is_flag:
        return convert(config.where, name, value, bool)
    if given.multiple:
        value = [value] if isinstance(value, word) else value
        return [str(each) for each in convert(config.where, name, value, list[word])]
    return str(convert(config.where, name, value, word))
