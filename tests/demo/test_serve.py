"""A server left running, killed and started again."""

import asyncio
import io
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server
from typing import Any

import pytest

from sfnwatch.demo import serve as serving
from sfnwatch.demo.serve import serve
from tests.demo.clients import Clients


class Heard(io.StringIO):
    """Text written so far, and a way to wait for a line of it."""

    def __init__(self) -> None:
        super().__init__()
        self._flushed = asyncio.Event()

    def flush(self) -> None:
        self._flushed.set()

    async def line(self) -> dict[str, Any]:
        await self._flushed.wait()
        result: dict[str, Any] = json.loads(self.getvalue())
        return result


@dataclass(frozen=True)
class Serving:
    line: dict[str, Any]
    err: str

    @property
    def port(self) -> int:
        return int(self.line["endpoint_url"].rpartition(":")[2])


@asynccontextmanager
async def served(
    state_dir: Path,
    *,
    port: int = 0,
    speed: float = 20.0,
    fresh: bool = False,
    scenarios: tuple[str, ...] = ("sync", "async"),
) -> AsyncIterator[Serving]:
    out, err = Heard(), io.StringIO()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(
            serve(
                scenarios,
                port=port,
                speed=speed,
                out=out,
                err=err,
                fresh=fresh,
                state_dir=state_dir,
            )
        )
        try:
            yield Serving(await out.line(), err.getvalue())
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_it_says_where_in_one_line(tmp_path: Path) -> None:
    async with served(tmp_path) as serving:
        line = serving.line
        assert line["endpoint_url"].startswith("http://127.0.0.1:")
        assert line["scenarios"] == ["sync", "async"]
        assert [arn.split(":")[5] for arn in line["executions"]] == ["execution"] * 2
        assert (line["speed"], line["region"]) == (20.0, "ap-northeast-1")
        clients = Clients(line["endpoint_url"])
        described = await clients.call(
            "stepfunctions", "describe_execution", executionArn=line["executions"][0]
        )
        clients.close()
        assert described["status"] == "RUNNING"


async def test_it_keeps_its_world_to_itself(tmp_path: Path) -> None:
    folder = tmp_path / "some" / "where"
    async with served(folder) as serving:
        (path,) = folder.iterdir()
        assert path.name == f"demo-{serving.port}.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        kept = json.loads(path.read_bytes())
        assert kept.keys() == {"epoch", "speed", "seed", "scenarios"}


async def test_it_goes_on_with_the_same_world(tmp_path: Path) -> None:
    async with served(tmp_path) as first:
        pass
    async with served(tmp_path, port=first.port) as second:
        assert second.line == first.line
        assert "Continuing the world of" in second.err


@pytest.mark.parametrize(
    "other", [{"fresh": True}, {"speed": 21.0}, {"scenarios": ("sync",)}]
)
async def test_it_starts_anew_when_asked_for_something_else(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    async with served(tmp_path) as first:
        pass
    async with served(tmp_path, port=first.port, **other) as second:
        assert not set(second.line["executions"]) & set(first.line["executions"])
        assert "Starting a new world" in second.err


@pytest.mark.parametrize(
    ("age", "same"), [(0.0, True), (20.0, True), (120.0, False), (1e6, False)]
)
async def test_a_world_where_nothing_more_happens_is_left(
    tmp_path: Path,
    age: float,
    same: bool,  # noqa: FBT001
) -> None:
    async with served(tmp_path) as first:
        pass
    path = tmp_path / f"demo-{first.port}.json"
    kept = json.loads(path.read_bytes())
    epoch = datetime.fromisoformat(kept["epoch"]) - timedelta(seconds=age)
    path.write_text(json.dumps(kept | {"epoch": epoch.isoformat()}))
    async with served(tmp_path, port=first.port) as second:
        assert ("Continuing" in second.err) is same


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"epoch": "soon"}',
        '{"epoch": "2023-11-15T00:00:00", "speed": 20, "seed": 1, "scenarios": []}',
    ],
)
async def test_a_broken_file_is_ignored(tmp_path: Path, content: str) -> None:
    async with served(tmp_path) as first:
        pass
    path = tmp_path / f"demo-{first.port}.json"
    path.write_text(content)
    async with served(tmp_path, port=first.port) as second:
        assert f"Ignoring {path}" in second.err
        assert json.loads(path.read_bytes())["speed"] == 20.0


async def test_a_world_of_the_future_is_left(tmp_path: Path) -> None:
    async with served(tmp_path) as first:
        pass
    path = tmp_path / f"demo-{first.port}.json"
    kept = json.loads(path.read_bytes())
    epoch = datetime.now(UTC) + timedelta(days=1)
    path.write_text(json.dumps(kept | {"epoch": epoch.isoformat()}))
    async with served(tmp_path, port=first.port) as second:
        assert "Starting a new world" in second.err


async def test_it_serves_though_it_can_keep_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with served(tmp_path / "file" / "folder") as serving:
        assert "so this world ends with the server" in serving.err


async def test_a_taken_default_port_is_stepped_aside_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(serving, "DEFAULT_PORT", port)
        async with served(tmp_path, port=port) as second:
            assert second.port != port
            assert f"Port {port} is taken; serving on {second.port}" in second.err


async def test_a_taken_port_that_was_asked_for_is_an_error(tmp_path: Path) -> None:
    with create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            await serve(
                ["sync"],
                port=port,
                speed=1,
                out=io.StringIO(),
                err=io.StringIO(),
                state_dir=tmp_path,
            )


PROGRAM = """
import asyncio, sys
from pathlib import Path
from sfnwatch.demo.serve import serve
asyncio.run(serve(
    ["sync"], port=int(sys.argv[2]), speed=20.0,
    out=sys.stdout, err=sys.stderr, state_dir=Path(sys.argv[1]),
))
"""


async def started(state_dir: Path, port: int) -> tuple[asyncio.subprocess.Process, Any]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-c", PROGRAM, str(state_dir), str(port)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout
    return process, json.loads(await process.stdout.readline())


async def test_a_killed_server_started_again_serves_the_same_and_ends_on_a_signal(
    tmp_path: Path,
) -> None:
    process, first = await started(tmp_path, 0)
    process.kill()
    await process.wait()
    port = int(first["endpoint_url"].rpartition(":")[2])
    for number in (signal.SIGINT, signal.SIGTERM):
        process, line = await started(tmp_path, port)
        assert line == first
        process.send_signal(number)
        _, err = await process.communicate()
        assert (process.returncode, err.decode().count("\n")) == (0, 1)


def test_names_of_scenarios_are_cheap_to_import() -> None:
    """The command line names them in its help."""
    program = (
        "import sys; import sfnwatch.demo.scenarios;"
        "print(sorted({'aiohttp', 'asyncio', 'msgspec'} & sys.modules.keys()))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ended.stdout.strip() == "[]"
