"""A trace as JSON objects, one a line, as it comes: for jq and other programs.

The same facts as the exported trace, in the same words (see `json.py`). Each object
has a `kind`: `event`, `visit` (again whenever it changes), `call` (again when it is
tied otherwise), `task-state`, `map-run` and `child` (again when they change),
`health`, `trace` for what all of it shows, and last `end` for each execution.
"""

import json
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii
from typing import Any, TextIO

import msgspec

from sfnwatch.export.json_facts import (
    call_json,
    child_json,
    execution_json,
    map_run_json,
    task_states_json,
    visit_json,
)
from sfnwatch.trace.events import Batch, From, Received, Record
from sfnwatch.trace.express import as_history
from sfnwatch.trace.timeline import Timeline, Trace, extend
from sfnwatch.trace.visits import StateVisit

_EVENT = (
    '{"kind": "event", "execution": %s, "id": %s, "type": %s,'
    ' "previous_event_id": %s, "timestamp": %s}\n'
)
"""Nearly all lines of a long history are such."""
_DEL = b"\x7f"
_encode = msgspec.json.Encoder().encode


def quick_json(record: dict[str, Any]) -> str | None:
    """Write texts and whole numbers as `json.dumps` does, in a quarter of the time.

    None if there is something in them that it would escape.
    """
    try:
        text = msgspec.json.format(_encode(record), indent=0)
    except (OverflowError, ValueError):
        return None
    return text.decode() if text.isascii() and _DEL not in text else None


def _value(value: Any) -> str:
    if type(value) is str:
        return encode_basestring_ascii(value)
    return str(value) if type(value) is int else json.dumps(value)


class JsonLines:
    """A consumer: prints each fact once, and again when it has changed."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lines: list[str] = []
        self._printed: dict[object, object] = {}
        self._visits: dict[str, Mapping[int, StateVisit]] = {}
        self.trace = Trace()

    def __call__(self, batch: Batch) -> None:
        self.trace = extend(self.trace, batch)
        for received in batch:
            if received.source == From.HEALTH:
                self._write({"kind": "health", **received.data})
            elif received.source == From.HISTORY:
                self._print_event(received, received.data)
            elif received.source == From.EXPRESS:
                self._print_event(received, as_history(received.data))
        for timeline in self.trace.histories.values():
            self._print_visits(timeline)
        self._print_map_runs()
        for call in self.trace.ordered_calls:
            link = self.trace.links.get(call.event_id)
            if self._is_news(call.event_id, (call, link)):
                self._write({"kind": "call", **call_json(self.trace, call)})
        for state in task_states_json(self.trace):
            key = (state["task_arn"], state["version"])
            if self._is_news(key, state):
                self._write({"kind": "task-state", **state})
        self._flush()

    def _print_event(self, received: Received, data: Record) -> None:
        number, at = data.get("id"), data.get("timestamp")
        kind, before = data.get("type"), data.get("previousEventId")
        told = (number, kind, before, at)
        if self._is_news((received.execution_arn, number), told):
            values = (received.execution_arn, *told)
            self._lines.append(_EVENT % tuple(map(_value, values)))

    def _print_visits(self, timeline: Timeline) -> None:
        arn, visits = timeline.execution_arn, timeline.visits.by_id
        before = self._visits.get(arn, {})
        self._visits[arn] = visits
        for number, visit in visits.items():
            # Of a long history nearly all are the very same as before.
            old = before.get(number)
            if old is not visit and old != visit:
                record = {"kind": "visit", "execution": arn, **visit_json(visit)}
                self._write(record, quick=True)

    def _print_map_runs(self) -> None:
        """Print a Map Run's counts, and each of its executions as it is listed."""
        for arn, told in self.trace.map_runs.items():
            if self._is_news(("map run", arn), (told.status, told.executions)):
                counted = map_run_json(self.trace, arn)
                del counted["children"]
                self._write({"kind": "map-run", **counted})
        for arn, child in self.trace.listed.items():
            if self._is_news(("child", arn), child.listed):
                about = {"kind": "child", "map_run": child.map_run_arn}
                self._write({**about, **child_json(child)})

    def _is_news(self, key: object, value: object) -> bool:
        """True if a thing is not as it was printed last."""
        old = self._printed.get(key)
        self._printed[key] = value
        return old != value

    def _write(self, record: dict[str, Any], *, quick: bool = False) -> None:
        text = quick_json(record) if quick else None
        self._lines.append((text or json.dumps(record)) + "\n")

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        self._out.write("".join(lines))
        self._out.flush()

    def finish(self) -> None:
        """Print what all of it shows, and how each execution ended, with findings."""
        # What comes first need not wait until this is loaded.
        from sfnwatch.export.json import findings_json  # noqa: PLC0415

        found = findings_json(self.trace)
        self._write({"kind": "trace", "findings": found[None]})
        for arn, timeline in self.trace.histories.items():
            facts = execution_json(self.trace, timeline)
            self._write({"kind": "end", **facts, "findings": found[arn]})
        self._flush()
