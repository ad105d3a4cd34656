"""The account's queue: what ECS tells of its tasks, as SQS hands it out."""

import json
from datetime import timedelta
from typing import Any

from sfnwatch.demo.queue import PATH
from sfnwatch.demo.server import DemoServer
from tests.demo.clients import Clients, Direct, ManualClock

URL = f"http://127.0.0.1:1{PATH}"
LIFE = ["PROVISIONING", "PENDING", "RUNNING", "DEPROVISIONING", "STOPPED"]


def received(direct: Direct, **more: object) -> list[dict[str, Any]]:
    answer = direct(
        "ReceiveMessage", QueueUrl=URL, MaxNumberOfMessages=10, **(more or {})
    )
    return [json.loads(each["Body"]) for each in answer.get("Messages", [])]


def life_of(direct: Direct, family: str) -> list[dict[str, Any]]:
    """Receive all there is, and give what is of one task."""
    found: list[dict[str, Any]] = []
    while events := received(direct, VisibilityTimeout=43_200):
        found += [each["detail"] for each in events]
    return [each for each in found if each["group"] == f"family:{family}"]


def test_a_task_that_is_waited_for_tells_of_its_whole_life(direct: Direct) -> None:
    direct.clock.advance(900)
    life = life_of(direct, "nightly-report")
    assert [each["lastStatus"] for each in life] == LIFE
    assert [each["version"] for each in life] == [1, 2, 3, 4, 5]
    times = [each["updatedAt"] for each in life]
    assert times == sorted(times)
    assert life[0]["startedBy"] == "AWS Step Functions"
    assert life[-1]["stoppedAt"] == times[-1]
    assert life[-1]["containers"][0]["exitCode"] == 0


def test_the_stop_is_told_as_the_state_tells_it(direct: Direct) -> None:
    direct.clock.advance(900)
    stops = {
        each["taskArn"]: each["stoppedAt"]
        for each in life_of(direct, "nightly-report")
        if each["lastStatus"] == "STOPPED"
    }
    arn = direct.account.executions["sync"]
    events = direct("GetExecutionHistory", executionArn=arn)["events"]
    (done,) = [e for e in events if e["type"] == "TaskSucceeded"]
    output = json.loads(done["taskSucceededEventDetails"]["output"])
    told = stops[output["TaskArn"]]
    assert told.endswith(f".{output['StoppedAt'] % 1000:03}Z")


def test_nothing_is_there_before_it_was_sent(direct: Direct) -> None:
    queue, clock = direct.account.queue, direct.clock
    counts = []
    for _ in range(50):
        seen = queue.visible(clock.now())
        assert all(each.sent_at <= clock.now() for each in seen)
        counts.append(len(seen))
        clock.advance(10)
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_what_was_received_is_hidden_for_a_while_and_deleted_for_good(
    direct: Direct,
) -> None:
    direct.clock.advance(900)
    asked = {"QueueUrl": URL, "VisibilityTimeout": 60}
    (first,) = direct("ReceiveMessage", **asked)["Messages"]
    (other,) = direct("ReceiveMessage", **asked)["Messages"]
    assert other["MessageId"] != first["MessageId"]
    direct.clock.advance(61)
    (again,) = direct("ReceiveMessage", **asked)["Messages"]
    assert again["MessageId"] == first["MessageId"]
    entry = {"Id": "0", "ReceiptHandle": again["ReceiptHandle"]}
    assert direct("DeleteMessageBatch", QueueUrl=URL, Entries=[entry])["Successful"]
    direct.clock.advance(61)
    (next_,) = direct("ReceiveMessage", **asked)["Messages"]
    assert next_["MessageId"] == other["MessageId"]


def test_another_queue_is_not_here_and_numbers_have_bounds(direct: Direct) -> None:
    code, _ = direct.refusal("ReceiveMessage", QueueUrl="http://127.0.0.1:1/1/other")
    assert code == "QueueDoesNotExist"
    code, _ = direct.refusal("ReceiveMessage", QueueUrl=URL, MaxNumberOfMessages=11)
    assert code == "ValidationException"


def test_receiving_is_no_management_event(direct: Direct) -> None:
    direct.clock.advance(100)
    received(direct)
    direct("GetQueueAttributes", QueueUrl=URL, AttributeNames=["All"])
    direct.clock.advance(1000)
    names = [each["eventName"] for each in direct.own_records("sqs.amazonaws.com")]
    assert names == ["GetQueueAttributes"]


async def test_boto3_reads_it(
    server: DemoServer, clients: Clients, clock: ManualClock
) -> None:
    clock.advance(timedelta(minutes=15).total_seconds())
    url = f"{server.endpoint_url}{PATH}"
    answer = await clients.call(
        "sqs", "receive_message", QueueUrl=url, MaxNumberOfMessages=2
    )
    assert len(answer["Messages"]) == 2
    attributes = await clients.call(
        "sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"]
    )
    assert int(attributes["Attributes"]["ApproximateNumberOfMessages"]) > 0
