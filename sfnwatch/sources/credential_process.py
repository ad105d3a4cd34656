"""The run of a profile's `credential_process`.

Botocore's own run waits without end and repeats what the process wrote on stderr. Here
the process gets limited time, and what it writes on stderr is not repeated: it may
contain a key.
"""

import asyncio
import os
import signal
from contextlib import suppress
from functools import partial
from subprocess import DEVNULL, PIPE
from typing import Any

from aiobotocore.credentials import AioProcessProvider
from aiobotocore.session import AioSession
from botocore.credentials import CredentialProvider
from msgspec import Struct

from sfnwatch.errors import RefusedError
from sfnwatch.model.texts import clean

PROCESS_TIME = 20.0
"""Seconds a credential_process may take: a person may have to touch a security key."""
_KILL_TIME = 1.0
_PROCESS_BYTES = 1 << 20


class _Process(Struct):
    """A process that ended well, with the interface that botocore expects."""

    output: bytes
    returncode: int = 0

    async def communicate(self) -> tuple[bytes, bytes]:
        return self.output, b""


def process_provider(session: AioSession, profile: str) -> CredentialProvider:
    """Make botocore's provider use our own run of a credential_process."""
    popen: Any = partial(_run_for, profile)
    return AioProcessProvider(profile, lambda: session.full_config, popen=popen)


async def _run_for(profile: str, *command: str, **_: Any) -> _Process:
    """Run a profile's process; raises RefusedError that names both."""
    try:
        return _Process(await _run(command))
    except ValueError as error:
        reason = clean(str(error), 300)
        raise RefusedError(
            f"AWS credentials: credential_process of the profile {clean(profile, 100)}:"
            f" {reason}",
            hint="Correct it, or choose another --profile.",
        ) from error


async def _run(command: tuple[str, ...]) -> bytes:
    """Run a command and return its output; raises ValueError without its words."""
    try:
        # Detached from the terminal, because the terminal shows the screen.
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=DEVNULL,
            start_new_session=True,
        )
    except (OSError, TypeError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"it can't be run: {why}") from error
    pipe = process.stdout
    assert pipe is not None  # noqa: S101 - PIPE was passed
    try:
        async with asyncio.timeout(PROCESS_TIME):
            output = await _read(pipe)
            code = await process.wait()
    except TimeoutError as error:
        raise ValueError(f"it has not ended in {PROCESS_TIME:g} s") from error
    finally:
        if process.returncode is None or not pipe.at_eof():
            await _end(process)
    if code:
        msg = (
            f"it ended with exit code {code}; what it wrote is not shown, as there may"
            " be a key in it: run it yourself to see"
        )
        raise ValueError(msg)
    return output


async def _read(output: asyncio.StreamReader) -> bytes:
    """Read a process's output, up to a limit larger than any valid output."""
    try:
        return await output.readexactly(_PROCESS_BYTES)
    except asyncio.IncompleteReadError as error:
        return error.partial


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill a process and all that it started, and close its pipe.

    Windows has no process groups: there only the process itself is killed.
    """
    with suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    with suppress(TimeoutError):
        async with asyncio.timeout(_KILL_TIME):
            await process.communicate()
