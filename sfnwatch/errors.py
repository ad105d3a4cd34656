"""The errors that a user may meet, with their exit codes.

SfnwatchError has exit code 1 and three subclasses. UsageError (2): the command can't be
carried out as it was typed. RefusedError (3): AWS refused. BadFileError (4): a file
can't be read; the message has its name and line.
"""

import sys


class SfnwatchError(Exception):
    """An expected failure: `message` says what happened, `hint` what to do about it."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        """What was tried, on which object, and what came back."""
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
    """AWS refused for good: no permission, no such execution, no credentials."""

    exit_code = 3


class BadFileError(SfnwatchError):
    """A file can't be read as the kind of file that it seems to be."""

    exit_code = 4


class Outcome:
    """Exit codes for the outcome of the watched execution."""

    SUCCEEDED = 0
    FAILED = 10
    TIMED_OUT = 11
    ABORTED = 12
    WITHOUT = 13
    """The execution ended without entering the state that was waited for."""
    RUNNING = 14
    """The execution still ran when watching ended, or when the time was over."""
    INTERRUPTED = 130


def to_install(extra: str) -> str:
    """Return the command that installs an extra next to this program.

    The installed program is extended, so no package registry needs to have it.
    """
    # Imported here, since only an error needs them.
    from importlib.util import find_spec  # noqa: PLC0415
    from shlex import quote  # noqa: PLC0415

    python = quote(sys.executable)
    how = f"{python} -m pip install"
    if find_spec("pip") is None:
        how = f"uv pip install --python {python}"
    return f"{how} 'sfnwatch[{extra}]'"
