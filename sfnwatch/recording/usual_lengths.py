"""The usual length of a state machine's executions, kept in the user's cache.

`sfnwatch trend` measures it; a later watch of an execution says it.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from sfnwatch.config.user_folders import NO_HOME
from sfnwatch.recording.recorder import atomic_write

_RECENT = timedelta(days=1)
"""A length that was measured longer ago is replaced in any case."""
_DIGITS = 16
"""Digits of the digest that a file is named by."""


class UsualLength(Struct, frozen=True):
    """How long a state machine's executions took when they were last measured."""

    state_machine_arn: str
    executions: int
    """The number of executions that were measured; all had succeeded."""
    p50_seconds: float
    p95_seconds: float
    measured_at: datetime


def save_usual_length(folder: Path, usual: UsualLength) -> None:
    """Keep a measured length, unless a recent one rests on more executions.

    One that can't be written is not kept.
    """
    if folder.is_relative_to(NO_HOME):
        return
    kept = load_usual_length(folder, usual.state_machine_arn)
    if kept is not None and _is_better(kept, usual):
        return
    text = msgspec.json.encode(usual).decode()
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with atomic_write(_path(folder, usual.state_machine_arn)) as out:
            out.write(text)


def _is_better(kept: UsualLength, usual: UsualLength) -> bool:
    is_recent = usual.measured_at - kept.measured_at < _RECENT
    return is_recent and kept.executions > usual.executions


def load_usual_length(folder: Path, state_machine_arn: str) -> UsualLength | None:
    """Return what was last measured of a state machine; None if nothing was."""
    try:
        data = _path(folder, state_machine_arn).read_bytes()
        usual = msgspec.json.decode(data, type=UsualLength)
    except (OSError, ValueError):
        return None
    if usual.state_machine_arn != state_machine_arn or usual.p50_seconds <= 0:
        return None
    return usual


def _path(folder: Path, state_machine_arn: str) -> Path:
    digest = sha256(state_machine_arn.encode("utf-8", "surrogatepass")).hexdigest()
    return folder / f"{digest[:_DIGITS]}.usual.json"
