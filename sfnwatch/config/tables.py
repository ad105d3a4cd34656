"""A TOML file as a table."""

import re
from pathlib import Path
from typing import Any

import msgspec

from sfnwatch.config.mistakes import path_words
from sfnwatch.errors import UsageError
from sfnwatch.model.texts import clean

CONFIG_VARIABLE = "SFNWATCH_CONFIG"
"""The environment variable that names another file."""
_HINT = f"{CONFIG_VARIABLE} names another file."
_AT_LINE = re.compile(r"(?s)(.*) \(at line (\d+), column \d+\)")
_MOST_OF_REASON = 200
"""Characters of the parser's message."""


def read_table(file: Path) -> dict[str, Any]:
    """Read a TOML file; raises UsageError with the line that is wrong."""
    where = path_words(file)
    if file.exists() and not file.is_file():
        # Reading a pipe that nobody writes to would never end.
        raise UsageError(f"{where}: not a file.", hint=_HINT)
    try:
        data = file.read_bytes()
    except OSError as error:
        msg = f"Can't read {where}: {error.strerror or error}."
        raise UsageError(msg, hint=_HINT) from error
    try:
        table: dict[str, Any] = msgspec.toml.decode(data.decode())
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{where}:{line}: not UTF-8.") from error
    except RecursionError as error:
        raise UsageError(f"{where}: nested too deeply.") from error
    except ValueError as error:
        reason = str(error)
        at_line = _AT_LINE.fullmatch(reason)
        if at_line:
            # Editors look for the line behind the name: `config.toml:3: …`.
            reason = at_line[1]
            where = f"{where}:{at_line[2]}"
        raise UsageError(f"{where}: {clean(reason, _MOST_OF_REASON)}.") from error
    return table
