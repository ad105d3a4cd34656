"""The screen in a browser: textual-serve, made safe to leave open on a desk.

A page of any site may open a connection to this machine, and so may any of its users:
so only who was given the address with its token is served, and only to pages of this
server's own. And a served program can outlive its server, which waits for it without
end: here it is asked, then killed, and it ends by itself when its server is gone.
"""

import asyncio
import hmac
import secrets
import shlex
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from aiohttp import WSCloseCode, web
from textual_serve.app_service import AppService
from textual_serve.server import Server

HOST = "127.0.0.1"
_COOKIE = "sfnwatch"
_TOKEN = "token"  # noqa: S105 - the parameter's name
_GRACE = 6.0
"""Seconds a served program may take to end."""
_MOST = 4
"""Programs at once: each watches for itself, and all share the account's requests."""
_FULL = WSCloseCode.TRY_AGAIN_LATER
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self'"
    " 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'"
)
"""Nothing is loaded from elsewhere, fonts neither."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Browsed(Server):
    """Serves the screen of one command line to browsers on this machine."""

    def __init__(
        self,
        words: Sequence[str],
        listener: socket.socket,
        told: Callable[[str], None],
        token: str | None = None,
    ) -> None:
        # The shell that textual-serve starts must not stand between it and us.
        command = f"exec {shlex.join([sys.executable, '-m', 'sfnwatch', *words])}"
        title = shlex.join(["sfnwatch", *words])
        port = int(listener.getsockname()[1])
        super().__init__(command, host=HOST, port=port, title=title)
        self._listener = listener
        self._told = told
        self._token = token or secrets.token_urlsafe(16)
        self._sockets: set[web.WebSocketResponse] = set()

    @property
    def url(self) -> str:
        return f"{self.public_url}/?{_TOKEN}={self._token}"

    def serve(self, debug: bool = False) -> None:  # noqa: FBT001, FBT002 - theirs
        """Serve until a signal ends it; nothing is logged."""
        self.debug = debug
        web.run_app(
            self._make_app(),
            sock=self._listener,
            print=None,
            access_log=None,
            shutdown_timeout=_GRACE,
        )

    async def on_startup(self, app: web.Application) -> None:  # noqa: ARG002 - theirs
        self._told(self.url)

    async def on_shutdown(self, app: web.Application) -> None:  # noqa: ARG002 - theirs
        """Close what is open: aiohttp would wait for it a minute."""
        for websocket in set(self._sockets):
            await websocket.close(code=WSCloseCode.GOING_AWAY)

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard)
        return app

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        """Let in who has the token, and pages that came from here."""
        own = {self.public_url, f"http://localhost:{self.port}"}
        host, origin = request.host, request.headers.get("Origin")
        if f"http://{host}" not in own or (origin and origin not in own):
            raise web.HTTPForbidden(text="Not from here.")
        if self._is_token(request.query.get(_TOKEN, "")):
            # The address stays out of the history, and out of what a page is told.
            admitted = web.HTTPFound("/")
            admitted.set_cookie(_COOKIE, self._token, httponly=True, samesite="Strict")
            raise admitted
        if not self._is_token(request.cookies.get(_COOKIE, "")):
            raise web.HTTPForbidden(text="Open the address that sfnwatch printed.")
        response = await handler(request)
        if not response.prepared:
            response.headers["Content-Security-Policy"] = _POLICY
            response.headers["Referrer-Policy"] = "no-referrer"
            # A browser that keeps a page it left keeps its connection with it.
            response.headers["Cache-Control"] = "no-store"
        return response

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self._token.encode())

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run a program for as long as its page is open."""
        websocket = web.WebSocketResponse(heartbeat=15)
        await websocket.prepare(request)
        if len(self._sockets) >= _MOST:
            await websocket.close(code=_FULL)
            return websocket
        self._sockets.add(websocket)

        async def close() -> None:
            await websocket.close()

        service = AppService(
            self.command,
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=close,
            download_manager=self.download_manager,
        )
        try:
            await service.start(
                _cells(request, "width", 80), _cells(request, "height", 24)
            )
            await self._process_messages(websocket, service)
        finally:
            self._sockets.discard(websocket)
            await _end(service)
        return websocket


def _cells(request: web.Request, name: str, usual: int) -> int:
    text = request.query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else usual  # noqa: PLR2004


async def _end(service: AppService) -> None:
    """End a program: ask it, and if it does not heed that, kill it."""
    process: Any = service._process  # noqa: SLF001 - it keeps it to itself
    try:
        async with asyncio.timeout(_GRACE):
            await service.stop()
            if process is not None:
                # It may be writing still, to a page that is gone.
                await process.communicate()
    except (TimeoutError, ConnectionError):
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()


def listener_on(port: int | None, usual: int) -> socket.socket:
    """Listen on a port: the usual one, or any, where that is taken.

    Raises OSError for a port that was asked for and can't be had.
    """
    if port is None:
        with suppress(OSError):
            return _listening(usual)
    return _listening(port or 0)


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        # From here on whoever is told the address is heard, if not yet answered.
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
