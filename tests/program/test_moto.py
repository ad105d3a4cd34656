"""Real state machines, run by moto and watched live over HTTP by the real sources."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest

from sfnwatch.clock import SystemClock
from sfnwatch.sources.aws import AwsSettings
from sfnwatch.sources.drive import Patience
from sfnwatch.sources.live import Live
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import HealthState
from tests.program.programs import KEYS, Program
from tests.sources.simulation import Watched

REGION = "eu-west-1"
ROLE = "arn:aws:iam::123456789012:role/states"
# In a process of its own, where its warnings are not our errors. Its tasks find it by
# MOTO_PORT, which its own server doesn't set.
_SERVER = """
import os, sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
_, port = server.get_host_and_port()
os.environ["MOTO_PORT"] = str(port)
print(port, flush=True)
sys.stdin.read()
server.stop()
"""
DONE = {"Type": "Succeed"}


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """Serve moto; gives its endpoint URL."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        url = f"http://127.0.0.1:{process.stdout.readline().strip()}"
        switch = {"stepfunctions": {"execute_state_machine": True}}
        body = json.dumps(switch).encode()
        urlopen(Request(f"{url}/moto-api/config", body)).close()  # noqa: S310
        yield url
        process.kill()


class Machines:
    """Makes and runs state machines."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client: Any = boto3.client(
            "stepfunctions",
            region_name=REGION,
            endpoint_url=url,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )

    def start(self, name: str, states: dict[str, Any], given: Any = None) -> str:
        definition = {"StartAt": next(iter(states)), "States": states}
        machine = self.client.create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=ROLE
        )
        started = self.client.start_execution(
            stateMachineArn=machine["stateMachineArn"],
            name="run",  # without one moto names them all None
            input=json.dumps(given or {}),
        )
        return str(started["executionArn"])

    async def watch(self, arn: str, watched: Watched | None = None) -> Watched:
        watched = watched or Watched()
        settings = AwsSettings(
            REGION,
            endpoint_url=self.url,
            access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )
        live = Live(
            [parse_execution_arn(arn)],
            settings,
            SystemClock(),
            drain=0,
            patience=Patience(3),
        )
        await live.watch(watched)
        assert watched.event_ids() == list(range(1, len(watched.event_ids()) + 1))
        return watched


@pytest.fixture
def machines(moto: str, no_aws: None) -> Iterator[Machines]:
    machines = Machines(moto)
    yield machines
    machines.client.close()


def paths(watched: Watched) -> Counter[tuple[str, str, str]]:
    return Counter((v.path, v.type, v.status) for v in watched.visits)


async def test_states_that_do_nothing_are_all_seen(machines: Machines) -> None:
    choice = {"Variable": "$.n", "NumericGreaterThan": 1, "Next": "Rest"}
    arn = machines.start(
        "simple",
        {
            "Begin": {"Type": "Pass", "Next": "Which"},
            "Which": {"Type": "Choice", "Choices": [choice], "Default": "Never"},
            "Never": {"Type": "Fail"},
            "Rest": {"Type": "Wait", "Seconds": 1, "Next": "Done"},
            "Done": DONE,
        },
        {"n": 2},
    )
    watched = await machines.watch(arn)
    assert watched.status == "SUCCEEDED"
    assert paths(watched) == {
        ("Main / Begin", "Pass", "succeeded"): 1,
        ("Main / Which", "Choice", "succeeded"): 1,
        ("Main / Rest", "Wait", "succeeded"): 1,
        ("Main / Done", "Succeed", "succeeded"): 1,
    }
    assert watched.states("history")[-1] is HealthState.ENDED
    assert "Nothing to look up" in watched.messages("lookup")[-1]


async def test_branches_that_run_at_once_are_kept_apart(machines: Machines) -> None:
    def branch(seconds: int) -> dict[str, Any]:
        wait = {"Type": "Wait", "Seconds": seconds, "Next": "Work"}
        work = {"Type": "Pass", "End": True}
        return {"StartAt": "Rest", "States": {"Rest": wait, "Work": work}}

    both = {"Type": "Parallel", "Branches": [branch(1), branch(0)], "End": True}
    watched = await machines.watch(machines.start("parallel", {"Both": both}))
    assert watched.status == "SUCCEEDED"
    assert paths(watched) == {
        ("Main / Both", "Parallel", "succeeded"): 1,
        ("Main / Both[0] / Rest", "Wait", "succeeded"): 1,
        ("Main / Both[1] / Rest", "Wait", "succeeded"): 1,
        ("Main / Both[0] / Work", "Pass", "succeeded"): 1,
        ("Main / Both[1] / Work", "Pass", "succeeded"): 1,
    }


async def test_every_iteration_of_a_map_is_seen(machines: Machines) -> None:
    rest = {"Type": "Wait", "Seconds": 1, "End": True}
    each = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "MaxConcurrency": 3,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": "Rest",
            "States": {"Rest": rest},
        },
        "End": True,
    }
    arn = machines.start("map", {"Each": each}, {"items": [1, 2, 3, 4, 5]})
    watched = await machines.watch(arn)
    assert watched.status == "SUCCEEDED"
    assert paths(watched) == {
        ("Main / Each", "Map", "succeeded"): 1,
        **{(f"Main / Each[{n}] / Rest", "Wait", "succeeded"): 1 for n in range(5)},
    }


def _denied_task(**more: Any) -> dict[str, Any]:
    """A task that moto runs and that fails: there is no such table."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:dynamodb:describeTable",
        "Parameters": {"TableName": "none"},
        **more,
    }


async def test_tries_and_what_catches_their_failure_are_seen(
    machines: Machines,
) -> None:
    retry = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 2}
    catch = {"ErrorEquals": ["States.ALL"], "Next": "Mend"}
    task = _denied_task(Retry=[retry], Catch=[catch], End=True)
    watched = await machines.watch(
        machines.start("catch", {"Try": task, "Mend": {"Type": "Pass", "End": True}})
    )
    assert watched.status == "SUCCEEDED"
    tried, mended = watched.visits
    assert (tried.status, mended.status) == ("caught", "succeeded")
    assert [attempt.status for attempt in tried.attempts] == ["failed"] * 3
    assert len(tried.backoffs) == 2


async def test_a_lookup_that_is_never_answered_says_so_and_ends_with_the_states(
    machines: Machines,
) -> None:
    task = _denied_task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Rest"}])
    rest = {"Type": "Wait", "Seconds": 2, "End": True}
    clock = SystemClock()
    watched = await machines.watch(machines.start("deaf", {"Try": task, "Rest": rest}))
    assert watched.status == "SUCCEEDED"
    (timeline,) = watched.trace.timelines.values()
    assert timeline.stopped_at
    assert (clock.now() - timeline.stopped_at).total_seconds() < 12
    assert HealthState.RETRYING in watched.states("lookup")
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    assert watched.messages("lookup")[-1].startswith("LookupEvents on dynamodb")


async def test_a_failure_is_told_with_its_error(machines: Machines) -> None:
    fail = {"Type": "Fail", "Error": "Custom", "Cause": "for the test"}
    states = {"Begin": {"Type": "Pass", "Next": "End"}, "End": fail}
    watched = await machines.watch(machines.start("fail", states))
    assert watched.status == "FAILED"
    (timeline,) = watched.trace.timelines.values()
    assert timeline.ending
    assert timeline.ending.detail("error") == "Custom"


async def test_an_execution_that_is_stopped_ends_the_watch(machines: Machines) -> None:
    rest = {"Type": "Wait", "Seconds": 60, "End": True}
    arn = machines.start("stop", {"Rest": rest})
    watched = Watched()

    async def stop() -> None:
        while not watched.visits:
            await SystemClock().sleep(0.05)
        machines.client.stop_execution(executionArn=arn, error="Enough", cause="test")

    async with asyncio.TaskGroup() as group:
        group.create_task(stop())
        group.create_task(machines.watch(arn, watched))
    assert watched.status == "ABORTED"
    (rest_visit,) = watched.visits
    assert (rest_visit.name, rest_visit.status) == ("Rest", "aborted")


def test_the_program_follows_a_machine_to_its_end(
    machines: Machines, program: Program
) -> None:
    fail = {"Type": "Fail", "Error": "Custom", "Cause": "for the test"}
    rest = {"Type": "Wait", "Seconds": 1, "Next": "End"}
    arn = machines.start("program", {"Rest": rest, "End": fail})
    ended = program(arn, "--endpoint-url", machines.url, "--plain", **KEYS)
    assert ended.code == 10
    assert "Rest  entered  Wait" in ended.out
    assert "Custom" in ended.out
    again = program("replay", str(ended.recording))
    assert (again.code, again.out) == (ended.code, ended.out)


def test_the_program_waits_for_a_machine_s_next_execution(
    machines: Machines, program: Program
) -> None:
    rest = {"Type": "Wait", "Seconds": 1, "End": True}
    before = machines.start("coming", {"Rest": rest})
    where = ("--region", REGION, "--endpoint-url", machines.url)
    running = program.start("coming", "--next", *where, "--plain", **KEYS)
    running.until("waiting for an execution of coming to start")
    machine = before.replace(":execution:", ":stateMachine:").rpartition(":")[0]
    machines.client.start_execution(stateMachineArn=machine, name="next", input="{}")
    ended = running.wait()
    assert ended.code == 0
    assert "started: coming › next" in ended.err
    assert "Rest  entered  Wait" in ended.out
    assert ":coming:next" in ended.recording.read_text()
