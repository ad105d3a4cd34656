"""A served account whose time the test moves, and clients that ask it over HTTP."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from aiohttp import ClientSession
from botocore.exceptions import ClientError

from sfnwatch.demo.account import Account, Bucket
from sfnwatch.demo.http_server import CREDENTIALS, DemoServer
from sfnwatch.demo.message_queue import QUEUE_PATH
from sfnwatch.demo.scenarios import Scenario
from tests.builders import HEAD, REGION
from tests.sources.clocks import ManualClock

AUTHORIZATION = (
    f"AWS4-HMAC-SHA256 Credential={CREDENTIALS[0]}/20231115/{REGION}/states/"
    f"aws4_request, SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
)
# One for all tests: it keeps the models of the services that it has read.
_SESSION = get_session()
_CONFIG = AioConfig(
    # Whatever botocore would refuse by itself shall reach the account.
    parameter_validation=False,
    retries={"total_max_attempts": 1},
    user_agent="test-agent/1",
)


class Served:
    """An account and its clients."""

    def __init__(self, account: Account, clock: ManualClock, url: str) -> None:
        self.account, self.clock, self.url = account, clock, url
        self.queue_url = f"{url}{QUEUE_PATH}"
        self.states: Any = None
        self.trail: Any = None
        self.queue: Any = None
        self.http: ClientSession

    async def open(self, stack: AsyncExitStack) -> None:
        """Make its clients."""
        self.http = await stack.enter_async_context(ClientSession(self.url))
        known: dict[str, Any] = {
            "region_name": REGION,
            "endpoint_url": self.url,
            "aws_access_key_id": CREDENTIALS[0],
            "aws_secret_access_key": CREDENTIALS[1],
            "config": _CONFIG,
        }
        enter, create = stack.enter_async_context, _SESSION.create_client
        self.states = await enter(create("stepfunctions", **known))
        self.trail = await enter(create("cloudtrail", **known))
        self.queue = await enter(create("sqs", **known))

    def arn(self, scenario: str) -> str:
        """Return the ARN of a scenario's execution; an ARN is its own."""
        return self.account.executions.get(scenario, scenario)

    async def post(
        self, target: str | None, body: bytes = b"{}", **headers: str
    ) -> tuple[int, Mapping[str, str], Any]:
        """Send what a client would not; return status, headers, and JSON or text.

        Headers are named with underscores.
        """
        given = {"Authorization": AUTHORIZATION}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        given |= {"X-Amz-Target": target} if target is not None else {}
        async with self.http.post("/", data=body, headers=given) as response:
            text = await response.text()
        is_json = "json" in response.content_type
        return response.status, response.headers, json.loads(text) if is_json else text

    async def raw(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Return an answer as it is on the wire."""
        body = json.dumps(parameters).encode()
        status, _, answer = await self.post(f"any.{operation}", body)
        assert status == 200, answer
        whole: dict[str, Any] = answer
        return whole

    async def describe(self, scenario: str, **more: Any) -> dict[str, Any]:
        """Return an execution's description, by its scenario or its ARN."""
        asked = {"executionArn": self.arn(scenario), **more}
        described: dict[str, Any] = await self.states.describe_execution(**asked)
        return described

    async def history(self, scenario: str, **more: Any) -> list[dict[str, Any]]:
        """Return an execution's events of all pages, by its scenario or its ARN."""
        asked = {"executionArn": self.arn(scenario), **more}
        return await pages(self.states, "get_execution_history", "events", **asked)

    async def kinds(self, scenario: str) -> list[str]:
        return [event["type"] for event in await self.history(scenario)]

    async def executions(self, machine: str, **more: Any) -> list[dict[str, Any]]:
        arn = f"{HEAD}:stateMachine:{machine}"
        asked = {"stateMachineArn": arn, **more}
        return await pages(self.states, "list_executions", "executions", **asked)

    async def children(self, map_run_arn: str, **more: Any) -> list[dict[str, Any]]:
        asked = {"mapRunArn": map_run_arn, **more}
        return await pages(self.states, "list_executions", "executions", **asked)

    async def map_run(self, scenario: str) -> str:
        """Return the ARN of an execution's only Map Run."""
        listed = await self.states.list_map_runs(executionArn=self.arn(scenario))
        (map_run,) = listed["mapRuns"]
        arn: str = map_run["mapRunArn"]
        return arn

    async def events(self, key: str = "", value: str = "", **more: Any) -> list[Any]:
        """Return what LookupEvents shows, oldest first, throttled by nothing."""
        self.account.lookups = Bucket(rate=1e6, burst=1e6)
        attributes = [{"AttributeKey": key, "AttributeValue": value}] if key else []
        asked = {"LookupAttributes": attributes, **more}
        return (await pages(self.trail, "lookup_events", "Events", **asked))[::-1]

    async def records(self, source: str = "ecs", **more: Any) -> list[dict[str, Any]]:
        """Return all records of a service, oldest first."""
        events = await self.events("EventSource", f"{source}.amazonaws.com", **more)
        return [json.loads(event["CloudTrailEvent"]) for event in events]

    async def own_records(self, source: str = "states") -> list[dict[str, Any]]:
        """Return the records of what a test asked for, oldest first."""
        records = await self.records(source)
        return [each for each in records if "test-agent/1" in each["userAgent"]]


@asynccontextmanager
async def served(account: Account, clock: ManualClock) -> AsyncIterator[Served]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(DemoServer(account))
        demo = Served(account, clock, server.endpoint_url)
        await demo.open(stack)
        yield demo


async def pages(client: Any, operation: str, key: str, **asked: Any) -> list[Any]:
    """Return the items of all pages."""
    whole = await client.get_paginator(operation).paginate(**asked).build_full_result()
    found: list[Any] = whole[key]
    return found


async def refusal(asked: Any) -> tuple[str, str]:
    """Return code and message of what must be refused."""
    with pytest.raises(ClientError) as caught:
        await asked
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


# -- fixtures --------------------------------------------------------------------------

Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def serve(clock: ManualClock) -> AsyncIterator[Serve]:
    """Serve an account with the given scenarios."""
    async with AsyncExitStack() as stack:

        async def start(*scenarios: str | Scenario) -> Served:
            account = Account(scenarios, clock=clock, seed=7)
            return await stack.enter_async_context(served(account, clock))

        yield start


@pytest.fixture
async def demo(serve: Serve) -> Served:
    """The scenarios of one task each; at the epoch the last has just started."""
    return await serve("sync", "sync-denied", "async", "sdk", "redrive", "failure")
