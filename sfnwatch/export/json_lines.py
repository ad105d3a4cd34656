"""Facts as they come, one a line, for jq and other programs.

Each object has a `kind`: `event`, `visit` (again whenever it changes), `call` (again
when its link changes), `task-state`, `map-run` and `child` (again when they change),
`health`, `trace` for the findings of the whole trace, and last `end` for each
execution.
"""

from collections.abc import Hashable, Iterable, Iterator
from itertools import chain
from typing import TextIO

from sfnwatch.export.facts import (
    Facts,
    call_facts,
    child_facts,
    execution_facts,
    facts_of_task,
    fields_of,
    map_run_facts,
    visit_facts,
)
from sfnwatch.model.api_call import ApiCall, by_time
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.records import Batch, Received, RecordKind
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.times import iso
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.model.values import ascii_json, text_of
from sfnwatch.model.visits import StateVisit

_News = tuple[Hashable, str, Facts]
"""A key, the kind and the facts. The key is None for facts that never change."""


class JsonLines:
    """A consumer: prints each fact once, and again when it has changed."""

    def __init__(self, trace: Trace, out: TextIO) -> None:
        self._trace = trace
        self._out = out
        self._printed: dict[Hashable, int] = {}
        """The hash of the last line printed, by the key of its facts."""

    def __call__(self, batch: Batch, changed: Changed) -> None:
        healths = (_health(r) for r in batch if r.kind == RecordKind.HEALTH)
        events = map(self._event, chain.from_iterable(changed.events.values()))
        self._put(chain(healths, events, self._changes(self._trace.as_of(), changed)))

    def _put(self, news: Iterable[_News]) -> None:
        """Print facts, unless their last line was the same."""
        lines = []
        for key, kind, facts in news:
            line = ascii_json({"kind": kind, **facts})
            if key is None or self._printed.get(key) != hash(line):
                self._printed[key] = hash(line)
                lines.append(f"{line}\n")
        self._out.write("".join(lines))
        self._out.flush()

    def _event(self, event: HistoryEvent) -> _News:
        told = self._trace.raw(event)
        facts = {"execution": event.execution_arn}
        facts |= fields_of(event, "id", "type", "previous_event_id")
        # GetExecutionHistory itself returns the timestamp as a number.
        facts["timestamp"] = text_of(told.get("timestamp")) or iso(event.at)
        return None, "event", facts

    def _changes(self, snapshot: Snapshot, changed: Changed) -> Iterator[_News]:
        """Yield the facts that may have changed."""
        for arn, visit in _visits(snapshot, changed):
            yield (arn, visit.id), "visit", {"execution": arn, **visit_facts(visit)}
        # The event that shows a Map Run's state may come later than the Map Run.
        runs = self._trace.map_runs if changed.lineage else changed.map_runs
        for arn in sorted(runs):
            facts = map_run_facts(snapshot, arn)
            del facts["children"]
            yield arn, "map-run", facts
        for child in filter(None, map(snapshot.listed.get, sorted(changed.children))):
            facts = {"map_run": child.map_run_arn, **child_facts(child)}
            yield ("child", facts["arn"]), "child", facts
        for call in sorted(touched_calls(self._trace, changed), key=by_time):
            yield ("call", call.event_id), "call", call_facts(call, snapshot.link(call))
        for arn in sorted(touched_tasks(snapshot, changed)):
            for facts in facts_of_task(snapshot, arn):
                yield ("task", arn, facts["version"]), "task-state", facts

    def finish(self) -> None:
        """Print the whole trace's findings, and each execution's end and findings."""
        # Loaded here so that the first lines need not wait for it.
        from sfnwatch.analysis.findings import find  # noqa: PLC0415
        from sfnwatch.export.json.trace import findings_json  # noqa: PLC0415

        snapshot = self._trace.as_of()
        found = findings_json(find(snapshot))
        news: list[_News] = [(None, "trace", {"findings": found[None]})]
        for arn, execution in snapshot.executions.items():
            facts = {**execution_facts(snapshot, execution), "findings": found[arn]}
            news.append((None, "end", facts))
        self._put(news)


def _health(received: Received) -> _News:
    told = received.record
    lane = text_of(told.get("lane"))
    source = text_of(told.get("source"))
    return ("health", received.execution_arn, lane, source), "health", dict(told)


def touched_calls(trace: Trace, changed: Changed) -> list[ApiCall]:
    """Return the calls that are new or whose link changed, without dropped calls."""
    gone = {call.event_id for call in changed.dropped_calls}.difference(changed.calls)
    touched = dict.fromkeys((*changed.calls, *changed.links))
    return [trace.calls[event_id] for event_id in touched if event_id not in gone]


def touched_tasks(snapshot: Snapshot, changed: Changed) -> set[str]:
    """Return the ARNs of ECS tasks with a new state or a newly known attempt."""
    known = snapshot.trace.task_states
    arns = {state.task_arn for state in changed.task_states}
    for _, visit in _visits(snapshot, changed) if known else ():
        arns.update(job for each in visit.attempts for job in each.resource_ids)
    return arns & known.keys()


def _visits(snapshot: Snapshot, changed: Changed) -> Iterator[tuple[str, StateVisit]]:
    """Yield the visits that are new or changed, with their executions' ARNs."""
    for arn, visit_ids in changed.visits.items():
        execution = snapshot.executions.get(arn)
        visits = map(execution.visit, sorted(visit_ids)) if execution else ()
        yield from ((arn, visit) for visit in visits if visit is not None)
