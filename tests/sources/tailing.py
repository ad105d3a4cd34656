"""A live tail on loopback: sessions that go as a test has written them.

It speaks AWS's event stream encoding. Synthetic, in the shapes of botocore's model; the
second between two updates takes none.
"""

import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from sfnwatch.clock import SystemClock
from sfnwatch.demo.server import CREDENTIALS
from sfnwatch.sources.allowed import Feature
from sfnwatch.sources.aws import Aws, AwsSettings
from tests.builders import REGION
from tests.sources.eventstream import stream_event, stream_exception
from tests.sources.loopback import served

CUT = object()
"""Has the connection end in the middle of a message."""
END = object()
"""Has the session end without a word."""
SILENCE = object()
"""Has nothing more come, not even that nothing came."""


@dataclass
class Refused:
    """How a session is not begun at all."""

    code: str
    message: str = "says the stub"
    status: int = 400


def timed_out() -> bytes:
    return stream_exception("SessionTimeoutException", "3 hours are over")


def update(*messages: Any, sampled: bool = False) -> bytes:
    """Write what came in a second: texts as they are, all else as JSON."""
    results = [
        {
            "logStreamName": "stream",
            "logGroupIdentifier": "123456789012:trail",
            "message": text if isinstance(text, str) else json.dumps(text),
            "timestamp": 1_700_008_104_102,
            "ingestionTime": 1_700_008_104_502,
        }
        for text in messages
    ]
    told = {"sessionMetadata": {"sampled": sampled}, "sessionResults": results}
    return stream_event("sessionUpdate", told)


@dataclass
class Tail:
    """A service whose sessions are scripted; after a script come empty seconds."""

    sessions: list[Sequence[Any] | Refused] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)
    closed: int = 0
    """Sessions that the client let go of, or that ended."""
    url: str = ""
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        self.url = await self._stack.enter_async_context(served(self._answer))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def aws(self, *features: Feature) -> Aws:
        key, secret = CREDENTIALS
        settings = AwsSettings(
            REGION, endpoint_url=self.url, access_key_id=key, secret_access_key=secret
        )
        return Aws(settings, features=features or (Feature.LIVE_TAIL,))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        operation = request.headers["X-Amz-Target"].rpartition(".")[2]
        assert operation == "StartLiveTail"
        self.asked.append(await request.json())
        self.regions.append(request.headers["Authorization"].split("/")[2])
        script = self.sessions.pop(0) if self.sessions else ()
        if isinstance(script, Refused):
            told = {"__type": script.code, "message": script.message}
            kind = "application/x-amz-json-1.1"
            body = json.dumps(told)
            return web.Response(text=body, status=script.status, content_type=kind)
        answer = web.StreamResponse()
        answer.content_type = "application/vnd.amazon.eventstream"
        await answer.prepare(request)
        try:
            await self._play(script, request, answer)
        except ConnectionError:
            pass
        finally:
            self.closed += 1
        return answer

    async def _play(
        self, script: Sequence[Any], request: web.Request, answer: web.StreamResponse
    ) -> None:
        await answer.write(stream_event("initial-response", {}))
        await answer.write(stream_event("sessionStart", {"sessionId": "s"}))
        for part in script:
            if part is END:
                return
            if part is CUT:
                await answer.write(update("cut")[:20])
                assert request.transport
                request.transport.abort()
                return
            if part is SILENCE:
                await SystemClock().sleep(30)
            await answer.write(part)
        while True:
            await answer.write(update())
            await SystemClock().sleep(0.005)
