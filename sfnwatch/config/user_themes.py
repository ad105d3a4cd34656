"""A theme of the user's own."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sfnwatch.config.mistakes import check_keys, convert, quoted
from sfnwatch.errors import UsageError

_COLORS = (
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
"""The colors of a theme; the first is required."""
_SHAPES = {**dict.fromkeys(_COLORS, str), "dark": bool, "variables": dict[str, str]}
"""The type of each key's value."""


class UserTheme(Struct, frozen=True):
    """A theme as it is written, and its file."""

    name: str
    colors: Mapping[str, str]
    """By their names."""
    dark: bool = True
    variables: Mapping[str, str] = {}
    where: str = ""
    """The user's file, for errors that only the screen can find."""


def read_theme(where: str, name: str, value: Any, prefix: str) -> UserTheme:
    """Read a theme; the screen checks whether its colors exist."""
    table = convert(where, prefix.rstrip("."), value, dict[str, Any])
    check_keys(where, table, _SHAPES, prefix)
    if "primary" not in table:
        msg = f"{where}: the theme {quoted(name)} has no {quoted('primary')} color."
        raise UsageError(msg)
    values = {}
    for key, item in table.items():
        values[key] = convert(where, prefix + key, item, _SHAPES[key])
    dark = values.pop("dark", True)
    variables = values.pop("variables", {})
    return UserTheme(name, values, dark, variables, where)
