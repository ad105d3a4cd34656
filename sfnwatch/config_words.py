"""What is wrong with a setting, in words: where, what, and what was probably meant."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from sfnwatch.errors import UsageError
from sfnwatch.trace.text import clean

PREFIX = "SFNWATCH_"
"""What variables of the environment begin with that set something."""
_SHOWN = 60
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def only(
    where: str, table: Mapping[str, Any], known: Collection[str], prefix: str = ""
) -> None:
    for key in table:
        if key not in known:
            msg = f"{where}: unknown key {quoted(prefix + key)}"
            every = f"There are: {', '.join(known)}."
            raise UsageError(msg, hint=near(key, known) or every)


def choice(where: str, key: str, value: Any, allowed: Collection[str]) -> str:
    if value in allowed and isinstance(value, str):
        return value
    name = f"{quoted(key)}: " if key else ""
    msg = f"{where}: {name}{quoted(value)} is none of {', '.join(allowed)}"
    raise UsageError(msg, hint=near(value, allowed))


def boolean(where: str, key: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    msg = f"{where}: {quoted(key)} must be true or false, without quotes."
    raise UsageError(msg)


def variable(key: str) -> str:
    """Name the variable of the environment that stands for a key."""
    return f"{PREFIX}{key.upper().replace('-', '_')}"


def truth(where: str, value: str) -> bool:
    """Read yes or no from the environment."""
    return choice(where, "", value.lower(), (*_TRUE, *_FALSE)) in _TRUE


def text(where: str, key: str, value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    msg = f"{where}: {quoted(key)} must be a text in quotes."
    raise UsageError(msg)


def mapping(where: str, key: str, value: Any) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    msg = f"{where}: {quoted(key)} must be a table: [{clean(key, _SHOWN)}]."
    raise UsageError(msg)


def near(value: Any, known: Iterable[str]) -> str:
    """Name what was probably meant, or say nothing."""
    close = get_close_matches(str(value)[:_SHOWN], list(known), n=1)
    return f"Did you mean {quoted(close[0])}?" if close else ""


def quoted(value: Any) -> str:
    return f"`{clean(str(value), _SHOWN)}`"


def shown(path: Path) -> str:
    return clean(str(path), 200)
