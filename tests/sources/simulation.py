"""The simulated account, watched by the real sources over HTTP, in no time at all.

In front of the account stands a server of our own, which notes what was asked, and may
answer otherwise or not at all.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

from aiohttp import web
from msgspec import Struct, field

from sfnwatch.demo.account import Account
from sfnwatch.demo.formats import http_date
from sfnwatch.demo.http_server import CREDENTIALS, DemoRequest, answer
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import parse_execution_arn
from sfnwatch.model.records import Batch, Received, RecordKind
from sfnwatch.model.source_health import HealthState, SourceHealth, decode_health
from sfnwatch.model.trace import Trace
from sfnwatch.sources.answers import AwsAnswer, AwsRequest
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.aws_settings import AwsSettings
from sfnwatch.sources.live import Live
from sfnwatch.sources.live_options import ChildOptions, LiveOptions
from tests.sources.clocks import EPOCH, SteppedClock
from tests.sources.loopback import REQUEST_ID, AskedOf, Refusal, asked_of, served

T = TypeVar("T")
REGION = "ap-northeast-1"
WHOLE_DRAIN = 901.0
"""Seconds of a drain that coverage does not cut short: how quick the account seems is
luck, and with it the latest record could be missed."""


class Watched:
    """What a watch handed over."""

    def __init__(self) -> None:
        self.records: list[Received] = []
        self.trace = Trace()

    def __call__(self, batch: Batch) -> None:
        self.records.extend(batch)
        self.trace.add(batch)

    def of(self, kind: str) -> list[Received]:
        return [received for received in self.records if received.kind == kind]

    def told(self, kind: str, key: str) -> list[Any]:
        """Give a member of each record of a kind."""
        return [received.record.get(key) for received in self.of(kind)]

    def healths(self, lane: str) -> list[SourceHealth]:
        found = [decode_health(r) for r in self.of(RecordKind.HEALTH)]
        return [health for health in found if health.lane == lane]

    def states(self, lane: str) -> list[HealthState]:
        """The words a lane said of itself, repetitions left out."""
        words = [health.state for health in self.healths(lane)]
        return [b for a, b in zip([None, *words], words, strict=False) if a != b]

    def messages(self, lane: str) -> list[str]:
        return [health.message for health in self.healths(lane) if health.message]

    def ended_at(self, lane: str) -> datetime:
        """Give when a lane said its last."""
        told = [r.at for r in self.of(RecordKind.HEALTH) if r.record["lane"] == lane]
        assert told[-1] is not None
        return told[-1]

    def event_ids(self) -> list[int]:
        return self.told(RecordKind.HISTORY, "id")

    @property
    def statuses(self) -> list[str]:
        return [each.status for each in self.trace.as_of().executions.values()]

    @property
    def status(self) -> str:
        (status,) = self.statuses
        return status

    @property
    def matched_calls(self) -> list[ApiCall]:
        links = self.trace.links
        calls = self.trace.ordered_calls
        return [c for c in calls if c.event_id in links and links[c.event_id].key]

    def matched(self) -> list[tuple[str, str]]:
        """Name and rule of each call that is matched to an attempt, in their order."""
        links = self.trace.links
        found = self.matched_calls
        return [(call.event_name, str(links[call.event_id].rule)) for call in found]


def held_by(clock: SteppedClock) -> type[AwsClient]:
    """Make a kind of client that lets no time pass while it asks."""

    class HeldClient(AwsClient):
        async def call(self, request: AwsRequest[T]) -> AwsAnswer[T]:
            with clock.held():
                return await super().call(request)

    return HeldClient


class Arrival(Struct, frozen=True):
    """A request, when it came, and what it was answered with."""

    asked: AskedOf
    at: datetime
    status: int

    @property
    def operation(self) -> str:
        return self.asked.operation

    @property
    def parameters(self) -> Mapping[str, Any]:
        return self.asked.parameters


class Faults(Struct):
    """What the service does to the next answers."""

    deny: set[str] = field(default_factory=set)
    """Operations that are not permitted."""
    throttle_next: int = 0
    """How many requests are too many."""

    def refuse(self, operation: str) -> None:
        """Raise Refusal for a request that is not to be answered."""
        if self.throttle_next:
            self.throttle_next -= 1
            raise Refusal("ThrottlingException", "Rate exceeded")
        if operation in self.deny:
            raise Refusal("AccessDeniedException", "Not you.")


Change = Callable[[AskedOf, dict[str, Any]], Any]
"""Given a request and the usual answer, gives another; may raise Refusal."""


class Simulation:
    """An account, what stands before it, and whoever watches it, all by one clock."""

    def __init__(self, scenarios: Sequence[Any]) -> None:
        self.clock = SteppedClock()
        self.account = Account(scenarios, clock=self.clock, seed=7)
        self.faults = Faults()
        self.requests: list[Arrival] = []
        self.changes: dict[str, Change] = {}
        """How the answers of an operation are changed."""
        self.unpaged: set[str] = set()
        """Operations of which the account gives all at once, for a test to page."""
        self.alone: set[str] = set()
        """Operations that the account is not asked for: only the change answers."""
        self.url = ""
        self.watching: Live | None = None
        """The watch under way, or the last one."""
        self._serving = AsyncExitStack()

        self.client = held_by(self.clock)

    async def serve(self) -> None:
        """Listen, where it was listened before if it was."""
        port = int(self.url.rpartition(":")[2] or 0)
        self.url = await self._serving.enter_async_context(
            served(self._answer, port=port)
        )

    async def stop_serving(self) -> None:
        """Be gone, as far as anybody can tell."""
        await self._serving.aclose()

    @asynccontextmanager
    async def up(self) -> AsyncIterator["Simulation"]:
        """Run the account and what stands before it."""
        await self.serve()
        try:
            yield self
        finally:
            await self.stop_serving()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        asked = asked_of(request, body)
        if asked.operation in self.unpaged:
            unpaged = {**asked.parameters, "nextToken": None, "NextToken": None}
            if "maxResults" in unpaged:
                unpaged["maxResults"] = 1000
            kept = {key: value for key, value in unpaged.items() if value is not None}
            body = json.dumps(kept).encode()
        response = self._response(request, asked, body)
        self.requests.append(Arrival(asked, self.clock.now(), response.status))
        return response

    def _response(
        self, request: web.Request, asked: AskedOf, body: bytes
    ) -> web.Response:
        try:
            self.faults.refuse(asked.operation)
        except Refusal as refusal:
            return refusal.response()
        change = self.changes.get(asked.operation)
        if change is not None and asked.operation in self.alone:
            return _changed(change, asked, {}, REQUEST_ID)
        given = answer(self.account, DemoRequest(request.headers, body))
        given.headers["Date"] = http_date(self.account.now())
        if change is not None and given.status == 200:
            usual = json.loads(given.text or "")
            return _changed(change, asked, usual, given.headers)
        return given

    def settings(self, **more: Any) -> AwsSettings:
        known = {
            "region": REGION,
            "endpoint_url": self.url,
            "access_key_id": CREDENTIALS[0],
            "secret_access_key": CREDENTIALS[1],
            "simulated": True,
        }
        return AwsSettings(**{**known, **more})

    @property
    def arn(self) -> str:
        """The one execution's ARN."""
        (arn,) = self.account.executions.values()
        return arn

    def live(
        self, *arns: str, settings: AwsSettings | None = None, **more: Any
    ) -> Live:
        named = arns or tuple(self.account.executions.values())
        usual = {"drain": WHOLE_DRAIN, "tries": None, "children": ChildOptions(depth=0)}
        return Live(
            [parse_execution_arn(arn) for arn in named],
            settings or self.settings(),
            self.clock,
            LiveOptions(**{**usual, **more}),
            client=self.client,
        )

    async def watch(
        self, *arns: str, also: Callable[[Batch], None] | None = None, **more: Any
    ) -> Watched:
        """Watch to the end; `also` is told of each batch, after it was taken in."""
        watched = Watched()

        def consume(batch: Batch) -> None:
            watched(batch)
            if also is not None:
                also(batch)

        self.watching = self.live(*arns, **more)
        await self.watching.watch(consume)
        return watched

    def asked(self, operation: str) -> list[Arrival]:
        return [each for each in self.requests if each.operation == operation]

    def seconds(self, at: datetime) -> float:
        """Count the seconds since the epoch."""
        return (at - EPOCH).total_seconds()

    # What is looked up in the account itself stands here, and nowhere else.

    @property
    def stopped_at(self) -> datetime:
        """When the last of the executions ends."""
        return max(run.ends_at for run in self.account.watched)

    def seconds_of(self, kind: str) -> float:
        """Give when the one execution has an event of a kind, from the epoch."""
        (run,) = self.account.watched
        return next(self.seconds(e.at) for e in run.events if e.kind == kind)

    def deliveries(self) -> Iterator[tuple[Mapping[str, Any], datetime]]:
        """Give all that CloudTrail delivers sooner or later, and when."""
        for each in self.account.trail:
            yield each.envelope, each.delivered_at


def _changed(
    change: Change, asked: AskedOf, usual: dict[str, Any], headers: Mapping[str, str]
) -> web.Response:
    try:
        given = change(asked, usual)
    except Refusal as refusal:
        return refusal.response()
    if isinstance(given, web.Response):
        return given
    body = given if isinstance(given, bytes) else json.dumps(given).encode()
    return web.Response(body=body, headers=headers)


@asynccontextmanager
async def simulated(*scenarios: Any) -> AsyncIterator[Simulation]:
    """Start an account with the given scenarios."""
    async with Simulation(scenarios).up() as simulation:
        yield simulation
