"""The watched executions, as the records show them: whose calls to ask for, and where.

The sources of histories note here what they read. The sources of calls take the roles,
services and times from here. All executions that are watched together share one
`Targets`: they share the account's two requests a second, and often a role and a
service, so a request for one of them is made for all.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from operator import itemgetter

from msgspec import Struct

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import ExecutionArn, role_name
from sfnwatch.model.attempt_events import belongs_to_attempt
from sfnwatch.model.execution_list import RUNNING
from sfnwatch.model.history_event import (
    REDRIVEN,
    STATUS_BY_END,
    HistoryEvent,
    decode_event,
)
from sfnwatch.model.integrations import Integration, home_region
from sfnwatch.model.records import DecodeError, Received, Record, RecordKind
from sfnwatch.model.started_executions import started_in
from sfnwatch.model.state_language import parse_definition
from sfnwatch.model.task_resource import resource_of_event
from sfnwatch.model.times import maybe_time
from sfnwatch.model.values import mapping_of, text_of

Query = tuple[str, str]
"""A Region and an event source whose calls are asked for."""
RunTime = tuple[datetime, datetime | None]
"""The start and end of a run of an execution; the end is None if it still runs."""
_AHEAD = timedelta(days=1)
"""No clock of AWS is this far ahead of this machine's."""
BEFORE_START = timedelta(seconds=5)
AFTER_END = timedelta(minutes=15)
"""The time in which calls may follow the end: calls that stop a job, or that look after
a job that was not waited for."""
_NEW = timedelta(minutes=15)
"""How long ago an execution may have started while its start is not known."""
_REGION = re.compile("[a-z]{2,5}(-[a-z]+){1,3}-[0-9]{1,2}")
"""A Region's name; no request can be sent to anything else that a record has."""
_TASK_ARN = re.compile(
    r"arn:aws[a-z-]*:ecs:[a-z0-9-]+:[0-9]{12}:task/[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)?"
)


class Target(Struct, eq=False):
    """One watched execution, and what is known of it for asking for its calls."""

    arn: ExecutionArn
    targets: "Targets"
    level: int = 0
    """The number of executions above it; 0 for one that the user named."""
    has_role: bool = False
    """True once a role is known that makes its calls."""
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    redriven_at: datetime | None = None
    """When it was last redriven; None if it never was."""
    redrives: int = 0
    """The number of its redrives."""
    before: list[RunTime] = []
    """Its runs before the last redrive."""
    ready: bool = False
    """True once its history so far has been read, or can't be read for now."""
    history_fails: bool = False
    """True if its history could not be read when it was asked for."""
    definition_settled: bool = False
    """True once its definition has come, or was asked for in vain."""
    finished: bool = False
    """True once the source of its history has ended, for whatever reason."""

    def set_ready(self) -> None:
        """Note that its calls' services, its role and its start are known by now."""
        self.ready = True
        self.targets.known.set()

    def do_without_history(self) -> None:
        """Note that its history can't be read for now; a known role is enough."""
        self.history_fails = True
        if self.has_role:
            self.set_ready()

    def finish(self) -> None:
        """Note that no more will become known of it."""
        self.finished = True
        self.set_ready()

    @property
    def runs(self) -> list[RunTime]:
        """All of its runs as far as they are known, in order."""
        begin = self.redriven_at or self.started_at
        if begin is None:
            return []
        return [*self.before, (begin, self.stopped_at)]

    def observe(self, received: Received) -> None:
        """Take in a record of the execution; one that can't be read changes nothing."""
        with suppress(DecodeError):
            match received.kind:
                case RecordKind.HISTORY | RecordKind.EXPRESS:
                    self._observe_event(received)
                case RecordKind.DESCRIBE:
                    self._observe_description(received.record, received.at)
                case RecordKind.DEFINITION:
                    self._observe_definition(received.record)

    def _observe_event(self, received: Received) -> None:
        event, details = received.once(decode_event)
        at = _not_far_ahead(event.at, event.seen_at)
        if event.type == "ExecutionStarted":
            self.started_at = at
            self._add_role(text_of(details.get("roleArn")))
        elif event.type in STATUS_BY_END:
            self.stopped_at = at
        elif event.type == REDRIVEN:
            self.before = self.runs
            self.stopped_at = None
            self.redriven_at = at
            self.redrives += 1
        elif event.type.endswith("Scheduled"):
            credentials = mapping_of(details.get("taskCredentials"))
            self._add_role(text_of(credentials.get("roleArn")))
            integration = resource_of_event(event.type, details).integration
            if integration is not None:
                self._add_queries(integration, text_of(details.get("region")))
        self._add_tasks(event, details)
        self._tell_started(event, details)

    def _add_tasks(self, event: HistoryEvent, details: Record) -> None:
        """Find the ECS tasks in the outputs and causes of an attempt's own events.

        A state's input is left out: it may hold tasks of earlier states, or of anybody.
        """
        if not belongs_to_attempt(event.type):
            return
        for key in ("output", "cause"):
            text = text_of(details.get(key)) or ""
            self.targets.tasks.update(_TASK_ARN.findall(text))

    def _tell_started(self, event: HistoryEvent, details: Record) -> None:
        if "MapRun" in event.type:
            map_run_arn = text_of(details.get("mapRunArn"))
            if map_run_arn:
                self.targets.on_started(self, map_run_arn)
                return
        for arn in started_in(event.type, details):
            self.targets.on_started(self, arn)

    def _observe_description(self, record: Record, seen_at: datetime | None) -> None:
        # A time from the history is more exact, and stays.
        start = maybe_time(record.get("startDate"))
        if self.started_at is None and start is not None:
            self.started_at = _not_far_ahead(start, seen_at)
        stop = maybe_time(record.get("stopDate"))
        is_over = record.get("status") not in RUNNING
        if is_over and self.stopped_at is None and stop is not None:
            self.stopped_at = _not_far_ahead(stop, seen_at)

    def _observe_definition(self, record: Record) -> None:
        self._add_role(text_of(record.get("roleArn")))
        for task in parse_definition(text_of(record.get("definition"))).tasks:
            self._add_role(task.role_arn)
            if task.integration is not None:
                self._add_queries(task.integration, None)

    def _add_role(self, role_arn: str | None) -> None:
        if name := role_name(role_arn):
            self.targets.roles.add(name)
            self.has_role = True

    def _add_queries(self, integration: Integration, region: str | None) -> None:
        """Add the queries for a task's calls, in the Region where it makes them.

        A global service's calls are in that service's home Region.
        """
        home = home_region(integration.resource_type, self.arn.partition)
        if home is None and region is not None and _REGION.fullmatch(region):
            home = region
        home = home or self.arn.region
        for event_source in integration.event_sources:
            self.targets.lookup_queries[home, event_source] = None
        for event_source in integration.trail_sources:
            self.targets.trail_queries[home, event_source] = None


class TimeSpan(Struct, frozen=True):
    """A time with a first and a last moment; None if unknown, or not over.

    A role outlives its executions: a queue and LookupEvents also hold the calls of its
    earlier and later runs.
    """

    first: datetime | None = None
    last: datetime | None = None

    def has(self, at: datetime) -> bool:
        if self.first is not None and at < self.first:
            return False
        return self.last is None or at <= self.last


def _not_far_ahead(at: datetime, seen_at: datetime | None) -> datetime:
    """Return a time or, if it is far in the future, when it was seen.

    Nothing waits for a time in the far future.
    """
    if seen_at is not None and at - seen_at > _AHEAD:
        return seen_at
    return at


class Targets:
    """All watched executions; the first that was named decides the home Region."""

    def __init__(self, arns: Sequence[ExecutionArn]) -> None:
        self.known = asyncio.Event()
        """Set once enough is known of one execution to ask for its calls, or nothing
        more will be. An execution that can't be described must not keep the others'
        calls away."""
        self.on_started: Callable[[Target, str], None] = lambda _, __: None
        """Called with a target, and the ARN of an execution or Map Run it started."""
        self.roots = tuple(Target(arn, self) for arn in arns)
        """The executions that the user named."""
        self.watched = self.roots
        """The named executions, and the followed ones that they started."""
        self.lookup_queries: dict[Query, None] = {}
        """The queries for LookupEvents, in the order in which they became known."""
        self.trail_queries: dict[Query, None] = {}
        """The queries for a trail, which may have data events: an Invoke, a GetItem."""
        self.roles = set[str]()
        """The names of the roles that make the calls."""
        self.tasks = set[str]()
        """The ARNs of the ECS tasks that were started."""
        self.calls_awaited = False
        """True while a source of calls runs."""

    def add(self, arn: ExecutionArn, level: int) -> Target:
        """Add a target for an execution that another one started, and return it."""
        added = Target(arn, self, level)
        self.watched = (*self.watched, added)
        return added

    @property
    def region(self) -> str:
        return self.roots[0].arn.region

    @property
    def only(self) -> str | None:
        """The ARN of the execution that the user named; None if several are named."""
        if len(self.roots) != 1:
            return None
        return self.roots[0].arn.arn

    @property
    def accounts(self) -> frozenset[str]:
        return frozenset(target.arn.account for target in self.watched)

    @property
    def started_at(self) -> datetime | None:
        """When the first of them started; None if no start is known."""
        starts = [target.started_at for target in self.watched if target.started_at]
        return min(starts, default=None)

    @property
    def stopped_at(self) -> datetime | None:
        """When the last of them ended; None while one runs.

        An execution whose history is refused has no end to wait for.
        """
        stops: list[datetime] = []
        for target in self.watched:
            if target.stopped_at is not None:
                stops.append(target.stopped_at)
            elif not target.finished:
                return None
        return max(stops, default=None)

    @property
    def span(self) -> TimeSpan:
        """The time of all executions, with margins, as far as it is known."""
        start = self.started_at
        first = None if start is None else start - BEFORE_START
        stop = self.stopped_at
        last = None if stop is None else stop + AFTER_END
        return TimeSpan(first, last)

    @property
    def spans(self) -> list[TimeSpan]:
        """The known times when any of them ran, with margins, in order and disjoint.

        Fourteen days of everybody's calls may lie between an end and a redrive.
        """
        runs: list[RunTime] = []
        for target in self.watched:
            runs += target.runs
        spans: list[TimeSpan] = []
        for start, stop in sorted(runs, key=itemgetter(0)):
            first = start - BEFORE_START
            last = None if stop is None else stop + AFTER_END
            if spans and spans[-1].has(first):
                before = spans.pop()
                first = before.first or first
                if last is not None:
                    last = before.last and max(last, before.last)
            spans.append(TimeSpan(first, last))
        return spans

    def since(self, now: datetime) -> datetime:
        """Return the time from which to look for calls, even if no start is known."""
        return (self.started_at or now - _NEW) - BEFORE_START

    @property
    def redrives(self) -> int:
        """The number of redrives of all executions together."""
        return sum(target.redrives for target in self.watched)

    @property
    def ready(self) -> bool:
        """True once the possible calls of each are known, or will never be."""
        return all(target.ready for target in self.watched)

    @property
    def finished(self) -> bool:
        """True once the source of every history has ended, for whatever reason."""
        return all(target.finished for target in self.watched)

    @property
    def have_ended(self) -> bool:
        """True once every execution has ended, or will never be seen to end.

        False as long as the possible calls of any are unknown: of several executions
        that are long over, the first one's calls may be read before the last one's
        definition.
        """
        return self.finished or (self.ready and self.stopped_at is not None)

    @property
    def roots_finished(self) -> bool:
        """True once no execution is left that could wait for executions it started."""
        return all(target.finished for target in self.roots)

    def concerns(self, call: ApiCall) -> bool:
        """True for a call worth keeping: one by a role of the executions.

        While no role is known, any call that Step Functions made may be theirs. Once
        one is known, only calls by known roles count; calls that were passed over are
        looked at again when another role becomes known. This tool's own calls are kept,
        since they show how late CloudTrail is.
        """
        if call.own:
            return True
        if self.roles:
            return call.role in self.roles
        return call.by_step_functions
