"""A trail that is asked by SQL: its files, who asks, and services that answer anything.

The services are stubs over real HTTP, for what moto lacks: pages, failures, and all of
CloudTrail Lake. Their answers have the shapes of botocore's models; synthetic.
"""

import gzip
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from sfnwatch.sources.allowed import Feature
from sfnwatch.sources.aws import Aws, AwsSettings
from sfnwatch.sources.feed import Source
from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import From, Received
from tests.builders import (
    ACCOUNT,
    ARN,
    REGION,
    START,
    ManualClock,
    describe,
    sync_calls,
    sync_definition,
    sync_history,
)
from tests.sources.simulation import Watched

STOP = START + timedelta(seconds=309.05)
LATER = START + timedelta(days=1)
"""When all is long over."""


def bare(calls: Iterable[Received]) -> list[dict[str, Any]]:
    """Give the records of LookupEvents' Events, as a trail's files have them."""
    return [json.loads(received.data["CloudTrailEvent"]) for received in calls]


def put(
    root: Path,
    records: Sequence[Mapping[str, Any]],
    *,
    at: datetime = START + timedelta(minutes=8),
    region: str = REGION,
    account: str = ACCOUNT,
    name: str = "a1b2",
) -> Path:
    """Write a trail's file where CloudTrail would have it, delivered at a time."""
    folder = root / "AWSLogs" / account / "CloudTrail" / region / f"{at:%Y/%m/%d}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{account}_CloudTrail_{region}_{at:%Y%m%dT%H%MZ}_{name}.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"Records": list(records)}).encode()))
    return path


def history() -> list[Received]:
    """Give all but the calls of the seed's run."""
    return [describe("RUNNING"), sync_definition(), *sync_history(), describe()]


def watched(*, running: bool = False) -> Subjects:
    """Watch the seed's run, as far as its history is read; or while it runs."""
    subjects = Subjects([parse_execution_arn(ARN)])
    known = [sync_definition(), *sync_history()[:5]] if running else history()
    for received in known:
        subjects.each[0].observe(received)
    subjects.each[0].over = not running
    subjects.known.set()
    return subjects


async def gathered(source: Source, *, and_history: bool = False) -> Watched:
    """Run a source to its end."""
    found = Watched()
    if and_history:
        found(tuple(history()))
    async for batch in source.batches():
        found(batch)
    return found


def rows_of(found: Watched) -> list[Mapping[str, Any]]:
    return [r.data for r in found.records if r.source == From.ATHENA]


def names_of(found: Watched) -> list[str]:
    return [str(row["eventname"]) for row in rows_of(found)]


# -- services that answer anything -------------------------------------------------


@dataclass
class Asked:
    operation: str
    parameters: dict[str, Any]
    at: datetime
    region: str


Answer = Callable[[dict[str, Any]], Any]


@dataclass
class Refusal(Exception):  # noqa: N818 - an answer like another
    """An error as AWS sends one."""

    code: str
    message: str = "says the stub"
    status: int = 400


@dataclass
class Stub:
    """A service that answers each operation as it is told to."""

    clock: ManualClock
    asked: list[Asked] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    url: str = ""

    def of(self, operation: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.operation == operation]

    @property
    def operations(self) -> list[str]:
        return [asked.operation for asked in self.asked]

    async def answer(self, request: web.Request) -> web.Response:
        operation = request.headers["X-Amz-Target"].rpartition(".")[2]
        parameters = await request.json()
        region = request.headers["Authorization"].split("/")[2]
        self.asked.append(Asked(operation, parameters, self.clock.now(), region))
        kind = "application/x-amz-json-1.1"
        try:
            body = self.answers[operation](parameters)
        except Refusal as refusal:
            told = {"__type": refusal.code, "message": refusal.message}
            return web.Response(
                text=json.dumps(told), status=refusal.status, content_type=kind
            )
        return web.Response(text=json.dumps(body), content_type=kind)


@asynccontextmanager
async def served(stub: Stub) -> AsyncIterator[Stub]:
    app = web.Application()
    app.router.add_post("/", stub.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield stub
    finally:
        await runner.cleanup()


def aws_at(url: str, feature: Feature) -> Aws:
    settings = AwsSettings(
        REGION, endpoint_url=url, access_key_id="AKIDEXAMPLE", secret_access_key="none"
    )
    return Aws(settings, features=[feature])


def script(*answers: Any) -> Answer:
    """Answer with one after the other, and with the last for ever."""
    left = list(answers)

    def answer(_: dict[str, Any]) -> Any:
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, Exception):
            raise found
        return found

    return answer


SEEDS = sync_calls()
