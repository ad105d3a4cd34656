"""What a redacted recording shows, names apart, and what is left of an original."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from sfnwatch.export.facts import (
    call_facts,
    execution_facts,
    map_run_facts,
    task_state_facts,
    visit_facts,
)
from sfnwatch.model.records import Received
from sfnwatch.model.trace import Trace
from sfnwatch.view.anonymizer import Anonymizer

_NAMES = frozenset(
    [
        *("arn", "name", "state_machine_arn", "role_arn", "path", "error", "cause"),
        *("request_id", "resource_ids", "evidence", "event_id", "execution"),
        *("error_code", "task_arn", "stopped_reason", "started_by", "reason"),
        *("map_run", "group"),
    ]
)
"""Keys of what is shown whose strings may be others, if equally equal."""
_OPERATIONS = frozenset(
    ["resource", "event_source", "event_name", "resource_type", "status"]
)
"""And those that are words of AWS's, where they are: a state may be called the same."""


def redacted(records: Sequence[Received], **options: bool) -> list[Received]:
    anonymizer = Anonymizer.for_records(records, **options)
    return [anonymizer.redact(record) for record in records]


def text_of(records: Sequence[Received]) -> str:
    """Write all that a file would have of some records."""
    told = [
        f"{r.kind} {json.dumps(r.execution_arn)} {r.data.decode()}" for r in records
    ]
    return "\n".join(told)


# -- the same but for names ------------------------------------------------------------


def outline(records: Sequence[Received]) -> Any:
    """Give all that records show, names numbered as they appear."""
    trace = Trace()
    trace.add(records)
    moment = trace.as_of()
    runs = [*dict.fromkeys((*moment.lineage.map_runs, *moment.map_runs))]
    listed = [arn for arn in moment.listed_of if arn not in runs]
    shown = [
        [
            [execution_facts(moment, each), list(map(visit_facts, each.visits))]
            for each in moment.executions.values()
        ],
        [call_facts(call, moment.link(call)) for call in moment.calls],
        list(task_state_facts(moment)),
        [map_run_facts(moment, arn) for arn in (*runs, *listed)],
    ]
    health = [
        [h.lane, str(h.state), bool(h.message), h.lag, str(h.coverage), h.requests]
        for h in moment.each_health
    ]
    requests = [
        [str(r.sent_at), r.seconds, r.status, r.items, r.ok, r.throttled]
        for r in moment.requests
    ]
    calls = [
        [c.by_step_functions, c.whole, bool(c.error_message)] for c in moment.calls
    ]
    counted = [len(trace.unread), len(trace.own_calls)]
    return [_numbered(shown, "", {}), health, requests, calls, counted]


def _numbered(value: Any, key: str, numbers: dict[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {k: _numbered(v, k, numbers) for k, v in value.items()}
    if isinstance(value, list):
        return [_numbered(item, key, numbers) for item in value]
    if isinstance(value, str) and value:
        if key in _NAMES or value.startswith("arn:"):
            return numbers.setdefault(value, f"name {len(numbers)}")
        if key in _OPERATIONS:
            return numbers.setdefault(f"{value}()", f"name {len(numbers)}")
    return value


# -- nothing of the original is left ---------------------------------------------------


def strings_of(records: Sequence[Received]) -> set[str]:
    """Collect every string of records, keys and those of JSON texts too."""
    found: set[str] = set()
    stack: list[Any] = [[r.execution_arn, r.kind, r.record] for r in records]
    while stack:
        value = stack.pop()
        if isinstance(value, Mapping):
            found.update(map(str, value))
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
        elif isinstance(value, str):
            inner = json_of(value)
            if isinstance(inner, dict | list | str):
                stack.append(inner)
            else:
                found.add(value)
    return found


def json_of(text: str) -> Any:
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
    yield from (secret.lower(), secret[::-1].lower(), json.dumps(secret)[1:-1].lower())
    yield quote(secret, safe="", errors="replace").lower()
    yield "".join(f"\\u{ord(c):04x}" for c in secret)
    raw = secret.encode(errors="replace")
    yield raw.hex()
    for cut in range(3):
        # What stands in the middle of base64, whatever stands before and behind it.
        coded = base64.b64encode(raw[cut : len(raw) - (len(raw) - cut) % 3]).decode()
        if len(coded) >= 8:
            yield coded.lower()


def is_left(secret: str, records: Sequence[Received]) -> list[str]:
    """Give the disguises in which a string stands in records."""
    raw = text_of(records).lower()
    bare = unescaped(raw)
    return [form for form in disguises(secret) if form in raw or form in bare]
