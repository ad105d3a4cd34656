"""Every setting with its value, and who set it."""

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

import click

from sfnwatch.config import SIMPLE, Config
from sfnwatch.config_options import (
    SETTINGS,
    Path,
    Setting,
    commands,
    key_of,
    known,
    options,
)
from sfnwatch.config_toml import NAME
from sfnwatch.config_words import shown, variable
from sfnwatch.errors import UsageError
from sfnwatch.trace.text import clean

_DEFAULT = "default"
_OTHERS = frozenset({NAME, "SFNWATCH_FIXTURES", "SFNWATCH_VIEWERS"})
"""Variables that are none of a setting: the file's, and those of the tests."""
_AWS = {
    "profile": ("AWS_DEFAULT_PROFILE", "AWS_PROFILE"),
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "endpoint-url": ("AWS_ENDPOINT_URL",),
}
"""AWS's own variables, which hold where nothing else is said, in the order in which
they are looked at."""


class Row(NamedTuple):
    """One setting."""

    key: str
    value: Any
    where: str
    """`default`, the file, a variable of the environment, or `option`."""


def _screen_rows(settled: Config) -> Iterator[Row]:
    """Give what the screen takes from the configuration itself."""
    where = shown(settled.source) if settled.source else _DEFAULT
    for key in SIMPLE:
        told = variable(key) if os.environ.get(variable(key)) else ""
        written = where if key in settled.written else _DEFAULT
        yield Row(key, getattr(settled, key), told or written)
    key_files = ", ".join(dict.fromkeys(settled.keys_where.values())) or _DEFAULT
    yield Row("keys", list(settled.keys), key_files)
    theme_files = list(dict.fromkeys(spec.where for spec in settled.themes.values()))
    from_files = ", ".join(theme_files) or _DEFAULT
    yield Row("themes", list(settled.themes), from_files)


def all_rows(root: click.Context, group: click.Group, settled: Config) -> Iterator[Row]:
    """Give each key once; by command where commands differ in it."""
    yield from _screen_rows(settled)
    found: dict[str, dict[Path, Setting]] = {}
    for path, command in commands(group):
        for key, option in options(command).items():
            found.setdefault(key, {})[path] = _setting(root, path, command, option)
    for key, by_command in sorted(found.items()):
        each = list(by_command.values())
        if all(setting == each[0] for setting in each):
            yield Row(key, each[0].value, each[0].where)
        else:
            for path, setting in by_command.items():
                yield Row(".".join((*path, key)), setting.value, setting.where)


def _setting(
    root: click.Context, path: Path, command: click.Command, option: click.Option
) -> Setting:
    told: Mapping[Path, Mapping[str, Setting]] = root.meta[SETTINGS]
    key = key_of(option)
    usual = Setting(_default(option), _DEFAULT)
    return told[path].get(key) or _of_aws(key, command) or usual


def _of_aws(key: str, command: click.Command) -> Setting | None:
    """Give what AWS's own variables say, for a command that asks AWS."""
    asks = "profile" in options(command)
    said = (name for name in _AWS.get(key, ()) if asks and os.environ.get(name))
    name = next(said, None)
    return Setting(os.environ[name], name) if name else None


def _default(option: click.Option) -> Any:
    """Give what is built in; click marks what is not given in ways of its own."""
    value = option.default
    if option.is_flag:
        return value is True
    plain = isinstance(value, str | int | float) and not callable(value)
    return value if plain else None


def rows_of(
    root: click.Context, group: click.Group, settled: Config, words: tuple[str, ...]
) -> Iterator[Row]:
    """Give what a command line comes to, without running it."""
    name, command, rest = group.resolve_command(root, list(words))
    if command is None or name is None or not options(command):
        raise UsageError(f"{clean(words[0], 100)!r} has no settings.")
    made = command.make_context(name, rest, parent=root, resilient_parsing=True)
    screen = {row.key: row for row in _screen_rows(settled)}
    for param in command.params:
        key, source = key_of(param), made.get_parameter_source(param.name or "")
        if not isinstance(param, click.Option):
            continue
        if source is click.core.ParameterSource.COMMANDLINE:
            yield Row(key, made.params.get(param.name or ""), "option")
        elif key in screen:
            yield screen[key]
        elif key in options(command):
            setting = _setting(root, (name,), command, param)
            yield Row(key, setting.value, setting.where)


def strangers(group: click.Group) -> Iterator[str]:
    """Tell of variables that look like settings, and are none."""
    names = [variable(key) for key in (*SIMPLE, *known(group))]
    for name in sorted(os.environ):
        if name.startswith("SFNWATCH_") and name not in {*names, *_OTHERS}:
            close = get_close_matches(name, names, 1)
            meant = f" Did you mean {close[0]}?" if close else ""
            yield f"{name} is no setting.{meant}"
