"""What the user has set once and for all: config.toml, its themes and its key maps.

Cheap to import: neither textual nor click is needed to read a file. Here is what the
screen alone takes; what the file says of options of the command line is handed on as it
is. Which themes and actions there are, the screen knows, and holds it against that.
Every mistake ends the program with the file, the key and the nearest name there is: a
setting that is silently not followed is worse than one that is refused.
"""

import os
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from platformdirs import user_config_path

from sfnwatch.errors import UsageError
from sfnwatch.model.texts import clean

FILE = "SFNWATCH_CONFIG"
"""The environment variable that names another file."""
SHIPPED_KEYMAPS = Path(__file__).parent / "templates" / "keymaps"
"""Where the key maps are that come with the program."""
OWN_KEYS = ("keys", "themes")
"""The keys of the file that are no options of the command line."""
_SHOWN = 60
_AT = re.compile(r"(?s)(.*) \(at line (\d+), column \d+\)")
_COLORS = (
    *("primary", "secondary", "accent", "foreground", "background", "surface"),
    *("panel", "warning", "error", "success"),
)
"""The colors of a theme, of which it needs the first."""


class ChosenKeys(NamedTuple):
    """The keys that a file gives to an action; none at all unbinds it."""

    keys: tuple[str, ...]
    """By their long names."""
    where: str
    """The file."""


ConfigKeys = Mapping[str, ChosenKeys]
"""By the action's id."""


class UserTheme(Struct, frozen=True):
    """A theme as it is written: colors by their names, and where that is."""

    name: str
    colors: Mapping[str, str]
    dark: bool = True
    variables: Mapping[str, str] = {}
    where: str = ""
    """The user's file, for errors that only the screen can find."""


class Config(Struct, frozen=True):
    """The settings of files; every field has a default."""

    keys: ConfigKeys = {}
    themes: Mapping[str, UserTheme] = {}
    source: Path | None = None
    options: Mapping[str, Any] = {}
    """What the file says of commands and their options, as it says it."""

    @property
    def where(self) -> str:
        """The file, as it is named in errors."""
        return shown(self.source) if self.source else ""


NOWHERE = Path(os.devnull) / "no-home"
"""Where the folders of a user are who has no home: nothing is in it, nor can be."""


def user_folder(folder: Callable[[str], Path]) -> Path:
    """Give one of the user's folders, by the function of platformdirs that knows it."""
    try:
        found = folder("sfnwatch")
    except RuntimeError:
        return NOWHERE
    # Before 4.4 platformdirs gives a folder that is called `~` where there is no home.
    return found if found.is_absolute() else NOWHERE


def config_path() -> Path:
    """Give the file of this user's settings, which need not exist."""
    return user_folder(user_config_path) / "config.toml"


def load_config(
    path: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Config:
    """Read the settings of the user's file, or of the one that is named.

    What of it is for the command line is handed on as it is. A file that was named must
    exist. Raises UsageError.
    """
    named = path or (Path(environ[FILE]) if environ.get(FILE) else None)
    file = named or config_path()
    is_read = named is not None or file.exists()
    where = shown(file)
    table = _read_table(file) if is_read else {}
    keys = _read_keys(where, table.pop("keys", {}), "keys.")
    listed = convert(where, "themes", table.pop("themes", {}), dict[str, Any])
    themes = {
        name: _read_theme(where, name, colors, f"themes.{name}.")
        for name, colors in listed.items()
    }
    # And what lies in `themes/` beside it, named after the file, before those.
    for other in sorted((file.parent / "themes").glob("*.toml")):
        colors = _read_table(other)
        themes[other.stem] = _read_theme(shown(other), other.stem, colors, "")
    return Config(keys, themes, file if is_read else None, table)


def _read_table(file: Path) -> dict[str, Any]:
    where = shown(file)
    if file.exists() and not file.is_file():
        # A pipe that nobody writes to is waited for without end.
        raise UsageError(f"{where}: not a file.", hint=f"{FILE} names another file.")
    try:
        data = file.read_bytes()
    except OSError as error:
        msg = f"Can't read {where}: {error.strerror or error}."
        raise UsageError(msg, hint=f"{FILE} names another file.") from error
    try:
        table: dict[str, Any] = msgspec.toml.decode(data.decode())
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{where}:{line}: not UTF-8.") from error
    except RecursionError as error:
        raise UsageError(f"{where}: nested too deeply.") from error
    except ValueError as error:
        # Editors look for the line behind the name: `config.toml:3: …`.
        at = _AT.fullmatch(str(error))
        place, why = (f"{where}:{at[2]}", at[1]) if at else (where, str(error))
        raise UsageError(f"{place}: {clean(why, 200)}.") from error
    return table


# -- themes ------------------------------------------------------------------------


def _read_theme(where: str, name: str, value: Any, prefix: str) -> UserTheme:
    """Read a theme; whether its colors are some, the screen finds out."""
    table = convert(where, prefix.rstrip("."), value, dict[str, Any])
    shapes = {**dict.fromkeys(_COLORS, str), "dark": bool, "variables": dict[str, str]}
    check_keys(where, table, shapes, prefix)
    if "primary" not in table:
        msg = f"{where}: the theme {quoted(name)} has no {quoted('primary')} color."
        raise UsageError(msg)
    colors = {k: convert(where, prefix + k, v, shapes[k]) for k, v in table.items()}
    dark = colors.pop("dark", True)
    variables = colors.pop("variables", {})
    return UserTheme(name, colors, dark, variables, where)


# -- keys --------------------------------------------------------------------------


def with_keymap(config: Config, name: str, who: str) -> Config:
    """Put the keys of a file of its own below those of the configuration.

    It lies in `keymaps/` beside the configuration, or is one that comes with the
    program, and has in it what `[keys]` has there. `who` asks for it: an option, a
    file, a variable. Raises UsageError.
    """
    place = (config.source or config_path()).parent / "keymaps"
    files = (*SHIPPED_KEYMAPS.glob("*.toml"), *sorted(place.glob("*.toml")))
    known = {file.stem: file for file in files}
    if name not in known:
        msg = f"{who}: there is no key map {quoted(name)}"
        every = f"There is {', '.join(known)}. Your own lie in {shown(place)}."
        raise UsageError(msg, hint=near(name, known) or every)
    keys = _read_keys(shown(known[name]), _read_table(known[name]), "")
    return replace(config, keys={**keys, **config.keys})


def _read_keys(where: str, value: Any, prefix: str) -> ConfigKeys:
    """Read which actions have which keys: `"space"`, `["space", "k"]`, `""`, `[]`."""
    found = {}
    table = convert(where, prefix.rstrip("."), value, dict[str, Any])
    for action, given in table.items():
        name = f"{prefix}{action}"
        keys = convert(where, name, given, str | list[str])
        listed = [keys] if isinstance(keys, str) else keys
        chosen = tuple(_read_key(where, name, key) for key in listed if key)
        found[action] = ChosenKeys(chosen, where)
    return found


def _read_key(where: str, name: str, key: str) -> str:
    if known := key_name(key):
        return known
    meant = near(key.rpartition("+")[2], sorted(_NAMED))
    msg = f"{where}: {quoted(name)}: there is no key {quoted(key)}"
    raise UsageError(msg, hint=meant or 'Write "space", "ctrl+p" or "?".')


_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "meta", "hyper"})
_NAMED = frozenset(
    {
        *("enter", "escape", "tab", "space", "backspace", "insert", "delete"),
        *("up", "down", "left", "right", "home", "end", "pageup", "pagedown"),
        *(f"f{number}" for number in range(1, 25)),
    }
)
_ALIASES = {"pgup": "pageup", "pgdn": "pagedown"}
_SHORT = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
"""Characters whose key has a shorter name than Unicode's."""


def key_name(text: str) -> str | None:
    """Give the screen's long name of a key (`?`, `ctrl+p`); None if there is none."""
    text = text if text == " " else text.strip()
    before, _, key = text.rpartition("+")
    if text == "+" or text.endswith("++"):
        before = text[:-2]
        key = "+"
    modifiers = before.lower().split("+") if before else []
    held = set(modifiers)
    if len(held) < len(modifiers) or not held <= _MODIFIERS:
        return None
    if len(key) == 1 and key.isalpha():
        held, key = _with_case(held, key)
    if len(key) == 1:
        name = _character_name(key)
    else:
        name = _ALIASES.get(key.lower(), key.lower())
        name = name if name in _NAMED else None
    return "+".join([*sorted(held), name]) if name else None


def _with_case(held: set[str], letter: str) -> tuple[set[str], str]:
    """Write a capital as it will be reported: `G`, `ctrl+g`, `alt+shift+g`."""
    if held == {"shift"}:
        return set(), letter.upper()
    if letter.isupper() and held:
        shift = {"shift"} if "alt" in held else set()
        return held | shift, letter.lower()
    return held, letter


def _character_name(character: str) -> str | None:
    if character == " ":
        return "space"
    if not character.isprintable():
        return None
    if character.isalnum():
        return character
    name = unicodedata.name(character, "").lower().replace("-", "_").replace(" ", "_")
    return _SHORT.get(name, name) or None


# -- what is wrong, in words -------------------------------------------------------


def check_keys(
    where: str, table: Mapping[str, Any], known: Collection[str], prefix: str = ""
) -> None:
    """Raise UsageError for a key that there is not, with the nearest one."""
    for key in table:
        if key not in known:
            msg = f"{where}: unknown key {quoted(prefix + key)}"
            every = f"There are: {', '.join(known)}."
            raise UsageError(msg, hint=near(key, known) or every)


def convert(where: str, key: str, value: Any, shape: Any) -> Any:
    """Give a value of a type that msgspec knows; raises UsageError with its key."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        whole = f"{key}{path.strip('`').removeprefix('$')}".lstrip(".")
        raise UsageError(f"{where}: {quoted(whole)}: {clean(what)}.") from error


def near(value: Any, known: Iterable[str]) -> str:
    """Name what was probably meant, or say nothing."""
    close = get_close_matches(str(value)[:_SHOWN], list(known), n=1)
    return f"Did you mean {quoted(close[0])}?" if close else ""


def quoted(value: Any) -> str:
    return f"`{clean(str(value), _SHOWN)}`"


def shown(path: Path) -> str:
    return clean(str(path), 200)
