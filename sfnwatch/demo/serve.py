"""Leaves a simulated account running, and picks it up again after it was killed."""

import asyncio
import json
import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server, socket
from typing import Annotated, TextIO

import msgspec

from sfnwatch.clock import SpedClock
from sfnwatch.demo.account import Account
from sfnwatch.demo.formats import REGION, iso
from sfnwatch.demo.http_server import CREDENTIALS, HOST, DemoServer

DEFAULT_PORT = 4597
"""Fixed, so that a watcher finds a server that was started again."""

# How long a world is worth going back to once nothing happens in it, in account time.
_STALE = timedelta(minutes=10)
_DAY = 86400.0


class World(msgspec.Struct, frozen=True):
    """What it takes to serve an account again: it went on while nobody served it."""

    epoch: Annotated[datetime, msgspec.Meta(tz=True)]
    speed: float
    seed: int
    scenarios: tuple[str, ...]

    @property
    def age(self) -> float:
        """Return how many seconds of its time have passed."""
        return (datetime.now(UTC) - self.epoch).total_seconds() * self.speed

    def account(self) -> Account:
        clock = SpedClock(self.speed, self.epoch + timedelta(seconds=self.age))
        return Account(self.scenarios, clock=clock, epoch=self.epoch, seed=self.seed)


async def serve(
    scenarios: Sequence[str],
    stop: asyncio.Event,
    *,
    port: int,
    speed: float,
    out: TextIO,
    err: TextIO,
    fresh: bool = False,
    state_dir: Path,
) -> None:
    """Serve until told to stop; say where in one line of JSON."""
    with _listening(port, err) as listener:
        path = state_dir / f"demo-{listener.getsockname()[1]}.json"
        world, account = _world(tuple(scenarios), speed, None if fresh else path, err)
        _keep(world, path, err)
        async with DemoServer(account, listener=listener) as server:
            line = {
                "endpoint_url": server.endpoint_url,
                "executions": list(account.executions.values()),
                "scenarios": list(account.executions),
                "region": REGION,
                # Any pair of this form will do: no signature is computed.
                "access_key_id": CREDENTIALS[0],
                "secret_access_key": CREDENTIALS[1],
                "speed": world.speed,
            }
            out.write(json.dumps(line) + "\n")
            out.flush()
            await stop.wait()


def _listening(port: int, err: TextIO) -> socket:
    try:
        return create_server((HOST, port))
    except OSError:
        if port != DEFAULT_PORT:
            raise
    listener = create_server((HOST, 0))
    other = listener.getsockname()[1]
    err.write(f"Port {port} is taken; serving on {other} instead.\n")
    return listener


def _world(
    scenarios: tuple[str, ...], speed: float, path: Path | None, err: TextIO
) -> tuple[World, Account]:
    """Return the world to serve, and its account: the one on file, if it will do."""
    kept = _kept(path, err) if path else None
    wanted = kept and (kept.scenarios, kept.speed) == (scenarios, speed)
    if kept and wanted and 0 <= kept.age < _DAY:
        account = kept.account()
        if account.now() < account.settled_at + _STALE:
            err.write(f"Continuing the world of {iso(account.epoch)}.\n")
            return kept, account
    world = World(datetime.now(UTC), speed, secrets.randbits(32), scenarios)
    account = world.account()
    err.write("Starting a new world. All of it is synthetic.\n")
    return world, account


def _kept(path: Path, err: TextIO) -> World | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=World)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        err.write(f"Ignoring {path}: {error}\n")
        return None


def _keep(world: World, path: Path, err: TextIO) -> None:
    """Write the world down, whole or not at all, for its owner's eyes only."""
    written = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        written.touch(mode=0o600)
        written.write_bytes(msgspec.json.encode(world))
        written.replace(path)
    except OSError as error:
        err.write(f"Can't write {path}, so this world ends with the server: {error}\n")
