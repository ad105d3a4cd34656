"""The program, run in this process: what it prints, and which code it ends with."""

import asyncio
import io
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from sfnwatch.cli.command_tree import commands_below, path_of
from sfnwatch.cli.main import cli, main
from sfnwatch.clock import SpedClock
from sfnwatch.demo.account import Account
from sfnwatch.demo.formats import REGION
from sfnwatch.demo.http_server import CREDENTIALS, DemoServer

KEYS = {"AWS_ACCESS_KEY_ID": CREDENTIALS[0], "AWS_SECRET_ACCESS_KEY": CREDENTIALS[1]}
COMMANDS = {
    path_of(each): each.command
    for each in commands_below(cli.make_context("sfnwatch", [], resilient_parsing=True))
}
"""Every command, by its path."""
GOLDEN = Path(__file__).parents[1] / "golden" / "recordings"


def golden(name: str) -> str:
    """Give the path of a golden recording."""
    return str(GOLDEN / f"{name}.sfnwatch.jsonl.gz")


def keep(state: Path, name: str, demo: str = "demo-failure") -> Path:
    """Put a golden recording where recordings are kept, as one of long ago."""
    path = state / "recordings" / f"{name}.sfnwatch.jsonl.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(golden(demo), path)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


class Ended(Struct, frozen=True):
    """What one run came to."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The lines, each of them JSON."""
        return [json.loads(line) for line in self.lines]

    @property
    def json(self) -> Any:
        """All that was printed, as one JSON value."""
        return json.loads(self.out)

    @property
    def recording(self) -> Path:
        """Where it says it has recorded to."""
        said = self.err.splitlines()[-1]
        return Path(said.removeprefix("sfnwatch: recorded to "))

    def said(self, code: int) -> str:
        """Give the one sentence it ended with, which must be all it said."""
        assert (self.code, self.out) == (code, ""), self
        (line,) = self.err.splitlines()
        assert line.startswith("sfnwatch: ")
        assert line.isprintable()
        return line.removeprefix("sfnwatch: ")


class Program:
    """Runs the program with pipes for its streams, and nothing to read."""

    def __init__(self, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.state, self._monkeypatch = state / "sfnwatch", monkeypatch

    @property
    def recordings(self) -> list[Path]:
        return sorted(self.state.glob("recordings/*"))

    def __call__(self, *words: str, **env: str) -> Ended:
        streams = {name: _Pipe() for name in ("stdin", "stdout", "stderr")}
        with self._monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["sfnwatch", *words])
            for name, stream in streams.items():
                patch.setattr(sys, name, stream)
                patch.setattr(sys, f"__{name}__", stream)
            for name, value in env.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as exited:
                main()
        code = exited.value.code
        assert isinstance(code, int)
        return Ended(code, streams["stdout"].text, streams["stderr"].text)


class _Pipe(io.TextIOWrapper):
    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", newline="\n")

    @property
    def text(self) -> str:
        self.flush()
        return bytes(self.buffer.getvalue()).decode()  # type: ignore[attr-defined]


class ServedClock(SpedClock):
    """The clock of a simulated account, whose speed a test may change."""

    def set_speed(self, speed: float) -> None:
        """Go on from this moment at another speed."""
        self._origin, self._started = self.now(), time.monotonic()
        self._speed = speed


class Served(Struct, frozen=True):
    """A simulated account that is served beside the test."""

    url: str
    executions: dict[str, str]
    clock: ServedClock

    @property
    def execution(self) -> str:
        """The first one's ARN."""
        return next(iter(self.executions.values()))

    def words(self, *words: str) -> tuple[str, ...]:
        """Give a command line that asks here."""
        return (*words, "--endpoint-url", self.url)


@contextmanager
def serving(scenarios: Sequence[str], speed: float) -> Iterator[Served]:
    """Serve an account in a thread: the program has an event loop of its own."""
    clock = ServedClock(speed)
    account = Account(scenarios, clock=clock, seed=7)
    begun, told = threading.Event(), list[Served]()
    ended: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        over = asyncio.Event()
        async with DemoServer(account) as server:
            told.append(Served(server.endpoint_url, account.executions, clock))
            ended.append((asyncio.get_running_loop(), over))
            begun.set()
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert begun.wait(100)
        yield told[0]
    finally:
        loop, over = ended[0]
        loop.call_soon_threadsafe(over.set)
        thread.join()


HERE = ("--region", REGION)
"""What finds a machine of the account by its name."""
