"""An emulator of AWS that is served on this machine, and what is executed on it."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import boto3
import pytest
from msgspec import Struct

from tests.program.terminals import eventually

REGION = "us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
ROLE = "arn:aws:iam::123456789012:role/emulated"
EXECUTE = {"stepfunctions": {"execute_state_machine": True}}
_VIEWERS = os.environ.get("SFNWATCH_VIEWERS", "")
_FOLDERS = (Path(sys.executable).parent, Path(_VIEWERS, "ministack", "bin"))
_ABSENT = (
    "no {name}: tests/viewers/install.sh brings it; name its folder in SFNWATCH_VIEWERS"
)


class Emulator(Struct, frozen=True):
    """An emulator that is running."""

    name: str
    url: str

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    @property
    def client(self) -> Any:
        return boto3.client(
            "stepfunctions",
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def machine(self, name: str, states: Mapping[str, Any]) -> str:
        """Make a state machine that starts at the first state; return its ARN."""
        definition = {"StartAt": next(iter(states)), "States": states}
        made = self.client.create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=ROLE
        )
        return str(made["stateMachineArn"])

    def start(self, name: str, states: Mapping[str, Any]) -> str:
        """Make a state machine and start it once; return the execution's ARN."""
        started = self.client.start_execution(
            stateMachineArn=self.machine(name, states),
            name=f"{name}-run",
            input=json.dumps({"items": [1, 2, 3]}),
        )
        return str(started["executionArn"])

    def history(self, arn: str) -> list[dict[str, Any]]:
        answer = self.client.get_execution_history(executionArn=arn, maxResults=1000)
        return list(answer["events"])


@contextmanager
def serving(name: str) -> Iterator[Emulator]:
    """Serve moto or ministack; skips the test where it is not installed."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    if name == "moto":
        words = [_program("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
        ready = f"{url}/moto-api/data.json"
    else:
        words = [_program("ministack")]
        ready = f"{url}/_ministack/health"
    environ = {**os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
    process = subprocess.Popen(
        words,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: _answers(ready), f"{name} at {url}")
        yield Emulator(name, url)
    finally:
        process.kill()
        process.wait()


def configure_moto(url: str) -> None:
    """Have moto execute state machines."""
    request = Request(f"{url}/moto-api/config", json.dumps(EXECUTE).encode())  # noqa: S310
    with urlopen(request, timeout=10) as answer:  # noqa: S310
        answer.read()


def _program(name: str) -> str:
    for folder in _FOLDERS:
        found = shutil.which(name, path=str(folder))
        if found is not None:
            return found
    pytest.skip(_ABSENT.format(name=name))


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    """True once something answers, whatever it says."""
    try:
        with urlopen(url, timeout=1):  # noqa: S310
            return True
    except URLError as error:
        return getattr(error, "code", None) is not None
    except OSError:
        return False
