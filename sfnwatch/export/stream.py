"""A trace as JSON objects, one a line, as it comes: for jq and other programs.

The same facts as the exported trace, in the same words (see `json.py`). Each object
has a `kind`: `event`, `visit` (again whenever it changes), `call` (again when it is
tied otherwise), `task-state`, `map-run` and `child` (again when they change),
`health`, `trace` for what all of it shows, and last `end` for each execution.
"""

import json
from collections.abc import Mapping
from typing import Any, TextIO

from sfnwatch.export.json import (
    call_json,
    child_json,
    execution_json,
    finding_json,
    map_run_json,
    task_states_json,
    visit_json,
)
from sfnwatch.trace.events import Batch, From, Received, Record
from sfnwatch.trace.express import as_history
from sfnwatch.trace.findings import trace_findings
from sfnwatch.trace.timeline import Timeline, Trace, extend
from sfnwatch.trace.visits import StateVisit


class JsonLines:
    """A consumer: prints each fact once, and again when it has changed."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
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
        self._out.flush()

    def _print_event(self, received: Received, data: Record) -> None:
        record = {
            "kind": "event",
            "execution": received.execution_arn,
            "id": data.get("id"),
            "type": data.get("type"),
            "previous_event_id": data.get("previousEventId"),
            "timestamp": data.get("timestamp"),
        }
        if self._is_news((received.execution_arn, data.get("id")), record):
            self._write(record)

    def _print_visits(self, timeline: Timeline) -> None:
        arn, visits = timeline.execution_arn, timeline.visits.by_id
        before = self._visits.get(arn, {})
        self._visits[arn] = visits
        for number, visit in visits.items():
            # Of a long history nearly all are the very same as before.
            old = before.get(number)
            if old is not visit and old != visit:
                self._write({"kind": "visit", "execution": arn, **visit_json(visit)})

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

    def _write(self, record: dict[str, Any]) -> None:
        self._out.write(json.dumps(record) + "\n")

    def finish(self) -> None:
        """Print what all of it shows, and how each execution ended, with findings."""
        found = [finding_json(finding) for finding in trace_findings(self.trace)]
        self._write({"kind": "trace", "findings": found})
        for timeline in self.trace.histories.values():
            whole = execution_json(self.trace, timeline)
            del whole["visits"]
            self._write({"kind": "end", **whole})
        self._out.flush()
