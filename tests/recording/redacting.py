"""Recordings to redact, and what to hold what came of them against."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sfnwatch.demo.runs import Run, role_arn
from sfnwatch.demo.world import build
from sfnwatch.export.json import trace_json
from sfnwatch.recording import redact_words as words
from sfnwatch.recording.loading import Loaded
from sfnwatch.recording.reader import parse_recording
from sfnwatch.recording.recording import Recording, executions_of
from sfnwatch.recording.redact_book import Book
from sfnwatch.recording.redact_definitions import LANGUAGE
from sfnwatch.recording.redact_names import Names
from sfnwatch.recording.redact_vocabulary import ERRORS, words_of
from sfnwatch.recording.redaction import _Redaction, write_redacted
from sfnwatch.trace.events import From, HealthState, Received
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.times import iso

EPOCH = datetime(2023, 11, 15, 0, 28, 24, 250_000, UTC)
TOOL = "sfnwatch 0.1.0"


@cache
def scenario(name: str) -> Recording:
    """Give all that the demo's account shows of a scenario, as a recording."""
    world = build([name], epoch=EPOCH, seed=7)
    runs = (*world.runs, *world.nested)
    records = [record for run in runs for record in _records(run)]
    records += [
        Received(each.delivered_at, From.LOOKUP, None, each.envelope)
        for each in world.trail
        if each.event_time >= EPOCH - timedelta(minutes=1)
    ]
    records += _own(world.runs[0].arn)
    return of(*records)


def _records(run: Run) -> Iterator[Received]:
    for event in run.events:
        yield Received(event.at, From.HISTORY, run.arn, event.wire())
    machine = run.arn.replace(":execution:", ":stateMachine:").rpartition(":")[0]
    known = {"stateMachineArn": machine, "name": machine.rpartition(":")[2]}
    defined = {"definition": run.scenario.definition, "roleArn": role_arn(run.scenario)}
    yield Received(EPOCH, From.DEFINITION, run.arn, {**known, **defined})
    described = {
        "executionArn": run.arn,
        "stateMachineArn": machine,
        "name": run.name,
        "status": "RUNNING",
        "startDate": iso(run.started_at),
        "input": '{"order": {"id": "A-1042", "vip": true}}',
    }
    yield Received(EPOCH, From.DESCRIBE, run.arn, described)


def _own(arn: str) -> Iterator[Received]:
    message = (
        f"DescribeExecution on {arn}: AccessDeniedException. User:"
        " arn:aws:sts::123456789012:assumed-role/dev-team/jane is not authorized to"
        f" perform: states:DescribeExecution on resource: {arn} Allow"
        " states:DescribeExecution (see sfnwatch iam-policy), or choose another"
        " --profile."
    )
    health = {"lane": "history", "state": "denied", "message": message, "requests": 3}
    yield Received(EPOCH, From.HEALTH, None, health)
    complete = iso(EPOCH + timedelta(hours=1))
    lookup = {"lane": "lookup", "state": "ended", "complete_to": complete, "lag": 131.5}
    yield Received(EPOCH + timedelta(seconds=1), From.HEALTH, None, lookup)
    request = {
        "operation": "LookupEvents",
        "service": "cloudtrail",
        "region": "ap-northeast-1",
        "sent_at": iso(EPOCH),
        "seconds": 0.25,
        "outcome": "ok",
        "status": 200,
        "request_id": "0b0e5a62-63c3-4f4d-9b69-7d8a4e1d2c3b",
        "items": 7,
        "note": "calls to ecs, page 2",
    }
    yield Received(EPOCH, From.REQUEST, arn, request)
    yield Received(EPOCH, From.UNREAD, arn, {"Zonk": ["Gromit"], "n": 4711})


def of(*records: Received) -> Recording:
    """Make a recording of records."""
    return Recording(tuple(records), EPOCH, executions_of(records))


def text_of(recording: Recording) -> str:
    """Write a recording as its file has it."""
    out = BytesIO()
    write_redacted(recording, out, TOOL)
    return out.getvalue().decode("ascii")


def read(text: str) -> Recording:
    """Read what was written, as if from a file."""
    return parse_recording(Loaded(Path("redacted.sfnwatch.jsonl"), text.encode()))


# -- the same but for names ------------------------------------------------------

_NAMES = words_of(
    """
    arn name state_machine_arn role_arn path error cause request_id resource_ids text
    evidence event_id execution error_code error_message identity errors state
    """
)
"""Keys of the exported trace whose strings may be others, if equally equal."""
_OPERATIONS = words_of("resource event_source event_name resource_type call")
"""And those that are names of AWS's, where they are: a state may be called the same."""


def outline(recording: Recording) -> Any:
    """Give all that a recording shows, names numbered as they appear."""
    trace = extend(Trace(), recording.records)
    numbers: dict[str, str] = {}
    shown: Any = _numbered(trace_json(trace), "", numbers)
    more = {
        "health": [
            [h.lane, str(h.state), bool(h.message), h.lag, str(h.complete_to)]
            for h in trace.health.values()
        ],
        "requests": [
            [str(r.sent_at), r.seconds, r.status, r.items, r.ok, r.throttled]
            for r in trace.ordered_requests
        ],
        "unread": len(trace.unread),
        "own": len(trace.own_calls),
        "calls": [
            [c.by_step_functions, c.whole, bool(c.error_message), c.read_only]
            for c in trace.ordered_calls
        ],
    }
    return [shown, more]


def ties(recording: Recording) -> Any:
    """Give the visits, attempts and calls alone, and what kinds of things are found.

    Findings of calls alike may stand in the order of their names, which are others.
    """
    shown = trace_json(extend(Trace(), recording.records))
    found = [f for execution in shown["executions"] for f in execution.pop("findings")]
    kinds = sorted((f["kind"], f["certainty"]) for f in found)
    return [kinds, _numbered([shown["executions"], shown["calls"]], "", {})]


def _numbered(
    value: Any, key: str, numbers: dict[str, str], names: frozenset[str] = _NAMES
) -> Any:
    if isinstance(value, Mapping):
        # What a call was for is an enumeration; in a finding, a role is one of IAM's.
        names = names | {"role", "map_runs"} if key == "data" else names
        return {
            _numbered(k, key, numbers) if key == "errors" else k: _numbered(
                v, k, numbers, names
            )
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [_numbered(item, key, numbers, names) for item in value]
    if isinstance(value, str) and not value.startswith("#"):
        if key in names or value.startswith("arn:"):
            return numbers.setdefault(value, f"name {len(numbers)}")
        if key in _OPERATIONS:
            return numbers.setdefault(f"{value}()", f"name {len(numbers)}")
    return value


# -- nothing of the original is left ---------------------------------------------


def strings_of(recording: Recording) -> set[str]:
    """Collect every string of a recording, keys and those of JSON texts too."""
    found: set[str] = set(recording.executions)
    stack: list[Any] = [[r.execution_arn, r.source, r.data] for r in recording.records]
    while stack:
        value = stack.pop()
        if isinstance(value, Mapping):
            found.update(map(str, value))
            stack.extend(value.values())
        elif isinstance(value, list | tuple):
            stack.extend(value)
        elif isinstance(value, str):
            inner = _json(value)
            if isinstance(inner, dict | list | str):
                stack.append(inner)
            else:
                found.add(value)
    return found


def harmless(text: str) -> bool:
    """Tell what may stay: a word of the allow-list, or what is made of such words."""
    names = Names(Book())
    return (
        text.removesuffix(".$") in _LISTED
        or any(pattern.fullmatch(text) for pattern in _PATTERNS)
        or names.resource(text) == text
        or names.service(text) == text
        or names.error(text) == text
        or names.event_source(text) == text
        or names.event_type(text) == text
        or (text.startswith("arn:aws:states:::") and names.identifier(text) == text)
    )


def _tables() -> Iterator[Mapping[str, Any]]:
    """Yield what is known of each kind of record."""
    records = _Redaction(Book(), Trace(), keep_state_names=False)._records
    yield from (records._event, records._details, *records._tables.values())


_LISTED = (
    words.KEYS
    | words.OTHER_KEYS
    | {key[:1].lower() + key[1:] for key in words.KEYS}
    | words.ENUMS
    | words.PHRASES
    | words.NAMES
    | ERRORS
    | LANGUAGE
    | {str(value) for value in (*From, *HealthState)}
    | {key for table in _tables() for key in table}
)
_PATTERNS = [
    re.compile(pattern)
    for pattern in (
        r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{3,6})?(Z|[+-]\d\d:\d\d)?",
        r"[a-z]{2}-[a-z]+-\d[a-f]?",
        r"[a-z][A-Za-z]+EventDetails",
        r"AWS::[A-Z][A-Za-z]+::[A-Z][A-Za-z]+",
        r"\d\.\d\d",
        r"calls to [a-z]+, page \d",
        r"-?\d{1,3}",
        # JSON's own, and what our aliases begin with.
        r"|[Nn]ull|[Tt]ext|[Vv]alue|[Nn]ame|[Kk]ey",
    )
]


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text[:1] in {"{", "[", '"'} else None
    except (ValueError, RecursionError):
        return None


def unescaped(text: str) -> str:
    """Undo the escapes of JSON, however deep, and take capitals away."""
    for _ in range(8):
        text = text.replace('\\"', '"').replace("\\\\", "\\")
    return text.lower()


def disguises(secret: str) -> Iterator[str]:
    """Yield the ways in which a string may stand in a file."""
    yield secret.lower()
    if len(secret) < 8:
        # Backwards, or in base64, so few characters stand in anything.
        return
    yield json.dumps(secret)[1:-1].lower()
    yield json.dumps(json.dumps(secret)[1:-1])[1:-1].lower()
    yield quote(secret, safe="", errors="replace").lower()
    yield quote(secret, errors="replace").lower()
    raw = secret.encode(errors="replace")
    for cut in range(3):
        # What stands in the middle of base64, whatever stands before and behind it.
        coded = base64.b64encode(raw[cut : len(raw) - (len(raw) - cut) % 3]).decode()
        if len(coded) >= 8:
            yield coded.lower()
    yield secret[::-1].lower()
    yield "".join(f"\\u{ord(c):04x}" for c in secret)
    yield raw.hex()
