"""The account's queue: what ECS tells of its tasks, as SQS hands it out."""

import json
from typing import Any

from sfnwatch.demo.account import LONGEST_LAG
from tests.demo.conftest import Served, refusal

STEPS = ["PROVISIONING", "PENDING", "RUNNING", "DEPROVISIONING", "STOPPED"]


async def received(demo: Served, **more: Any) -> list[dict[str, Any]]:
    answer = await demo.queue.receive_message(QueueUrl=demo.queue_url, **more)
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


async def life_of(demo: Served, family: str) -> list[dict[str, Any]]:
    """Receive all there is, and give what is of one task."""
    found: list[dict[str, Any]] = []
    asked = {"MaxNumberOfMessages": 10, "VisibilityTimeout": 43_200}
    while messages := await received(demo, **asked):
        found += [json.loads(each["Body"])["detail"] for each in messages]
    return [each for each in found if each["group"] == f"family:{family}"]


async def visible(demo: Served) -> int:
    answer = await demo.queue.get_queue_attributes(
        QueueUrl=demo.queue_url, AttributeNames=["All"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


async def test_a_task_that_is_waited_for_tells_of_its_whole_life(demo: Served) -> None:
    demo.clock.advance(900)
    life = await life_of(demo, "nightly-report")
    assert [each["lastStatus"] for each in life] == STEPS
    assert [each["version"] for each in life] == [1, 2, 3, 4, 5]
    times = [each["updatedAt"] for each in life]
    assert times == sorted(times)
    assert life[0]["startedBy"] == "AWS Step Functions"
    assert life[-1]["stoppedAt"] == times[-1]
    assert life[-1]["containers"][0]["exitCode"] == 0
    done = (await demo.history(demo.arn("sync")))[-3]["taskSucceededEventDetails"]
    output = json.loads(done["output"])
    assert life[-1]["taskArn"] == output["TaskArn"]
    assert life[-1]["stoppedAt"].endswith(f".{output['StoppedAt'] % 1000:03}Z")


async def test_nothing_is_there_before_it_was_sent(demo: Served) -> None:
    counts = []
    for _ in range(30):
        counts.append(await visible(demo))
        demo.clock.advance(15)
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


async def test_what_was_received_is_hidden_for_a_while_and_deleted_for_good(
    demo: Served,
) -> None:
    demo.clock.advance(900)
    (first,) = await received(demo, VisibilityTimeout=60)
    (other,) = await received(demo, VisibilityTimeout=60)
    assert other["MessageId"] != first["MessageId"]
    demo.clock.advance(61)
    (again,) = await received(demo, VisibilityTimeout=60)
    assert again["MessageId"] == first["MessageId"]
    entry = {"Id": "0", "ReceiptHandle": again["ReceiptHandle"]}
    asked = {"QueueUrl": demo.queue_url, "Entries": [entry]}
    answer = await demo.queue.delete_message_batch(**asked)
    assert [each["Id"] for each in answer["Successful"]] == ["0"]
    demo.clock.advance(61)
    (following,) = await received(demo, VisibilityTimeout=60)
    assert following["MessageId"] == other["MessageId"]


async def test_another_queue_is_not_here(demo: Served) -> None:
    elsewhere = demo.queue.receive_message(QueueUrl=f"{demo.url}/1/other")
    assert (await refusal(elsewhere))[0] == "QueueDoesNotExist"


async def test_receiving_is_no_management_event(demo: Served) -> None:
    await received(demo)
    await visible(demo)
    demo.clock.advance(LONGEST_LAG)
    names = [each["eventName"] for each in await demo.own_records("sqs")]
    assert names == ["GetQueueAttributes"]
