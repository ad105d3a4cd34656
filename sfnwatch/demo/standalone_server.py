"""A server that is left running, and continues with its account after it was killed."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server
from typing import Annotated, TextIO

import msgspec

from sfnwatch.clock import SpedClock
from sfnwatch.demo.account import Account
from sfnwatch.demo.formats import REGION, iso
from sfnwatch.demo.http_server import CREDENTIALS, HOST, DemoServer

DEFAULT_PORT = 4597
"""Fixed, so that a watcher finds a server that was started again."""

_LASTS_SECONDS = 1800.0
"""Seconds of its own time after which a world is not continued: by then nothing has
happened in it for a while."""


class ServedWorld(msgspec.Struct, frozen=True):
    """What an account is made of, so that it is served again as if it had gone on."""

    epoch: Annotated[datetime, msgspec.Meta(tz=True)]
    speed: float
    scenarios: tuple[str, ...]

    @property
    def age(self) -> float:
        """Return how many seconds of its time have passed."""
        return (datetime.now(UTC) - self.epoch).total_seconds() * self.speed

    def account(self) -> Account:
        clock = SpedClock(self.speed, self.epoch + timedelta(seconds=self.age))
        return Account(self.scenarios, clock=clock, epoch=self.epoch)


async def serve(
    scenarios: Sequence[str],
    *,
    port: int,
    speed: float,
    out: TextIO,
    err: TextIO,
    fresh: bool = False,
    state_dir: Path,
) -> None:
    """Serve until it is cancelled; write one line of JSON with its address to `out`."""
    with create_server((HOST, port)) as listener:
        path = state_dir / f"demo-{listener.getsockname()[1]}.json"
        kept = None if fresh else _kept(path)
        world = _world(tuple(scenarios), speed, kept)
        word = "Continuing the" if world is kept else "Starting a new"
        err.write(f"{word} world of {iso(world.epoch)}. All of it is synthetic.\n")
        _keep(world, path, err)
        account = world.account()
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
            await asyncio.Event().wait()


def _world(
    scenarios: tuple[str, ...], speed: float, kept: ServedWorld | None
) -> ServedWorld:
    """Return the world to serve: the one on file if it is the same and not too old."""
    new = ServedWorld(datetime.now(UTC), speed, scenarios)
    if kept is None or (kept.scenarios, kept.speed) != (scenarios, speed):
        return new
    return kept if 0 <= kept.age < _LASTS_SECONDS else new


def _kept(path: Path) -> ServedWorld | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=ServedWorld)
    except (OSError, ValueError):
        return None


def _keep(world: ServedWorld, path: Path, err: TextIO) -> None:
    """Write the world down, for its owner's eyes only."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(msgspec.json.encode(world))
    except OSError as error:
        err.write(f"Can't write {path}, so this world ends with the server: {error}\n")
