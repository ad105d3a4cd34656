"""What the file and the environment set of options, and who has set what."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast

import click
from click.core import ParameterSource

from sfnwatch.cli.account import choose_account
from sfnwatch.cli.narration import put, put_table
from sfnwatch.cli.settable_option import SettableOption, variable
from sfnwatch.cli.watch_options import choose_aws
from sfnwatch.config.config import OWN_KEYS, Config, config_path, load_config
from sfnwatch.config.mistakes import check_keys, convert
from sfnwatch.config.tables import CONFIG_VARIABLE
from sfnwatch.errors import UsageError
from sfnwatch.model.texts import clean, without_login

CONFIG = "sfnwatch.config"
"""Where a context's `meta` has the settings that were read."""
WITHOUT = frozenset({"completion", "config", "man", "schema"})
"""Commands that nothing is set for: they must work when a setting is wrong."""
_AWS = {
    "profile": ("AWS_DEFAULT_PROFILE", "AWS_PROFILE"),
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "endpoint-url": ("AWS_ENDPOINT_URL",),
}
"""AWS's own variables, which hold where nothing else is said, in the order in which
they are looked at."""
_DEFAULT = "default"
TAKES_WORDS = {"ignore_unknown_options": True, "allow_interspersed_args": False}
"""For a command whose arguments are a command line, with options of its own."""


def settable(command: click.Command) -> dict[str, SettableOption]:
    """Give a command's options that can be set, by their keys."""
    found = (each for each in command.params if isinstance(each, SettableOption))
    return {each.key: each for each in found}


def commands(context: click.Context) -> Iterator[click.Context]:
    """Yield a context of every command below one, as if nothing were typed."""
    for each in _directly_below(context):
        yield each
        yield from commands(each)


def _directly_below(context: click.Context) -> Iterator[click.Context]:
    group = context.command
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(context):
        if command := group.get_command(context, name):
            yield command.make_context(name, [], context, resilient_parsing=True)


def path_of(context: click.Context) -> tuple[str, ...]:
    """Name a command, and the groups that it is in: `recordings`, `prune`."""
    return tuple(context.command_path.split()[1:])


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
    below = {each.info_name or "": each for each in _directly_below(context)}
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


# -- who has set it --------------------------------------------------------------------


def place_of(context: click.Context, option: SettableOption) -> str:
    """Name the file or the variable that sets an option; empty where neither does."""
    match context.get_parameter_source(option.name or ""):
        case ParameterSource.DEFAULT_MAP:
            return str(context.find_root().meta[CONFIG].where)
        case ParameterSource.ENVIRONMENT:
            return variable(option.key)
    return ""


def origin(error: click.UsageError) -> str:
    """Say where a wrong value was set; nothing if it was typed."""
    param = getattr(error, "param", None)
    context = error.ctx
    if context is None or not isinstance(param, SettableOption):
        return ""
    place = place_of(context, param)
    return place and f"{place}: "


def source_of(name: str) -> str:
    """Name who set an option of the command that runs: the option, or a place."""
    context = click.get_current_context()
    options = settable(context.command).values()
    option = next(each for each in options if each.name == name)
    return place_of(context, option) or f"--{option.key}"


def is_typed(name: str) -> bool:
    """True for what the command line says, and no configuration."""
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE


def is_default(name: str) -> bool:
    """True for what nobody has said."""
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.DEFAULT


# -- a command line that is not run ----------------------------------------------------


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
    from sfnwatch.cli.watch import choose_display, read_collector

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


# -- all of them, as they are ----------------------------------------------------------


class Setting(NamedTuple):
    """What something is set to, and by whom."""

    value: Any
    where: str
    """`default`, the file, an environment variable, or `option`."""


@click.command(context_settings=TAKES_WORDS)
@click.argument("words", nargs=-1, metavar="[COMMAND…]", type=click.UNPROCESSED)
@click.option("--path", is_flag=True, help="Only print the file's path.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def config(
    context: click.Context, words: tuple[str, ...], *, path: bool, as_json: bool
) -> None:
    """Show every setting, and where it came from.

    The command line overrules the environment, which overrules the file, which
    overrules what is built in. An option is set by its name: `drain = "30m"` at the top
    of the file, or in the table of one command, [demo]; or as SFNWATCH_DRAIN. AWS's own
    variables hold where none of these says otherwise. With a COMMAND and its options
    only what that command line comes to is shown, unless that command would refuse it.

    \b
    sfnwatch config
    sfnwatch config demo --speed 60
    """
    if path:
        put(os.environ.get(CONFIG_VARIABLE) or str(config_path()))
        return
    root = context.find_root()
    read = apply_settings(root)
    contexts = [read_line(root, words, lenient=True)] if words else _every_command(root)
    _print_settings(dict(_settings(contexts, read)), as_json=as_json)


def _every_command(root: click.Context) -> Iterator[click.Context]:
    """Give all commands as they are where nothing is typed; raises click.UsageError."""
    for each in commands(root):
        strict = checked(each.command, lenient=True)
        yield strict.make_context(each.info_name, [], parent=each.parent)


def _settings(
    contexts: Iterable[click.Context], read: Config
) -> Iterator[tuple[str, Setting]]:
    """Give each key once; by command where commands differ in it."""
    found: dict[str, dict[str, Setting]] = {}
    for context in contexts:
        for key, option in settable(context.command).items():
            whole = ".".join((*path_of(context), key))
            found.setdefault(key, {})[whole] = _setting(context, option)
    if "theme" in found:
        # What no option sets.
        for what, given in (("keys", read.keys), ("themes", read.themes)):
            places = sorted({each.where for each in given.values()})
            yield what, Setting([*given], ", ".join(places) or _DEFAULT)
    for key, by_command in sorted(found.items()):
        first, *others = by_command.values()
        same = all(each == first for each in others)
        yield from {key: first}.items() if same else by_command.items()


def _setting(context: click.Context, option: SettableOption) -> Setting:
    """Give what an option is set to, as it was said, and where."""
    name = option.name or ""
    source = context.get_parameter_source(name)
    if source is ParameterSource.DEFAULT and "profile" in settable(context.command):
        for variable_of_aws in _AWS.get(option.key, ()):
            if said := os.environ.get(variable_of_aws):
                return Setting(said, variable_of_aws)
    is_typed = source is ParameterSource.COMMANDLINE
    value = context.params.get(name)
    if not (is_typed or option.is_flag):
        value, _ = option.consume_value(context, {})
    if isinstance(value, Path | datetime | timedelta):
        value = str(value)
    # Click marks what has no default in a way of its own.
    known = isinstance(value, str | int | float | list | tuple) and value != ()
    where = place_of(context, option) or ("option" if is_typed else _DEFAULT)
    return Setting(value if known else None, where)


def _print_settings(found: dict[str, Setting], *, as_json: bool) -> None:
    if as_json:
        told = [{"key": key, "value": v, "from": w} for key, (v, w) in found.items()]
        put(without_login(json.dumps({"settings": told}, indent=2)))
        return
    rows = [(key, _words(value), where) for key, (value, where) in found.items()]
    put_table(rows)


def _words(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return ", ".join(clean(str(each), 60) for each in value) or "-"
        case _:
            return clean(without_login(str(value)), 200)
