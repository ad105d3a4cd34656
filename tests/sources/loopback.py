"""A stub of a service's JSON API on loopback, as long as a test needs it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ssl import SSLContext

from aiohttp import web


@asynccontextmanager
async def served(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
    tls: SSLContext | None = None,
) -> AsyncIterator[str]:
    """Serve whatever is asked for; yields the URL, at a port that was free."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        whole = "https://localhost" if tls else "http://127.0.0.1"
        yield f"{whole}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
