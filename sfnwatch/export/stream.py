"""A trace as JSON objects, one a line, as it comes: for jq and other programs.

The same facts as the exported trace, in the same words (see `json.py`). Each object
has a `kind`: `event`, `visit` (again whenever it changes), `call` (again when it is
tied otherwise), `health`, and last `end` for each execution.
"""

import json
from typing import Any, TextIO

from sfnwatch.export.json import call_json, execution_json, visit_json
from sfnwatch.trace.events import Batch, From, Received
from sfnwatch.trace.payload import canonical
from sfnwatch.trace.timeline import Timeline, Trace, extend


class JsonLines:
    """A consumer: prints each fact once, and again when it has changed."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._printed: dict[object, str] = {}
        self.trace = Trace()

    def __call__(self, batch: Batch) -> None:
        self.trace = extend(self.trace, batch)
        for received in batch:
            if received.source == From.HEALTH:
                self._write({"kind": "health", **received.data})
            elif received.source == From.HISTORY:
                self._print_event(received)
        for timeline in self.trace.timelines.values():
            self._print_visits(timeline)
        for call in self.trace.ordered_calls:
            self._print(call.event_id, {"kind": "call", **call_json(self.trace, call)})
        self._out.flush()

    def _print_event(self, received: Received) -> None:
        data = received.data
        record = {
            "kind": "event",
            "execution": received.execution_arn,
            "id": data.get("id"),
            "type": data.get("type"),
            "previous_event_id": data.get("previousEventId"),
            "timestamp": data.get("timestamp"),
        }
        self._print((received.execution_arn, data.get("id")), record)

    def _print_visits(self, timeline: Timeline) -> None:
        for visit in timeline.visits:
            record = {
                "kind": "visit",
                "execution": timeline.execution_arn,
                **visit_json(visit),
            }
            self._print((timeline.execution_arn, "visit", visit.id), record)

    def _print(self, key: object, record: dict[str, Any]) -> None:
        text = canonical(record)
        if self._printed.get(key) != text:
            self._printed[key] = text
            self._write(record)

    def _write(self, record: dict[str, Any]) -> None:
        self._out.write(json.dumps(record) + "\n")

    def finish(self) -> None:
        """Print how each execution ended, with its findings."""
        for timeline in self.trace.timelines.values():
            whole = execution_json(self.trace, timeline)
            del whole["visits"]
            self._write({"kind": "end", **whole})
        self._out.flush()
