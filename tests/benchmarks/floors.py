"""What is the least that could be done: no more than each thing needs.

Run as files by an interpreter that need not have sfnwatch: `floors.py fetch URL ARN`.
"""

import asyncio
import sys
import time
from collections.abc import Callable


def fetch(url: str, arn: str) -> None:
    """Read a history with nothing but an HTTP client and a JSON parser."""
    import aiohttp
    import orjson

    async def read() -> None:
        begun = time.perf_counter()
        events, token = [], None
        headers = {"X-Amz-Target": "AWSStepFunctions.GetExecutionHistory"}
        async with aiohttp.ClientSession(headers=headers) as session:
            while True:
                asked = {"executionArn": arn, "maxResults": 1000}
                if token:
                    asked["nextToken"] = token
                async with session.post(url, data=orjson.dumps(asked)) as answer:
                    page = orjson.loads(await answer.read())
                events += page["events"]
                token = page.get("nextToken")
                if token is None:
                    break
        sys.stdout.write(f"{time.perf_counter() - begun}\n")

    asyncio.run(read())


def paginate(url: str, arn: str) -> None:
    """Read a history as boto3 does it."""
    import boto3

    client = boto3.client("stepfunctions", endpoint_url=url)
    begun = time.perf_counter()
    pages = client.get_paginator("get_execution_history").paginate(
        executionArn=arn, PaginationConfig={"PageSize": 1000}
    )
    events = [event for page in pages for event in page["events"]]
    sys.stdout.write(f"{time.perf_counter() - begun}\n")
    del events


def screen(word: str) -> None:
    """Show a word with the smallest app there is."""
    from textual.app import App, ComposeResult
    from textual.widgets import Static

    class Smallest(App[None]):
        def compose(self) -> ComposeResult:
            yield Static(word)

    Smallest().run()


_FLOORS: dict[str, Callable[..., None]] = {
    "fetch": fetch,
    "paginate": paginate,
    "screen": screen,
}

if __name__ == "__main__":
    _FLOORS[sys.argv[1]](*sys.argv[2:])
