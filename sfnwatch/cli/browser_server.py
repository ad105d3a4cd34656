"""The server of the screen in a browser, which is safe to leave open on a desk.

The pages are textual-serve's. A page of any site may open a connection to this
machine, and so may all of the machine's users. So the server asks for a token, which
the printed address has, and refuses requests from pages of other origins.
"""

import asyncio
import logging
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from hmac import compare_digest
from secrets import token_urlsafe
from shlex import join
from typing import TYPE_CHECKING

from sfnwatch.cli.narration import narrate
from sfnwatch.model.texts import clean

if TYPE_CHECKING:
    from aiohttp import web as http


HOST = "127.0.0.1"
_COOKIE = "sfnwatch"
_TOKEN = "token"  # noqa: S105 - the parameter's name
_MOST_PROGRAMS = 4
"""Most programs at once: they share what the account allows of requests."""
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self'"
    " 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'"
)
"""A page loads nothing from elsewhere, not even fonts."""
Handler = Callable[["http.Request"], Awaitable["http.StreamResponse"]]


class _OneLine(logging.Handler):
    """Narrates an error in one line, without a traceback: what a page sent is bad."""

    def emit(self, record: logging.LogRecord) -> None:
        narrate(f"a page was closed: {clean(record.getMessage(), 200)}")


def _log_in_one_line() -> None:
    """Set up the loggers of the libraries that serve the pages."""
    handler = _OneLine(logging.ERROR)
    for name in ("textual-serve", "aiohttp.server", "aiohttp.web"):
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.handlers[:] = [handler]


class BrowserServer:
    """Serves the screen of one command line to browsers on this machine."""

    def __init__(self, words: Sequence[str], listener: socket.socket) -> None:
        from textual_serve.server import Server

        _log_in_one_line()
        # The shell that textual-serve starts must not stand between it and us.
        program = (sys.executable, "-m", (__package__ or "").rpartition(".")[0])
        command = f"exec {join([*program, *words])}"
        self._listener = listener
        self._token = token_urlsafe(16)
        self._port = int(listener.getsockname()[1])
        # A browser sends a host's cookies to all of its ports. So each server has a
        # cookie of its own, and none learns the token of another.
        self._cookie_name = f"{_COOKIE}-{self._port}"
        self._cookie = token_urlsafe(16)
        title = join(["sfnwatch", *words])
        self._pages = Server(command, host=HOST, port=self._port, title=title)
        self._programs = asyncio.Semaphore(_MOST_PROGRAMS)

    @property
    def url(self) -> str:
        """The address, with the token."""
        return f"{self._pages.public_url}/?{_TOKEN}={self._token}"

    def serve(self) -> None:
        """Serve until a signal ends it; nothing is logged."""
        from aiohttp import web as http

        http.run_app(
            self.app(),
            sock=self._listener,
            print=None,
            access_log=None,
            shutdown_timeout=1,
        )

    def app(self) -> "http.Application":
        """Return the application that answers requests."""
        import aiohttp_jinja2
        import jinja2
        from aiohttp import web as http

        @http.middleware
        async def guard(request: http.Request, handler: Handler) -> http.StreamResponse:
            return await self._guarded(request, handler)

        app = http.Application(middlewares=[guard])
        pages = self._pages
        loader = jinja2.FileSystemLoader(pages.templates_path)
        aiohttp_jinja2.setup(app, loader=loader)
        app.router.add_get("/", pages.handle_index, name="index")
        app.router.add_get("/ws", self._show, name="websocket")
        app.router.add_get("/download/{key}", pages.handle_download, name="download")
        app.router.add_static("/static", pages.statics_path, name="static")
        return app

    async def _guarded(
        self, request: "http.Request", handler: Handler
    ) -> "http.StreamResponse":
        """Answer a request that has the token or the cookie, if our page sent it."""
        from aiohttp import web as http

        origins = {self._pages.public_url, f"http://localhost:{self._port}"}
        address = f"http://{request.host}"
        origin = request.headers.get("Origin") or address
        if not {address, origin} <= origins:
            raise http.HTTPForbidden(text="Not from here.")
        name = self._cookie_name
        if _are_equal(request.query.get(_TOKEN, ""), self._token):
            # The token stays out of the browser's history, and out of the page.
            admitted = http.HTTPFound("/")
            admitted.set_cookie(name, self._cookie, httponly=True, samesite="Strict")
            raise admitted
        if not _are_equal(request.cookies.get(name, ""), self._cookie):
            raise http.HTTPForbidden(text="Open the address that sfnwatch printed.")
        response = await handler(request)
        if not response.prepared:
            response.headers["Content-Security-Policy"] = _POLICY
            response.headers["Referrer-Policy"] = "no-referrer"
            # A browser that keeps a page it has left keeps its connection open, too.
            response.headers["Cache-Control"] = "no-store"
        return response

    async def _show(self, request: "http.Request") -> "http.StreamResponse":
        """Run a program while its page is open."""
        from aiohttp import web as http

        if self._programs.locked():
            raise http.HTTPServiceUnavailable(text="Too many pages are open.")
        async with self._programs:
            response: http.StreamResponse
            response = await self._pages.handle_websocket(request)
        return response


def _are_equal(given: str, secret: str) -> bool:
    return compare_digest(given.encode(errors="replace"), secret.encode())
