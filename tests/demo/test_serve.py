"""A server left running, killed and started again; boto3 and the AWS CLI against it."""

import asyncio
import io
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.demo.account import LONGEST_LAG
from sfnwatch.demo.http_server import CREDENTIALS
from sfnwatch.demo.standalone_server import serve
from tests.builders import REGION
from tests.demo.conftest import Served


@asynccontextmanager
async def left_running(
    state_dir: Path, **more: Any
) -> AsyncIterator[tuple[dict[str, Any], str, int]]:
    """Serve, and give the line that it says, what it warned of, and its port."""
    out, err = io.StringIO(), io.StringIO()
    asked = {"scenarios": ("sync", "async"), "port": 0, "speed": 20.0, **more}
    async with asyncio.TaskGroup() as group:
        served = serve(out=out, err=err, state_dir=state_dir, **asked)
        task = group.create_task(served)
        try:
            while not out.getvalue():  # noqa: ASYNC110 - until it says where
                await asyncio.sleep(0)  # noqa: TID251
            line = json.loads(out.getvalue())
            yield line, err.getvalue(), int(line["endpoint_url"].rpartition(":")[2])
        finally:
            task.cancel()


async def test_it_keeps_its_world_to_itself(tmp_path: Path) -> None:
    folder = tmp_path / "some" / "where"
    async with left_running(folder) as (_, _, port):
        (path,) = folder.iterdir()
        assert path.name == f"demo-{port}.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({}, True),
        ({"fresh": True}, False),
        ({"speed": 21.0}, False),
        ({"scenarios": ("sync",)}, False),
    ],
)
async def test_it_continues_the_same_world_unless_asked_for_something_else(
    tmp_path: Path, other: dict[str, Any], *, same: bool
) -> None:
    async with left_running(tmp_path) as (first, _, port):
        pass
    async with left_running(tmp_path, port=port, **other) as (second, err, _):
        assert (second == first) is same
        expected = "Continuing the world of" if same else "Starting a new world"
        assert expected in err
        shared = set(second["executions"]) & set(first["executions"])
        assert bool(shared) is same


@pytest.mark.parametrize("age", [120.0, 1e6, 1e10, -86_400.0])
async def test_a_world_where_nothing_more_happens_or_of_the_future_is_left(
    tmp_path: Path, age: float
) -> None:
    async with left_running(tmp_path) as (_, _, port):
        pass
    path = tmp_path / f"demo-{port}.json"
    epoch = datetime.now(UTC) - timedelta(seconds=age)
    kept = json.loads(path.read_bytes()) | {"epoch": epoch.isoformat()}
    path.write_text(json.dumps(kept))
    async with left_running(tmp_path, port=port) as (_, err, _):
        assert "Starting a new world" in err


async def test_a_broken_file_is_ignored(tmp_path: Path) -> None:
    for content in ("{", '{"epoch": "2023-11-15T00:00:00", "speed": 20}'):
        async with left_running(tmp_path) as (_, _, port):
            pass
        path = tmp_path / f"demo-{port}.json"
        path.write_text(content)
        async with left_running(tmp_path, port=port) as (_, err, _):
            assert "Starting a new world" in err
            assert json.loads(path.read_bytes())["speed"] == 20.0


async def test_it_serves_though_it_can_keep_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with left_running(tmp_path / "file" / "folder") as (_, err, _):
        assert "so this world ends with the server" in err


def test_names_of_scenarios_are_cheap_to_import() -> None:
    """The command line names them in its help."""
    dear = "{'aiohttp', 'asyncio', 'dataclasses'}"
    names = f"import sys, sfnwatch.demo.scenarios; print({dear} & {{*sys.modules}})"
    program = [sys.executable, "-c", names]
    assert subprocess.check_output(program, text=True).strip() == "set()"


async def test_the_aws_cli_is_told_who_it_is(demo: Served) -> None:
    signed = {
        "AWS_ACCESS_KEY_ID": CREDENTIALS[0],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS[1],
        "AWS_DEFAULT_REGION": REGION,
    }
    words = ("--endpoint-url", demo.url, "sts", "get-caller-identity")
    program = [sys.executable, "-m", "awscli", *words]
    run = partial(subprocess.check_output, program, env=os.environ | signed)
    assert json.loads(await asyncio.to_thread(run)) == {
        "UserId": "AIDASAMPLEUSERIDSAMPL",
        "Account": "123456789012",
        "Arn": "arn:aws:iam::123456789012:user/demo",
    }
    demo.clock.advance(LONGEST_LAG)
    called = [record["eventName"] for record in await demo.records("sts")]
    assert called.count("GetCallerIdentity") == 1


# -- what it does not answer -----------------------------------------------------------


def request(port: int, body: bytes, **headers: str) -> bytes:
    named = {
        "Host": f"127.0.0.1:{port}",
        "X-Amz-Target": "AWSStepFunctions.ListExecutions",
        "Content-Length": str(len(body)),
        **headers,
    }
    lines = (f"{name}: {value}\r\n" for name, value in named.items())
    head = "".join(["POST / HTTP/1.1\r\n", *lines, "\r\n"])
    return head.encode("latin-1") + body


def status(port: int, sent: bytes) -> bytes:
    """Send bytes, and give the status that they are answered with."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(sent)
        return connection.recv(100).partition(b" ")[2][:3]


async def test_it_answers_its_own_host_and_no_other_page(demo: Served) -> None:
    port = int(demo.url.rpartition(":")[2])
    answers = {
        "": b"400",
        f"localhost:{port}": b"400",
        "evil.example": b"403",
        f"evil.example:{port}": b"403",
        f"127.0.0.1:{port}.evil.example": b"403",
        "127.0.0.1": b"403",
    }
    for host, expected in answers.items():
        named = {"Host": host} if host else {}
        sent = request(port, b"{}", **named)
        assert await asyncio.to_thread(status, port, sent) == expected, host
    origins = {
        f"http://127.0.0.1:{port}": b"400",
        f"http://localhost:{port}": b"400",
        "http://evil.example": b"403",
        "https://127.0.0.1": b"403",
        "null": b"403",
    }
    for origin, expected in origins.items():
        sent = request(port, b"{}", Origin=origin)
        assert await asyncio.to_thread(status, port, sent) == expected, origin


def test_what_it_can_not_read_leaves_no_traceback(tmp_path: Path) -> None:
    words = ("demo", "sync", "--serve", "--port", "0")
    environ = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    program = [sys.executable, "-m", "sfnwatch", *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(program, stdout=pipe, stderr=pipe, env=environ) as served:
        assert served.stdout is not None
        url = json.loads(served.stdout.readline())["endpoint_url"]
        port = int(url.rpartition(":")[2])
        for odd in (
            request(port, b"[" * 200_000),
            request(port, b'{"a":' * 900 + b"1" + b"}" * 900),
            request(port, b"{}", Bad_Header="\x00"),
            request(port, b"{}", Odd="x" * 100_000),
            request(port, b"{}", **{"User-Agent": "\xff\xfe"}),
            request(port, b"{}", **{"Content-Encoding": "gzip"}),
            request(port, b"{}", **{"Content-Length": "x"}),
            b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        ):
            status(port, odd)
        with socket.create_connection(("127.0.0.1", port)) as gone:
            gone.sendall(request(port, b"", **{"Content-Length": "1000"}))
        assert status(port, request(port, b"{}")) == b"400", "it goes on"
        served.send_signal(signal.SIGINT)
        _, err = served.communicate(timeout=60)
    assert b"Traceback" not in err
    assert len(err.splitlines()) == 1, err
