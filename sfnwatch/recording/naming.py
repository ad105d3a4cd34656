"""Where recordings lie, and what they are called."""

import os
import unicodedata
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from platformdirs import user_state_path

from sfnwatch.trace.arns import maybe_execution_arn

SUFFIX = ".sfnwatch.jsonl"
_MAX_BYTES = 180
"""Of 255 that file systems allow, less the time, a number and the suffix."""


def recordings_dir() -> Path:
    """Give the folder of this user's recordings, which need not exist yet."""
    return user_state_path("sfnwatch") / "recordings"


def default_path(
    directory: Path, execution: str, created: datetime, *, more: int = 0
) -> Path:
    """Give a path that is not taken: `nightly-report.run-7f3a.20231115T002824Z…`.

    `execution` is an ARN or any name, `more` how many are recorded with it. Another
    watcher may take the path before it is created: only creating it exclusively tells.
    """
    others = f".and-{more}-more" if more else ""
    stem = f"{_name(execution)}{others}.{created.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    for number in count(1):
        tail = f"-{number}" if number > 1 else ""
        path = directory / f"{stem}{tail}{SUFFIX}"
        if not os.path.lexists(path):
            return path
    raise AssertionError  # pragma: no cover - count() has no end


def _name(execution: str) -> str:
    parsed = maybe_execution_arn(execution)
    if parsed:
        execution = f"{parsed.state_machine_name}.{parsed.name}"
    safe = "".join(c if _is_safe(c) else "-" for c in execution)
    # Cut between characters, and begin with none that hides the file.
    kept = safe.encode()[:_MAX_BYTES].decode(errors="ignore").lstrip(".-")
    return kept or "execution"


def _is_safe(character: str) -> bool:
    """Letters, marks and numbers of any script, and what no file system minds."""
    return character in "-_.+=@" or unicodedata.category(character)[0] in "LMN"
