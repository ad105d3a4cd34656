"""A server left running: killed and started again, it serves the same account."""

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

_WORTH = 1800.0
"""Seconds of its time for which a world is worth going back to: some while after
nothing happens in it any more."""


class SavedAccount(msgspec.Struct, frozen=True):
    """What it takes to serve an account again: it went on while nobody served it."""

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
    """Serve until it is cancelled; say where in one line of JSON."""
    with create_server((HOST, port)) as listener:
        path = state_dir / f"demo-{listener.getsockname()[1]}.json"
        kept = None if fresh else _read_saved(path)
        world = _account_to_serve(tuple(scenarios), speed, kept)
        word = "Continuing the" if world is kept else "Starting a new"
        err.write(f"{word} world of {iso(world.epoch)}. All of it is synthetic.\n")
        _save(world, path, err)
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


def _account_to_serve(
    scenarios: tuple[str, ...], speed: float, kept: SavedAccount | None
) -> SavedAccount:
    """Return the world to serve: the one on file, if it will do."""
    wanted = kept is not None and (kept.scenarios, kept.speed) == (scenarios, speed)
    if kept is not None and wanted and 0 <= kept.age < _WORTH:
        return kept
    return SavedAccount(datetime.now(UTC), speed, scenarios)


def _read_saved(path: Path) -> SavedAccount | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=SavedAccount)
    except (OSError, ValueError):
        return None


def _save(world: SavedAccount, path: Path, err: TextIO) -> None:
    """Write the world down, for its owner's eyes only."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(msgspec.json.encode(world))
    except OSError as error:
        err.write(f"Can't write {path}, so this world ends with the server: {error}\n")
