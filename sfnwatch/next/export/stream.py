"""A trace as JSON objects, one a line, as it comes: for jq and other programs.

The same facts as the exported trace, in the same words (see `facts.py`). Each object
has a `kind`: `event`, `visit` (again whenever it changes), `call` (again when its link
is another), `task-state`, `map-run` and `child` (again when they change), `health`,
`trace` for what all of it shows, and last `end` for each execution.
"""

from collections.abc import Hashable, Iterable, Iterator
from typing import TextIO

from sfnwatch.next.export.facts import (
    Facts,
    call_facts,
    child_facts,
    execution_facts,
    facts_of_task,
    map_run_facts,
    visit_facts,
)
from sfnwatch.next.model.history import HistoryEvent
from sfnwatch.next.model.json_text import ascii_json, text_of
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.records import Batch, Received, RecordKind
from sfnwatch.next.model.times import iso
from sfnwatch.next.model.trace import Changed, Trace
from sfnwatch.next.model.visits import StateVisit


class JsonLines:
    """A consumer: prints each fact once, and again when it has changed."""

    def __init__(self, trace: Trace, out: TextIO) -> None:
        self._trace, self._out = trace, out
        self._printed: dict[Hashable, int] = {}
        """The hash of what was printed last of each thing that may change."""

    def __call__(self, batch: Batch, changed: Changed) -> None:
        healths = (r for r in batch if r.kind == RecordKind.HEALTH)
        lines = [line for line in map(self._health, healths) if line]
        lines += (self._event(e) for events in changed.events.values() for e in events)
        lines += self._changes(self._trace.as_of(), changed)
        self._put(lines)

    def _put(self, lines: Iterable[str]) -> None:
        self._out.write("".join(f"{line}\n" for line in lines))
        self._out.flush()

    def _news(self, key: Hashable, kind: str, facts: Facts) -> Iterator[str]:
        """Yield the line of a thing, unless it is as it was printed last."""
        line = ascii_json({"kind": kind, **facts})
        told = hash(line)
        if self._printed.get(key) != told:
            self._printed[key] = told
            yield line

    def _health(self, received: Received) -> str | None:
        told = received.record
        lane, source = text_of(told.get("lane")), text_of(told.get("source"))
        key = ("health", received.execution_arn, lane, source)
        return next(self._news(key, "health", dict(told)), None)

    def _event(self, event: HistoryEvent) -> str:
        told = self._trace.raw(event)
        at = text_of(told.get("timestamp"))
        return ascii_json(
            {
                "kind": "event",
                "execution": event.execution_arn,
                "id": event.id,
                "type": event.type,
                "previous_event_id": event.previous_event_id,
                # GetExecutionHistory itself tells it as a number.
                "timestamp": at or iso(event.at),
            }
        )

    # -- what may change ---------------------------------------------------------------

    def _changes(self, moment: Moment, changed: Changed) -> Iterator[str]:
        for arn, visit in _visits(moment, changed):
            facts = {"execution": arn, **visit_facts(visit)}
            yield from self._news((arn, visit.id), "visit", facts)
        yield from self._map_runs(moment, changed)
        yield from self._calls(moment, changed)
        yield from self._task_states(moment, changed)

    def _map_runs(self, moment: Moment, changed: Changed) -> Iterator[str]:
        """Tell of Map Runs, and each of their executions as it is listed."""
        # A history may tell later to which state one belongs.
        runs = self._trace.map_runs if changed.lineage else changed.map_runs
        for arn in sorted(runs):
            facts = map_run_facts(moment, arn)
            del facts["children"]
            yield from self._news(arn, "map-run", facts)
        for arn in sorted(changed.children):
            child = moment.listed.get(arn)
            if child is not None:
                facts = {"map_run": child.map_run_arn, **child_facts(child)}
                yield from self._news(("child", arn), "child", facts)

    def _calls(self, moment: Moment, changed: Changed) -> Iterator[str]:
        new = set(changed.calls)
        gone = {call.event_id for call in changed.dropped_calls} - new
        touched = new.union(changed.links) - gone
        calls = (self._trace.calls[each] for each in touched)
        for call in sorted(calls, key=lambda call: (call.event_time, call.event_id)):
            facts = call_facts(call, moment.link(call))
            yield from self._news(("call", call.event_id), "call", facts)

    def _task_states(self, moment: Moment, changed: Changed) -> Iterator[str]:
        """Tell of the tasks that attempts started, once that is known."""
        known = self._trace.task_states
        arns = {state.task_arn for state in changed.task_states}
        for _, visit in _visits(moment, changed) if known else ():
            arns.update(job for a in visit.attempts for job in a.resource_ids)
        for arn in sorted(arns & known.keys()):
            for facts in facts_of_task(moment, arn):
                key = ("task", arn, facts["version"])
                yield from self._news(key, "task-state", facts)

    # -- the end -----------------------------------------------------------------------

    def finish(self) -> None:
        """Print what all of it shows, and how each execution ended, with findings."""
        # What comes first need not wait until this is loaded.
        from sfnwatch.next.analysis.findings import find  # noqa: PLC0415
        from sfnwatch.next.export.json import findings_json  # noqa: PLC0415

        moment = self._trace.as_of()
        found = findings_json(find(moment))
        lines = [{"kind": "trace", "findings": found[None]}]
        for arn, execution in moment.executions.items():
            facts = execution_facts(moment, execution)
            lines.append({"kind": "end", **facts, "findings": found[arn]})
        self._put(map(ascii_json, lines))


def _visits(moment: Moment, changed: Changed) -> Iterator[tuple[str, StateVisit]]:
    """Yield the visits that are new or changed, with their executions' ARNs."""
    for arn, visit_ids in changed.visits.items():
        execution = moment.executions.get(arn)
        visits = map(execution.visit, sorted(visit_ids)) if execution else ()
        yield from ((arn, visit) for visit in visits if visit is not None)
