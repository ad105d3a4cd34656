"""What the user has set once and for all: config.toml, themes, environment.

Cheap to import: neither textual nor the registry of actions is needed to read a file.
What only those two know, which themes and which actions there are, `check` is told.
Every mistake ends the program with the file, the key and the nearest name there is: a
setting that is silently not followed is worse than one that is refused.
"""

import os
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from msgspec import Struct, field
from platformdirs import user_config_path

from sfnwatch.config_keymaps import Keys, read_keymap, read_keys
from sfnwatch.config_keys import key_name
from sfnwatch.config_toml import NAME, read_table
from sfnwatch.config_words import (
    boolean,
    choice,
    mapping,
    near,
    only,
    quoted,
    shown,
    text,
    truth,
    variable,
)
from sfnwatch.errors import UsageError
from sfnwatch.trace.text import clean
from sfnwatch.trace.values import replace

COLORS = (
    "primary",
    "secondary",
    "accent",
    "foreground",
    "background",
    "surface",
    "panel",
    "warning",
    "error",
    "success",
)
SIMPLE = ("theme", "time", "ascii", "notify", "present", "keymap")
"""The screen's own keys: what commands say of them otherwise, only the screen heeds."""
_KEYS = (*SIMPLE, "keys", "themes")
_TIMES = ("utc", "local")
_NOTICES = ("off", "bell", "desktop")
_COLOR = re.compile(
    r"#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})|[a-z][a-z0-9_]*"
    r"|(?:rgb|hsl)a?\([0-9., %]+\)"
)


class ThemeSpec(Struct, frozen=True):
    """A theme of the user's: colours by their names, and where they were written."""

    name: str
    colors: Mapping[str, str]
    dark: bool = True
    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    where: str = ""
    """The file, for errors that only the screen can find."""


class Config(Struct, frozen=True):
    """All settings, decided; every field has a default."""

    theme: str | None = None
    """None: whatever suits the terminal."""
    time: Literal["utc", "local"] = "utc"
    ascii: bool = False
    notify: Literal["off", "bell", "desktop"] = "off"
    present: bool = False
    keymap: str | None = None
    """A key map in a file of its own, which `keys` go over."""
    keys: Keys = field(default_factory=lambda: MappingProxyType({}))
    keys_where: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The file in which an action's keys are written."""
    themes: Mapping[str, ThemeSpec] = field(
        default_factory=lambda: MappingProxyType({})
    )
    source: Path | None = None
    theme_source: str = "--theme"
    """Who asked for the theme: the file, or a variable of the environment."""
    written: frozenset[str] = frozenset()
    """The keys that the file has."""
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """What the file says of options of the command line, as it says it."""


class Bound(NamedTuple):
    """Where an action is heard, and the keys it has of itself."""

    context: str
    keys: tuple[str, ...]


UNBOUND = "<unbound>"
"""A key that no terminal has: a key map passes over an action without any."""


def keymap(config: Config) -> dict[str, str]:
    """Give the keys as the screen's key map has them."""
    return {action: ",".join(keys) or UNBOUND for action, keys in config.keys.items()}


def config_path() -> Path:
    """Give the file of this user's settings, which need not exist."""
    return user_config_path("sfnwatch") / "config.toml"


def load_config(
    path: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    options: Callable[[], Collection[str]] = tuple,
) -> Config:
    """Read the settings: environment over file over defaults.

    `options` gives the keys that stand for options of the command line, and for
    commands; it is asked where there is a file. A file that was named must exist.
    Raises UsageError.
    """
    named = path or (Path(environ[NAME]) if environ.get(NAME) else None)
    file = named or config_path()
    config = Config()
    if named is not None or file.exists():
        config = _read_config(file, options())
    config = replace(config, themes=_with_theme_files(config.themes, file.parent))
    return _with_keymap(_with_environment(config, environ), environ, file.parent)


# -- the file ----------------------------------------------------------------------


def _read_config(file: Path, options: Collection[str]) -> Config:
    where, table = shown(file), read_table(file)
    only(where, table, dict.fromkeys((*_KEYS, *options)))
    choices: dict[str, Any] = {
        name: choice(where, name, table[name], allowed)
        for name, allowed in (("time", _TIMES), ("notify", _NOTICES))
        if name in table
    }
    for name in ("ascii", "present"):
        if name in table:
            choices[name] = boolean(where, name, table[name])
    for name in ("theme", "keymap"):
        if name in table:
            choices[name] = text(where, name, table[name])
    keys = read_keys(where, mapping(where, "keys", table.get("keys", {})))
    themes = mapping(where, "themes", table.get("themes", {}))
    return Config(
        **choices,
        keys=MappingProxyType(keys),
        keys_where=MappingProxyType(dict.fromkeys(keys, where)),
        themes=MappingProxyType(
            {name: _theme(where, name, colors) for name, colors in themes.items()}
        ),
        source=file,
        theme_source=where,
        written=frozenset(table),
        options=MappingProxyType(
            {key: value for key, value in table.items() if key not in _KEYS}
        ),
    )


# -- themes ------------------------------------------------------------------------


def _with_theme_files(
    themes: Mapping[str, ThemeSpec], folder: Path
) -> Mapping[str, ThemeSpec]:
    """Add what lies in `themes/` beside the configuration, named after the file."""
    found = dict(themes)
    for file in sorted((folder / "themes").glob("*.toml")):
        if file.stem in found:
            msg = f"{shown(file)}: there is a theme {quoted(file.stem)} already"
            hint = f"It is in {found[file.stem].where}."
            raise UsageError(msg, hint=hint)
        found[file.stem] = _theme(shown(file), file.stem, read_table(file), prefix="")
    return MappingProxyType(found)


def _theme(where: str, name: str, value: Any, prefix: str | None = None) -> ThemeSpec:
    prefix = f"themes.{name}." if prefix is None else prefix
    table = mapping(where, prefix.rstrip("."), value)
    only(where, table, (*COLORS, "dark", "variables"), prefix)
    if "primary" not in table:
        msg = f"{where}: the theme {quoted(name)} has no {quoted('primary')} colour."
        raise UsageError(msg)
    variables = mapping(where, f"{prefix}variables", table.get("variables", {}))
    return ThemeSpec(
        name=name,
        colors=MappingProxyType(
            {
                color: _color(where, f"{prefix}{color}", table[color])
                for color in COLORS
                if color in table
            }
        ),
        dark=boolean(where, f"{prefix}dark", table.get("dark", True)),
        variables=MappingProxyType(
            {
                key: text(where, f"{prefix}variables.{key}", css)
                for key, css in variables.items()
            }
        ),
        where=where,
    )


def _color(where: str, key: str, value: Any) -> str:
    if isinstance(value, str) and _COLOR.fullmatch(value):
        return value
    msg = f"{where}: {quoted(key)}: {quoted(value)} is no colour"
    raise UsageError(msg, hint='Write "#88c0d0" or a name such as "teal".')


# -- the environment ---------------------------------------------------------------


def _with_environment(config: Config, environ: Mapping[str, str]) -> Config:
    """Let the environment overrule the file; an empty variable is none."""
    said: dict[str, Any] = {}
    for key, allowed in (
        ("time", _TIMES),
        ("notify", _NOTICES),
        ("theme", ()),
        ("keymap", ()),
    ):
        name = variable(key)
        if value := environ.get(name):
            said[key] = choice(name, "", value, allowed) if allowed else value
    for key in ("ascii", "present"):
        if value := environ.get(variable(key)):
            said[key] = truth(variable(key), value)
    if "theme" in said:
        said["theme_source"] = "SFNWATCH_THEME"
    return replace(config, **said)


def _with_keymap(config: Config, environ: Mapping[str, str], folder: Path) -> Config:
    """Put the keys of a file of its own below those of the configuration."""
    if config.keymap is None:
        return config
    name = variable("keymap")
    who = name if environ.get(name) or not config.source else shown(config.source)
    keys, where = read_keymap(config.keymap, who, folder)
    return replace(
        config,
        keys=MappingProxyType({**keys, **config.keys}),
        keys_where=MappingProxyType(
            {**dict.fromkeys(keys, where), **config.keys_where}
        ),
    )


# -- what only others know ---------------------------------------------------------


def check(
    config: Config, *, themes: Collection[str], actions: Mapping[str, Bound]
) -> None:
    """Raise UsageError for a theme, an action or a pair of keys that can't be."""
    known = {*themes, *config.themes}
    if config.theme is not None and config.theme not in known:
        msg = f"{config.theme_source}: there is no theme {quoted(config.theme)}"
        every = f"There are: {', '.join(clean(name, 40) for name in sorted(known))}."
        raise UsageError(msg, hint=near(config.theme, known) or every)
    for action in config.keys:
        if action not in actions:
            where = config.keys_where.get(action, "")
            msg = f"{where}: keys: there is no action {quoted(action)}"
            raise UsageError(msg, hint=near(action, actions) or "Press ? for all.")
    _check_clashes(config, actions)


def _check_clashes(config: Config, actions: Mapping[str, Bound]) -> None:
    """Refuse one key for two actions that are heard in the same place."""
    chosen = config.keys
    taken: dict[tuple[str, str], str] = {}
    for action, bound in actions.items():
        own = tuple(key_name(key) or key for key in bound.keys)
        for key in dict.fromkeys(chosen.get(action, own)):
            other = taken.setdefault((bound.context, key), action)
            if other == action or not {other, action} & chosen.keys():
                continue
            names = f"{quoted(other)} and {quoted(action)}"
            where = config.keys_where.get(action if action in chosen else other, "")
            msg = f"{where}: keys: {quoted(key)} is for both {names}"
            raise UsageError(msg, hint="Give one of them another key.")
