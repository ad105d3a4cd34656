"""A file of settings as a table; every trouble named with the file and the line."""

import re
from pathlib import Path
from typing import Any

from sfnwatch.config_words import shown
from sfnwatch.errors import UsageError
from sfnwatch.trace.text import clean

NAME = "SFNWATCH_CONFIG"
"""The environment variable that names another file."""
_LARGEST = 1 << 20
"""No configuration is larger; a device that never ends is."""


def read_table(file: Path) -> dict[str, Any]:
    import tomllib

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
