"""The simulated account, watched by the real sources over HTTP, in no time at all."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Any

import pytest

from sfnwatch.clock import Clock
from sfnwatch.demo import api
from sfnwatch.demo import server as demo_server
from sfnwatch.demo.account import Account
from sfnwatch.demo.plans import Scenario
from sfnwatch.demo.server import CREDENTIALS, DemoServer
from sfnwatch.demo.wire import Asked, Reply, operation_of
from sfnwatch.sources import live
from sfnwatch.sources.aws import Aws, AwsSettings
from sfnwatch.sources.drive import Patience
from sfnwatch.sources.live import Live
from sfnwatch.sources.wanted import Following, TrailOptions
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.events import Batch, From, HealthState, Received, SourceHealth
from sfnwatch.trace.health import read_health
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.visits import StateVisit

EPOCH = datetime(2023, 11, 15, 0, 28, 24, 250_000, UTC)
REGION = "ap-northeast-1"
_TICK = 0.0005
"""Real seconds between looks while a request is under way."""
_LEAST = timedelta(microseconds=1)
_TURNS = 10
"""Turns of the loop after which whoever has been woken waits again."""


class SteppedClock:
    """Stands still while a request is under way; else it is at once the next moment.

    So a watch of ten minutes takes as long as its requests do, and the machine's own
    speed changes nothing of what it sees.
    """

    def __init__(self) -> None:
        self._now = EPOCH
        self._waiting: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._turn = 0
        self._due: asyncio.Handle | None = None
        self._quiet = 0
        self.busy = 0
        self.at: dict[datetime, Callable[[], None]] = {}
        """What is to happen when the clock comes to a moment."""

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self._turn += 1
        # However short: who waits for what is not there yet must see time pass.
        due = self._now + max(timedelta(seconds=seconds), _LEAST)
        heappush(self._waiting, (due, self._turn, future))
        self._look_again()
        await future

    def advance(self, seconds: float) -> None:
        """Go on before anybody watches."""
        self._now += timedelta(seconds=seconds)

    def when(self, seconds: float, do: Callable[[], None]) -> None:
        """Do something `seconds` after the account's epoch."""
        self.at[EPOCH + timedelta(seconds=seconds)] = do

    @contextmanager
    def request(self) -> Iterator[None]:
        self.busy += 1
        try:
            yield
        finally:
            self.busy -= 1

    def _look_again(self) -> None:
        if self._due is not None:
            return
        loop = asyncio.get_running_loop()
        if self.busy:
            self._due = loop.call_later(_TICK, self._look)
        else:
            self._due = loop.call_soon(self._look)

    def _look(self) -> None:
        self._due = None
        self._quiet = 0 if self.busy else self._quiet + 1
        if self._quiet > _TURNS:
            self._quiet = 0
            self._move(*heappop(self._waiting))
        if self._waiting:
            self._look_again()

    def _move(self, due: datetime, _: int, future: asyncio.Future[None]) -> None:
        for moment in sorted(at for at in self.at if at <= due):
            self._now = max(self._now, moment)
            self.at.pop(moment)()
        self._now = max(self._now, due)
        if not future.done():
            future.set_result(None)


@dataclass(frozen=True)
class Request:
    """What reached the account."""

    operation: str
    region: str
    """As the signature's scope names it."""
    at: datetime
    parameters: dict[str, Any]
    user_agent: str
    status: int

    @property
    def value(self) -> str:
        """What a LookupEvents asks for."""
        value: str = self.parameters["LookupAttributes"][0]["AttributeValue"]
        return value


@dataclass
class Watched:
    """What a watch handed over."""

    records: list[Received] = field(default_factory=list)
    trace: Trace = field(default_factory=Trace)

    def __call__(self, batch: Batch) -> None:
        self.records.extend(batch)
        self.trace = extend(self.trace, batch)

    def healths(self, lane: str) -> list[SourceHealth]:
        told = [read_health(r.data) for r in self.records if r.source == From.HEALTH]
        return [health for health in told if health.lane == lane]

    def states(self, lane: str) -> list[HealthState]:
        """The words a lane said of itself, repetitions left out."""
        words = [health.state for health in self.healths(lane)]
        return [b for a, b in zip([None, *words], words, strict=False) if a != b]

    def messages(self, lane: str) -> list[str]:
        return [health.message for health in self.healths(lane) if health.message]

    def event_ids(self) -> list[int]:
        return [r.data["id"] for r in self.records if r.source == From.HISTORY]

    def call_ids(self) -> list[str]:
        return [r.data["EventId"] for r in self.records if r.source == From.LOOKUP]

    @property
    def visits(self) -> list[StateVisit]:
        return [v for t in self.trace.timelines.values() for v in t.visits]

    @property
    def status(self) -> str:
        (timeline,) = self.trace.timelines.values()
        return timeline.status

    def tied(self) -> list[tuple[str, str]]:
        """Name and rule of each call that is tied to an attempt, in their order."""
        return [
            (call.event_name, str(self.trace.links[call.event_id].rule))
            for call in self.calls
        ]

    @property
    def calls(self) -> list[ApiCall]:
        links = self.trace.links
        return [
            call
            for call in self.trace.ordered_calls
            if call.event_id in links and links[call.event_id].attempt_id is not None
        ]


class Simulation:
    """An account, its server, and whoever watches it, all by one clock."""

    def __init__(
        self, scenarios: Sequence[str | Scenario], patch: pytest.MonkeyPatch
    ) -> None:
        self.clock = SteppedClock()
        self.account = Account(scenarios, clock=self.clock, seed=7)
        self.requests: list[Request] = []
        self.patch = patch
        self.server = DemoServer(self.account)
        self.endpoint_url = ""
        self.watching: Live | None = None
        """The watch under way, or the last one."""
        clock = self.clock

        class Counted(Aws):
            """Holds the clock while it asks."""

            async def call(self, *names: str, **kwargs: Any) -> Any:
                with clock.request():
                    return await super().call(*names, **kwargs)

        self.aws_class: type[Aws] = Counted
        patch.setattr(live, "Aws", Counted)
        patch.setattr(demo_server, "answer", self._answer)

    def _answer(self, account: Account, asked: Asked) -> Reply:
        reply = api.answer(account, asked)
        scope = asked.headers.get("Authorization", "").split("/")
        request = Request(
            operation=operation_of(asked),
            region=scope[2] if len(scope) > 2 else "",
            at=account.now(),
            parameters=json.loads(asked.body or b"{}"),
            user_agent=asked.headers.get("User-Agent", ""),
            status=reply.status,
        )
        self.requests.append(request)
        return reply

    async def start(self) -> None:
        """Serve, where it was served before if it was."""
        port = int(self.endpoint_url.rpartition(":")[2] or 0)
        self.server = DemoServer(self.account, port=port)
        await self.server.__aenter__()
        self.endpoint_url = self.server.endpoint_url

    async def stop(self) -> None:
        await self.server.__aexit__(None, None, None)

    def settings(self, **more: Any) -> AwsSettings:
        known = {
            "region": REGION,
            "endpoint_url": self.endpoint_url,
            "access_key_id": CREDENTIALS[0],
            "secret_access_key": CREDENTIALS[1],
        }
        return AwsSettings(**{**known, **more})

    def live(
        self,
        *arns: str,
        drain: float = 900,
        patience: Patience | None = None,
        settings: AwsSettings | None = None,
        clock: Clock | None = None,
        trail: TrailOptions | None = None,
        following: Following | None = None,
        follow_redrive: bool = False,
    ) -> Live:
        named = arns or tuple(self.account.executions.values())
        return Live(
            [parse_execution_arn(arn) for arn in named],
            settings or self.settings(),
            clock or self.clock,
            drain=drain,
            patience=patience,
            trail=trail,
            following=following,
            follow_redrive=follow_redrive,
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

    @property
    def stopped_at(self) -> datetime:
        """When the last of the executions ends."""
        return max(run.ends_at for run in self.account.world.runs)

    def asked(self, operation: str) -> list[Request]:
        return [r for r in self.requests if r.operation == operation]

    def operation(self, name: str, answer: api.Answer) -> None:
        """Have the account answer an operation otherwise."""
        service = api.OPERATIONS[name][0]
        self.patch.setitem(api.OPERATIONS, name, (service, answer))

    def usual(self, name: str) -> api.Answer:
        return api.OPERATIONS[name][1]


Simulate = Callable[..., Awaitable[Simulation]]
