"""The command that shows every setting, and where it comes from."""

import json
import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import click
from click.core import ParameterSource

from sfnwatch.cli.command_line import TAKES_WORDS, checked, read_line
from sfnwatch.cli.command_tree import commands, path_of, settable
from sfnwatch.cli.narration import put, put_table
from sfnwatch.cli.settable_option import SettableOption
from sfnwatch.cli.setting_origin import place_of
from sfnwatch.cli.settings import apply_settings
from sfnwatch.config.config import Config, config_path
from sfnwatch.config.tables import CONFIG_VARIABLE
from sfnwatch.model.texts import clean, without_login

_AWS = {
    "profile": ("AWS_DEFAULT_PROFILE", "AWS_PROFILE"),
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "endpoint-url": ("AWS_ENDPOINT_URL",),
}
"""AWS's own variables, which hold where nothing else is said, in the order in which
they are looked at."""
_DEFAULT = "default"


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
