"""Bytes into every reader of the program: what comes out is a value or a sentence.

A target takes bytes and raises nothing but what its users are told. `fuzz_inputs.py`
makes inputs, guided by what they reach; `guided.py` lets atheris make them, where that
is installed.
"""

import gzip
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import zstandard

from sfnwatch.collecting import HEADERS, headers_of
from sfnwatch.config import load_config
from sfnwatch.errors import SfnwatchError, UsageError
from sfnwatch.export.json import trace_json
from sfnwatch.naming_executions import named
from sfnwatch.options import checked_url
from sfnwatch.recording.files import open_files
from sfnwatch.recording.foreign import import_file
from sfnwatch.recording.loading import Loaded
from sfnwatch.recording.matching import match
from sfnwatch.recording.reader import is_recording, parse_recording
from sfnwatch.recording.records import check
from sfnwatch.sources.archive_layout import parse_name
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
from tests.reliability import fuzz_sources

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


def _packed(data: bytes) -> None:
    """Open it as a file; a letter before it says how it is to be packed."""
    pack = _PACKERS.get(data[:1])
    path = Path(_folder().name, "fuzzed")
    path.write_bytes(pack(data[1:]) if pack else data)
    with suppress(SfnwatchError):
        _lay_out(open_files([path]).records)


def _utf16(data: bytes) -> bytes:
    return data.decode("utf-8", "replace").encode("utf-16")


_PACKERS: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"g": lambda data: gzip.compress(data, 1, mtime=0),
    b"z": lambda data: zstandard.compress(data, 1),
    b"u": _utf16,
}


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory()


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
    """Read a text as all that may be named: on the command line, in a bucket."""
    text = _text(data)
    readers: tuple[Callable[[str], Any], ...] = (
        *(parse_execution_arn, parse_states_arn, parse_log_group, parse_queue_url),
        *(parse_place, named, checked_url, parse_name, _headers),
    )
    for read in readers:
        with suppress(ValueError, SfnwatchError):
            read(text)


def _headers(text: str) -> dict[str, str]:
    return headers_of({HEADERS: text})


def _settings(data: bytes) -> None:
    path = Path(_folder().name, "config.toml")
    path.write_bytes(data)
    with suppress(UsageError):
        load_config(path, {})


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


TARGETS: Mapping[str, Target] = {
    "recording": _recording,
    "foreign": _foreign,
    "packed": _packed,
    "answers": fuzz_sources.answers,
    "queue": fuzz_sources.queue,
    "logs": fuzz_sources.logs,
    "archive": fuzz_sources.archive,
    "decoders": _decoders,
    "definition": _definition,
    "filter": _filter,
    "names": _names,
    "settings": _settings,
}
