"""Which keys an action is given: in config.toml, and in key maps beside it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sfnwatch.config_keys import key_name, suggested_keys
from sfnwatch.config_toml import read_table
from sfnwatch.config_words import near, quoted, shown
from sfnwatch.errors import UsageError

Keys = Mapping[str, tuple[str, ...]]
"""An action's id to its keys, by their long names; none at all unbinds it."""


def read_keymap(name: str, who: str, folder: Path) -> tuple[Keys, str]:
    """Read the key map of a name, and say where it lies; raises UsageError.

    It is a file of that name in `keymaps/` beside the configuration, and has in it what
    `[keys]` has there.
    """
    place = folder / "keymaps"
    known = {file.stem: file for file in sorted(place.glob("*.toml"))}
    if name not in known:
        msg = f"{who}: there is no key map {quoted(name)}"
        raise UsageError(msg, hint=near(name, known) or f"They lie in {shown(place)}.")
    where = shown(known[name])
    return read_keys(where, read_table(known[name]), ""), where


def read_keys(where: str, table: Mapping[str, Any], prefix: str = "keys.") -> Keys:
    """Read which actions have which keys; raises UsageError."""
    return {
        action: tuple(
            _key(where, f"{prefix}{quoted(action)}", key)
            for key in _listed(where, f"{prefix}{quoted(action)}", value)
        )
        for action, value in table.items()
    }


def _listed(where: str, name: str, value: Any) -> Iterable[str]:
    """Give the keys of `"space"`, `["space", "k"]`, `""` or `[]`."""
    keys = value if isinstance(value, list) else [value]
    if not all(isinstance(key, str) for key in keys):
        msg = f"{where}: {name} must be a key or a list of keys."
        raise UsageError(msg)
    return (key for key in keys if key)


def _key(where: str, name: str, key: str) -> str:
    known = key_name(key)
    if known is not None:
        return known
    meant = near(key.rpartition("+")[2], suggested_keys())
    msg = f"{where}: {name}: there is no key {quoted(key)}"
    raise UsageError(msg, hint=meant or 'Write "space", "ctrl+p" or "?".')
