"""Which actions have which keys: `[keys]` and the files of `keymaps/`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sfnwatch.config.key_names import NAMED_KEYS, key_name
from sfnwatch.config.mistakes import convert, near, quoted
from sfnwatch.errors import UsageError

SHIPPED_KEYMAPS = Path(__file__).parent.parent / "templates" / "keymaps"
"""The folder of the key maps that come with the program."""


class ChosenKeys(NamedTuple):
    """The keys that a file gives to an action; none at all unbinds it."""

    keys: tuple[str, ...]
    """By their long names."""
    where: str
    """The file."""


ConfigKeys = Mapping[str, ChosenKeys]
"""By the action's id."""


def read_keys(where: str, value: Any, prefix: str) -> ConfigKeys:
    """Read the keys of actions: `"space"`, `["space", "k"]`, `""`, `[]`."""
    chosen = {}
    table = convert(where, prefix.rstrip("."), value, dict[str, Any])
    for action, item in table.items():
        name = f"{prefix}{action}"
        keys = convert(where, name, item, str | list[str])
        if isinstance(keys, str):
            keys = [keys]
        long_names = tuple(_read_key(where, name, key) for key in keys if key)
        chosen[action] = ChosenKeys(long_names, where)
    return chosen


def _read_key(where: str, name: str, key: str) -> str:
    long_name = key_name(key)
    if long_name is None:
        nearest = near(key.rpartition("+")[2], sorted(NAMED_KEYS))
        msg = f"{where}: {quoted(name)}: there is no key {quoted(key)}"
        raise UsageError(msg, hint=nearest or 'Write "space", "ctrl+p" or "?".')
    return long_name
