"""Servers on loopback, as long as a test needs them."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Any

from aiohttp import web
from msgspec import Struct, field

from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.aws_settings import AwsSettings
from sfnwatch.sources.permissions import Feature
from tests.builders import REGION

REQUEST_ID = {"x-amzn-RequestId": "0c5a4c5e-0000-4000-8000-000000000000"}
EVERYTHING = tuple(Feature)


@asynccontextmanager
async def served(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
    tls: SSLContext | None = None,
    port: int = 0,
) -> AsyncIterator[str]:
    """Serve whatever is asked for; yields the URL, by default at a free port."""
    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/{path:.*}", answer)
    # Whoever has hung up is not answered.
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=0.5, handler_cancellation=True
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
        whole = "https://localhost" if tls else "http://127.0.0.1"
        yield f"{whole}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


Respond = Callable[[web.Request], web.StreamResponse]


class Host:
    """A server that notes what it was asked, and responds as it is told to."""

    def __init__(self, respond: Respond | None = None) -> None:
        self.respond = respond or (lambda _: json_response({}))
        self.requests: list[web.Request] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        await request.read()
        return self.respond(request)


@asynccontextmanager
async def host(
    respond: Respond | None = None, tls: SSLContext | None = None
) -> AsyncIterator[Host]:
    """Run a Host."""
    made = Host(respond)
    async with served(made.take, tls) as made.url:
        yield made


def json_response(body: Any, status: int = 200) -> web.Response:
    """Respond with JSON, or with bytes as they are, as AWS's JSON services do."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = "application/x-amz-json-1.0"
    return web.Response(body=data, status=status, content_type=kind, headers=REQUEST_ID)


class Refusal(Exception):  # noqa: N818 - an answer like another
    """An error as AWS sends one."""

    def __init__(self, code: str, message: str = "No.", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status

    def response(self) -> web.Response:
        told = {"__type": self.code, "message": self.message}
        return json_response(told, self.status)


class AskedOf(Struct, frozen=True):
    """What reached a service."""

    operation: str
    parameters: Mapping[str, Any]
    region: str
    """As the signature's scope names it."""
    user_agent: str = ""

    @property
    def value(self) -> str:
        """What a LookupEvents asks for."""
        value: str = self.parameters["LookupAttributes"][0]["AttributeValue"]
        return value


def asked_of(request: web.Request, body: bytes) -> AskedOf:
    """Read a request of a JSON service."""
    scope = request.headers.get("Authorization", "").split("/")
    return AskedOf(
        operation=request.headers.get("X-Amz-Target", "").rpartition(".")[2],
        parameters=json.loads(body or b"{}"),
        region=scope[2] if len(scope) > 2 else "",
        user_agent=request.headers.get("User-Agent", ""),
    )


def page_of(
    items: Sequence[Any],
    asked: Mapping[str, Any],
    key: str,
    size: int,
    next_key: str = "nextToken",
) -> dict[str, Any]:
    """Answer a list with a page of it."""
    first = int(asked.get(next_key, 0))
    last = first + size
    more = {next_key: str(last)} if last < len(items) else {}
    return {key: items[first:last], **more}


class Stub(Struct):
    """A JSON service that answers each operation as it is told to.

    An answer is a JSON value, bytes, or a Refusal, which may be raised, too.
    """

    answers: dict[str, Callable[[Mapping[str, Any]], Any]] = field(default_factory=dict)
    asked: list[AskedOf] = field(default_factory=list)
    url: str = ""

    def of(self, operation: str) -> list[Mapping[str, Any]]:
        """Give the parameters of what was asked."""
        return [e.parameters for e in self.asked if e.operation == operation]

    async def take(self, request: web.Request) -> web.StreamResponse:
        asked = asked_of(request, await request.read())
        self.asked.append(asked)
        try:
            told = self.answers[asked.operation](asked.parameters)
        except Refusal as refusal:
            told = refusal
        return told.response() if isinstance(told, Refusal) else json_response(told)


@asynccontextmanager
async def stubbed(**answers: Callable[[Mapping[str, Any]], Any]) -> AsyncIterator[Stub]:
    """Run a Stub."""
    stub = Stub(answers)
    async with served(stub.take) as stub.url:
        yield stub


def settings_at(url: str | None, **more: Any) -> AwsSettings:
    """Return settings for a server that stands for AWS itself."""
    known = {
        "access_key_id": "AKIDEXAMPLE",
        "secret_access_key": "none",
        "simulated": True,
    }
    return AwsSettings(REGION, endpoint_url=url, **{**known, **more})


def client_at(url: str | None, **more: Any) -> AwsClient:
    """Make a client that may send everything."""
    return AwsClient(settings_at(url, **more), features=EVERYTHING)
