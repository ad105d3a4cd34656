"""Every error a user may meet, and the exit code each one ends with.

SfnwatchError, exit code 1, has three leaves: UsageError (2), what was typed can't
be done; RefusedError (3), AWS said no; BadFileError (4), a file can't be read,
with its name and line.
"""

import sys


class SfnwatchError(Exception):
    """An expected failure: `message` says what happened, `hint` what to do."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        """What was tried, on what, and what came back."""
        self.hint = hint
        """What the user can do about it; may be empty."""

    def __str__(self) -> str:
        if not self.hint:
            return self.message
        stop = "" if self.message.endswith((".", "!", "?")) else "."
        return f"{self.message}{stop} {self.hint}"


class UsageError(SfnwatchError):
    """The command line or a setting asks for something that can't be done."""

    exit_code = 2


class RefusedError(SfnwatchError):
    """AWS refused, for good: no permission, no such execution, no credentials."""

    exit_code = 3


class BadFileError(SfnwatchError):
    """A file that can't be read as what it seems to be."""

    exit_code = 4


class Outcome:
    """Exit codes that follow the outcome of what was watched."""

    SUCCEEDED = 0
    FAILED = 10
    TIMED_OUT = 11
    ABORTED = 12
    WITHOUT = 13
    """It ended, and never entered the state that was waited for."""
    LATE = 14
    """It was not over when the time for it was."""
    INTERRUPTED = 130


_TOOLS = {
    "pipx_metadata.json": "pipx install --force",
    "uv-receipt.toml": "uv tool install",
}
"""What lies in the environment that each of them makes for a program."""


def to_install(extra: str) -> str:
    """Say how to install an extra, where, by what and from where this program is."""
    # For an error alone.
    from importlib.util import find_spec  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415
    from shlex import quote  # noqa: PLC0415

    place = Path(sys.prefix)
    usual = f"{quote(sys.executable)} -m pip install"
    if find_spec("pip") is None:
        usual = f"uv pip install --python {quote(sys.executable)}"
    made = (how for file, how in _TOOLS.items() if (place / file).exists())
    return f"{next(made, usual)} {quote(_requirement(extra))}"


def _requirement(extra: str) -> str:
    """Name what is to be installed: no registry need have it."""
    import json  # noqa: PLC0415
    from importlib.metadata import PackageNotFoundError, distribution  # noqa: PLC0415

    name = f"sfnwatch[{extra}]"
    try:
        # Written by whoever installed it, unless it came from a registry.
        told = distribution("sfnwatch").read_text("direct_url.json")
        source = json.loads(told or "{}")
        url = source.get("url", "")
        vcs = source.get("vcs_info", {}).get("vcs")
    except (PackageNotFoundError, ValueError, AttributeError):
        return name
    return f"{name} @ {f'{vcs}+' if vcs else ''}{url}" if url else name
