"""Facts as they come, one a line, for jq and other programs.

Each object has a `kind`: `event`, `visit` (again whenever it changes), `call` (again
when its link changes), `task-state`, `map-run` and `child` (again when they change),
`health`, `trace` for the findings of the whole trace, and last `end` for each
execution.
"""

from collections.abc import Hashable, Iterable, Iterator
from typing import TextIO

from sfnwatch.export.changes import changed_calls, changed_tasks, changed_visits
from sfnwatch.export.facts import (
    Facts,
    call_facts,
    child_facts,
    execution_facts,
    facts_of_task,
    fields_of,
    map_run_facts,
    outcome_facts,
    visit_facts,
)
from sfnwatch.model.api_call import by_time
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.records import Batch, Received, RecordKind
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.times import iso
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.model.values import ascii_json, text_of

_LineFacts = tuple[Hashable, str, Facts]
"""A key, the kind and the facts. The key is None for facts that never change."""


class JsonLines:
    """A consumer: prints each fact once, and again when it has changed."""

    def __init__(self, trace: Trace, out: TextIO) -> None:
        self._trace = trace
        self._out = out
        self._printed: dict[Hashable, int] = {}
        """The hash of the last line printed, by the key of its facts."""

    def __call__(self, batch: Batch, changed: Changed) -> None:
        self._print(self._news(batch, changed))

    def _news(self, batch: Batch, changed: Changed) -> Iterator[_LineFacts]:
        """Yield the facts that a batch brings or changes."""
        for received in batch:
            if received.kind == RecordKind.HEALTH:
                yield _health(received)
        for events in changed.events.values():
            for event in events:
                yield self._event(event)
        yield from self._changes(self._trace.as_of(), changed)

    def _print(self, all_facts: Iterable[_LineFacts]) -> None:
        """Print facts, unless their last line was the same."""
        lines = []
        for key, kind, facts in all_facts:
            line = ascii_json({"kind": kind, **facts})
            line_hash = hash(line)
            if key is None or self._printed.get(key) != line_hash:
                self._printed[key] = line_hash
                lines.append(f"{line}\n")
        self._out.write("".join(lines))
        self._out.flush()

    def _event(self, event: HistoryEvent) -> _LineFacts:
        facts = {"execution": event.execution_arn}
        facts |= fields_of(event, "id", "type", "previous_event_id")
        # GetExecutionHistory itself returns the timestamp as a number.
        timestamp = self._trace.raw(event).get("timestamp")
        facts["timestamp"] = text_of(timestamp) or iso(event.at)
        return None, "event", facts

    def _changes(self, snapshot: Snapshot, changed: Changed) -> Iterator[_LineFacts]:
        """Yield the facts that may have changed."""
        for arn, visit in changed_visits(snapshot, changed):
            execution = snapshot.executions[arn]
            facts = {
                "execution": arn,
                **visit_facts(visit),
                **outcome_facts(snapshot, execution, visit),
            }
            yield (arn, visit.id), "visit", facts
        # The event that shows a Map Run's state may come later than the Map Run.
        runs = self._trace.map_runs if changed.lineage else changed.map_runs
        for arn in sorted(runs):
            facts = map_run_facts(snapshot, arn)
            del facts["children"]
            yield arn, "map-run", facts
        for arn in sorted(changed.children):
            child = snapshot.listed.get(arn)
            if child is not None:
                facts = {"map_run": child.map_run_arn, **child_facts(child)}
                yield ("child", facts["arn"]), "child", facts
        for call in sorted(changed_calls(self._trace, changed), key=by_time):
            link = snapshot.link(call)
            yield ("call", call.event_id), "call", call_facts(call, link)
        for arn in sorted(changed_tasks(snapshot, changed)):
            for facts in facts_of_task(snapshot, arn):
                yield ("task", arn, facts["version"]), "task-state", facts

    def finish(self) -> None:
        """Print the whole trace's findings, and each execution's end and findings."""
        # Loaded here so that the first lines need not wait for it.
        from sfnwatch.analysis.findings import find  # noqa: PLC0415
        from sfnwatch.export.json.trace import findings_json  # noqa: PLC0415

        snapshot = self._trace.as_of()
        findings_of = findings_json(find(snapshot))
        ends: list[_LineFacts] = [(None, "trace", {"findings": findings_of[None]})]
        for arn, execution in snapshot.executions.items():
            facts = execution_facts(snapshot, execution)
            facts["findings"] = findings_of[arn]
            ends.append((None, "end", facts))
        self._print(ends)


def _health(received: Received) -> _LineFacts:
    record = received.record
    lane = text_of(record.get("lane"))
    source = text_of(record.get("source"))
    key = ("health", received.execution_arn, lane, source)
    return key, "health", dict(record)
