"""What the user has set once and for all: config.toml, themes, environment.

Cheap to import: neither textual nor the registry of actions is needed to read a file.
What only those two know, which themes and which actions there are, `check` is told.
Every mistake ends the program with the file, the key and the nearest name there is: a
setting that is silently not followed is worse than one that is refused.
"""

import os
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from platformdirs import user_config_path

from sfnwatch.config_keys import key_name, suggested_keys
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

NAME = "SFNWATCH_CONFIG"
"""The environment variable that names another file."""
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
SIMPLE = ("theme", "time", "ascii", "notify", "present")
"""The screen's own keys: what commands say of them otherwise, only the screen heeds."""
_KEYS = (*SIMPLE, "keys", "themes")
_TIMES = ("utc", "local")
_NOTICES = ("off", "bell", "desktop")
_COLOR = re.compile(
    r"#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})|[a-z][a-z0-9_]*"
    r"|(?:rgb|hsl)a?\([0-9., %]+\)"
)
_LARGEST = 1 << 20
"""No configuration is larger; a device that never ends is."""


@dataclass(frozen=True, slots=True)
class ThemeSpec:
    """A theme of the user's: colours by their names, and where they were written."""

    name: str
    colors: Mapping[str, str]
    dark: bool = True
    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    where: str = ""
    """The file, for errors that only the screen can find."""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings, decided; every field has a default."""

    theme: str | None = None
    """None: whatever suits the terminal."""
    time: Literal["utc", "local"] = "utc"
    ascii: bool = False
    notify: Literal["off", "bell", "desktop"] = "off"
    present: bool = False
    keys: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """An action's id to its keys, by their long names; none at all unbinds it."""
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
    options: Collection[str] = (),
) -> Config:
    """Read the settings: environment over file over defaults.

    `options` are the keys that stand for options of the command line, and for commands.
    A file that was named must exist. Raises UsageError.
    """
    named = path or (Path(environ[NAME]) if environ.get(NAME) else None)
    file = named or config_path()
    config = Config()
    if named is not None or file.exists():
        config = _read_config(file, options)
    config = replace(config, themes=_with_theme_files(config.themes, file.parent))
    return _with_environment(config, environ)


# -- the file ----------------------------------------------------------------------


def _read_config(file: Path, options: Collection[str]) -> Config:
    where, table = shown(file), _table(file)
    only(where, table, dict.fromkeys((*_KEYS, *options)))
    choices: dict[str, Any] = {
        name: choice(where, name, table[name], allowed)
        for name, allowed in (("time", _TIMES), ("notify", _NOTICES))
        if name in table
    }
    for name in ("ascii", "present"):
        if name in table:
            choices[name] = boolean(where, name, table[name])
    if "theme" in table:
        choices["theme"] = text(where, "theme", table["theme"])
    themes = mapping(where, "themes", table.get("themes", {}))
    return Config(
        **choices,
        keys=_keys(where, mapping(where, "keys", table.get("keys", {}))),
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


def _table(file: Path) -> dict[str, Any]:
    where = shown(file)
    try:
        with file.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        msg = f"Can't read {where}: {error.strerror or error}."
        raise UsageError(msg, hint=f"{NAME} names another file.") from error
    if len(data) > _LARGEST:
        msg = f"{where}: too large to be a configuration."
        raise UsageError(msg)
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        msg = f"{where}:{line}: not UTF-8."
        raise UsageError(msg) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(_no_toml(where, error)) from error


def _no_toml(where: str, error: Exception) -> str:
    """Put the line where editors look for it: `config.toml:3: …`."""
    said = re.fullmatch(r"(?s)(.*) \(at line (\d+), column \d+\)", str(error))
    if said is None:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        return f"{where}: {clean(why, 200)}."
    return f"{where}:{said[2]}: {clean(said[1], 200)}."


def _keys(where: str, table: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType(
        {
            action: tuple(_key(where, action, key) for key in _listed(where, action, v))
            for action, v in table.items()
        }
    )


def _listed(where: str, action: str, value: Any) -> Iterable[str]:
    """Give the keys of `"space"`, `["space", "k"]`, `""` or `[]`."""
    keys = value if isinstance(value, list) else [value]
    if not all(isinstance(key, str) for key in keys):
        msg = f"{where}: keys.{quoted(action)} must be a key or a list of keys."
        raise UsageError(msg)
    return (key for key in keys if key)


def _key(where: str, action: str, key: str) -> str:
    name = key_name(key)
    if name is not None:
        return name
    meant = near(key.rpartition("+")[2], suggested_keys())
    msg = f"{where}: keys.{quoted(action)}: there is no key {quoted(key)}"
    raise UsageError(msg, hint=meant or 'Write "space", "ctrl+p" or "?".')


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
        found[file.stem] = _theme(shown(file), file.stem, _table(file), prefix="")
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
    where = shown(config.source) if config.source else ""
    for action in config.keys:
        if action not in actions:
            msg = f"{where}: keys: there is no action {quoted(action)}"
            raise UsageError(msg, hint=near(action, actions) or "Press ? for all.")
    _check_clashes(where, config.keys, actions)


def _check_clashes(
    where: str,
    chosen: Mapping[str, tuple[str, ...]],
    actions: Mapping[str, Bound],
) -> None:
    """Refuse one key for two actions that are heard in the same place."""
    taken: dict[tuple[str, str], str] = {}
    for action, bound in actions.items():
        own = tuple(key_name(key) or key for key in bound.keys)
        for key in dict.fromkeys(chosen.get(action, own)):
            other = taken.setdefault((bound.context, key), action)
            if other == action or not {other, action} & chosen.keys():
                continue
            names = f"{quoted(other)} and {quoted(action)}"
            msg = f"{where}: keys: {quoted(key)} is for both {names}"
            raise UsageError(msg, hint="Give one of them another key.")
