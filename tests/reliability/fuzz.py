"""Bytes into every reader of the program: what comes out is a value or a sentence.

A target takes bytes and raises nothing but what its users are told. `mutated` makes
inputs from a corpus; `guided.py` lets atheris make them, where it is installed.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from sfnwatch.errors import SfnwatchError
from sfnwatch.export.json import trace_json
from sfnwatch.naming_executions import named
from sfnwatch.options import checked_url
from sfnwatch.recording.foreign import import_file
from sfnwatch.recording.format import Header, encode_header, encode_line
from sfnwatch.recording.loading import Loaded
from sfnwatch.recording.matching import match
from sfnwatch.recording.reader import is_recording, parse_recording
from sfnwatch.recording.records import check
from sfnwatch.sources.archive_shelf import parse_place
from sfnwatch.sources.queue_url import parse_queue_url
from sfnwatch.trace.arns import parse_execution_arn, parse_states_arn
from sfnwatch.trace.asl import parse_definition
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.filter_completion import complete
from sfnwatch.trace.filters import FilterError, parse_filter
from sfnwatch.trace.history import DecodeError
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.log_groups import parse_log_group
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, START, sync_run
from tests.recording import foreign

Target = Callable[[bytes], None]
_PATH = Path("fuzzed.jsonl")
_WHOLE = 20
"""Every so many inputs that can be read are laid out to the end."""
_turn = 0
_LANES = build_lanes(extend(Trace(), sync_run()))


def _recording(data: bytes) -> None:
    with suppress(SfnwatchError):
        _lay_out(parse_recording(Loaded(_PATH, data)).records)


def _foreign(data: bytes) -> None:
    loaded = Loaded(_PATH, data)
    with suppress(SfnwatchError):
        if not is_recording(loaded):
            records, _ = match([import_file(loaded)], ())
            _lay_out(tuple(records))


def _lay_out(records: tuple[Received, ...]) -> None:
    global _turn  # noqa: PLW0603 - counts inputs, of which some are costly
    _turn += 1
    trace = extend(Trace(), records)
    if _turn % _WHOLE == 0:
        build_lanes(trace)
        json.dumps(trace_json(trace))


def _decoders(data: bytes) -> None:
    """Decode one JSON object as each kind of record, and take it into a trace."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(value, dict):
        return
    for source in From:
        received = Received(START, source, ARN, value)
        with suppress(DecodeError, ValueError):
            check(received)
            extend(Trace(), [received])


def _definition(data: bytes) -> None:
    parse_definition(_text(data))


def _filter(data: bytes) -> None:
    text = _text(data)
    with suppress(FilterError):
        parse_filter(text)
    complete(text, len(text), _LANES)


def _names(data: bytes) -> None:
    """Read a text as all that may be named on the command line."""
    text = _text(data)
    readers: tuple[Callable[[str], Any], ...] = (
        *(parse_execution_arn, parse_states_arn, parse_log_group, parse_queue_url),
        *(parse_place, named, checked_url),
    )
    for read in readers:
        with suppress(ValueError, SfnwatchError):
            read(text)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


TARGETS: Mapping[str, Target] = {
    "recording": _recording,
    "foreign": _foreign,
    "decoders": _decoders,
    "definition": _definition,
    "filter": _filter,
    "names": _names,
}


def corpus(target: str) -> list[bytes]:
    """Give what each target takes, to begin with."""
    match target:
        case "recording":
            return [_recorded(sync_run(denied=True)), _recorded(sync_run()[:3])]
        case "foreign":
            return [json.dumps(each).encode() for each in _foreign_values()] + [_TABLE]
        case "decoders":
            return [json.dumps(dict(r.data)).encode() for r in sync_run(denied=True)]
        case "definition":
            return [_DEFINITION, b'{"QueryLanguage":"JSONata","States":{}}']
        case "filter":
            return [*_FILTERS]
    return [*_NAMES]


def _recorded(records: list[Received]) -> bytes:
    header = encode_header(Header(START, "sfnwatch 0", (ARN,)))
    lines = [header, *(encode_line(record, START) for record in records)]
    return "\n".join([*lines, ""]).encode()


def _foreign_values() -> list[Any]:
    record = foreign.trail_records()[0]
    return [
        {"events": foreign.history()},
        foreign.described(),
        foreign.defined(),
        {"Events": foreign.lookup_events()},
        {"Records": foreign.trail_records()},
        foreign.eventbridge(record),
        [foreign.eventbridge(record)],
    ]


_TABLE = (
    b"eventtime,eventsource,eventname,errorcode,errormessage,arn\n"
    b"2023-11-15T00:28:25Z,ecs.amazonaws.com,RunTask,,,arn:aws:iam::1:role/r\n"
)
_DEFINITION = json.dumps(
    {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Parallel", "Branches": [{"StartAt": "B", "States": {}}]},
            "M": {
                "Type": "Map",
                "ItemProcessor": {
                    "StartAt": "T",
                    "States": {
                        "T": {
                            "Type": "Task",
                            "Resource": "arn:aws:states:::ecs:runTask.sync",
                            "Retry": [{"ErrorEquals": ["States.ALL"]}],
                        }
                    },
                },
            },
        },
    }
).encode()
_FILTERS = (
    b"~s Label & !~k poll",
    b'(~a "Run Task" | ~e Denied) & ~d > 5s',
    b"!(~s /a.*b/ | x)",
)
_NAMES = (
    ARN.encode(),
    b"https://ap-northeast-1.console.aws.amazon.com/states/home?region=ap-northeast-1"
    b"#/v2/executions/details/" + ARN.encode(),
    b"https://sqs.ap-northeast-1.amazonaws.com/123456789012/mine.fifo",
    b"arn:aws:logs:ap-northeast-1:123456789012:log-group:/aws/states/x:*",
    b"s3://bucket/prefix/AWSLogs/",
    b"http://[::1]:4597/x",
)
_TOKENS = (
    *(b"{", b"}", b"[", b"]", b'"', b":", b",", b"\n", b"\r\n", b"\t", b" ", b"\\"),
    *(b"null", b"true", b"-1", b"1e999", b"NaN", b"Infinity", b"0", b"9" * 400),
    *(b'"id"', b'"type"', b'"timestamp"', b'"data"', b'"at"', b'"execution"'),
    *(b"\x00", b"\x1b[2J", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xe2\x80\xae"),
    *(b'"\\ud800"', b"[" * 300, b'{"a":' * 300, b"arn:aws:", b"~", b"&", b"|", b"("),
    *(b"https://", b"9999-12-31T23:59:59Z", b"0001-01-01T00:00:00+23:59", b"[::"),
)


def mutated(target: str, seed: int, count: int) -> Iterator[bytes]:
    """Make inputs: some of the corpus, changed in one to eight places."""
    dice = Random(f"{target} {seed}")  # noqa: S311 - a seed, not a secret
    seeds = corpus(target)
    for _ in range(count):
        data = bytearray(dice.choice(seeds))
        for _ in range(dice.choice((1, 1, 2, 3, 8))):
            _change(data, dice, seeds)
        yield bytes(data)


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


def inputs(target: str, seed: int, count: int) -> Iterator[bytes]:
    """Make inputs of both kinds, half of each where there are both."""
    strange = count // 2 if any(swapped(target, seed, 1)) else 0
    yield from swapped(target, seed, strange)
    yield from mutated(target, seed, count - strange)


def swapped(target: str, seed: int, count: int) -> Iterator[bytes]:
    """Make JSON of the right shape with values of the wrong kind in it."""
    dice = Random(f"{target} swapped {seed}")  # noqa: S311
    values = []
    for each in corpus(target):
        with suppress(ValueError):
            values.append(json.loads(each))
    for _ in range(count if values else 0):
        yield json.dumps(_swap(dice.choice(values), dice)).encode()


_STRANGE: tuple[Any, ...] = (
    *(None, True, 0, -1, 1e300, 10**40, "", "x", "\x1b[2J", "\ud800", "0" * 5000),
    *([], {}, [[]], {"": None}, ["x"], {"a": {"a": {"a": []}}}),
    *("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "1e400", 253402300800),
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
