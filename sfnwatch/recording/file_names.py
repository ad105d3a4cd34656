"""How recordings are named."""

from datetime import UTC
from unicodedata import category

from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.recording.format import Header

_SAFE_CHARACTERS = "-_.+=@"
"""Characters that a file's name may have beside letters, marks and numbers."""
_NAME_BYTES = 180
"""Bytes for the execution's name. File systems allow 255 for the whole name, which also
has the time, a number and the suffix."""


def file_stem(header: Header) -> str:
    """Return a recording's name: `nightly-report.run-7f3a.20231115T002824Z`."""
    execution, *others = header.executions or ("",)
    more = f".and-{len(others)}-more" if others else ""
    created = f"{header.created.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    return f"{_file_name(execution)}{more}.{created}"


def _file_name(execution: str) -> str:
    parsed = maybe_execution_arn(execution)
    if parsed:
        execution = f"{parsed.state_machine_name}.{parsed.name}"
    # A leading dot would hide the file.
    return safe_name(execution, _NAME_BYTES).lstrip(".-") or "execution"


def safe_name(name: str, most: int) -> str:
    """Return a name with only characters that every file system allows.

    Letters, marks and numbers of any script are kept. The name is cut between
    characters, to at most `most` bytes of UTF-8.
    """
    safe = "".join(map(_safe_character, name))
    return safe.encode()[:most].decode(errors="ignore")


def _safe_character(character: str) -> str:
    is_word_character = category(character)[0] in "LMN"
    if is_word_character or character in _SAFE_CHARACTERS:
        return character
    return "-"
