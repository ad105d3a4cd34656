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
    RUNNING = 14
    """It was still running when it was no longer watched, or the time was over."""
    INTERRUPTED = 130


def to_install(extra: str) -> str:
    """Say how to install an extra where this program is.

    What is installed already is enough: no registry need have the program.
    """
    # For an error alone.
    from importlib.util import find_spec  # noqa: PLC0415
    from shlex import quote  # noqa: PLC0415

    python = quote(sys.executable)
    how = f"{python} -m pip install"
    if find_spec("pip") is None:
        how = f"uv pip install --python {python}"
    return f"{how} 'sfnwatch[{extra}]'"
