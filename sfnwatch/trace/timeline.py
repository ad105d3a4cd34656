"""Several executions watched together, and the calls around them.

`extend` folds one batch in. Polls overlap, CloudTrail is late and out of order, a
file may repeat what another had: so the result is the same for any order and any
repetition of the same records. What is derived (visits, links) is worked out when
it is first asked for, once for each value.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, TypeVar

from sfnwatch.trace.budget import Spent, spend
from sfnwatch.trace.calls import ApiCall, decode_call
from sfnwatch.trace.events import Batch, From, Received, SourceHealth
from sfnwatch.trace.execution import RUNNING, TERMINAL, Timeline
from sfnwatch.trace.express import decode_express
from sfnwatch.trace.family import Begun, Family, family
from sfnwatch.trace.health import by_lane, health_key, read_health
from sfnwatch.trace.history import DecodeError, HistoryEvent, decode_history
from sfnwatch.trace.linking import Linking
from sfnwatch.trace.links import Link
from sfnwatch.trace.map_runs import (
    ListedChild,
    MapRun,
    decode_children,
    decode_map_run,
    newer,
)
from sfnwatch.trace.memory import Memory
from sfnwatch.trace.ordering import Ordering
from sfnwatch.trace.packed import opened
from sfnwatch.trace.payload import canonical, text_of
from sfnwatch.trace.requests import Request, decode_request, newest
from sfnwatch.trace.task_states import TaskKey, TaskState, by_task, decode_task_state
from sfnwatch.trace.task_stops import stops_of
from sfnwatch.trace.values import replace

__all__ = ["RUNNING", "TERMINAL", "Timeline", "Trace", "extend", "extend_all"]

_ALWAYS = datetime.max.replace(tzinfo=UTC)
_NEVER = datetime.min.replace(tzinfo=UTC)
_UNKNOWN = Timeline("")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Trace:
    """One or more timelines watched together, and the calls around them."""

    histories: Mapping[str, Timeline] = field(default_factory=dict)
    """Every execution that anything is known of, by its ARN."""
    calls: Mapping[str, ApiCall] = field(default_factory=dict)
    own_calls: frozenset[str] = frozenset()
    """The event ids of calls sfnwatch itself made: counted, never shown in a lane."""
    healths: Mapping[str, Received] = field(default_factory=dict)
    """The newest word of each source, by its lane and, where it has one of its own,
    its execution."""
    requests: Mapping[str, Request] = field(default_factory=dict)
    """What sfnwatch itself sent to AWS: the newest of it, by what each one was."""
    unread: frozenset[str] = frozenset()
    """Records that could not be decoded, as their JSON: kept, not dropped."""
    task_changes: Mapping[TaskKey, TaskState] = field(default_factory=dict)
    """What ECS told of tasks, whoever began them, by task and version."""
    map_runs: Mapping[str, MapRun] = field(default_factory=dict)
    """The newest that was told of each Map Run, by its ARN."""
    listed: Mapping[str, ListedChild] = field(default_factory=dict)
    """The newest that a list told of each execution of a Map Run, by its ARN."""
    foretold: Mapping[str, Begun] = field(default_factory=dict)
    """Who began whom of the executions, as was found out later: for looking back."""
    ordering: Ordering = field(default_factory=Ordering, compare=False, repr=False)
    """What the calls were put in order with so far."""
    linking: Linking = field(default_factory=Linking, compare=False, repr=False)
    """What the links were worked out with so far."""

    def tells_as(self, other: "Trace") -> bool:
        """True if neither knows anything of executions, calls or sources besides."""
        return (
            self.histories is other.histories
            and self.calls is other.calls
            and self.healths is other.healths
            and self.map_runs is other.map_runs
            and self.listed is other.listed
            and self.task_changes is other.task_changes
            and self.foretold == other.foretold
        )

    @cached_property
    def family(self) -> Family:
        """Who began whom of the executions known."""
        told = self._told_family
        if not self.foretold:
            return told
        parents = {
            arn: begun
            for arn in self.histories
            if (begun := self.foretold.get(arn)) is not None
            and begun.execution_arn in self.histories
        }
        return replace(told, parents=parents)

    @property
    def _told_family(self) -> Family:
        return family(
            tuple(self.histories.values()),
            {
                arn: self.listed[arn].map_run_arn
                for arn in self.histories
                if arn in self.listed
            },
        )

    @cached_property
    def timelines(self) -> Mapping[str, Timeline]:
        """The executions that stand for themselves: nothing here began them."""
        if not self.family.parents:
            return self.histories
        return {
            arn: timeline
            for arn, timeline in self.histories.items()
            if arn not in self.family.parents
        }

    @cached_property
    def children(self) -> Mapping[str, Timeline]:
        """The executions that others here began, by their starts."""
        parents = self.family.parents
        return {arn: t for arn, t in self.histories.items() if arn in parents}

    @cached_property
    def listed_of(self) -> Mapping[str, Sequence[ListedChild]]:
        """What lists told of each Map Run's executions: failures first."""
        found: dict[str, list[ListedChild]] = {}
        for child in self.listed.values():
            found.setdefault(child.map_run_arn, []).append(child)
        for children in found.values():
            children.sort(key=lambda child: child.order)
        return found

    @cached_property
    def task_states(self) -> Mapping[str, tuple[TaskState, ...]]:
        """What ECS told of each task that an attempt began, oldest first, by ARN."""
        if not self.task_changes:
            return {}
        owned = {
            job
            for timeline in self.histories.values()
            for attempt in timeline.visits.attempts
            for job in attempt.resource_ids
        }
        return by_task(self.task_changes.values(), owned)

    @cached_property
    def links(self) -> Mapping[str, Link]:
        """Every call that has to do with an execution, and how it is tied."""
        return self.linking.links(
            {arn: t.visits for arn, t in self.histories.items()},
            {arn: t.role_arn for arn, t in self.histories.items()},
            self.ordered_calls,
            self.calls,
        )

    @cached_property
    def ordered_calls(self) -> tuple[ApiCall, ...]:
        """The calls by their times; of a pair seen twice, the whole one."""
        return self.ordering.order(self.calls)

    @cached_property
    def ordered_requests(self) -> tuple[Request, ...]:
        """What sfnwatch itself sent, in the order it was sent."""
        return tuple(sorted(self.requests.values(), key=Request.order))

    @cached_property
    def spent(self) -> tuple[Spent, ...]:
        """What was sent of each operation; the call log asks for it every second."""
        return spend(self.ordered_requests)

    @cached_property
    def each_health(self) -> tuple[SourceHealth, ...]:
        """How each source is doing."""
        return tuple(read_health(received.data) for received in self.healths.values())

    @cached_property
    def health(self) -> Mapping[str, SourceHealth]:
        """How each lane is doing, several sources of one taken together."""
        return by_lane(self.each_health)

    def told_at(self, lane: str, execution_arn: str | None = None) -> datetime | None:
        """When a lane's sources last said how they are doing, or those of one."""
        own = {None, execution_arn}
        told = (
            received.at
            for received in self.healths.values()
            if received.data.get("lane") == lane
            and (execution_arn is None or received.execution_arn in own)
        )
        return max((at for at in told if at is not None), default=None)

    @property
    def running(self) -> bool:
        return any(timeline.running for timeline in self.timelines.values())


def extend(
    trace: Trace, batch: Iterable[Received], memory: Memory | None = None
) -> Trace:
    """Fold one batch in. Duplicates and late arrivals are expected.

    With a memory, what was made of a record before is taken from there.
    """
    growth = Growth(trace, memory)
    growth.take(batch)
    return growth.trace


class Growth:
    """A trace that takes batch after batch in, with its maps copied once for all.

    What comes in is decoded at once; it is put together when the trace is asked for.
    """

    def __init__(self, trace: Trace, memory: Memory | None = None) -> None:
        self._memory = memory or Memory()
        self._begin(trace)

    def _begin(self, trace: Trace) -> None:
        self._trace, self._taken = trace, False
        self._timelines: dict[str, dict[str, Any]] = {}
        self._calls: dict[str, ApiCall] = {}
        self._own: set[str] = set()
        self._healths = dict(trace.healths)
        self._told = False
        self._requests: dict[str, Request] = {}
        self._tasks: dict[TaskKey, TaskState] = {}
        self._map_runs: dict[str, Any] = {}
        self._listed: dict[str, Any] = {}
        self._unread: set[str] = set()

    @property
    def trace(self) -> Trace:
        """All that was taken; the same value as before where nothing was, since."""
        if self._taken:
            self._begin(self._result())
        return self._trace

    def take(self, batch: Iterable[Received]) -> None:
        """Take a batch in; what can't be decoded is kept as well."""
        for received in batch:
            self._taken = True
            try:
                self._take(received)
            except DecodeError:
                told = canonical([received.source, opened(received.data)])
                self._unread.add(told)

    def _take(self, received: Received) -> None:
        match received.source:
            case From.HISTORY | From.EXPRESS:
                self._take_event(received)
            case From.DESCRIBE | From.DEFINITION:
                self._take_answer(received)
            case From.LOOKUP | From.TRAIL | From.ATHENA:
                self._take_call(received)
            case From.HEALTH:
                key = health_key(received)
                self._healths[key] = _newer(self._healths.get(key), received)
                self._told = True
            case From.REQUEST:
                request = decode_request(received)
                self._requests[request.key] = request
            case From.TASK_STATE:
                self._take_task(received)
            case From.MAP_RUN:
                run = decode_map_run(received)
                old = self._map_runs.get(run.arn) or self._trace.map_runs.get(run.arn)
                self._map_runs[run.arn] = newer(old, run)
            case From.CHILDREN:
                self._take_children(received)
            case _:
                self._unread.add(canonical([received.source, received.data]))

    def _known(self, arn: str, part: str) -> Any:
        """Give what is known of an execution so far, not to be changed."""
        if arn in self._timelines:
            return self._timelines[arn][part]
        return getattr(self._trace.histories.get(arn, _UNKNOWN), part)

    def _parts(self, arn: str) -> dict[str, Any]:
        """Give what is known of an execution, to be added to."""
        if arn not in self._timelines:
            old = self._trace.histories.get(arn)
            old = old or Timeline(arn, growing=self._memory.growing(arn))
            self._timelines[arn] = {
                "events": dict(old.events),
                "described": old.described,
                "defined": old.defined,
                "growing": old.growing,
                "stops": old.stops,
            }
        return self._timelines[arn]

    def _take_event(self, received: Received) -> None:
        event = self._memory.decoded(received, _decode_event)
        arn = _arn_of(received)
        old = self._known(arn, "events").get(event.id)
        first = _earlier(old, event)
        if first is not old:
            self._parts(arn)["events"][event.id] = first

    def _take_answer(self, received: Received) -> None:
        slot = "described" if received.source == From.DESCRIBE else "defined"
        arn = _arn_of(received)
        old = self._known(arn, slot)
        last = _newer(old, received)
        if last is not old:
            self._parts(arn)[slot] = last

    def _take_call(self, received: Received) -> None:
        call = self._memory.decoded(received, decode_call)
        key = call.event_id
        if call.own or key in self._trace.own_calls:
            self._own.add(key)
            return
        old = self._calls.get(key) or self._trace.calls.get(key)
        first = _earlier(old, call)
        if first is not old:
            self._calls[key] = first

    def _take_task(self, received: Received) -> None:
        state = self._memory.decoded(received, decode_task_state)
        old = self._tasks.get(state.key) or self._trace.task_changes.get(state.key)
        self._tasks[state.key] = _earlier(old, state)

    def _take_children(self, received: Received) -> None:
        for child in decode_children(received):
            arn = child.listed.arn
            old = self._listed.get(arn) or self._trace.listed.get(arn)
            self._listed[arn] = newer(old, child)

    def _result(self) -> Trace:
        trace = self._trace
        grown = {arn: Timeline(arn, **parts) for arn, parts in self._timelines.items()}
        histories = (
            _in_order({**trace.histories, **grown}) if grown else trace.histories
        )
        return replace(
            trace,
            histories=self._stopped(histories),
            calls=self._grown_calls(),
            own_calls=_more(trace.own_calls, self._own),
            healths=self._healths if self._told else trace.healths,
            requests=newest({**trace.requests, **self._requests})
            if self._requests
            else trace.requests,
            unread=_more(trace.unread, self._unread),
            task_changes={**trace.task_changes, **self._tasks}
            if self._tasks
            else trace.task_changes,
            map_runs=dict(sorted({**trace.map_runs, **self._map_runs}.items()))
            if self._map_runs
            else trace.map_runs,
            listed={**trace.listed, **self._listed} if self._listed else trace.listed,
        )

    def _stopped(self, timelines: Mapping[str, Timeline]) -> Mapping[str, Timeline]:
        """Tell timelines of the ends of tasks, if there is anything new to tell."""
        changes = {**self._trace.task_changes, **self._tasks}
        if not changes or not (self._tasks or self._timelines):
            return timelines
        stops = stops_of(changes.values())
        if all(timeline.stops == stops for timeline in timelines.values()):
            return timelines
        return {
            arn: timeline if timeline.stops == stops else replace(timeline, stops=stops)
            for arn, timeline in timelines.items()
        }

    def _grown_calls(self) -> Mapping[str, ApiCall]:
        """Give the same map where there is nothing new: what it shows need not move."""
        known = self._trace.calls
        # A row of an Athena table may not have said whose call it was.
        own = [key for key in self._own if key in known or key in self._calls]
        if not self._calls and not own:
            return known
        calls = {**known, **self._calls}
        for key in own:
            del calls[key]
        return calls


def _decode_event(received: Received) -> HistoryEvent:
    express = received.source == From.EXPRESS
    decode = decode_express if express else decode_history
    return decode(received.data, received.at)


def _arn_of(received: Received) -> str:
    """Give the execution that a record is of."""
    arn = received.execution_arn or text_of(received.data.get("executionArn"))
    if arn is None:
        msg = f"a {received.source} record of no execution"
        raise DecodeError(msg)
    return arn


def _more(known: frozenset[str], new: set[str]) -> frozenset[str]:
    """Add what is new, if there is any: very many may be known."""
    return known if new <= known else known | new


def _in_order(timelines: Mapping[str, Timeline]) -> Mapping[str, Timeline]:
    """Order executions by their starts, whichever was heard of first."""
    order: Callable[[Timeline], tuple[datetime, str]] = lambda t: (  # noqa: E731
        t.started_at or _ALWAYS,
        t.execution_arn,
    )
    return {t.execution_arn: t for t in sorted(timelines.values(), key=order)}


def _earlier(old: Any, new: _T) -> _T:
    """Of two sightings of one thing keep the first; without times, a fixed one."""
    if old is None:
        return new

    def order(thing: Any) -> tuple[object, ...]:
        return not getattr(thing, "whole", True), thing.seen_at or _ALWAYS

    def text(thing: Any) -> tuple[str, str]:
        return canonical(opened(thing.raw)), getattr(thing, "coat", "")

    alike = order(old) == order(new)
    chosen: _T = min(old, new, key=text if alike else order)
    return chosen


def _newer(old: Received | None, new: Received) -> Received:
    """Of two answers to one question keep the last."""
    if old is None:
        return new

    def order(received: Received) -> tuple[datetime, int, str]:
        # Of words said in one moment, as of a sped-up clock, those after more requests.
        asked = received.data.get("requests")
        count = asked if isinstance(asked, int) else 0
        return received.at or _NEVER, count, canonical(received.data)

    return max(old, new, key=order)


def extend_all(batches: Iterable[Batch], trace: Trace | None = None) -> Trace:
    """Fold many batches in, one after the other."""
    result = trace or Trace()
    for batch in batches:
        result = extend(result, batch)
    return result
