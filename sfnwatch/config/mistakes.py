"""What is wrong with a setting, in words.

Every mistake ends the program with the file, the key and the nearest name there is: a
setting that is silently not followed is worse than one that is refused.
"""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from sfnwatch.errors import UsageError
from sfnwatch.model.texts import clean

_MOST_OF_VALUE = 60
"""Characters of a value in a message."""
_MOST_OF_PATH = 200
"""Characters of a path in a message."""


def check_keys(
    where: str, table: Mapping[str, Any], known: Collection[str], prefix: str = ""
) -> None:
    """Raise UsageError for an unknown key, with the nearest known one."""
    for key in table:
        if key not in known:
            msg = f"{where}: unknown key {quoted(prefix + key)}"
            every = f"There are: {', '.join(known)}."
            raise UsageError(msg, hint=near(key, known) or every)


def convert(where: str, key: str, value: Any, shape: Any) -> Any:
    """Return a value as a type that msgspec knows; raises UsageError with its key."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        complaint, _, path = str(error).partition(" - at ")
        inner_key = path.strip("`").removeprefix("$")
        whole_key = f"{key}{inner_key}".lstrip(".")
        msg = f"{where}: {quoted(whole_key)}: {clean(complaint)}."
        raise UsageError(msg) from error


def near(value: Any, known: Iterable[str]) -> str:
    """Return a question with the nearest known name, or ""."""
    close = get_close_matches(str(value)[:_MOST_OF_VALUE], list(known), n=1)
    if not close:
        return ""
    return f"Did you mean {quoted(close[0])}?"


def quoted(value: Any) -> str:
    return f"`{clean(str(value), _MOST_OF_VALUE)}`"


def path_words(path: Path) -> str:
    """Return a path as messages show it."""
    return clean(str(path), _MOST_OF_PATH)
