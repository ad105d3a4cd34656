"""A queue over real HTTP, by a clock of the test's own; it does what moto can't.

It lies, fails in part, goes away and comes back. Synthetic: its errors have the codes
of botocore's model of SQS, with the header that carries the old ones.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from typing import Any

from aiohttp import web

from sfnwatch.demo.server import CREDENTIALS
from sfnwatch.sources.allowed import Feature
from sfnwatch.sources.aws import Aws, AwsSettings
from sfnwatch.sources.queue import Queue
from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.times import iso
from tests.builders import ARN, REGION, ROLE, sync_calls
from tests.sources.simulation import EPOCH, SteppedClock, Watched

NAME = "watched"
OLD_CODES = {
    "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue",
    "KmsAccessDenied": "KMS.AccessDeniedException",
    "KmsThrottled": "KMS.ThrottlingException",
}
Fault = Callable[[], web.Response]


def error(code: str, message: str = "says the stub", status: int = 400) -> Fault:
    """Answer with an error, its old code in the header as SQS has it."""
    body = json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": message})
    old = OLD_CODES.get(code)
    headers = {"x-amzn-query-error": f"{old};Sender"} if old else {}
    return lambda: web.Response(
        body=body,
        status=status,
        headers=headers,
        content_type="application/x-amz-json-1.0",
    )


@dataclass
class Message:
    id: str
    body: str
    sent_at: datetime
    visible_at: datetime
    received: int = 0


@dataclass
class Asked:
    operation: str
    parameters: dict[str, Any]
    at: datetime
    region: str


@dataclass
class SqsStub:
    """A queue with a visibility time-out, that answers without waiting."""

    clock: SteppedClock
    messages: dict[str, Message] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    """What the next requests for an operation are answered with instead."""
    lie: Callable[[list[dict[str, Any]]], Any] | None = None
    """What an answer's messages are made into."""
    delete_faults: list[Mapping[str, Any]] = field(default_factory=list)
    """What the next entries that are to be deleted fail with."""
    port: int = 0
    runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/{path:.*}", self._answer)
        self.runner = web.AppRunner(app, access_log=None)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", self.port)
        await site.start()
        server = site._server
        assert server is not None
        self.port = server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]

    async def stop(self) -> None:
        assert self.runner is not None
        await self.runner.cleanup()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.origin}/123456789012/{NAME}"

    def send(self, body: Any, *, sent_at: datetime | None = None) -> None:
        """Put a message in, as JSON if it is no text."""
        key = f"message-{len(self.asked)}-{len(self.messages)}"
        now = self.clock.now()
        text = body if isinstance(body, str) else json.dumps(body)
        self.messages[key] = Message(key, text, sent_at or now, now)

    def send_at(self, seconds: float, body: Any) -> None:
        """Put a message in so many seconds after the epoch."""
        self.clock.when(seconds, partial(self.send, body))

    def fail(self, operation: str, *faults: Fault) -> None:
        self.faults.setdefault(operation, []).extend(faults)

    def operations(self, name: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.operation == name]

    async def _answer(self, request: web.Request) -> web.Response:
        operation = request.headers["X-Amz-Target"].partition(".")[2]
        parameters = json.loads(await request.read())
        scope = request.headers["Authorization"].split("/")
        self.asked.append(Asked(operation, parameters, self.clock.now(), scope[2]))
        waiting = self.faults.get(operation)
        if waiting:
            return waiting.pop(0)()
        answer = {
            "GetQueueAttributes": self._attributes,
            "ReceiveMessage": self._receive,
            "DeleteMessageBatch": self._delete,
        }[operation](parameters)
        # aiohttp warns of large bytes, and of a stream it does not.
        body = BytesIO(json.dumps(answer).encode())
        return web.Response(body=body, content_type="application/x-amz-json-1.0")

    def _attributes(self, _: dict[str, Any]) -> Any:
        return {"Attributes": self.attributes}

    def _receive(self, parameters: dict[str, Any]) -> Any:
        now = self.clock.now()
        ready = [m for m in self.messages.values() if m.visible_at <= now]
        found = []
        for message in ready[: parameters["MaxNumberOfMessages"]]:
            hidden = timedelta(seconds=parameters["VisibilityTimeout"])
            message.visible_at = now + hidden
            message.received += 1
            sent = str(int(message.sent_at.timestamp() * 1000))
            found.append(
                {
                    "MessageId": message.id,
                    "ReceiptHandle": f"{message.id}/{message.received}",
                    "Body": message.body,
                    "Attributes": {"SentTimestamp": sent},
                }
            )
        if self.lie is not None:
            return {"Messages": self.lie(found)}
        return {"Messages": found} if found else {}

    def _delete(self, parameters: dict[str, Any]) -> Any:
        gone, failed = [], []
        for entry in parameters["Entries"]:
            key, _, number = entry["ReceiptHandle"].rpartition("/")
            message = self.messages.get(key)
            if self.delete_faults:
                failed.append({"Id": entry["Id"], **self.delete_faults.pop(0)})
            elif message is None or message.received != int(number):
                fault = {"SenderFault": True, "Code": "ReceiptHandleIsInvalid"}
                failed.append({"Id": entry["Id"], **fault})
            else:
                del self.messages[key]
                gone.append({"Id": entry["Id"]})
        return {"Successful": gone, "Failed": failed}


@dataclass
class Bench:
    """A queue source at the stub, of one execution whose life the test decides."""

    clock: SteppedClock
    stub: SqsStub
    subjects: Subjects
    aws: Aws
    watched: Watched = field(default_factory=Watched)

    @property
    def subject(self) -> Any:
        return self.subjects.each[0]

    def source(self, **more: Any) -> Queue:
        return Queue(self.aws, self.subjects, self.clock, self.stub.url, **more)

    def ends_at(self, seconds: float) -> None:
        """Have the execution end so many seconds after the epoch."""
        at = EPOCH + timedelta(seconds=seconds)

        def end() -> None:
            self.subject.stopped_at = at
            self.subject.over = True

        if seconds <= 0:
            end()
        else:
            self.clock.when(seconds, end)

    async def run(self, source: Queue | None = None, **more: Any) -> Watched:
        async for batch in (source or self.source(**more)).batches():
            self.watched(batch)
        return self.watched

    @property
    def seconds(self) -> float:
        """Seconds since the epoch."""
        return (self.clock.now() - EPOCH).total_seconds()


def held(clock: SteppedClock, endpoint_url: str, *features: Feature) -> Aws:
    """Make an account that holds the clock while it is asked."""

    class Held(Aws):
        async def call(self, *names: str, **kwargs: Any) -> Any:
            with clock.request():
                return await super().call(*names, **kwargs)

    settings = AwsSettings(
        REGION,
        endpoint_url=endpoint_url,
        access_key_id=CREDENTIALS[0],
        secret_access_key=CREDENTIALS[1],
    )
    return Held(settings, features=features or (Feature.QUEUE, Feature.CONSUME))


def subjects() -> Subjects:
    """Give the one execution, of which all is known that is there to know."""
    found = Subjects([parse_execution_arn(ARN)])
    (subject,) = found.each
    subject.roles.add(ROLE.rpartition("/")[2])
    subject.started_at = EPOCH
    subject.learned()
    return found


def record(number: int, *, at: float = 0, **more: Any) -> dict[str, Any]:
    """Build a CloudTrail record of a poll by the execution's role."""
    poll = json.loads(sync_calls()[1].data["CloudTrailEvent"])
    time = iso(EPOCH + timedelta(seconds=at))[:19] + "Z"
    names = {"eventID": f"call-{number}", "requestID": f"request-{number}"}
    return {**poll, **names, "eventTime": time, **more}


def strangers(number: int) -> dict[str, Any]:
    """Build a record of another role's call, which Step Functions made as well."""
    text = json.dumps(record(number)).replace(ROLE.rpartition("/")[2], "another-role")
    stranger: dict[str, Any] = json.loads(text)
    return stranger


def event(detail: Any, kind: str = "AWS API Call via CloudTrail") -> dict[str, Any]:
    """Build the EventBridge event round a detail."""
    time = detail.get("eventTime") if isinstance(detail, dict) else None
    return {
        "version": "0",
        "id": "8a3c",
        "detail-type": kind,
        "source": "aws.ecs",
        "time": time or iso(datetime(2023, 11, 15, tzinfo=UTC)),
        "detail": detail,
    }


def from_topic(value: Any) -> dict[str, Any]:
    """Put a message into SNS's envelope."""
    return {
        "Type": "Notification",
        "MessageId": "0b5c",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:topic",
        "Message": json.dumps(value),
    }
