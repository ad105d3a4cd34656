"""The account as a test has it: what is in it, what runs, what was really called."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3
from msgspec import Struct

import sfnwatch
from tests.builders import ACCOUNT, REGION
from tests.cli.programs import KEYS
from tests.program.terminals import eventually

CLUSTER = "c1"
_ROOT = Path(sfnwatch.__file__).parents[1]
_CLIENTS = ("stepfunctions", "ecs", "cloudtrail")


@contextmanager
def serving(*rate: int) -> Iterator[str]:
    """Serve an account; gives its endpoint URL. Its warnings are not our errors.

    `rate` is how many LookupEvents a second it answers, if not as many as AWS.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "tests.moto.server", *map(str, rate)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=_ROOT,
        text=True,
    ) as process:
        assert process.stdout
        port = process.stdout.readline().strip()
        assert port, "the account did not start"
        yield f"http://127.0.0.1:{port}"
        process.kill()


class Made(Struct, frozen=True):
    """Who made a call, as the account or as a trace has it."""

    name: str
    execution: str
    attempt: int


class MotoAccount:
    """Fills the account and asks it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clients: dict[str, Any] = {
            service: boto3.client(
                service,
                region_name=REGION,
                endpoint_url=url,
                **{key.lower(): KEYS[key] for key in KEYS},
            )
            for service in _CLIENTS
        }
        self.states, self.ecs = self.clients["stepfunctions"], self.clients["ecs"]
        self.others: dict[str, tuple[str, ...]] = {}
        """Of each execution the two that were started beside it."""
        self._twins: dict[str, str] = {}
        self.ecs.create_cluster(clusterName=CLUSTER)
        for family, command in (("works", "0"), ("breaks", "3")):
            container = {"name": "main", "image": "busybox", "memory": 64}
            self.ecs.register_task_definition(
                family=family,
                containerDefinitions=[{**container, "command": ["exit", command]}],
            )

    def close(self) -> None:
        for client in self.clients.values():
            client.close()

    def machine(self, name: str, states: dict[str, Any], role_name: str) -> str:
        """Make a machine; its role has a path, which a session's ARN leaves out."""
        definition = {"StartAt": next(iter(states)), "States": states}
        role_arn = f"arn:aws:iam::{ACCOUNT}:role/service-role/{role_name}"
        made = self.states.create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=role_arn
        )
        return str(made["stateMachineArn"])

    def start(self, machine_arn: str, name: str = "run", given: Any = None) -> str:
        """Start an execution, and beside it two more that nobody is to watch.

        One is of the same machine, one of another that does the same with the same
        role: what they call must not be taken for its own.
        """
        arn = self.start_alone(machine_arn, name, given)
        if machine_arn not in self._twins:
            self._twins[machine_arn] = self._twin(machine_arn)
        self.others[arn] = (
            self.start_alone(machine_arn, f"{name}-2", given),
            self.start_alone(self._twins[machine_arn], f"{name}-3", given),
        )
        return arn

    def _twin(self, machine_arn: str) -> str:
        told = self.states.describe_state_machine(stateMachineArn=machine_arn)
        same = {key: told[key] for key in ("definition", "roleArn")}
        made = self.states.create_state_machine(name=f"{told['name']}-twin", **same)
        return str(made["stateMachineArn"])

    def start_alone(self, machine_arn: str, name: str, given: Any = None) -> str:
        started = self.states.start_execution(
            stateMachineArn=machine_arn, name=name, input=json.dumps(given or {})
        )
        return str(started["executionArn"])

    def finish(self, arn: str) -> None:
        def over() -> bool:
            told = self.states.describe_execution(executionArn=arn)
            return bool(told["status"] != "RUNNING")

        eventually(over, f"the end of {arn}")

    @property
    def truth(self) -> list[dict[str, Any]]:
        """All calls that came in, in their order."""
        with urlopen(f"{self.url}/truth", timeout=100) as answer:  # noqa: S310
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def calls_of(self, *arns: str) -> list[dict[str, Any]]:
        """Give those that tasks of some executions made; with none, of all."""
        made = [each for each in self.truth if each["maker"]]
        return [c for c in made if not arns or c["maker"]["execution"] in arns]

    def made(self, *arns: str) -> dict[str, Made]:
        """Say who made what CloudTrail tells of, by event id."""
        return {
            call["event_id"]: Made(
                call["name"], call["maker"]["execution"], call["maker"]["attempt"]
            )
            for call in self.calls_of(*arns)
        }
