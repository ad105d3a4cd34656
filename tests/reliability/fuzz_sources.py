"""Bytes as AWS's answers, a queue's messages, a log's lines and a trail's files.

The sources themselves read them, each by one or two of its own steps, with nobody to
ask but what answers with those bytes.
"""

import asyncio
import atexit
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import cache
from typing import Any, cast

from botocore.loaders import create_loader
from botocore.model import ServiceModel

from sfnwatch.sources.archive_filter import Concerning
from sfnwatch.sources.archive_layout import Window
from sfnwatch.sources.archive_records import TrailReader
from sfnwatch.sources.aws import _timestamp
from sfnwatch.sources.drive import Failure
from sfnwatch.sources.express import Express
from sfnwatch.sources.history import History
from sfnwatch.sources.live_tail import LiveTail
from sfnwatch.sources.log_group import LogGroup
from sfnwatch.sources.lookup import Lookup
from sfnwatch.sources.map_run import MapRunSource
from sfnwatch.sources.pacing import TokenBucket
from sfnwatch.sources.queue import Queue
from sfnwatch.sources.queue_messages import arrivals
from sfnwatch.sources.sieve import Sieve
from sfnwatch.sources.subjects import Subjects
from sfnwatch.sources.trouble import StalePageError, failure_of
from sfnwatch.sources.whole_answers import StrictParsers
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import Batch, From, Received
from sfnwatch.trace.log_groups import parse_log_group
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ACCOUNT, ARN, REGION, START, sync_run
from tests.express import EXPRESS_ARN, GROUP_ARN

_QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/mine"
_MAP_RUN = f"arn:aws:states:{REGION}:{ACCOUNT}:mapRun:nightly-report/Each:e706af79"
_MODELS = {"states": "stepfunctions"}
_STEP = 700
"""Bytes of a trail's file that come at once."""


class _Clock:
    """Waits for nothing."""

    def __init__(self) -> None:
        self._now = START + timedelta(seconds=30)

    def now(self) -> Any:
        self._now += timedelta(milliseconds=1)
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class _Answering:
    """Is asked as AWS is, and answers everything with the same bytes."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def call(self, operation: str, subject: str, _: str, **__: Any) -> Any:
        response = {
            "status_code": 200,
            "headers": {"x-amzn-requestid": "r"},
            "body": self._body,
            "context": {"operation_name": operation.partition(":")[2]},
        }
        try:
            return await _parser().parse(response, _shape(operation))
        except Exception as error:  # as Aws does
            raise failure_of(error, operation, subject, "aws login") from error


@cache
def _parser() -> Any:
    parsers = StrictParsers()
    parsers.set_parser_defaults(timestamp_parser=_timestamp)
    return parsers.create_parser("json")


@cache
def _shape(operation: str) -> Any:
    prefix, _, name = operation.partition(":")
    data = create_loader().load_service_model(_MODELS.get(prefix, prefix), "service-2")
    return ServiceModel(data).operation_model(name).output_shape


def _subjects() -> Subjects:
    """Give an execution of which the role, the start and the definition are known."""
    known = Subjects([parse_execution_arn(ARN)])
    for record in sync_run()[:3]:
        known.each[0].observe(record)
    return known


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


def answers(data: bytes) -> None:
    """Answer each source's requests with it, two in a row."""
    _loop().run_until_complete(_answered(data))


async def _answered(data: bytes) -> None:
    for source in _sources(data):
        try:
            with suppress(Failure, StalePageError):
                for _ in range(2):
                    take((await source._step()).records)
        finally:
            if isinstance(source, History):
                await source._ahead.close()


def _sources(data: bytes) -> Iterator[Any]:
    aws, clock = cast("Any", _Answering(data)), _Clock()
    history = History(aws, _subjects().each[0], clock)
    yield history
    for begin in (history._forward, history._tail, history._outcome):
        history = History(aws, _subjects().each[0], clock)
        history._next = begin
        yield history
    yield Lookup(aws, _subjects(), clock, TokenBucket(1.0, 1.0, clock))
    yield Queue(aws, _subjects(), clock, _QUEUE)
    yield LogGroup(aws, _subjects(), clock, parse_log_group(GROUP_ARN))
    yield MapRunSource(
        aws,
        clock,
        _MAP_RUN,
        execution_arn=ARN,
        region=REGION,
        listed=lambda _: None,
        wanted=lambda: True,
    )


def queue(data: bytes) -> None:
    """Read it as a message's body, and as what SQS answers, if it is JSON."""
    for value in ({"Messages": [{"MessageId": "m", "Body": _text(data)}]}, _json(data)):
        source = Queue(cast("Any", None), _subjects(), _Clock(), _QUEUE)
        take(source._take(source._fresh(arrivals(value))))


def logs(data: bytes) -> None:
    """Read it as lines of a trail's log, a live tail's and an Express execution's."""
    value = _json(data)
    events = value if isinstance(value, list) else [{"message": _text(data)}]
    events = [each for each in events if isinstance(each, Mapping)]
    nobody, clock, group = cast("Any", None), _Clock(), parse_log_group(GROUP_ARN)
    known = _subjects()
    take(Sieve(known).take(LogGroup(nobody, known, clock, group)._records(events)))
    tail = LiveTail(nobody, known, clock, group, sieve=Sieve(known))
    take(tail._sieve.take(tail._records(value)))
    express = Subjects([parse_execution_arn(EXPRESS_ARN)]).each[0]
    take(Express(nobody, express, clock)._records(cast("Any", events)))


def archive(data: bytes) -> None:
    """Read it as a trail's file whose bytes come in pieces."""
    known = _subjects()
    window = Window(
        accounts=frozenset({ACCOUNT}),
        regions=frozenset({REGION}),
        first=START - timedelta(hours=1),
        last=None,
    )
    wanted = Concerning(window=window, roles=known.roles, anybody=True)
    reader = TrailReader(wanted)
    pieces = [data[at : at + _STEP] for at in range(0, len(data), _STEP)]
    for piece in [*pieces, b""]:
        found = reader.feed(piece)
        records = (Received(START, From.TRAIL, None, each) for each in found)
        take(Sieve(known).take(records))
        if reader.trouble:
            break


def take(records: Iterable[Received]) -> Batch:
    """Take into a trace what a source hands on, as every watch does."""
    batch = tuple(records)
    extend(Trace(), batch)
    return batch


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
