"""The queue over HTTP against moto's SQS, filled by boto3, by the machine's clock."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from sfnwatch.clock import SystemClock
from sfnwatch.sources import queue as queue_module
from sfnwatch.sources.allowed import Feature
from sfnwatch.sources.aws import Aws, AwsSettings
from sfnwatch.sources.queue import Queue
from sfnwatch.trace.events import From, HealthState
from sfnwatch.trace.times import iso
from tests.builders import REGION, sync_history
from tests.ecs import task_life
from tests.program.programs import KEYS
from tests.sources.queueing import event, from_topic, record, strangers, subjects
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
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


class Filled:
    """A queue that boto3 fills."""

    def __init__(self, endpoint_url: str, name: str) -> None:
        self.endpoint_url = endpoint_url
        self.client: Any = boto3.client(
            "sqs",
            region_name=REGION,
            endpoint_url=endpoint_url,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )
        self.url = self.client.create_queue(QueueName=name)["QueueUrl"]
        self.subjects = subjects()
        (self.subject,) = self.subjects.each
        self.watched = Watched()

    def send(self, *bodies: Any) -> None:
        texts = [b if isinstance(b, str) else json.dumps(b) for b in bodies]
        for start in range(0, len(texts), 10):
            some = enumerate(texts[start : start + 10])
            entries = [{"Id": str(n), "MessageBody": text} for n, text in some]
            self.client.send_message_batch(QueueUrl=self.url, Entries=entries)

    def count(self) -> int:
        """Count the messages, those with a reader too."""
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
        ]
        told = self.client.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=names
        )["Attributes"]
        return sum(int(told[name]) for name in names)

    def has_ended(self, seconds_ago: float = 0) -> None:
        self.subject.over = True
        self.subject.stopped_at = datetime.now(UTC) - timedelta(seconds=seconds_ago)

    async def read(self, **more: Any) -> Watched:
        settings = AwsSettings(
            REGION,
            endpoint_url=self.endpoint_url,
            access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )
        features = (Feature.QUEUE, Feature.CONSUME)
        async with Aws(settings, features=features) as aws:
            source = Queue(aws, self.subjects, SystemClock(), self.url, **more)
            source.heed(tuple(sync_history()))
            async for batch in source.batches():
                self.watched(batch)
        return self.watched

    def calls(self) -> list[str]:
        records = self.watched.records
        return [r.data["eventID"] for r in records if r.source == From.TRAIL]


@pytest.fixture
def filled(moto: str, no_aws: None, request: pytest.FixtureRequest) -> Iterator[Filled]:
    filled = Filled(moto, re.sub("[^a-z0-9]+", "-", request.node.name.lower())[:80])
    yield filled
    filled.client.close()


async def test_what_is_read_stays_where_it_is(filled: Filled) -> None:
    filled.has_ended()
    filled.send(event(record(1)), from_topic(event(record(2))), record(3), "other")
    filled.send(event(strangers(4)), *(r.data for r in task_life()))
    watched = await filled.read(drain=0)
    assert sorted(filled.calls()) == ["call-1", "call-2", "call-3"]
    assert len(watched.trace.task_changes) == 5
    assert watched.messages("lookup")[-1].startswith("1 message of another kind")
    assert filled.count() == 10
    assert watched.states("lookup")[-1] is HealthState.ENDED


async def test_what_was_read_is_taken_off_with_consume(filled: Filled) -> None:
    filled.has_ended()
    filled.send(event(record(1)), from_topic(event(record(2))), record(3), "other")
    filled.send(event(strangers(4)), *(r.data for r in task_life()))
    await filled.read(drain=0, consume=True)
    assert sorted(filled.calls()) == ["call-1", "call-2", "call-3"]
    assert filled.count() == 2, "what is another's and what is something else"


@pytest.mark.parametrize(("count", "consume"), [(500, True), (150, False)])
async def test_very_many_are_read(
    filled: Filled,
    count: int,
    consume: bool,  # noqa: FBT001
) -> None:
    filled.has_ended()
    filled.send(*(event(record(number)) for number in range(count)))
    await filled.read(drain=0, consume=consume)
    assert sorted(filled.calls()) == sorted(f"call-{n}" for n in range(count))
    assert filled.count() == (0 if consume else count)


async def test_what_comes_again_is_handed_on_once(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "_HIDDEN", 1)
    filled.has_ended()
    filled.send(*(event(record(number)) for number in range(5)))
    watched = await filled.read(drain=2, wait=1)
    assert sorted(filled.calls()) == [f"call-{n}" for n in range(5)]
    asked = [r for r in watched.trace.ordered_requests if r.operation[0] == "R"]
    assert sum(r.items or 0 for r in asked) > 5, "they did come again"


async def test_hostile_messages_do_no_harm(filled: Filled) -> None:
    filled.has_ended()
    odd = record(1, errorMessage="half \ud800 of it")
    for body in ("x" * (1 << 20), "[" * 500_000, '{"a": NaN}', event(odd)):
        filled.send(body)
    await filled.read(drain=0, consume=True)
    assert filled.calls() == ["call-1"]
    assert filled.count() == 3


async def test_a_queue_that_is_gone_is_told_in_plain_words(filled: Filled) -> None:
    filled.client.delete_queue(QueueUrl=filled.url)
    watched = await filled.read(drain=0)
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    (told,) = watched.messages("lookup")
    assert "NonExistentQueue" in told
    assert "--queue URL" in told


async def test_the_lag_is_measured(filled: Filled) -> None:
    filled.has_ended()
    time = iso(datetime.now(UTC) - timedelta(seconds=30))
    filled.send(event(record(1, eventTime=time)))
    watched = await filled.read(drain=0)
    lag = watched.healths("lookup")[-1].lag
    assert lag is not None
    assert 29 <= lag <= 40
