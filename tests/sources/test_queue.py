"""A queue that EventBridge feeds as a source of calls, over HTTP."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from msgspec import Struct, field

from sfnwatch.errors import UsageError
from sfnwatch.model.records import RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.aws_settings import AwsSettings
from sfnwatch.sources.queue import Queue
from sfnwatch.sources.queue_address import parse_queue_url, queue_settings
from sfnwatch.sources.targets import Targets
from tests.builders import (
    REGION,
    ROLE,
    TASK_ARN,
    api_call,
    at,
    sync_history,
    task_life,
    task_state,
)
from tests.sources.clocks import ManualClock
from tests.sources.loopback import Refusal, Stub, client_at, stubbed
from tests.sources.simulation import Watched
from tests.sources.test_archive import context_of, found, gathered, known

OTHER_ROLE = ROLE.replace("role/", "role/other-")


# -- what is in a queue ----------------------------------------------------------------


def record(key: str, seconds: float = 1, **more: Any) -> dict[str, Any]:
    return api_call("DescribeTasks", seconds, key=key, **more)


def event(detail: Any, kind: str = "AWS API Call via CloudTrail") -> dict[str, Any]:
    """Build the EventBridge event round a detail."""
    return {"detail-type": kind, "source": "aws.ecs", "detail": detail}


def from_topic(value: Any) -> dict[str, Any]:
    """Put a message into SNS's envelope."""
    return {"Type": "Notification", "MessageId": "0b5c", "Message": json.dumps(value)}


class Entry(Struct):
    """A message, and until when it is hidden."""

    body: str
    sent_at: datetime
    hidden_until: datetime
    received: int = 0


class Sqs(Struct):
    """A queue with a visibility time-out, that answers without waiting."""

    clock: ManualClock
    entries: dict[str, Entry] = field(default_factory=dict)
    fail: Callable[[], None] = lambda: None
    """Raises Refusal if a deletion is to fail."""
    lie: Callable[[list[Any]], Any] = lambda found: found
    """What an answer's messages are made into."""

    def send(self, *bodies: Any) -> None:
        """Put messages in, as JSON if they are no text."""
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            now, key = self.clock.at, f"message-{uuid4()}"
            self.entries[key] = Entry(text, now, now)

    @property
    def bodies(self) -> list[str]:
        return [entry.body for entry in self.entries.values()]

    def answers(self) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
        return {
            "ReceiveMessage": self._receive,
            "DeleteMessageBatch": self._delete,
        }

    def _receive(self, asked: Mapping[str, Any]) -> Any:
        now = self.clock.at
        ready = [key for key, e in self.entries.items() if e.hidden_until <= now]
        messages = []
        for key in ready[: asked["MaxNumberOfMessages"]]:
            entry = self.entries[key]
            entry.hidden_until = now + timedelta(seconds=asked["VisibilityTimeout"])
            entry.received += 1
            sent = str(int(entry.sent_at.timestamp() * 1000))
            messages.append(
                {
                    "MessageId": key,
                    "ReceiptHandle": f"{key}/{entry.received}",
                    "Body": entry.body,
                    "Attributes": {"SentTimestamp": sent},
                }
            )
        return {"Messages": self.lie(messages)}

    def _delete(self, asked: Mapping[str, Any]) -> Any:
        self.fail()
        handles = {each["ReceiptHandle"]: each["Id"] for each in asked["Entries"]}
        good = {f"{key}/{entry.received}": key for key, entry in self.entries.items()}
        for handle in handles.keys() & good.keys():
            del self.entries[good[handle]]
        gone = [{"Id": key} for handle, key in handles.items() if handle in good]
        return {"Successful": gone, "Failed": []}


class Reading(Struct):
    """A queue that is read for an execution whose life the test decides."""

    sqs: Sqs
    stub: Stub
    targets: Targets
    aws: AwsClient
    plan: list[tuple[float, Callable[[], Any]]] = field(default_factory=list)

    @property
    def clock(self) -> ManualClock:
        return self.sqs.clock

    def when(self, seconds: float, do: Callable[[], Any]) -> None:
        """Do something as the clock comes by."""
        self.plan.append((seconds, do))

    def submit_task(self) -> None:
        """Have the history tell which task was started."""
        for received in sync_history()[3:5]:
            self.targets.watched[0].observe(received)

    def send_at(self, seconds: float, body: Any) -> None:
        self.when(seconds, lambda: self.sqs.send(body))

    def end_at(self, seconds: float) -> None:
        def end() -> None:
            self.targets.watched[0].stopped_at = at(seconds)
            self.targets.watched[0].finish()

        self.when(seconds, end)
        self.go_on()

    def go_on(self) -> None:
        due = [each for each in self.plan if self.clock.at >= at(each[0])]
        self.plan = [each for each in self.plan if each not in due]
        for _, do in due:
            do()

    def source(
        self, drain: float = 0, url: str = "", *, consume: bool = False
    ) -> Queue:
        url = url or f"{self.stub.url}/123456789012/watched"
        options = {"queue": url, "consume": consume}
        return Queue(self.aws, context_of(self.targets, self.clock, drain, **options))

    async def run(self, drain: float = 0, **more: Any) -> Watched:
        return await gathered(self.source(drain, **more))

    @property
    def seconds(self) -> float:
        return (self.clock.at - at(0)).total_seconds()


@pytest.fixture
async def reading() -> AsyncIterator[Reading]:
    sqs = Sqs(ManualClock(at(0)))
    targets = known(history=sync_history()[:3], finished=False)
    async with stubbed(**sqs.answers()) as stub, client_at(stub.url) as aws:
        made = Reading(sqs, stub, targets, aws)
        sqs.clock.on_sleep = made.go_on
        yield made


# -- reading ---------------------------------------------------------------------------


async def test_calls_are_read_as_they_come_until_the_drain_is_over(
    reading: Reading,
) -> None:
    reading.end_at(100)
    for seconds in (3, 61, 140):
        reading.send_at(seconds, event(record(f"{seconds}", seconds - 2)))
    watched = await reading.run(drain=300)
    assert found(watched) == ["3", "61", "140"]
    assert watched.states("lookup") == ["connecting", "live", "draining", "ended"]
    assert 400 <= reading.seconds < 410
    assert {h.source for h in watched.healths("lookup")} == {"queue"}
    asked = reading.stub.of("ReceiveMessage")
    waits = [each["WaitTimeSeconds"] for each in asked]
    assert list(dict.fromkeys(waits)) == [15, 5, 1]
    # An answer that says nothing, and says so at once, is no reason to ask at once.
    assert len(asked) < 120
    assert len(reading.sqs.entries) == 3, "nothing is deleted"
    assert not reading.stub.of("DeleteMessageBatch")


async def test_a_call_is_found_in_every_envelope(reading: Reading) -> None:
    reading.end_at(0)
    bodies = [
        event(record("é")),
        event(record("2"), "AWS Service Event via CloudTrail"),
        from_topic(event(record("3"))),
        record("4"),
        event(record("5", error=("x", "half \ud800 of it"))),
    ]
    reading.sqs.send(*bodies)
    watched = await reading.run()
    assert found(watched) == ["é", "2", "3", "4", "5"]
    assert watched.of(RecordKind.TRAIL)[4].record["errorMessage"] == "half \ud800 of it"
    assert not watched.messages("lookup")


async def test_what_comes_again_and_what_is_another_s_is_not_handed_on(
    reading: Reading,
) -> None:
    reading.end_at(200)
    reading.sqs.send(*[event(record(f"{n * 37 % 50}")) for n in range(100)])
    reading.sqs.send(event(record("theirs", role=OTHER_ROLE)))
    watched = await reading.run()
    assert sorted(found(watched)) == sorted(f"{n}" for n in range(50))
    assert min(entry.received for entry in reading.sqs.entries.values()) > 5
    # What comes again and again does not make the asking any busier.
    assert len(reading.stub.asked) < 1000
    assert {
        each["VisibilityTimeout"] for each in reading.stub.of("ReceiveMessage")
    } == {20}


async def test_a_role_that_becomes_known_brings_what_was_held_back(
    reading: Reading,
) -> None:
    reading.sqs.send(event(record("late", role=OTHER_ROLE)))
    name = OTHER_ROLE.rpartition("/")[2]
    reading.when(100, lambda: reading.targets.roles.add(name))
    reading.end_at(300)
    assert found(await reading.run(consume=True)) == ["late"]
    assert not reading.sqs.entries, "it is deleted when it comes by again"


async def test_states_of_the_executions_tasks_are_handed_on(reading: Reading) -> None:
    other = TASK_ARN.replace("9f018ef6", "00000000")
    for told in (*task_life(), *task_life(other), *task_life()[:2]):
        reading.sqs.send(dict(told.record))
    broken = task_state(1, "RUNNING", 1).record
    reading.sqs.send({**broken, "detail": {**broken["detail"], "version": None}})
    reading.when(50, reading.submit_task)
    reading.send_at(80, dict(task_life()[3].record))
    reading.end_at(100)
    watched = await reading.run(consume=True)
    details = watched.told(RecordKind.TASK_STATE, "detail")
    assert [each["version"] for each in details] == [1, 2, 3, 4, 5]
    assert len(watched.of(RecordKind.UNREAD)) == 1
    left = [json.loads(body)["detail"]["taskArn"] for body in reading.sqs.bodies]
    assert left == [other] * 5


@pytest.mark.parametrize("read", [12, None])
async def test_the_last_look_waits_for_a_history_that_is_still_read(
    reading: Reading, read: int | None
) -> None:
    target = reading.targets.watched[0]
    target.stopped_at = at(0)
    reading.sqs.send(dict(task_life()[4].record))

    def heed() -> None:
        reading.submit_task()
        target.finished = True

    if read is not None:
        reading.when(read, heed)
    watched = await reading.run()
    assert len(watched.of(RecordKind.TASK_STATE)) == (1 if read else 0)
    assert reading.seconds < (read or 30) + 5


# -- other messages --------------------------------------------------------------------

HOSTILE = [
    "x" * (1 << 20),
    "[" * 100_000,
    "not JSON",
    '{"a": NaN}',
    json.dumps(event(record("x"))).replace('"x"', "1e999"),
    from_topic(from_topic(event(record("x")))),
    event([record("x")]),
    {"detail-type": ["AWS API Call via CloudTrail"], "detail": record("x")},
    {"Type": "Notification", "Message": {"a": 1}},
    event(record("x"), "EC2 Instance State-change Notification"),
]


async def test_other_kinds_are_left_counted_and_told_once(reading: Reading) -> None:
    reading.sqs.send(*HOSTILE)
    status = event({"status": "RUNNING"}, "Step Functions Execution Status Change")
    reading.sqs.send(status, event(record("1")), event({"eventName": "RunTask"}))
    reading.send_at(60, "one more")
    reading.end_at(90)
    watched = await reading.run(consume=True)
    assert found(watched) == ["1"]
    assert len(watched.of(RecordKind.UNREAD)) == 1
    told = [(h.state, h.message) for h in watched.healths("lookup") if h.message]
    words = "Messages of other kinds are left in the queue"
    assert told[0] == (HealthState.LIVE, f"{words}.")
    assert told[-1] == (HealthState.ENDED, f"{words}: 12.")
    assert len(told) < 6, "that it is one more is no news"
    assert len(reading.sqs.entries) == 12


@pytest.mark.parametrize(
    "lie",
    [
        lambda _: None,
        lambda found: found * 3,
        lambda found: [
            *found,
            *({"MessageId": f"x{n}", "Body": "?"} for n in range(30)),
        ],
        lambda found: [{k: v for k, v in m.items() if k == "Body"} for m in found],
        lambda found: [{**m, "Attributes": {"SentTimestamp": "soon"}} for m in found],
    ],
)
async def test_answers_that_lie_do_no_harm(reading: Reading, lie: Any) -> None:
    reading.end_at(20)
    reading.sqs.lie = lie
    reading.sqs.send(event(record("1")))
    watched = await reading.run(consume=True)
    assert len(found(watched)) <= 1
    assert watched.states("lookup")[-1] in {HealthState.ENDED, HealthState.REFUSED}
    assert len(reading.stub.asked) < 20 * 12


async def test_what_comes_after_the_last_look_began_does_not_prolong_it(
    reading: Reading,
) -> None:
    reading.end_at(0)

    def lie(found: list[Any]) -> Any:
        reading.clock.advance(1)
        reading.sqs.send("new")
        return found

    reading.sqs.lie = lie
    await reading.run()
    assert len(reading.stub.asked) < 10


async def test_what_is_new_is_found_among_very_many_that_stay(reading: Reading) -> None:
    reading.sqs.send(*[event(record(f"{n}", role=OTHER_ROLE)) for n in range(1_200)])
    reading.send_at(90, event(record("new", 89)))
    reading.end_at(150)
    watched = await reading.run()
    (call,) = watched.of(RecordKind.TRAIL)
    assert call.at
    assert call.at < at(90 + 30)
    # Some requests a second at most, however much there is.
    assert len(reading.stub.asked) < 120 + 150 * 5
    hidden = [each["VisibilityTimeout"] for each in reading.stub.of("ReceiveMessage")]
    assert (hidden[0], max(hidden)) == (20, 60)


# -- consuming -------------------------------------------------------------------------


async def test_what_was_handed_on_is_deleted_and_not_before(reading: Reading) -> None:
    reading.end_at(60)
    reading.sqs.send(*[event(record(f"{number}")) for number in range(25)], "other")

    def look(watched: Watched) -> None:
        assert 26 - len(reading.sqs.entries) <= len(found(watched))

    watched = await gathered(reading.source(consume=True), look)
    assert len(found(watched)) == 25
    assert reading.sqs.bodies == ["other"]
    sizes = [len(each["Entries"]) for each in reading.stub.of("DeleteMessageBatch")]
    assert sizes == [10, 10, 5]
    told = watched.told(RecordKind.REQUEST, "note")
    assert {*told} == {"messages of the queue", "deleting what was read"}


@pytest.mark.parametrize("code", ["", "InternalError", "AccessDenied"])
async def test_deletions_that_fail_keep_nobody_from_reading(
    reading: Reading, code: str
) -> None:
    left = iter(range(3))

    def fail() -> None:
        if next(left, None) is not None:
            if code:
                raise Refusal(code, status=500 if code == "InternalError" else 400)
            for entry in reading.sqs.entries.values():
                entry.received += 1  # its receipt is too old

    reading.sqs.fail = fail
    reading.sqs.send(event(record("1")))
    reading.send_at(150, event(record("2")))
    reading.end_at(300)
    watched = await reading.run(consume=True)
    assert found(watched) == ["1", "2"]
    if code == "AccessDenied":
        (told,) = set(watched.messages("lookup"))
        assert told.startswith("Nothing is deleted from the queue. DeleteMessageBatch")
        assert "Allow sqs:DeleteMessage (" in told
        assert len(reading.stub.of("DeleteMessageBatch")) == 1
    else:
        assert not reading.sqs.entries, "they come again, and are deleted then"
        assert (HealthState.RETRYING in watched.states("lookup")) is bool(code)


# -- where it is -----------------------------------------------------------------------

QUEUE_PATH = "/123456789012/calls"


@pytest.mark.parametrize(
    ("origin", "region", "endpoint"),
    [
        ("https://sqs.eu-west-1.amazonaws.com", "eu-west-1", None),
        ("https://sqs-fips.us-east-1.amazonaws.com", "us-east-1", "same"),
        ("https://sqs.us-gov-west-1.api.aws", "us-gov-west-1", "same"),
        ("https://us-west-2.queue.amazonaws.com", "us-west-2", "same"),
        ("https://vpce-0a-b1.sqs.eu-west-1.vpce.amazonaws.com", "eu-west-1", "same"),
        ("http://127.0.0.1:5000", None, "same"),
        ("https://[::1]", None, "same"),
    ],
)
def test_a_queue_is_asked_where_its_url_says(
    origin: str, region: str | None, endpoint: str | None
) -> None:
    address = parse_queue_url(f" {origin}{QUEUE_PATH}\n")
    assert (address.region, address.name) == (region, "calls")
    assert address.endpoint_url == (origin if endpoint else None)
    settings = AwsSettings(REGION, profile="p", endpoint_url="http://127.0.0.1:5")
    asked = queue_settings(settings, address.url)
    assert asked.endpoint_url == (address.endpoint_url or "http://127.0.0.1:5")
    assert (asked.profile, asked.region) == ("p", REGION)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "arn:aws:sqs:eu-west-1:123456789012:calls",
        "https://sqs.eu-west-1.amazonaws.com/123/calls",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/calls?x=1",
        "https://sqs.eu-west-1.amazonaws.com:8443/123456789012/calls",
        "https://user:secret@sqs.eu-west-1.amazonaws.com/123456789012/calls",
        "https://sqs.eu-west-1.amazonaws.com.example.org/123456789012/calls",
        "http://sqs.eu-west-1.amazonaws.com/123456789012/calls",
        "http://127.0.0.1:5000/",
        "https://[::1/q",
        "https://\x1b[31mx/q",
    ],
)
def test_anything_else_is_refused_and_says_why(url: str) -> None:
    with pytest.raises(UsageError, match="No URL of an SQS queue") as raised:
        parse_queue_url(url)
    assert "get-queue-url" in raised.value.hint
    assert str(raised.value).isprintable()
