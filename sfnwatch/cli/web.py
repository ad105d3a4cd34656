"""The screen in a browser: textual-serve's pages, made safe to leave open on a desk.

A page of any site may open a connection to this machine, and so may any of its users:
so only who was given the address with its token is served, and only to pages of this
server's own. And a program that is shown can outlive its server, or not heed that its
page is gone: it ends by itself once nobody writes to it any more.
"""

import asyncio
import logging
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from hmac import compare_digest
from importlib.util import find_spec
from secrets import token_urlsafe
from shlex import join
from typing import TYPE_CHECKING, cast

import click

from sfnwatch.cli.command_line import TAKES_WORDS, read_line
from sfnwatch.cli.narration import narrate, put
from sfnwatch.cli.parameter_types import PORT
from sfnwatch.errors import UsageError, to_install
from sfnwatch.model.texts import clean

if TYPE_CHECKING:
    from aiohttp import web as http

HOST = "127.0.0.1"
_PORT = 8077
_SCREENS = ("watch", "demo", "replay")
_LINES = frozenset({"--plain", "--json", "--serve"})
_COOKIE = "sfnwatch"
_TOKEN = "token"  # noqa: S105 - the parameter's name
_GRACE = 5.0
"""Seconds a program may take to end."""
_MOST = 4
"""Programs at once: each watches for itself, and all share the account's requests."""
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self'"
    " 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'"
)
"""Nothing is loaded from elsewhere, fonts neither."""


@click.command(context_settings=TAKES_WORDS)
@click.argument(
    "words", nargs=-1, required=True, metavar="EXECUTION…|demo|replay FILE…"
)
@click.option("--port", type=PORT, help="Serve on this port.")
@click.option("--open", "launch", is_flag=True, help="Open the browser, too.")
@click.pass_context
def web(
    context: click.Context, words: tuple[str, ...], port: int | None, *, launch: bool
) -> None:
    """Show the screen in a browser on this machine, for a talk or a recording.

    What follows is a command line of sfnwatch itself. The address that is printed has a
    token in it, without which nobody is served; the server is on 127.0.0.1 alone. Each
    page that is open is a program of its own, four at most, and ends with its page.

    \b
    sfnwatch web demo
    sfnwatch web --open replay nightly-report.sfnwatch.jsonl
    """
    _check_words(context.find_root(), words)
    if find_spec("textual_serve") is None:
        msg = "Serving to a browser takes textual-serve, which is not installed."
        raise UsageError(msg, hint=f"Run: {to_install('web')}.")
    try:
        listener = listener_on(port)
    except OSError as error:
        msg = f"Can't serve on port {port}: {error.strerror}."
        raise UsageError(msg, hint="Choose another --port.") from error
    server = BrowserServer(words, listener)
    put(server.url)
    narrate("serving on this machine alone; ctrl+c ends it")
    if launch:
        click.launch(server.url)
    server.serve()


def _check_words(root: click.Context, words: tuple[str, ...]) -> None:
    """Refuse a command line now that could only fail once a browser is there."""
    group = cast("click.Group", root.command)
    if group.get_command(root, words[0]) is None:
        words = ("watch", *words)
    refused = [each for each in words if each in _LINES]
    if words[0] not in _SCREENS and words[:2] != ("recordings", "open"):
        refused.append(words[0])
    if refused:
        msg = f"{clean(refused[0], 100)!r} has no screen to show."
        raise UsageError(msg, hint="Give an execution, demo, or replay with files.")
    read_line(root, words)


def listener_on(port: int | None) -> socket.socket:
    """Listen on a port: the usual one, or any, where that is taken.

    Raises OSError for a port that was asked for and can't be had.
    """
    if port is None:
        with suppress(OSError):
            return socket.create_server((HOST, _PORT))
    return socket.create_server((HOST, port or 0))


# -- the server ------------------------------------------------------------------------

Handler = Callable[["http.Request"], Awaitable["http.StreamResponse"]]


class _OneLine(logging.Handler):
    """Says what a page has sent that nothing can be made of: a line, no traceback."""

    def emit(self, record: logging.LogRecord) -> None:
        narrate(f"a page was closed: {clean(record.getMessage(), 200)}")


def _log_in_one_line() -> None:
    """Have what serves the pages say each error in one line."""
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
        # A browser sends a host's cookies to all of its ports: each has its own, and
        # none learns the token of another.
        self._cookie = f"{_COOKIE}-{self._port}", token_urlsafe(16)
        title = join(["sfnwatch", *words])
        self._pages = Server(command, host=HOST, port=self._port, title=title)
        self._programs = asyncio.Semaphore(_MOST)

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
        """Make what answers."""
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
        """Let in who has the token, and pages that came from here."""
        from aiohttp import web as http

        own = {self._pages.public_url, f"http://localhost:{self._port}"}
        name, value = self._cookie
        origin = request.headers.get("Origin")
        if f"http://{request.host}" not in own or (origin and origin not in own):
            raise http.HTTPForbidden(text="Not from here.")
        if _are_equal(request.query.get(_TOKEN, ""), self._token):
            # The address stays out of the history, and out of what a page is told.
            admitted = http.HTTPFound("/")
            admitted.set_cookie(name, value, httponly=True, samesite="Strict")
            raise admitted
        if not _are_equal(request.cookies.get(name, ""), value):
            raise http.HTTPForbidden(text="Open the address that sfnwatch printed.")
        response = await handler(request)
        if not response.prepared:
            response.headers["Content-Security-Policy"] = _POLICY
            response.headers["Referrer-Policy"] = "no-referrer"
            # A browser that keeps a page it left keeps its connection with it.
            response.headers["Cache-Control"] = "no-store"
        return response

    async def _show(self, request: "http.Request") -> "http.StreamResponse":
        """Run a program for as long as its page is open."""
        from aiohttp import web as http

        if self._programs.locked():
            raise http.HTTPServiceUnavailable(text="Too many pages are open.")
        async with self._programs:
            shown: http.StreamResponse = await self._pages.handle_websocket(request)
        return shown


def _are_equal(given: str, secret: str) -> bool:
    return compare_digest(given.encode(errors="replace"), secret.encode())


# -- in the program that is shown ------------------------------------------------------


def end_with_server() -> None:
    """End when nobody can write to this program any more: its page or server is gone.

    First as by a signal; and if that does not help, at once.
    """
    if not hasattr(select, "poll"):
        return
    loop = asyncio.get_running_loop()
    waiting = threading.Event()

    def watch() -> None:
        hung_up = select.poll()
        hung_up.register(sys.__stdin__ or 0, 0)
        hung_up.poll()
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(signal.raise_signal, signal.SIGTERM)
        waiting.wait(_GRACE)
        os._exit(128 + signal.SIGTERM)

    threading.Thread(target=watch, name="hang-up", daemon=True).start()
