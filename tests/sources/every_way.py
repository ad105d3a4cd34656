"""One set of records by every way there is: each source for real, over real HTTP.

LookupEvents and CloudTrail Lake are stubs, since moto has neither. Athena's rows are
those that DuckDB found by the same statement. What a real service would leave out by
a filter pattern, a stub of CloudWatch Logs does; moto's gives all there is.
"""

import json
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3

from sfnwatch.clock import SystemClock
from sfnwatch.demo.server import CREDENTIALS
from sfnwatch.sources.allowed import Feature
from sfnwatch.sources.archive import Archive
from sfnwatch.sources.athena import Athena
from sfnwatch.sources.duck import Duck
from sfnwatch.sources.feed import Source
from sfnwatch.sources.lake import Lake
from sfnwatch.sources.live_tail import LiveTail
from sfnwatch.sources.log_group import LogGroup
from sfnwatch.sources.lookup import Lookup
from sfnwatch.sources.pacing import TokenBucket
from sfnwatch.sources.queue import Queue
from sfnwatch.sources.sieve import Sieve
from sfnwatch.sources.subjects import Subjects
from sfnwatch.sources.trail_sql import COLUMNS
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.log_groups import LogGroupName
from sfnwatch.trace.times import parse_time
from tests.builders import REGION, START, ManualClock
from tests.sources.archive_files import delivered
from tests.sources.archive_files import put as put_files
from tests.sources.archive_watch import NO_AWS
from tests.sources.asking import LATER, Stub, aws_at, rows_of, served
from tests.sources.logs import Logs
from tests.sources.queueing import event
from tests.sources.simulation import SteppedClock, Watched
from tests.sources.tailing import Tail, update
from tests.sources.test_athena import queue as queue_rows
from tests.sources.test_lake import QUERY, STORE

Record = dict[str, Any]

# In a process of its own, where its warnings are not our errors.
_SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


@contextmanager
def moto_served() -> Iterator[str]:
    """Serve moto; gives its endpoint URL."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


@dataclass(frozen=True)
class Scene:
    """What happened: executions, long over, and all the records of their time."""

    history: Sequence[Received]
    records: Sequence[Record]
    """As a trail's files have them, those that concern nobody among them."""

    def subjects(self) -> Subjects:
        """Tell a source of the executions, whose histories have been read."""
        arns = dict.fromkeys(r.execution_arn for r in self.history if r.execution_arn)
        subjects = Subjects([parse_execution_arn(arn) for arn in arns])
        for one in subjects.each:
            for received in self.history:
                if received.execution_arn == one.arn.arn:
                    one.observe(received)
            one.over = True
        subjects.known.set()
        return subjects


@dataclass(frozen=True)
class Place:
    """Where the ways are gone."""

    moto: str
    folder: Path


Way = Callable[[Scene, Place], Awaitable[Watched]]


async def _gathered(source: Source) -> Watched:
    found = Watched()
    async for batch in source.batches():
        found(batch)
    return found


def client(service: str, url: str) -> Any:
    """Make the client by which moto is filled."""
    create: Any = boto3.client
    return create(
        service,
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id=CREDENTIALS[0],
        aws_secret_access_key=CREDENTIALS[1],
    )


# -- LookupEvents ------------------------------------------------------------------


def envelope(record: Record) -> Record:
    """Put a record into an Event of LookupEvents, as it is sent."""
    told = record.get("readOnly")
    found = {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": None if told is None else str(told).lower(),
        "EventTime": parse_time(record["eventTime"]).timestamp(),
        "EventSource": record["eventSource"],
        "Resources": [],
        "CloudTrailEvent": json.dumps(record),
    }
    return {key: value for key, value in found.items() if value is not None}


def look_up(records: Sequence[Record]) -> Callable[[Record], Record]:
    """Answer LookupEvents: 50 a page, the newest first, never a data event."""
    events = [envelope(r) for r in records if r.get("managementEvent", True)]
    events.sort(key=lambda each: -each["EventTime"])

    def answer(asked: Record) -> Record:
        (attribute,) = asked["LookupAttributes"]
        found = [
            each
            for each in events
            if each[attribute["AttributeKey"]] == attribute["AttributeValue"]
            and each["EventTime"] >= asked["StartTime"]
        ]
        begin = int(asked.get("NextToken", 0))
        end = begin + min(asked["MaxResults"], 50)
        more = {"NextToken": str(end)} if end < len(found) else {}
        return {"Events": found[begin:end], **more}

    return answer


async def by_lookup(scene: Scene, place: Place) -> Watched:
    del place
    clock = ManualClock(LATER)
    stub = Stub(clock, answers={"LookupEvents": look_up(scene.records)})
    async with served(stub), aws_at(stub.url, Feature.LAKE) as aws:
        bucket = TokenBucket(1.0, 2.0, clock)
        return await _gathered(Lookup(aws, scene.subjects(), clock, bucket, drain=0))


# -- a queue -----------------------------------------------------------------------


async def by_queue(scene: Scene, place: Place) -> Watched:
    with closing(client("sqs", place.moto)) as sqs:
        url = sqs.create_queue(QueueName=f"q-{uuid4()}")["QueueUrl"]
        texts = [json.dumps(event(record)) for record in scene.records]
        for start in range(0, len(texts), 10):
            some = enumerate(texts[start : start + 10])
            entries = [{"Id": str(n), "MessageBody": text} for n, text in some]
            sqs.send_message_batch(QueueUrl=url, Entries=entries)
    async with aws_at(place.moto, Feature.QUEUE) as aws:
        # What was sent by then is what the last look waits for.
        clock = ManualClock(datetime.now(UTC) + timedelta(seconds=1))
        source = Queue(aws, scene.subjects(), clock, url, drain=0, wait=0)
        return await _gathered(source)


# -- log groups --------------------------------------------------------------------


async def by_log_group(scene: Scene, place: Place) -> Watched:
    """Read moto's, which takes no event as old as these: they bear today's date."""
    group, now = f"g-{uuid4()}", round(datetime.now(UTC).timestamp() * 1000)
    with closing(client("logs", place.moto)) as logs:
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="one")
        lines = [
            {"timestamp": now + number, "message": json.dumps(record)}
            for number, record in enumerate(scene.records)
        ]
        logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=lines)
    async with aws_at(place.moto, Feature.LOG_GROUP) as aws:
        name, clock = LogGroupName(group), SystemClock()
        return await _gathered(LogGroup(aws, scene.subjects(), clock, name, drain=0))


async def by_log_group_with_patterns(scene: Scene, place: Place) -> Watched:
    del place
    clock = SteppedClock()
    async with Logs(clock) as logs, logs.aws(Feature.LOG_GROUP) as aws:
        for record in scene.records:
            logs.put("trail", record, parse_time(record["eventTime"]))
        clock.advance((LATER - START).total_seconds())
        name = LogGroupName("trail")
        return await _gathered(LogGroup(aws, scene.subjects(), clock, name, drain=0))


async def by_live_tail(scene: Scene, place: Place) -> Watched:
    """Follow a session that has it all in one second, until it has come."""
    del place
    subjects, clock, found = scene.subjects(), ManualClock(LATER), Watched()
    async with Tail([[update(*scene.records)]]) as tail, tail.aws() as aws:
        group, drain = LogGroupName("trail"), timedelta(days=30).total_seconds()
        sieve = Sieve(subjects)
        source = LiveTail(aws, subjects, clock, group, sieve, drain=drain)
        async for batch in source.batches():
            found(batch)
            if calls_of(found):
                source.end_drain()
    return found


# -- files, and what is asked by SQL -----------------------------------------------


def _filed(scene: Scene, place: Place) -> Path:
    folder = place.folder / f"f-{uuid4()}"
    put_files(folder, delivered(scene.records))
    return folder


async def by_files(scene: Scene, place: Place) -> Watched:
    folder, clock = _filed(scene, place), ManualClock(LATER)
    source = Archive(NO_AWS, scene.subjects(), clock, str(folder), drain=0)
    return await _gathered(source)


async def by_duckdb(scene: Scene, place: Place) -> Watched:
    folder, clock = _filed(scene, place), ManualClock(LATER)
    return await _gathered(Duck(scene.subjects(), clock, folder, drain=0))


async def by_athena(scene: Scene, place: Place) -> Watched:
    rows = [dict(row) for row in rows_of(await by_duckdb(scene, place))]
    queue_rows(place.moto, rows, list(COLUMNS))
    async with aws_at(place.moto, Feature.ATHENA) as aws:
        clock = ManualClock(LATER)
        source = Athena(aws, scene.subjects(), clock, table="logs", drain=0)
        return await _gathered(source)


def cells(row: Mapping[str, str | None]) -> list[dict[str, str]]:
    """Write a row as Lake does: a time is a timestamp, a payload a map of texts."""
    told = {name: text for name, text in row.items() if text is not None}
    told["eventtime"] = re.sub("[TZ]", " ", told["eventtime"]).strip() + ".000"
    for name in ("requestparameters", "responseelements"):
        payload = json.loads(told.get(name, "null"))
        if isinstance(payload, dict):
            texts = {
                key: value if isinstance(value, str) else json.dumps(value)
                for key, value in payload.items()
            }
            told[name] = json.dumps(texts)
    return [{name: text} for name, text in told.items()]


async def by_lake(scene: Scene, place: Place) -> Watched:
    rows = rows_of(await by_duckdb(scene, place))
    answer = {
        "QueryStatus": "FINISHED",
        "QueryStatistics": {"BytesScanned": 1, "ResultsCount": len(rows)},
        "QueryResultRows": [cells(row) for row in rows],
    }
    answers: dict[str, Callable[[Record], Any]] = {
        "StartQuery": lambda _: {"QueryId": QUERY},
        "GetQueryResults": lambda _: answer,
    }
    clock = ManualClock(LATER)
    stub = Stub(clock, answers=answers)
    async with served(stub), aws_at(stub.url, Feature.LAKE) as aws:
        return await _gathered(Lake(aws, scene.subjects(), clock, STORE, drain=0))


WAYS: dict[str, Way] = {
    "LookupEvents": by_lookup,
    "queue": by_queue,
    "log group": by_log_group,
    "log group with patterns": by_log_group_with_patterns,
    "live tail": by_live_tail,
    "files": by_files,
    "files by SQL": by_duckdb,
    "Athena": by_athena,
    "Lake": by_lake,
}


def calls_of(found: Watched) -> list[Received]:
    """Give the records of calls that came."""
    kinds = {From.LOOKUP, From.TRAIL, From.ATHENA}
    return [r for r in found.records if r.source in kinds]


def unread_of(found: Watched) -> list[Received]:
    return [r for r in found.records if r.source == From.UNREAD]


def of_services(records: Iterable[Record], *services: str) -> list[Record]:
    wanted = {f"{service}.amazonaws.com" for service in services}
    return [record for record in records if record["eventSource"] in wanted]
