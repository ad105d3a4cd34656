"""The account's front: HTTP on loopback."""

from contextlib import AsyncExitStack
from socket import socket
from typing import Self

from aiohttp import web

from sfnwatch.demo.account import Account
from sfnwatch.demo.api import answer
from sfnwatch.demo.times import http_date
from sfnwatch.demo.wire import CREDENTIALS, Asked, Reply

__all__ = ["CREDENTIALS", "DemoServer"]

HOST = "127.0.0.1"
# Long enough to finish an answer, short enough not to hold up the end.
_GRACE = 0.5


class DemoServer:
    """Serves an account while its context is open."""

    def __init__(
        self, account: Account, *, port: int = 0, listener: socket | None = None
    ) -> None:
        self._account = account
        self._port = port
        self._listener = listener
        self._stack = AsyncExitStack()
        self.endpoint_url = ""
        """Where it serves, once the context is open."""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(runner.cleanup)
            await runner.setup()
            await self._site(runner).start()
            self._stack = stack.pop_all()
        port = runner.addresses[0][1]
        self.endpoint_url = f"http://{HOST}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _site(self, runner: web.AppRunner) -> web.BaseSite:
        if self._listener:
            return web.SockSite(runner, self._listener)
        return web.TCPSite(runner, HOST, self._port)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        faults = self._account.faults
        body = await request.read()
        if faults.delay:
            await self._account.clock.sleep(faults.delay)
        if faults.resets():
            return _reset(request)
        address = request.remote or HOST
        reply = answer(self._account, Asked(request.headers, body, address))
        headers = self._headers(reply)
        if faults.truncates():
            return await _truncated(request, reply, headers)
        return web.Response(status=reply.status, body=reply.body, headers=headers)

    def _headers(self, reply: Reply) -> dict[str, str]:
        error = {"x-amzn-ErrorType": reply.error_code} if reply.error_code else {}
        return {
            "Content-Type": reply.content_type,
            "Date": http_date(self._account.now()),
            "x-amzn-RequestId": reply.request_id,
        } | error


def _reset(request: web.Request) -> web.StreamResponse:
    if request.transport:
        request.transport.abort()
    return web.Response()


async def _truncated(
    request: web.Request, reply: Reply, headers: dict[str, str]
) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers=headers)
    response.content_length = len(reply.body)
    await response.prepare(request)
    await response.write(reply.body[: len(reply.body) // 2])
    if request.transport:
        request.transport.close()
    return response
