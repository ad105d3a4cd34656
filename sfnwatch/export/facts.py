"""What executions, visits, calls and tasks are in the machine-readable trace.

Version 1 is a contract that other programs rely on: keys may be added, never renamed.
Strings are AWS's, unaltered. What is concluded from all of it is not here: whoever
prints facts as they come need not wait for what finds that out.

As lines, for jq and other programs, each object has a `kind`: `event`, `visit` (again
whenever it changes), `call` (again when its link is another), `task-state`, `map-run`
and `child` (again when they change), `health`, `trace` for what all of it shows, and
last `end` for each execution.
"""

from collections.abc import Hashable, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from itertools import chain
from typing import Any, TextIO

from msgspec import Struct
from msgspec.structs import asdict

from sfnwatch.model.api_call import ApiCall, by_time
from sfnwatch.model.execution import ExecutionAsOf, Redrive
from sfnwatch.model.history_event import TERMINAL, HistoryEvent
from sfnwatch.model.linking.link import Link, role_of_call
from sfnwatch.model.map_runs import MapRunChild
from sfnwatch.model.moment import Moment
from sfnwatch.model.records import Batch, Received, RecordKind
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.model.values import ascii_json, iso, maybe_iso, text_of
from sfnwatch.model.visits import Attempt, StateVisit

Facts = dict[str, Any]
_EXECUTION = ("arn", "name", "state_machine_arn", "role_arn", "status", "started_at")
_MAP_RUN = ("status", "started_at", "stopped_at", "executions", "items")
_CHILD = ("arn", "name", "status", "started_at", "stopped_at")
_VISIT = ("id", "name", "type", "parent", "path", "index", "entered_at", "exited_at")
_RESOURCE = ("scheduled_id", "resource_type", "resource", "pattern")
_ATTEMPT_TIMES = ("scheduled_at", "started_at", "submitted_at", "ended_at")
_TASK = ("event_id", "task_arn", "version", "at", "seen_at", "last_status")
_STOP = ("desired_status", "stop_code", "stopped_reason", "stopped_at", "started_by")


def fields_of(row: object, *names: str) -> Facts:
    """Give some of a row's fields under their own names, times as we write them.

    Where there is no row they are null.
    """
    return {name: row if row is None else plain(getattr(row, name)) for name in names}


def plain(value: Any) -> Any:
    """Give a value as JSON has it."""
    match value:
        case datetime():
            return iso(value)
        case StrEnum():
            return str(value)
        case Struct():
            return asdict(value)
    return value


def execution_facts(moment: Moment, execution: ExecutionAsOf) -> Facts:
    """Give what is known of one execution, but for its visits and its findings."""
    parent = moment.lineage.parents.get(execution.arn)
    return {
        **fields_of(execution, *_EXECUTION, "stopped_at", "event_count"),
        # What started it; `map_run` is the Map Run it is one of.
        "parent": parent
        and {
            "execution": parent.execution_arn,
            "visit": parent.visit_id or None,
            "attempt": parent.attempt_id,
            "map_run": parent.map_run_arn,
        },
        "redrives": [_redrive_facts(redrive) for redrive in execution.redrives],
    }


def _redrive_facts(redrive: Redrive) -> Facts:
    """Give one time that it was taken up again, and the end before that."""
    ended = redrive.ended
    return {
        "event": redrive.event.id,
        "number": redrive.number,
        "at": iso(redrive.event.at),
        "ended_event": ended.id if ended else None,
        "ended_as": TERMINAL[ended.type] if ended else None,
        "stopped_seconds": redrive.seconds,
    }


def map_run_facts(moment: Moment, arn: str) -> Facts:
    """Give a Map Run: where it belongs, its counts, and its executions as listed.

    What was never told is null: a history alone names its Map Runs and no more.
    """
    parent, told = moment.lineage.map_runs.get(arn), moment.map_runs.get(arn)
    execution = parent.execution_arn if parent else told and told.execution_arn
    return {
        "arn": arn,
        "execution": execution,
        "visit": (parent.visit_id or None) if parent else None,
        **fields_of(told, *_MAP_RUN, "max_concurrency"),
        "children": [child_facts(child) for child in moment.listed_of.get(arn, ())],
    }


def child_facts(child: MapRunChild) -> Facts:
    """Give an execution of a Map Run as a list tells of it."""
    return {**fields_of(child.listed, *_CHILD), "item_count": child.item_count}


def visit_facts(visit: StateVisit) -> Facts:
    """Give a visit with its attempts."""
    attempts = [attempt_facts(attempt) for attempt in visit.attempts]
    return {**fields_of(visit, *_VISIT, "status"), "attempts": attempts}


def attempt_facts(attempt: Attempt) -> Facts:
    """Give one attempt of a visit."""
    ended = ("status", "error", "cause", "request_id")
    return {
        **fields_of(attempt, *_RESOURCE, *ended),
        "resource_ids": list(attempt.resource_ids),
        **fields_of(attempt, *_ATTEMPT_TIMES),
    }


def call_facts(call: ApiCall, link: Link | None) -> Facts:
    """Give one call, and how it is matched; `role` is what it was for."""
    return {
        # Of these there are so many that to look fields up by name takes too long.
        "event_id": call.event_id,
        "event_time": iso(call.event_time),
        "seen_at": maybe_iso(call.seen_at),
        "event_source": call.event_source,
        "event_name": call.event_name,
        "error_code": call.error_code,
        "read_only": call.read_only,
        "request_id": call.request_id,
        "role": str(role_of_call(call, link)),
        "link": _link_facts(link) if link else None,
    }


def _link_facts(link: Link) -> Facts:
    """Give the link; for an ambiguous one, all attempts that fit."""
    facts: Facts = {
        "execution": link.execution_arn,
        "visit": link.visit_id,
        "attempt": link.attempt_id,
        "rule": str(link.rule),
        "evidence": link.evidence,
    }
    if link.certainty is not None:
        facts["certainty"] = str(link.certainty)
    if link.reason:
        facts["reason"] = link.reason
    fitting = [{"execution": arn, "attempt": number} for arn, number in link.candidates]
    if fitting:
        facts["candidates"] = fitting
    return facts


def facts_of_task(moment: Moment, task_arn: str) -> Iterator[Facts]:
    """Give how a task was doing, as ECS told it; the later has the larger version.

    Its `link` is that of a call: to the attempt that started the task. Nothing is given
    of one that no attempt here started.
    """
    link = moment.task_link(task_arn)
    for state in moment.trace.task_states.get(task_arn, ()) if link else ():
        if link and moment.shows_task_state(state):
            facts = fields_of(state, *_TASK, *_STOP, "group")
            containers = [asdict(container) for container in state.containers]
            yield {**facts, "containers": containers, "link": _link_facts(link)}


# -- as they come ----------------------------------------------------------------------


_News = tuple[Hashable, str, Facts]
"""What a thing is known by, None for what never changes; its kind, and its facts."""


class JsonLines:
    """A consumer: prints each fact once, and again when it has changed."""

    def __init__(self, trace: Trace, out: TextIO) -> None:
        self._trace, self._out = trace, out
        self._printed: dict[Hashable, int] = {}
        """The hash of what was printed last of each thing that may change."""

    def __call__(self, batch: Batch, changed: Changed) -> None:
        healths = (_health(r) for r in batch if r.kind == RecordKind.HEALTH)
        events = map(self._event, chain.from_iterable(changed.events.values()))
        self._put(chain(healths, events, self._changes(self._trace.as_of(), changed)))

    def _put(self, news: Iterable[_News]) -> None:
        """Print things, but for those that are as they were printed last."""
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
        # GetExecutionHistory itself tells it as a number.
        facts["timestamp"] = text_of(told.get("timestamp")) or iso(event.at)
        return None, "event", facts

    def _changes(self, moment: Moment, changed: Changed) -> Iterator[_News]:
        """Yield what may have changed."""
        for arn, visit in _visits(moment, changed):
            yield (arn, visit.id), "visit", {"execution": arn, **visit_facts(visit)}
        # A history may tell later to which state a Map Run belongs.
        runs = self._trace.map_runs if changed.lineage else changed.map_runs
        for arn in sorted(runs):
            facts = map_run_facts(moment, arn)
            del facts["children"]
            yield arn, "map-run", facts
        for child in filter(None, map(moment.listed.get, sorted(changed.children))):
            facts = {"map_run": child.map_run_arn, **child_facts(child)}
            yield ("child", facts["arn"]), "child", facts
        for call in sorted(touched_calls(self._trace, changed), key=by_time):
            yield ("call", call.event_id), "call", call_facts(call, moment.link(call))
        for arn in sorted(touched_tasks(moment, changed)):
            for facts in facts_of_task(moment, arn):
                yield ("task", arn, facts["version"]), "task-state", facts

    def finish(self) -> None:
        """Print what all of it shows, and how each execution ended, with findings."""
        # What comes first need not wait until this is loaded.
        from sfnwatch.analysis.findings import find  # noqa: PLC0415
        from sfnwatch.export.json import findings_json  # noqa: PLC0415

        moment = self._trace.as_of()
        found = findings_json(find(moment))
        news: list[_News] = [(None, "trace", {"findings": found[None]})]
        for arn, execution in moment.executions.items():
            facts = {**execution_facts(moment, execution), "findings": found[arn]}
            news.append((None, "end", facts))
        self._put(news)


def _health(received: Received) -> _News:
    told = received.record
    lane, source = text_of(told.get("lane")), text_of(told.get("source"))
    return ("health", received.execution_arn, lane, source), "health", dict(told)


def touched_calls(trace: Trace, changed: Changed) -> list[ApiCall]:
    """Give the calls that are new, or matched otherwise; not those let go since."""
    gone = {call.event_id for call in changed.dropped_calls}.difference(changed.calls)
    touched = dict.fromkeys((*changed.calls, *changed.links))
    return [trace.calls[event_id] for event_id in touched if event_id not in gone]


def touched_tasks(moment: Moment, changed: Changed) -> set[str]:
    """Give the tasks that ECS told of, or that it is known of now whose they are."""
    known = moment.trace.task_states
    arns = {state.task_arn for state in changed.task_states}
    for _, visit in _visits(moment, changed) if known else ():
        arns.update(job for each in visit.attempts for job in each.resource_ids)
    return arns & known.keys()


def _visits(moment: Moment, changed: Changed) -> Iterator[tuple[str, StateVisit]]:
    """Yield the visits that are new or changed, with their executions' ARNs."""
    for arn, visit_ids in changed.visits.items():
        execution = moment.executions.get(arn)
        visits = map(execution.visit, sorted(visit_ids)) if execution else ()
        yield from ((arn, visit) for visit in visits if visit is not None)
