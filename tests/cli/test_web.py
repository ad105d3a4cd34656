"""The screen in a browser: who is served, and when a program ends."""

import asyncio
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from sfnwatch.clock import SystemClock

pytest.importorskip("textual_serve", reason="the extra `web` is not installed")


class Browser:
    """A browser that was, or was not, given the address."""

    def __init__(self, url: str) -> None:
        self.url, _, self.token = url.partition("/?token=")
        jar = aiohttp.CookieJar(unsafe=True)
        self.session = aiohttp.ClientSession(cookie_jar=jar)

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self.session.get(f"{self.url}{path}", headers=headers) as answer:
            self.headers = answer.headers
            return answer.status, await answer.text()


@pytest.fixture
async def browser(unused: socket.socket) -> AsyncIterator[Browser]:
    """A browser, and a server of `sfnwatch demo` in this loop."""
    from sfnwatch.cli.browser_server import BrowserServer

    before = open_files()
    server = BrowserServer(["demo", "--no-record"], unused)
    runner = web.AppRunner(server.app())
    await runner.setup()
    await web.SockSite(runner, unused).start()
    client = Browser(server.url)
    try:
        yield client
    finally:
        await client.session.close()
        await runner.cleanup()
        # The loop must hear of the end of every program's pipes before it ends.
        # And that they are over: asyncio waits for them in threads, which tell it last.
        await until_so(
            lambda: open_files() < before and not (programs() or waiting_threads())
        )
        await SystemClock().sleep(0)


def waiting_threads() -> list[str]:
    names = (thread.name for thread in threading.enumerate())
    return [name for name in names if name.startswith("asyncio-waitpid")]


async def until_so(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(150):
        while not condition():
            await SystemClock().sleep(0.05)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def unused() -> Iterator[socket.socket]:
    from sfnwatch.cli.commands.web import listener_on

    with listener_on(0) as listener:
        yield listener


async def test_only_who_has_the_token_is_served(browser: Browser) -> None:
    assert browser.url.startswith("http://127.0.0.1:")
    for path in ("/", "/ws", "/static/js/textual.js", "/download/x", "/?token=other"):
        assert (await browser.get(path))[0] == 403
    status, page = await browser.get(f"/?token={browser.token}")
    assert status == 200
    assert browser.token not in page
    assert "sfnwatch demo" in page
    assert browser.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert browser.headers["Cache-Control"] == "no-store"
    assert (await browser.get("/"))[0] == 200, "a cookie has it by now"
    assert (await browser.get("/static/js/textual.js"))[0] == 200


async def test_two_servers_have_room_in_one_browser_and_neither_learns_of_the_other(
    browser: Browser,
) -> None:
    from sfnwatch.cli.browser_server import BrowserServer
    from sfnwatch.cli.commands.web import listener_on

    with listener_on(0) as listener:
        server = BrowserServer(["demo", "--no-record"], listener)
        runner = web.AppRunner(server.app())
        await runner.setup()
        await web.SockSite(runner, listener).start()
        other = Browser(server.url)
        await other.session.close()
        other.session = browser.session
        for each in (browser, other):
            assert (await each.get(f"/?token={each.token}"))[0] == 200
        assert (await browser.get("/"))[0] == (await other.get("/"))[0] == 200
        await runner.cleanup()
    cookies = {cookie.value for cookie in browser.session.cookie_jar}
    assert len(cookies) == 2
    assert cookies.isdisjoint({browser.token, other.token})


async def test_no_page_of_another_site_is_served(browser: Browser) -> None:
    await browser.get(f"/?token={browser.token}")
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        assert (await browser.get("/", **headers))[0] == 403
    assert (await browser.get("/", Origin=browser.url))[0] == 200


async def test_a_page_shows_the_screen_and_ends_its_program(browser: Browser) -> None:
    await browser.get(f"/?token={browser.token}")
    async with browser.session.ws_connect(f"{browser.url}/ws?width=90") as page:
        seen = b""
        async with asyncio.timeout(150):
            while b"DEMO" not in seen:
                message = await page.receive()
                assert message.type is not aiohttp.WSMsgType.CLOSED
                seen += message.data if isinstance(message.data, bytes) else b""
        assert len(programs()) == 1
        await page.send_json(["ping", "x"])
    await until_so(lambda: not programs())


@pytest.mark.parametrize(
    "sent", ['["stdin", "\\ud800"]', "{}", "[" * 100_000, '["resize", {}]', "no JSON"]
)
async def test_what_a_page_sends_that_is_no_text_is_told_in_one_line(
    browser: Browser, capsys: pytest.CaptureFixture[str], sent: str
) -> None:
    await browser.get(f"/?token={browser.token}")
    async with browser.session.ws_connect(f"{browser.url}/ws") as page:
        await page.send_str(sent)
        async with asyncio.timeout(150):
            while not page.closed:
                await page.receive()
    await until_so(lambda: not programs())
    texts: list[str] = []

    def is_said() -> bool:
        texts.append(capsys.readouterr().err)
        return any(texts)

    # It is told once the program has ended, which may be after its page.
    await until_so(is_said)
    said = "".join(texts)
    assert "Traceback" not in said
    assert said.startswith("sfnwatch: a page was closed: ")
    assert len(said.splitlines()) == 1


async def test_no_more_than_four_programs_run_at_once(browser: Browser) -> None:
    await browser.get(f"/?token={browser.token}")
    address = f"{browser.url}/ws"
    pages = [await browser.session.ws_connect(address) for _ in range(4)]
    try:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await browser.session.ws_connect(address)
    finally:
        for page in pages:
            await page.close()
    await until_so(lambda: not programs())


def programs() -> list[int]:
    """Find the programs that run below this process."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if b"sfnwatch" in words and parent == os.getpid():
                found.append(int(folder.name))
    return found
