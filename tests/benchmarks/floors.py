"""The least that could be done, no more than a thing needs: `floors.py fetch URL`."""

import asyncio
import sys
from collections.abc import Callable

_ARN = "arn:aws:states:ap-northeast-1:123456789012:execution:any:one"


def fetch(url: str) -> None:
    """Read a history with nothing but an HTTP client and a JSON parser."""
    import aiohttp
    import msgspec

    async def read() -> None:
        events, token = [], None
        headers = {"X-Amz-Target": "AWSStepFunctions.GetExecutionHistory"}
        async with aiohttp.ClientSession(headers=headers) as session:
            while True:
                asked = {"executionArn": _ARN, "maxResults": 1000, "nextToken": token}
                data = msgspec.json.encode(asked)
                async with session.post(url, data=data) as answer:
                    page = msgspec.json.decode(await answer.read())
                events += page["events"]
                token = page.get("nextToken")
                if token is None:
                    return

    asyncio.run(read())


def screen(word: str) -> None:
    """Show a word, and what time it is, with the smallest app there is."""
    from datetime import UTC, datetime

    from textual.app import App, ComposeResult
    from textual.widgets import Static

    class Smallest(App[None]):
        def compose(self) -> ComposeResult:
            yield Static(word)
            yield Static(id="time")

        def on_mount(self) -> None:
            self.set_interval(1, self._tick)

        def _tick(self) -> None:
            self.query_one("#time", Static).update(f"{datetime.now(UTC):%X}")

        def on_key(self) -> None:
            self._tick()

    Smallest().run()


_FLOORS: dict[str, Callable[[str], None]] = {"fetch": fetch, "screen": screen}

if __name__ == "__main__":
    _FLOORS[sys.argv[1]](sys.argv[2])
