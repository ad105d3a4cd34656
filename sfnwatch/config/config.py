"""What the user has set once and for all: config.toml, its themes and its key maps.

Cheap to import: neither textual nor click is needed to read a file. The settings of the
screen alone are read here; those of command-line options are handed on unread.
The screen knows which themes and actions there are, and checks these names.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from platformdirs import user_config_path

from sfnwatch.config.key_maps import SHIPPED_KEYMAPS, ConfigKeys, read_keys
from sfnwatch.config.mistakes import convert, near, path_words, quoted
from sfnwatch.config.tables import CONFIG_VARIABLE, read_table
from sfnwatch.config.user_folders import user_folder
from sfnwatch.config.user_themes import UserTheme, read_theme
from sfnwatch.errors import UsageError

OWN_KEYS = ("keys", "themes")
"""The keys of the file that are no options of the command line."""


class Config(Struct, frozen=True):
    """The settings of files; every field has a default."""

    keys: ConfigKeys = {}
    themes: Mapping[str, UserTheme] = {}
    source: Path | None = None
    options: Mapping[str, Any] = {}
    """The file's values for commands and their options, unread."""

    @property
    def where(self) -> str:
        """The file, as errors name it."""
        return path_words(self.source) if self.source else ""


def config_path() -> Path:
    """Return the file of this user's settings, which need not exist."""
    return user_folder(user_config_path) / "config.toml"


def load_config(
    path: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Config:
    """Read the settings of the user's file, or of the one that is named.

    A file that is named must exist. Raises UsageError.
    """
    if path is None and environ.get(CONFIG_VARIABLE):
        path = Path(environ[CONFIG_VARIABLE])
    file = path or config_path()
    source = None
    table: dict[str, Any] = {}
    if path is not None or file.exists():
        source = file
        table = read_table(file)
    where = path_words(file)
    keys = read_keys(where, table.pop("keys", {}), "keys.")
    themes = {}
    theme_tables = convert(where, "themes", table.pop("themes", {}), dict[str, Any])
    for name, colors in theme_tables.items():
        themes[name] = read_theme(where, name, colors, f"themes.{name}.")
    # A theme's own file replaces a theme of the same name in the configuration.
    theme_folder = file.parent / "themes"
    for theme_file in sorted(theme_folder.glob("*.toml")):
        name = theme_file.stem
        colors = read_table(theme_file)
        themes[name] = read_theme(path_words(theme_file), name, colors, "")
    return Config(keys, themes, source, table)


def with_keymap(config: Config, name: str, who: str) -> Config:
    """Add the keys of a key map; those of the configuration come before them.

    The key map is a file of `keymaps/` beside the configuration, or comes with the
    program, and has the keys of `[keys]`. `who` names it: an option, a file, a
    variable. Raises UsageError.
    """
    config_file = config.source or config_path()
    folder = config_file.parent / "keymaps"
    files: dict[str, Path] = {}
    for keymap in SHIPPED_KEYMAPS.glob("*.toml"):
        files[keymap.stem] = keymap
    # The user's own come after the shipped ones, and so replace them.
    for keymap in sorted(folder.glob("*.toml")):
        files[keymap.stem] = keymap
    if name not in files:
        msg = f"{who}: there is no key map {quoted(name)}"
        every = f"There is {', '.join(files)}. Your own lie in {path_words(folder)}."
        raise UsageError(msg, hint=near(name, files) or every)
    keymap = files[name]
    keys = read_keys(path_words(keymap), read_table(keymap), "")
    return replace(config, keys={**keys, **config.keys})
