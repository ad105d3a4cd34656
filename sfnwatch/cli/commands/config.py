"""The command that shows every setting, and where it comes from."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import click
from click.core import ParameterSource

from sfnwatch.cli.command_line import TAKES_WORDS, checked, read_line
from sfnwatch.cli.command_tree import commands_below, path_of, settable
from sfnwatch.cli.narration import put, put_table
from sfnwatch.cli.settable_option import SettableOption
from sfnwatch.cli.setting_origin import place_of
from sfnwatch.cli.settings import apply_settings
from sfnwatch.config.config import Config, config_path
from sfnwatch.config.tables import CONFIG_VARIABLE
from sfnwatch.model.texts import clean, without_login

_AWS_VARIABLES = {
    "profile": ("AWS_DEFAULT_PROFILE", "AWS_PROFILE"),
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "endpoint-url": ("AWS_ENDPOINT_URL",),
}
"""AWS's own variables for options that nobody has set, the first to be read first."""
_DEFAULT = "default"
_VALUE_LENGTH = 200
"""Most characters of a value."""
_ITEM_LENGTH = 60
"""Most characters of each of several values."""


class Setting(NamedTuple):
    """A value, and who has set it."""

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
    configuration = apply_settings(root)
    contexts = _every_command(root)
    if words:
        contexts = iter([read_line(root, words, lenient=True)])
    settings = dict(_settings(contexts, configuration))
    if as_json:
        _print_json(settings)
    else:
        put_table(
            [(key, _words(value), where) for key, (value, where) in settings.items()]
        )


def _every_command(root: click.Context) -> Iterator[click.Context]:
    """Yield all commands as if nothing were typed; raises click.UsageError."""
    for context in commands_below(root):
        checking = checked(context.command, lenient=True)
        yield checking.make_context(context.info_name, [], parent=context.parent)


def _settings(
    contexts: Iterable[click.Context], configuration: Config
) -> Iterator[tuple[str, Setting]]:
    """Yield each key with its setting, and once a command if the commands differ."""
    by_key: dict[str, dict[str, Setting]] = {}
    for context in contexts:
        for key, option in settable(context.command).items():
            command_key = ".".join((*path_of(context), key))
            by_key.setdefault(key, {})[command_key] = _setting(context, option)
    if "theme" in by_key:
        # No option sets these.
        yield "keys", _table_setting(configuration.keys)
        yield "themes", _table_setting(configuration.themes)
    for key, by_command in sorted(by_key.items()):
        settings = [*by_command.values()]
        if settings.count(settings[0]) == len(settings):
            yield key, settings[0]
        else:
            yield from by_command.items()


def _table_setting(table: Mapping[str, Any]) -> Setting:
    """Return the names in a table of the configuration, and the files they are from."""
    places = sorted({entry.where for entry in table.values()})
    return Setting([*table], ", ".join(places) or _DEFAULT)


def _setting(context: click.Context, option: SettableOption) -> Setting:
    """Return an option's value as it was written, and where."""
    name = option.name or ""
    source = context.get_parameter_source(name)
    if source is ParameterSource.DEFAULT and "profile" in settable(context.command):
        for variable in _AWS_VARIABLES.get(option.key, ()):
            value = os.environ.get(variable)
            if value:
                return Setting(value, variable)
    where = place_of(context, option) or _DEFAULT
    if source is ParameterSource.COMMANDLINE:
        where = "option"
    if option.is_flag or where == "option":
        value = context.params.get(name)
    else:
        value, _ = option.consume_value(context, {})
    if isinstance(value, Path | datetime | timedelta):
        return Setting(str(value), where)
    # Click marks an option without a default by a value of its own.
    if value == () or not isinstance(value, str | int | float | list | tuple):
        return Setting(None, where)
    return Setting(value, where)


def _print_json(settings: Mapping[str, Setting]) -> None:
    rows: list[dict[str, Any]] = []
    for key, setting in settings.items():
        rows.append({"key": key, "value": setting.value, "from": setting.where})
    put(without_login(json.dumps({"settings": rows}, indent=2)))


def _print_table(settings: Mapping[str, Setting]) -> None:
    rows: list[tuple[str, str, str]] = []
    for key, setting in settings.items():
        rows.append((key, _words(setting.value), setting.where))
    put_table(rows)


def _words(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return str(value).lower()
        case list() | tuple():
            items = [clean(str(item), _ITEM_LENGTH) for item in value]
            return ", ".join(items) or "-"
        case _:
            return clean(without_login(str(value)), _VALUE_LENGTH)
