"""Bytes into every reader of the program: what comes out is a value or a sentence.

A target takes bytes and raises nothing but what users are told; each comes with bytes
of every form there is to begin with. More are made of them: what reaches code that
nothing reached before joins the corpus.
"""

import asyncio
import gzip
import json
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, Self, TypeVar

from msgspec import Struct, field

import sfnwatch
from sfnwatch.cli.execution_names import named_execution
from sfnwatch.clock import SystemClock
from sfnwatch.config.config import load_config
from sfnwatch.errors import SfnwatchError, UsageError
from sfnwatch.export.json.trace import trace_json
from sfnwatch.export.otlp.collector_settings import collector_settings
from sfnwatch.model.arns import parse_execution_arn, parse_log_group, parse_states_arn
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.trace import Trace
from sfnwatch.recording.format import check_record, encode_header, encode_line
from sfnwatch.recording.format import new_header as header_of
from sfnwatch.recording.reader import open_files
from sfnwatch.sources.answers import AwsAnswer, AwsRequest, Failure, decode_answer
from sfnwatch.sources.archive_bucket import parse_place
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.failures import failure_of
from sfnwatch.sources.live import Live
from sfnwatch.sources.live_options import CallOptions, LiveOptions
from sfnwatch.sources.queue_address import parse_queue_url
from sfnwatch.sources.trail_reader import TrailReader
from sfnwatch.view.filter_completion import complete
from sfnwatch.view.filter_error import FilterError
from sfnwatch.view.filter_language import parse_filter
from tests import builders as aws
from tests.recording import files as foreign
from tests.sources.clocks import ManualClock
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


class _QuickClock(ManualClock):
    """Waits for nothing but the others."""

    def now(self) -> datetime:
        self.advance(0.001)
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
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
        _QuickClock(aws.at(30)),
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
    b"~d " + b"9" * 400 + b"y",
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


# -- inputs ---------------------------------------------------------------------------

_FOLLOWED = 16
"""Of so many inputs one is followed line by line, which takes several times as long."""
_OURS = str(Path(sfnwatch.__file__).parent)
_LONGEST = 1 << 16
"""Bytes of an input that others are made from."""
_PATIENCE = 20.0
"""Seconds of the processor's time after which an input is said to have no end."""
_Step = tuple[str, int, int]
"""A file, and from which line to which."""


class Fuzzed(Struct):
    """What came of many inputs to one target."""

    target: str
    count: int = 0
    steps: int = 0
    """From one line to another, that any input took."""
    kept: int = 0
    """Inputs that took a step nobody took before."""
    crashes: dict[str, str] = field(default_factory=dict)
    """What it ended in and where, and the first input that did it."""


def fuzzed(target: str, seed: int, count: int) -> Fuzzed:
    """Put so many inputs into a target."""
    guide, result = Guide(target, seed), Fuzzed(target)
    while result.count < count:
        data = guide.next()
        try:
            with _patience():
                guide.put(data, followed=result.count % _FOLLOWED == 0)
        except Exception as error:  # noqa: BLE001 - it is what is looked for
            place = traceback.extract_tb(error.__traceback__)[-1]
            told = f"{target}: {type(error).__name__} at {place.name}:{place.lineno}"
            result.crashes.setdefault(told, f"{error!s:.100}: {data[:2000]!r}")
        result.count += 1
    result.steps, result.kept = len(guide.steps), guide.kept
    return result


class Guide:
    """Makes inputs for a target, of those before them that led anywhere new."""

    def __init__(self, target: str, seed: int) -> None:
        self._run = TARGETS[target].read
        self._dice = Random(f"{target} {seed}")  # noqa: S311 - a seed, not a secret
        self._pool: list[bytes] = []
        self._values: list[Any] = []
        """Those of the pool that are JSON."""
        self._fresh = list(TARGETS[target].corpus())
        self.steps: set[_Step] = set()
        self.kept = 0

    def next(self) -> bytes:
        """Give an input: the corpus as it is, and then what is made of it."""
        if self._fresh:
            return self._fresh[-1]
        if self._values and self._dice.random() < 0.5:
            return json.dumps(
                _swap(self._dice.choice(self._values), self._dice)
            ).encode()
        data = bytearray(self._dice.choice(self._pool))
        for _ in range(self._dice.choice((1, 1, 2, 3, 8))):
            _change(data, self._dice, self._pool)
        return bytes(data)

    def put(self, data: bytes, *, followed: bool) -> None:
        """Run the target; one that is followed is kept if it went where none went."""
        if self._fresh:
            self._keep(self._fresh.pop())
        elif not followed:
            self._run(data)
            return
        before, found = len(self.steps), self.steps
        with _following(found):
            self._run(data)
        if len(found) > before and data not in self._pool and len(data) < _LONGEST:
            self.kept += 1
            self._keep(data)

    def _keep(self, data: bytes) -> None:
        self._pool.append(data)
        with suppress(ValueError, RecursionError):
            self._values.append(json.loads(data))


@contextmanager
def _following(found: set[_Step]) -> Iterator[None]:
    """Note each step that the program takes."""

    def entered(frame: FrameType, _: str, __: Any) -> Callable[..., Any] | None:
        name, last = frame.f_code.co_filename, 0
        if not name.startswith(_OURS):
            return None

        def passed(frame: FrameType, _: str, __: Any) -> Callable[..., Any]:
            nonlocal last
            found.add((name, last, frame.f_lineno))
            last = frame.f_lineno
            return passed

        return passed

    before = sys.gettrace()
    sys.settrace(entered)
    try:
        yield
    finally:
        sys.settrace(before)


@contextmanager
def _patience() -> Iterator[None]:
    """Raise TimeoutError in what has no end, by a timer that nobody else uses."""

    def give_up(*_: Any) -> None:
        msg = "no end"
        raise TimeoutError(msg)

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, _PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


_TOKENS = (
    *(b"{", b"}", b"[", b"]", b'"', b":", b",", b"\n", b"\r\n", b"\t", b" ", b"\\"),
    *(b"null", b"true", b"-1", b"1e999", b"NaN", b"Infinity", b"0", b"9" * 400),
    *(b'"id"', b'"type"', b'"timestamp"', b'"data"', b'"at"', b'"execution"'),
    *(b"\x00", b"\x1b[2J", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xe2\x80\xae"),
    *(b'"\\ud800"', b"[" * 300, b'{"a":' * 300, b"arn:aws:", b"~", b"&", b"|", b"("),
    *(b"https://", b"9999-12-31T23:59:59Z", b"0001-01-01T00:00:00+23:59", b"[::"),
)


def _change(data: bytearray, dice: Random, seeds: list[bytes]) -> None:
    at = dice.randint(0, len(data))
    end = min(len(data), at + dice.choice((1, 2, 8, 64)))
    match dice.randint(0, 7):
        case 0 if at < len(data):
            data[at] ^= 1 << dice.randint(0, 7)
        case 1:
            del data[at:end]
        case 2:
            data[at:at] = data[at:end]
        case 3:
            del data[at:]
        case 4:
            other = dice.choice(seeds)
            start = dice.randint(0, len(other))
            data[at:end] = other[start : start + 200]
        case 5:
            data[at:end] = bytes(
                dice.randint(0, 255) for _ in range(dice.randint(1, 4))
            )
        case _:
            data[at : dice.choice((at, end))] = dice.choice(_TOKENS)


_STRANGE: tuple[Any, ...] = (
    *(None, True, 0, -1, 1e300, 10**40, "", "x", "\x1b[2J", "\ud800", "0" * 5000),
    *([], {}, [[]], {"": None}, ["x"], {"a": {"a": {"a": []}}}),
    *("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "1e400", 253402300800),
    # The calendar's ends, and one second beside each.
    *(253402300799.999, -62135596800, -62135596801, {"a": 1}, [1]),
)


def _swap(value: Any, dice: Random) -> Any:
    """Put something strange in one place, or in several."""
    if dice.random() < 0.08:
        return dice.choice(_STRANGE)
    if isinstance(value, dict):
        return {
            key if dice.random() > 0.02 else "x": _swap(item, dice)
            for key, item in value.items()
            if dice.random() > 0.03
        }
    if isinstance(value, list):
        return [_swap(item, dice) for item in value]
    if isinstance(value, str) and value.startswith("{") and dice.random() < 0.5:
        with suppress(ValueError):
            return json.dumps(_swap(json.loads(value), dice))
    return value
