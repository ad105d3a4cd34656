"""Bytes into every reader of the program: what comes out is a value or a sentence.

A target takes bytes and raises nothing but what users are told; each comes with bytes
of every form there is to begin with. `fuzzer.py` makes more of them, guided by what
they reach.
"""

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self, TypeVar

from msgspec import Struct

from sfnwatch.cli.options import named_execution
from sfnwatch.clock import SystemClock
from sfnwatch.config import load_config
from sfnwatch.errors import SfnwatchError, UsageError
from sfnwatch.export.json import trace_json
from sfnwatch.export.otlp_exporter import collector_settings
from sfnwatch.model.integrations import (
    parse_execution_arn,
    parse_log_group,
    parse_states_arn,
)
from sfnwatch.model.records import HealthState, Received, RecordKind
from sfnwatch.model.trace import Trace
from sfnwatch.recording.format import check_record, encode_header, encode_line
from sfnwatch.recording.format import new_header as header_of
from sfnwatch.recording.reader import open_files
from sfnwatch.sources.answers import AwsAnswer, AwsRequest, Failure, decode_answer
from sfnwatch.sources.archive import TrailReader, parse_place
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.live import Live
from sfnwatch.sources.queue import parse_queue_url
from sfnwatch.sources.targets import CallOptions, LiveOptions
from sfnwatch.sources.wire import failure_of
from sfnwatch.view.filter_language import FilterError, complete, parse_filter
from tests import builders as aws
from tests.recording import files as foreign
from tests.sources.loopback import settings_at

T = TypeVar("T")
_WHOLE = 20
"""Every so many inputs that can be read are asked for all they tell."""
_MOST_ASKED = 3
"""So often is an operation answered, and then never again."""
_STEP = 700
"""Bytes of a trail's file that come at once."""
_QUEUE = f"https://sqs.{aws.REGION}.amazonaws.com/{aws.ACCOUNT}/mine"
_GROUP = f"arn:aws:logs:{aws.REGION}:{aws.ACCOUNT}:log-group:/aws/states/x"
_turns = Counter[str]()


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory()


def _add(records: Sequence[Received]) -> None:
    """Take records into a trace, and now and then ask for all there is."""
    trace = Trace()
    trace.add(records)
    _turns["added"] += 1
    if _turns["added"] % _WHOLE == 0:
        json.dumps(trace_json(trace.as_of()))


# -- files -----------------------------------------------------------------------------


def _files(data: bytes) -> None:
    """Open it as a file; a letter before it says how it is to be packed."""
    pack = _PACKERS.get(data[:1])
    path = Path(_folder().name, "fuzzed")
    path.write_bytes(pack(data[1:]) if pack else data)
    with suppress(SfnwatchError):
        _add(list(open_files([path]).records()))


_PACKERS: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"g": lambda data: gzip.compress(data, 1, mtime=0),
    b"z": foreign.zstd,
    b"u": lambda data: data.decode("utf-8", "replace").encode("utf-16"),
}


def _file_corpus() -> list[bytes]:
    trail = foreign.trail_records()
    answers: list[Any] = [
        {"events": foreign.events()},
        foreign.described(),
        foreign.defined(),
        {"Events": foreign.lookup_events()},
        {"Records": trail},
        [foreign.eventbridge(trail[0])],
        {"events": [foreign.log_event(each) for each in trail[:2]]},
        [aws.logged(each).record for each in aws.sync_history()],
    ]
    whole, part = recording(aws.sync_run(denied=True)), recording(aws.sync_run()[:3])
    packed = [_PACKERS[letter](part) * 2 for letter in (b"g", b"z")]
    table = foreign.as_csv(foreign.rows()).encode()
    marked = [b"g" + whole, b"z" + part, b"u" + part, b"\xef\xbb\xbf" + table]
    return [whole, part, *map(_dumped, answers), table, *packed, *marked]


def recording(records: Sequence[Received]) -> bytes:
    """Write a recording as the recorder does."""
    header = encode_header(header_of(aws.START, "sfnwatch 0", [aws.ARN]))
    return header + b"".join(encode_line(each, aws.START) for each in records)


def _archived(data: bytes) -> None:
    """Read it as a trail's file whose bytes come in pieces."""
    pieces = (data[at : at + _STEP] for at in range(0, len(data), _STEP))
    reader = TrailReader(pieces, lambda _: True)
    while (found := reader.read()) is not None:
        _add([Received(aws.START, RecordKind.TRAIL, None, each) for each in found])


def _archive_corpus() -> list[bytes]:
    records = foreign.trail_records()[:3]
    text = _dumped({"Records": records})
    packed = gzip.compress(text, mtime=0)
    return [text, text * 2, foreign.lines(records).encode(), packed, packed * 2]


# -- answers of AWS's ------------------------------------------------------------------


class _QuickClock:
    """Waits for nothing but the others."""

    def __init__(self) -> None:
        self._now = aws.START + timedelta(seconds=30)

    def now(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        await SystemClock().sleep(0)


def _answering(answers: Callable[[str], bytes]) -> type[AwsClient]:
    """Make a client that gives each operation's answer some times, then none at all."""
    asked = Counter[str]()

    class Answering(AwsClient):
        def __init__(self, *_: Any) -> None:
            """Keep nothing: nobody is asked."""

        async def __aenter__(self) -> Self:
            return self

        async def __aexit__(self, *_: object) -> None:
            """Close nothing."""

        async def call(self, request: AwsRequest[T]) -> AwsAnswer[T]:
            await SystemClock().sleep(0)
            operation, subject = request.operation, request.subject
            name = operation.partition(":")[2]
            asked[name] += 1
            if asked[name] > _MOST_ASKED:
                raise Failure(HealthState.REFUSED, "never again")
            body = answers(name)
            try:
                value = decode_answer(body, request.shape)
                return AwsAnswer(value, body, f"r{asked[name]}")
            except Exception as error:  # as the client does
                raise failure_of(error, operation, subject, "aws login") from error

    return Answering


def _answers(data: bytes) -> None:
    """Watch an account that says so: an answer for each operation, or one for all."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    known = value if isinstance(value, dict) else {}

    def answer(name: str) -> bytes:
        return _dumped(known[name]) if name in known else data

    received: list[Received] = []
    options = CallOptions(queue=_QUEUE, log_group=_GROUP)
    live = Live(
        [parse_execution_arn(arn) for arn in (aws.ARN, aws.EXPRESS_ARN)],
        settings_at("http://127.0.0.1:9"),
        _QuickClock(),
        LiveOptions(options, drain=0, tries=2),
        client=_answering(answer),
    )
    asyncio.run(live.watch(received.extend))
    _add(received)


def _answer_corpus() -> list[bytes]:
    """Write answers as AWS does, times as numbers."""
    begun = aws.START.timestamp()
    events = [
        {**record.record, "timestamp": begun + number}
        for number, record in enumerate(aws.photos())
        if record.kind == RecordKind.HISTORY and record.execution_arn == aws.ARN
    ]
    calls = [{**event, "EventTime": begun} for event in foreign.lookup_events()]
    task = aws.task_state(5, "STOPPED", 5, exit_code=1).record
    bodies = [foreign.eventbridge(foreign.trail_records()[0]), task]
    topic = {"Type": "Notification", "Message": json.dumps(task)}
    messages = [
        {"MessageId": str(n), "ReceiptHandle": "h", "Body": json.dumps(body)}
        for n, body in enumerate([*bodies, topic, foreign.trail_records()[1]])
    ]
    logged = [aws.logged(each).record for each in aws.sync_history()]
    lines = [*foreign.trail_records()[:2], *logged]
    log = {"cloudWatchLogsLogGroup": {"logGroupArn": f"{_GROUP}:*"}}
    child = {"executionArn": aws.map_child(1), "name": "a", "status": "FAILED"}
    answers = {
        "DescribeExecution": {
            **aws.describe("FAILED").record,
            "startDate": begun,
            "stopDate": begun + 20,
            "redriveCount": 1,
        },
        "DescribeStateMachineForExecution": {
            **aws.sync_definition().record,
            "updateDate": begun,
        },
        "GetExecutionHistory": {"events": events},
        "LookupEvents": {"Events": calls, "NextToken": "n"},
        "DescribeMapRun": {
            **aws.counted(failed=1, succeeded=2).record,
            "startDate": begun,
        },
        "ListExecutions": {"executions": [{**child, "startDate": begun}]},
        "ReceiveMessage": {"Messages": messages},
        "FilterLogEvents": {"events": [foreign.log_event(each) for each in lines]},
        "DescribeStateMachine": {
            "stateMachineArn": aws.MACHINE_ARN,
            "loggingConfiguration": {"level": "ALL", "destinations": [log]},
        },
    }
    return [_dumped(answers), *map(_dumped, answers.values())]


# -- single records, and what is typed -------------------------------------------------


def _records(data: bytes) -> None:
    """Take one JSON object for a record of each kind."""
    if not data.startswith(b"{"):
        return
    for kind in RecordKind:
        received = Received(aws.START, kind, aws.ARN, data)
        with suppress(ValueError, RecursionError):
            check_record(received)
        _add([received])


def _filter(data: bytes) -> None:
    text = _text(data)
    with suppress(FilterError):
        parse_filter(text)
    complete(text, len(text), _shown().as_of())


@cache
def _shown() -> Trace:
    trace = Trace()
    trace.add(aws.sync_run())
    return trace


def _names(data: bytes) -> None:
    """Read a text as all that may be named: on the command line, in a bucket."""
    text = _text(data)
    readers: tuple[Callable[[str], Any], ...] = (
        *(parse_execution_arn, parse_states_arn, parse_log_group, parse_queue_url),
        *(parse_place, named_execution),
        lambda text: collector_settings(text, {"OTEL_EXPORTER_OTLP_HEADERS": text}),
    )
    for read in readers:
        with suppress(ValueError, SfnwatchError):
            read(text)


def _settings(data: bytes) -> None:
    path = Path(_folder().name, "config.toml")
    path.write_bytes(data)
    with suppress(UsageError):
        load_config(path, {})


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


_FILTERS = (
    b"~s Label & !~k poll",
    b'(~a "Run Task" | ~e Denied) & ~d > 5s',
    b"!(~s /a.*b/ | x)",
)
_SETTINGS = b"""
theme = "nord"
time = "local"
ascii = true
[keys]
"player.toggle" = ["p", "ctrl+space"]
[themes.mine]
primary = "#ff8800"
dark = true
"""
_NAMES = (
    aws.ARN.encode(),
    b"https://ap-northeast-1.console.aws.amazon.com/states/home?region=ap-northeast-1"
    b"#/v2/executions/details/" + aws.ARN.encode(),
    _QUEUE.encode() + b".fifo",
    _GROUP.encode() + b":*",
    b"s3://bucket/prefix/AWSLogs/",
    b"http://[::1]:4597/x",
    b"api-key=abc%3D,x=%zz",
)


class Target(Struct, frozen=True):
    """A reader of bytes, and what it takes to begin with."""

    read: Callable[[bytes], None]
    corpus: Callable[[], Sequence[bytes]]


TARGETS: Mapping[str, Target] = {
    "files": Target(_files, _file_corpus),
    "archive": Target(_archived, _archive_corpus),
    "answers": Target(_answers, _answer_corpus),
    "records": Target(
        _records, lambda: [each.data for each in (*aws.sync_run(), *aws.photos())]
    ),
    "filter": Target(_filter, lambda: _FILTERS),
    "names": Target(_names, lambda: _NAMES),
    "settings": Target(_settings, lambda: [_SETTINGS]),
}
