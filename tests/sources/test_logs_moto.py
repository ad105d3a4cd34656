"""The readers of logs against moto's CloudWatch Logs and Step Functions, over HTTP.

Moto knows none of the patterns asked for here, and gives all there is: so what is
nobody's has to be told apart by its readers.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest

from sfnwatch.clock import SystemClock
from sfnwatch.demo.server import CREDENTIALS
from sfnwatch.sources.allowed import Feature
from sfnwatch.sources.aws import Aws, AwsSettings
from sfnwatch.sources.express import Express
from sfnwatch.sources.feed import run
from sfnwatch.sources.log_group import LogGroup
from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import From, HealthState
from sfnwatch.trace.log_groups import LogGroupName
from sfnwatch.trace.times import iso
from tests.builders import ARN, REGION, ROLE, sync_calls, sync_history
from tests.express import EXPRESS_ARN, GROUP, GROUP_ARN, logged
from tests.sources.simulation import Watched

# In a process of its own, where its warnings are not our errors.
_SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture(scope="module", name="url")
def _url() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


class Account:
    """What the tests put into moto."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.logs, self.states = self._client("logs"), self._client("stepfunctions")

    def _client(self, name: str) -> Any:
        create: Any = boto3.client
        key, secret = CREDENTIALS
        return create(
            name,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )

    def put(self, group: str, messages: list[tuple[datetime, str]]) -> None:
        self.logs.create_log_group(logGroupName=group)
        self.logs.create_log_stream(logGroupName=group, logStreamName="one")
        events = [
            {"timestamp": round(at.timestamp() * 1000), "message": text}
            for at, text in messages
        ]
        self.logs.put_log_events(
            logGroupName=group, logStreamName="one", logEvents=events
        )

    def aws(self, feature: Feature) -> Aws:
        key, secret = CREDENTIALS
        settings = AwsSettings(
            REGION,
            endpoint_url=self.url,
            access_key_id=key,
            secret_access_key=secret,
        )
        return Aws(settings, features=[feature])


@pytest.fixture
def account(url: str) -> Iterator[Account]:
    account = Account(url)
    yield account
    account.logs.close()
    account.states.close()


def minutes_ago(minutes: float) -> datetime:
    return SystemClock().now() - timedelta(minutes=minutes)


async def test_an_express_execution_is_read_from_its_log(account: Account) -> None:
    text = '{"StartAt": "ECS RunTask", "States": {}}'
    logs = {"cloudWatchLogsLogGroup": {"logGroupArn": f"{GROUP_ARN}:*"}}
    account.states.create_state_machine(
        name="nightly-report",
        definition=text,
        roleArn=ROLE,
        type="EXPRESS",
        loggingConfiguration={
            "level": "ALL",
            "includeExecutionData": True,
            "destinations": [logs],
        },
    )
    begun = minutes_ago(30)
    events = [dict(received.data) for received in sync_history()]
    for event in events:
        event["timestamp"] = iso(begun + timedelta(milliseconds=10 * event["id"]))
    other = EXPRESS_ARN[:-1] + "0"
    lines = [json.dumps(logged(e, arn)) for arn in (other, EXPRESS_ARN) for e in events]
    broken = lines[-1][:-1]
    account.put(GROUP, [(begun, line) for line in ["hello", *lines, broken]])
    watched, subjects = Watched(), Subjects([parse_execution_arn(EXPRESS_ARN)])
    async with account.aws(Feature.EXPRESS) as aws:
        await run([Express(aws, subjects.each[0], SystemClock())], [watched])
    assert watched.status == "SUCCEEDED"
    assert [r.data["id"] for r in watched.records if r.source == From.EXPRESS] == [
        *"12345678"
    ]
    assert [r.data["message"] for r in watched.records if r.source == From.UNREAD] == [
        broken
    ]
    assert watched.states("history")[-1] is HealthState.ENDED
    (timeline,) = watched.trace.timelines.values()
    assert timeline.defined
    assert timeline.defined.data["definition"] == text


async def test_calls_are_read_from_a_trail_s_log(account: Account) -> None:
    records = [json.loads(c.data["CloudTrailEvent"]) for c in sync_calls()]
    at = minutes_ago(5)
    lines = [(at, json.dumps(record)) for record in records]
    account.put("trail", [(at, "hello"), *lines, lines[0]])
    subjects = Subjects([parse_execution_arn(ARN)])
    for received in sync_history():
        subjects.each[0].observe(received)
    subjects.each[0].learned()
    watched, clock = Watched(), SystemClock()
    async with account.aws(Feature.LOG_GROUP) as aws:
        group = LogGroupName("trail")
        await run([LogGroup(aws, subjects, clock, group, drain=0)], [watched])
    found = [r.data["eventID"] for r in watched.records if r.source == From.TRAIL]
    assert sorted(found) == ["poll-0", "poll-1", "poll-2", "poll-3", "poll-4", "run"]
    assert watched.states("lookup")[-1] is HealthState.ENDED
