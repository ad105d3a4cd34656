"""The queue as a source of calls, over real HTTP and by a clock that jumps."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from aiohttp import web

from sfnwatch.errors import UsageError
from sfnwatch.sources import queue as queue_module
from sfnwatch.sources.allowed import Feature
from sfnwatch.sources.aws import AwsSettings
from sfnwatch.sources.drive import Patience
from sfnwatch.sources.feed import run
from sfnwatch.sources.history import History
from sfnwatch.sources.queue import Queue, queue_settings
from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import From, HealthState
from tests.builders import REGION, TASK_ARN, sync_history
from tests.ecs import LIFE, task_event, task_life
from tests.sources.queueing import (
    Bench,
    SqsStub,
    error,
    event,
    from_topic,
    held,
    record,
    strangers,
    subjects,
)
from tests.sources.simulation import EPOCH, Simulate, SteppedClock, Watched

LIVE, ENDED = HealthState.LIVE, HealthState.ENDED


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    clock = SteppedClock()
    stub = SqsStub(clock)
    await stub.start()
    async with held(clock, stub.origin) as aws:
        yield Bench(clock, stub, subjects(), aws)
    await stub.stop()


def calls(bench: Bench) -> list[str]:
    """Name the calls that were handed over, as often as they were."""
    return [r.data["eventID"] for r in bench.watched.records if r.source == From.TRAIL]


def messages(bench: Bench) -> list[str]:
    return bench.watched.messages("lookup")


def bodies(stub: SqsStub) -> list[str]:
    return [message.body for message in stub.messages.values()]


# -- reading -----------------------------------------------------------------------


async def test_calls_are_read_as_they_come_until_the_drain_is_over(
    bench: Bench,
) -> None:
    bench.ends_at(100)
    for at in (3, 61, 140):
        bench.stub.send_at(at, event(record(at, at=at - 2)))
    watched = await bench.run(drain=300)
    assert calls(bench) == ["call-3", "call-61", "call-140"]
    assert watched.states("lookup") == [
        HealthState.CONNECTING,
        LIVE,
        HealthState.DRAINING,
        ENDED,
    ]
    assert 400 <= bench.seconds < 410
    assert {h.source for h in watched.healths("lookup")} == {"queue"}
    came = [r.at for r in watched.records if r.source == From.TRAIL]
    for when, sent in zip(came, (3, 61, 140), strict=True):
        assert when is not None
        assert 0 <= (when - EPOCH).total_seconds() - sent <= 15
    assert len(bench.stub.messages) == 3, "nothing is deleted"


async def test_the_wait_is_long_while_it_runs_and_short_when_somebody_may_leave(
    bench: Bench,
) -> None:
    bench.ends_at(100)
    await bench.run(drain=60)
    asked = bench.stub.operations("ReceiveMessage")
    waits = [each.parameters["WaitTimeSeconds"] for each in asked]
    assert list(dict.fromkeys(waits)) == [15, 5, 1]
    # An answer that says nothing, and says so at once, is no reason to ask at once.
    assert len(asked) < 25
    hidden = {each.parameters["VisibilityTimeout"] for each in asked}
    assert max(hidden) <= 30
    assert min(hidden) > 0


async def test_every_coat_is_taken_off(bench: Bench) -> None:
    bench.ends_at(0)
    bodies = [
        event(record(1)),
        event(record(2), "AWS Service Event via CloudTrail"),
        from_topic(event(record(3))),
        record(4),
    ]
    for body in bodies:
        bench.stub.send(body)
    await bench.run(drain=0)
    assert calls(bench) == ["call-1", "call-2", "call-3", "call-4"]
    assert not messages(bench)


async def test_a_message_that_comes_again_is_known(bench: Bench) -> None:
    bench.ends_at(200)
    bench.stub.send(event(record(1)))
    bench.stub.send(event(record(1)))
    await bench.run(drain=0)
    assert calls(bench) == ["call-1"]
    (first, second) = bench.stub.messages.values()
    assert first.received > 5
    assert second.received > 5
    # What comes again and again does not make the asking any busier.
    assert len(bench.stub.operations("ReceiveMessage")) < 200


async def test_five_hundred_are_all_read_in_any_order(bench: Bench) -> None:
    bench.ends_at(0)
    for number in range(500):
        bench.stub.send(event(record(number * 37 % 500)))
    await bench.run(drain=0)
    assert sorted(calls(bench)) == sorted(f"call-{n}" for n in range(500))
    assert len(bench.stub.operations("ReceiveMessage")) < 60


async def test_what_is_somebody_elses_is_not_handed_on(bench: Bench) -> None:
    bench.ends_at(0)
    bench.stub.send(event(strangers(1)))
    bench.stub.send(event(record(2)))
    await bench.run(drain=0, consume=True)
    assert calls(bench) == ["call-2"]
    assert [json.loads(b)["detail"]["eventID"] for b in bodies(bench.stub)] == [
        "call-1"
    ]


async def test_a_role_that_becomes_known_brings_what_was_held_back(
    bench: Bench,
) -> None:
    bench.ends_at(300)
    bench.stub.send(event(strangers(1)))
    bench.clock.when(100, lambda: bench.subject.roles.add("another-role"))
    watched = await bench.run(drain=0, consume=True)
    assert calls(bench) == ["call-1"]
    (received,) = (r for r in watched.records if r.source == From.TRAIL)
    assert received.at is not None
    assert not bench.stub.messages, "it is deleted when it comes by again"


async def test_a_call_that_says_nothing_is_kept_as_unread(bench: Bench) -> None:
    bench.ends_at(0)
    bench.stub.send(event({"eventName": "RunTask"}))
    bench.stub.send(event({"eventID": "x", "eventTime": "soon"}))
    watched = await bench.run(drain=0, consume=True)
    unread = [r.data for r in watched.records if r.source == From.UNREAD]
    assert len(unread) == 2
    assert len(watched.trace.unread) == 2
    assert not bench.stub.messages


async def test_nothing_is_asked_before_it_is_known_whom_to_look_for(
    bench: Bench,
) -> None:
    bench.subjects.known.clear()
    bench.clock.when(30, bench.subjects.known.set)
    bench.ends_at(40)

    async def wait() -> None:
        await bench.clock.sleep(60)

    async with asyncio.TaskGroup() as group:
        group.create_task(wait())
        group.create_task(bench.run(drain=0))
    assert (bench.stub.asked[0].at - EPOCH).total_seconds() >= 30


# -- tasks -------------------------------------------------------------------------


async def test_states_of_the_executions_tasks_are_handed_on(bench: Bench) -> None:
    other = TASK_ARN.replace("9f018ef6", "00000000")
    for received in (*task_life(), *task_life(other), *task_life()[:2]):
        bench.stub.send(received.data)
    source = bench.source(drain=0, consume=True)
    bench.clock.when(50, lambda: source.heed(tuple(sync_history()[:5])))
    bench.stub.send_at(80, task_life()[3].data)
    bench.ends_at(100)
    for received in sync_history():
        bench.watched((received,))
    watched = await bench.run(source)
    states = watched.trace.task_states[TASK_ARN]
    assert [state.last_status for state in states] == list(LIFE)
    assert len(watched.trace.task_changes) == 5
    assert len([r for r in watched.records if r.source == From.TASK_STATE]) == 5
    left = [json.loads(body)["detail"]["taskArn"] for body in bodies(bench.stub)]
    assert left == [other] * 5


async def test_a_state_of_no_task_is_kept_as_unread(bench: Bench) -> None:
    bench.ends_at(0)
    broken = task_event(1, "RUNNING", 1)
    del broken["detail"]["version"]
    bench.stub.send(broken)
    watched = await bench.run(drain=0)
    assert [r.source for r in watched.records if r.source == From.UNREAD]


# -- other kinds of messages ----------------------------------------------------------


HOSTILE = [
    "x" * (1 << 20),
    "[" * 100_000,
    "not JSON",
    '{"a": NaN}',
    json.dumps({"half": "\ud800"}),
]


async def test_other_kinds_are_left_counted_and_told_once(bench: Bench) -> None:
    bench.ends_at(90)
    for body in HOSTILE:
        bench.stub.send(body)
    status = event({"status": "RUNNING"}, "Step Functions Execution Status Change")
    bench.stub.send(status)
    bench.stub.send_at(60, "one more")
    await bench.run(drain=0, consume=True)
    told = [(h.state, h.message) for h in bench.watched.healths("lookup") if h.message]
    assert list(dict.fromkeys(told)) == [
        (LIVE, "5 messages of other kinds are left in the queue."),
        (HealthState.DRAINING, "5 messages of other kinds are left in the queue."),
        (ENDED, "6 messages of other kinds are left in the queue."),
    ]
    assert len(bench.stub.messages) == 7


async def test_calls_are_found_between_hostile_messages(bench: Bench) -> None:
    bench.ends_at(0)
    odd = record(1, errorMessage="half \ud800 of it", errorCode="\x1b[31m")
    for body in (*HOSTILE, event(odd), *HOSTILE, event(record(2)), *HOSTILE):
        bench.stub.send(body)
    await bench.run(drain=0)
    assert calls(bench) == ["call-1", "call-2"]
    assert bench.watched.trace.calls["call-1"].error_message == odd["errorMessage"]


@pytest.mark.parametrize(
    "lie",
    [
        lambda _: [],
        lambda _: None,
        lambda found: found * 3,
        lambda found: [
            *found,
            *({"MessageId": f"x{n}", "Body": "?"} for n in range(30)),
        ],
        lambda found: [{k: v for k, v in m.items() if k != "MessageId"} for m in found],
        lambda found: [
            {k: v for k, v in m.items() if k in {"MessageId", "Body"}} for m in found
        ],
        lambda found: [{**m, "Attributes": {"SentTimestamp": "soon"}} for m in found],
    ],
)
async def test_answers_that_lie_do_no_harm(bench: Bench, lie: Any) -> None:
    bench.ends_at(60)
    bench.stub.lie = lie
    bench.stub.send(event(record(1)))
    await bench.run(drain=0, consume=True)
    assert len(calls(bench)) <= 1
    assert bench.watched.states("lookup")[-1] is ENDED
    assert len(bench.stub.asked) < 60 * 12


async def test_a_queue_that_never_runs_dry_is_left_in_the_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "_LAST_LOOKS", 20)
    bench.ends_at(0)
    numbers = iter(range(10_000))
    bench.stub.lie = lambda _: [
        {"MessageId": f"m{next(numbers)}", "Body": "?"} for _ in range(10)
    ]
    await bench.run(drain=0)
    assert len(bench.stub.operations("ReceiveMessage")) == 20


async def test_what_comes_after_the_last_look_began_does_not_prolong_it(
    bench: Bench,
) -> None:
    bench.ends_at(0)
    bench.stub.send(event(record(0)))

    def lie(found: Iterable[Any]) -> Any:
        bench.clock.advance(1)
        bench.stub.send("new")
        return list(found)

    bench.stub.lie = lie
    await bench.run(drain=0)
    assert calls(bench) == ["call-0"]
    assert len(bench.stub.operations("ReceiveMessage")) < 10


# -- consuming ------------------------------------------------------------------------


async def test_what_was_handed_on_is_deleted_and_not_before(bench: Bench) -> None:
    bench.ends_at(60)
    for number in range(25):
        bench.stub.send(event(record(number)))
    handed: list[int] = []
    source = bench.source(drain=0, consume=True)
    async for batch in source.batches():
        deleted = 25 - len(bench.stub.messages)
        assert deleted <= sum(handed)
        handed.append(sum(r.source == From.TRAIL for r in batch))
        bench.watched(batch)
    assert len(calls(bench)) == 25
    assert not bench.stub.messages
    deletions = bench.stub.operations("DeleteMessageBatch")
    assert [len(d.parameters["Entries"]) for d in deletions] == [10, 10, 5]
    assert bench.watched.states("lookup")[-1] is ENDED


async def test_without_consume_nothing_is_asked_to_be_deleted(bench: Bench) -> None:
    bench.ends_at(30)
    bench.stub.send(event(record(1)))
    await bench.run(drain=0)
    assert {asked.operation for asked in bench.stub.asked} == {
        "GetQueueAttributes",
        "ReceiveMessage",
    }


async def test_what_fails_in_part_is_tried_again(bench: Bench) -> None:
    bench.ends_at(60)
    for number in range(3):
        bench.stub.send(event(record(number)))
    fault = {"SenderFault": False, "Code": "InternalError", "Message": "x"}
    bench.stub.delete_faults = [fault, fault]
    await bench.run(drain=0, consume=True)
    assert not bench.stub.messages
    sizes = [
        len(asked.parameters["Entries"])
        for asked in bench.stub.operations("DeleteMessageBatch")
    ]
    assert sizes == [3, 2]
    first, second = (a.at for a in bench.stub.operations("DeleteMessageBatch"))
    assert (second - first).total_seconds() < 5, "before they come again"
    assert calls(bench) == ["call-0", "call-1", "call-2"]


async def test_what_can_not_be_deleted_is_given_up_until_it_comes_again(
    bench: Bench,
) -> None:
    bench.ends_at(200)
    bench.stub.send(event(record(1)))
    stale = {"SenderFault": True, "Code": "ReceiptHandleIsInvalid", "Message": "old"}
    bench.stub.delete_faults = [stale]
    await bench.run(drain=0, consume=True)
    assert not bench.stub.messages
    assert len(bench.stub.operations("DeleteMessageBatch")) == 2
    assert calls(bench) == ["call-1"]


def silent() -> web.Response:
    return web.Response(body="{}", content_type="application/x-amz-json-1.0")


async def test_silence_about_a_message_is_no_deletion(bench: Bench) -> None:
    bench.ends_at(60)
    bench.stub.send(event(record(1)))
    bench.stub.fail("DeleteMessageBatch", silent, silent)
    await bench.run(drain=0, consume=True)
    assert not bench.stub.messages
    assert len(bench.stub.operations("DeleteMessageBatch")) == 3


async def test_what_is_never_deleted_keeps_nobody_from_reading(bench: Bench) -> None:
    bench.ends_at(50)
    bench.stub.send(event(record(1)))
    bench.stub.send_at(30, event(record(2)))
    bench.stub.fail("DeleteMessageBatch", *[silent] * 500)
    await bench.run(drain=0, consume=True)
    assert calls(bench) == ["call-1", "call-2"]
    assert bench.watched.states("lookup")[-1] is ENDED
    # Three tries each time a message comes by.
    assert len(bench.stub.operations("DeleteMessageBatch")) <= 3 * 6


async def test_deletions_that_fail_keep_nobody_from_reading(bench: Bench) -> None:
    bench.ends_at(300)
    bench.stub.send(event(record(1)))
    bench.stub.send_at(100, event(record(2)))
    bench.stub.fail("DeleteMessageBatch", *[error("InternalError", status=500)] * 500)
    watched = await bench.run(drain=600, consume=True)
    assert calls(bench) == ["call-1", "call-2"]
    assert HealthState.RETRYING in watched.states("lookup")


async def test_being_forbidden_to_delete_is_told_and_reading_goes_on(
    bench: Bench,
) -> None:
    bench.ends_at(100)
    bench.stub.send(event(record(1)))
    bench.stub.send_at(50, event(record(2)))
    bench.stub.fail("DeleteMessageBatch", error("AccessDenied", "no"))
    await bench.run(drain=0, consume=True)
    assert calls(bench) == ["call-1", "call-2"]
    assert len(bench.stub.operations("DeleteMessageBatch")) == 1
    (told,) = set(messages(bench))
    assert told.startswith("Nothing is deleted from the queue. DeleteMessageBatch on")
    assert "Allow sqs:DeleteMessage (" in told
    assert HealthState.DENIED not in bench.watched.states("lookup")


# -- trouble --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "state", "words"),
    [
        ("QueueDoesNotExist", HealthState.REFUSED, "--queue URL"),
        ("InvalidAddress", HealthState.REFUSED, "Check the --queue URL"),
        ("AccessDenied", HealthState.DENIED, "Allow sqs:"),
        ("KmsAccessDenied", HealthState.DENIED, "allow kms:Decrypt"),
        ("KmsDisabled", HealthState.DENIED, "allow kms:Decrypt"),
        ("RequestThrottled", HealthState.THROTTLED, "RequestThrottled"),
        ("KmsThrottled", HealthState.THROTTLED, "KMS.ThrottlingException"),
        ("OverLimit", HealthState.THROTTLED, "come free"),
        ("ExpiredToken", HealthState.EXPIRED, "aws login"),
        ("InternalError", HealthState.RETRYING, "InternalError"),
    ],
)
async def test_trouble_is_told_in_plain_words(
    bench: Bench, code: str, state: HealthState, words: str
) -> None:
    bench.ends_at(600)
    # botocore itself tries twice.
    bench.stub.fail("ReceiveMessage", error(code), error(code))
    bench.stub.send(event(record(1)))
    watched = await bench.run(drain=0)
    told = [h for h in watched.healths("lookup") if h.state is state]
    assert told
    assert words.lower() in told[0].message.lower()
    assert "says the stub" in told[0].message
    if state is HealthState.REFUSED:
        assert watched.states("lookup")[-1] is state
    else:
        assert calls(bench) == ["call-1"]
        assert watched.states("lookup")[-1] is ENDED


async def test_a_queue_that_is_not_there_is_told_at_once(bench: Bench) -> None:
    gone = error("QueueDoesNotExist", "The specified queue does not exist.")
    bench.stub.fail("GetQueueAttributes", gone, gone)
    watched = await bench.run()
    assert watched.states("lookup") == [HealthState.CONNECTING, HealthState.REFUSED]
    (told,) = messages(bench)
    assert told == (
        "GetQueueAttributes on the queue watched: AWS.SimpleQueueService"
        ".NonExistentQueue. The specified queue does not exist. Is the --queue URL"
        " right, and of an account that the --profile may read?"
    )


async def test_without_its_attributes_a_queue_is_read_all_the_same(
    bench: Bench,
) -> None:
    bench.ends_at(30)
    bench.stub.fail("GetQueueAttributes", error("AccessDenied"))
    bench.stub.send(event(record(1)))
    watched = await bench.run(drain=0)
    assert calls(bench) == ["call-1"]
    assert HealthState.DENIED not in watched.states("lookup")


async def test_an_outage_is_outlived(bench: Bench) -> None:
    bench.ends_at(400)
    bench.stub.send(event(record(1)))
    down = [error("ServiceUnavailable", status=503)] * 8
    bench.clock.when(100, lambda: bench.stub.fail("ReceiveMessage", *down))
    bench.stub.send_at(130, event(record(2)))
    watched = await bench.run(drain=0)
    assert calls(bench) == ["call-1", "call-2"]
    states = watched.states("lookup")
    assert states[:3] == [HealthState.CONNECTING, LIVE, HealthState.RETRYING]
    assert states[-1] is ENDED


async def test_a_server_that_went_away_and_came_back_is_asked_again(
    bench: Bench,
) -> None:
    bench.ends_at(400)
    bench.stub.send(event(record(1)))
    source = bench.source(drain=0, consume=True)
    stopped = False
    async for batch in source.batches():
        bench.watched(batch)
        if calls(bench) and not stopped:
            stopped = True
            await bench.stub.stop()
        elif bench.watched.states("lookup")[-1] is HealthState.RETRYING:
            bench.stub.send(event(record(2)))
            await bench.stub.start()
    assert calls(bench) == ["call-1", "call-2"]
    assert not bench.stub.messages
    assert bench.watched.states("lookup")[-1] is ENDED


async def test_a_permission_is_not_awaited_after_the_end(bench: Bench) -> None:
    bench.ends_at(100)
    bench.stub.fail("ReceiveMessage", *[error("AccessDenied")] * 50)
    watched = await bench.run()
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    assert bench.seconds < 170


async def test_what_fails_again_and_again_after_the_drain_is_given_up(
    bench: Bench,
) -> None:
    bench.ends_at(0)
    down = [error("InternalError", status=500)] * 50
    bench.stub.fail("GetQueueAttributes", *down)
    watched = await bench.run(drain=0)
    assert watched.states("lookup")[-1] is HealthState.REFUSED


async def test_patience_may_have_an_end(bench: Bench) -> None:
    await bench.stub.stop()
    watched = await bench.run(patience=Patience(2))
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    await bench.stub.start()


# -- what else is told ---------------------------------------------------------------


async def test_the_lag_is_how_long_a_record_took_to_be_there(bench: Bench) -> None:
    bench.ends_at(200)
    for number in range(5):
        bench.stub.send_at(50 + number, event(record(number, at=40 + number)))
    # Another's says nothing of how late ours are.
    for number in range(10):
        bench.stub.send_at(58 + number, event(strangers(100 + number)))
    # One that lay there for an hour was not late for that.
    old = EPOCH.replace(microsecond=0)
    bench.stub.send(event(record(9, at=-3600)), sent_at=old.replace(hour=0, minute=0))
    watched = await bench.run(drain=0)
    lags = [h.lag for h in watched.healths("lookup") if h.lag is not None]
    assert lags
    assert lags[-1] == pytest.approx(10, abs=0.5)


@pytest.mark.parametrize("consume", [False, True])
async def test_a_queue_that_counts_its_readers_is_warned_of(
    bench: Bench,
    consume: bool,  # noqa: FBT001
) -> None:
    bench.ends_at(30)
    policy = {"deadLetterTargetArn": "arn:aws:sqs:x", "maxReceiveCount": 3}
    bench.stub.attributes = {"RedrivePolicy": json.dumps(policy)}
    await bench.run(drain=0, consume=consume)
    told = [m for m in messages(bench) if "dead-letter queue after 3" in m]
    assert bool(told) is not consume


async def test_what_is_new_is_found_among_very_many_that_stay(bench: Bench) -> None:
    bench.ends_at(400)
    for number in range(1_200):
        bench.stub.send(event(strangers(number)))
    bench.stub.send_at(200, event(record(9_999, at=199)))
    watched = await bench.run(drain=0)
    (found,) = (r for r in watched.records if r.source == From.TRAIL)
    assert found.at is not None
    assert (found.at - EPOCH).total_seconds() < 200 + 30
    assert "1,000 messages stay in the queue" in messages(bench)[-1]
    # Some requests a second at most, however much there is.
    assert len(bench.stub.asked) < 400 * 5
    hidden = [
        asked.parameters["VisibilityTimeout"]
        for asked in bench.stub.operations("ReceiveMessage")
    ]
    assert (hidden[0], max(hidden)) == (20, 60)


async def test_what_is_deleted_does_not_stay(bench: Bench) -> None:
    bench.ends_at(0)
    for number in range(1_200):
        bench.stub.send(event(record(number)))
    await bench.run(drain=0, consume=True)
    assert not bench.stub.messages
    assert not messages(bench)


async def test_a_fifo_queue_is_warned_of(bench: Bench) -> None:
    bench.ends_at(30)
    url = bench.stub.url + ".fifo"
    source = Queue(bench.aws, bench.subjects, bench.clock, url, drain=0)
    await bench.run(source)
    assert "FIFO" in messages(bench)[0]


async def test_requests_are_listed_with_what_they_were_for(bench: Bench) -> None:
    bench.ends_at(30)
    bench.stub.send(event(record(1)))
    watched = await bench.run(drain=0, consume=True)
    told = {(r.operation, r.note) for r in watched.trace.ordered_requests}
    assert told == {
        ("GetQueueAttributes", "the queue itself"),
        ("ReceiveMessage", "messages of the queue"),
        ("DeleteMessageBatch", "taking off what was read"),
    }
    received = [r for r in watched.trace.ordered_requests if r.items]
    assert [r.items for r in received] == [1]
    assert {r.service for r in watched.trace.ordered_requests} == {"sqs"}
    assert {asked.region for asked in bench.stub.asked} == {REGION}


async def test_deleting_needs_the_feature(bench: Bench) -> None:
    bench.ends_at(30)
    bench.stub.send(event(record(1)))
    async with held(bench.clock, bench.stub.origin, Feature.QUEUE) as aws:
        source = Queue(
            aws, bench.subjects, bench.clock, bench.stub.url, drain=0, consume=True
        )
        with pytest.raises(RuntimeError, match="DeleteMessageBatch"):
            await bench.run(source)
    assert bench.stub.messages


def test_what_is_no_queue_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match="No URL of an SQS queue"):
        Queue(None, subjects(), SteppedClock(), "calls")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "given", "asked"),
    [
        ("http://127.0.0.1:9/q/calls", None, "http://127.0.0.1:9"),
        ("http://127.0.0.1:9/q/calls", "http://127.0.0.1:5", "http://127.0.0.1:9"),
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/calls", None, None),
        (
            "https://sqs.eu-west-1.amazonaws.com/123456789012/calls",
            "http://127.0.0.1:5",
            "http://127.0.0.1:5",
        ),
    ],
)
def test_a_queue_is_asked_where_its_url_says(
    url: str, given: str | None, asked: str | None
) -> None:
    settings = AwsSettings(REGION, profile="p", endpoint_url=given)
    found = queue_settings(settings, url)
    assert (found.endpoint_url, found.profile, found.region) == (asked, "p", REGION)


# -- the end ---------------------------------------------------------------------------


async def test_the_drain_can_be_ended(bench: Bench) -> None:
    bench.ends_at(50)
    source = bench.source(drain=900)
    bench.clock.when(90, source.end_drain)
    bench.stub.send_at(88, event(record(1)))
    watched = await bench.run(source)
    assert calls(bench) == ["call-1"]
    assert bench.seconds < 100
    assert watched.states("lookup")[-1] is ENDED


@pytest.mark.parametrize("read", [12, None])
async def test_the_last_look_waits_for_a_history_that_is_still_read(
    bench: Bench, read: int | None
) -> None:
    bench.ends_at(0)
    bench.subject.over = False
    bench.stub.send(task_life()[4].data)
    source = bench.source(drain=0)

    def heed() -> None:
        source.heed(tuple(sync_history()))
        bench.subject.over = True

    if read is not None:
        bench.clock.when(read, heed)
    watched = await bench.run(source)
    assert len(watched.trace.task_changes) == (1 if read else 0)
    assert bench.seconds < (read or 30) + 5


async def test_the_drain_is_as_long_as_it_is_said_to_be(bench: Bench) -> None:
    bench.ends_at(50)
    watched = await bench.run(drain=120)
    assert 170 <= bench.seconds < 180
    until = [h.until for h in watched.healths("lookup") if h.until]
    assert {(at - EPOCH).total_seconds() for at in until} == {170}


async def test_the_seeds_run_is_tied_by_what_the_queue_alone_brings(
    simulate: Simulate,
) -> None:
    simulation = await simulate("sync")
    clock, (arn,) = simulation.clock, simulation.account.executions.values()
    stub, watched = SqsStub(clock), Watched()
    await stub.start()
    for number, told in enumerate(simulation.account.world.trail):
        body = event(json.loads(told.envelope["CloudTrailEvent"]))
        seconds = (told.event_time - EPOCH).total_seconds() + 4 + number / 1e5
        stub.send_at(max(0.0, seconds), body)
    both = Subjects([parse_execution_arn(arn)])
    async with (
        held(clock, stub.origin) as sqs,
        held(clock, simulation.endpoint_url) as aws,
    ):
        source = Queue(sqs, both, clock, stub.url, drain=60, consume=True)
        history = History(aws, both.each[0], clock)
        await run([history, source], [source.heed, watched])
    await stub.stop()
    assert [name for name, _ in watched.tied()] == ["RunTask", *["DescribeTasks"] * 5]
    assert {rule for _, rule in watched.tied()} == {"request-id", "resource-id"}
    assert {r.source for r in watched.records} >= {From.TRAIL, From.HISTORY}
    assert not simulation.asked("LookupEvents")
