"""What is watched, as far as the records tell: whose calls to ask for, where and when.

The history sources note here what they read; the sources of calls ask it for roles,
services and times. All executions watched together share it: they share the account's
two requests a second, and often a role and a service, so what one of them needs asked
is asked for all.
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
from sfnwatch.model.attempt_events import belongs_to_attempt, integration_of
from sfnwatch.model.execution_list import RUNNING
from sfnwatch.model.history_event import REDRIVEN, TERMINAL, HistoryEvent, decode_event
from sfnwatch.model.integrations import Integration, home_region
from sfnwatch.model.records import DecodeError, Received, Record, RecordKind
from sfnwatch.model.started_executions import started_in
from sfnwatch.model.state_language import parse_definition
from sfnwatch.model.times import maybe_time
from sfnwatch.model.values import mapping_of, text_of

Query = tuple[str, str]
"""A Region and an event source to ask for."""
_AHEAD = timedelta(days=1)
"""No clock of AWS's is so much before ours."""
BEFORE_START = timedelta(seconds=5)
AFTER_END = timedelta(minutes=15)
"""Calls may follow the end: that stop a job, or look after one not waited for."""
_NEW = timedelta(minutes=15)
"""How long ago one may have started that is not known yet."""
_REGION = re.compile("[a-z]{2,5}(-[a-z]+){1,3}-[0-9]{1,2}")
"""A Region's name: where a record has anything else nobody can be asked."""
_TASK = re.compile(
    r"arn:aws[a-z-]*:ecs:[a-z0-9-]+:[0-9]{12}:task/[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)?"
)


class Target(Struct, eq=False):
    """One execution, and what there is to look up for it."""

    arn: ExecutionArn
    targets: "Targets"
    level: int = 0
    """How many executions above it led to it; 0 for one that somebody named."""
    has_role: bool = False
    """True when a role is known that its calls are made with."""
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    redriven_at: datetime | None = None
    """When it was last taken up again after it had ended."""
    redrives: int = 0
    """How often that was."""
    before: list[tuple[datetime, datetime | None]] = []
    """From when to when it ran before that, each time."""
    ready: bool = False
    """True when what there was of its history has been read, or can't be for now."""
    history_fails: bool = False
    """True when its history could not be read when it was asked for."""
    definition_settled: bool = False
    """True when its definition has come, or was asked for in vain."""
    finished: bool = False
    """True when the source of its history has ended, for whatever reason."""

    def set_ready(self) -> None:
        """Note that what it can call, by which role and since when, is known by now."""
        self.ready = True
        self.targets.known.set()

    def do_without_history(self) -> None:
        """Note that its history can't be read for now: the role alone must do."""
        self.history_fails = True
        if self.has_role:
            self.set_ready()

    def finish(self) -> None:
        """Note that no more will be known of it."""
        self.finished = True
        self.set_ready()

    @property
    def runs(self) -> list[tuple[datetime, datetime | None]]:
        """From when to when it ran, each time; None as an end: it runs still."""
        begin = self.redriven_at or self.started_at
        return [*self.before, (begin, self.stopped_at)] if begin else []

    def observe(self, received: Received) -> None:
        """Take in one record of the execution; what can't be read changes nothing."""
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
        at = _sensible(event.at, event.seen_at)
        if event.type == "ExecutionStarted":
            self.started_at = at
            self._add_role(text_of(details.get("roleArn")))
        elif event.type in TERMINAL:
            self.stopped_at = at
        elif event.type == REDRIVEN:
            self.before = self.runs
            self.stopped_at = None
            self.redriven_at = at
            self.redrives += 1
        elif event.type.endswith("Scheduled"):
            credentials = mapping_of(details.get("taskCredentials"))
            self._add_role(text_of(credentials.get("roleArn")))
            if row := integration_of(event.type, details):
                self._add_queries(row, text_of(details.get("region")))
        self._add_tasks(event, details)
        self._tell_started(event, details)

    def _add_tasks(self, event: HistoryEvent, details: Record) -> None:
        """Find tasks in what an attempt's own events say: never in a state's input.

        That carries the tasks of earlier states, and perhaps of anybody.
        """
        if belongs_to_attempt(event.type):
            for key in ("output", "cause"):
                text = text_of(details.get(key)) or ""
                self.targets.tasks.update(_TASK.findall(text))

    def _tell_started(self, event: HistoryEvent, details: Record) -> None:
        run = text_of(details.get("mapRunArn")) if "MapRun" in event.type else None
        for arn in (run,) if run else started_in(event.type, details):
            self.targets.on_started(self, arn)

    def _observe_description(self, record: Record, seen_at: datetime | None) -> None:
        # The history is more exact.
        start, stop = (maybe_time(record.get(key)) for key in ("startDate", "stopDate"))
        self.started_at = self.started_at or (start and _sensible(start, seen_at))
        if record.get("status") not in RUNNING:
            self.stopped_at = self.stopped_at or (stop and _sensible(stop, seen_at))

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

    def _add_queries(self, row: Integration, region: str | None) -> None:
        """Ask where the task calls; a global service's calls are where it lives."""
        where = home_region(row.resource_type, self.arn.partition)
        if where is None and _REGION.fullmatch(region or ""):
            where = region
        where = where or self.arn.region
        of = self.targets
        of.lookup_queries |= dict.fromkeys((where, s) for s in row.event_sources)
        of.trail_queries |= dict.fromkeys((where, s) for s in row.trail_sources)


class TimeSpan(Struct, frozen=True):
    """From when to when; None where it is not known, or not over.

    A role outlives its executions: in a queue, or in what LookupEvents keeps, lie the
    calls of every run before and after.
    """

    first: datetime | None = None
    last: datetime | None = None

    def has(self, at: datetime) -> bool:
        after = self.first is None or self.first <= at
        return after and (self.last is None or at <= self.last)


def _sensible(at: datetime, seen_at: datetime | None) -> datetime:
    """Take a time for that of its coming which was not there yet: none is awaited."""
    ahead = seen_at is not None and at - seen_at > _AHEAD
    return seen_at if seen_at is not None and ahead else at


class Targets:
    """All that is watched; the first that was named says which Region is home."""

    def __init__(self, arns: Sequence[ExecutionArn]) -> None:
        self.known = asyncio.Event()
        """Set when enough is known of one to look up, or when nothing more will be:
        one that can't be described must not keep the others' calls away."""
        self.on_started: Callable[[Target, str], None] = lambda _, __: None
        """Is told the ARN of each execution and Map Run that a target has started."""
        self.roots = tuple(Target(arn, self) for arn in arns)
        """Those that somebody named."""
        self.each = self.roots
        """Those, and what they started, as far as it is followed."""
        self.lookup_queries: dict[Query, None] = {}
        """What to ask LookupEvents for, in the order it was found out."""
        self.trail_queries: dict[Query, None] = {}
        """The same for a trail, which may have data events: an Invoke, an item got."""
        self.roles = set[str]()
        """Names of the roles that the calls are made with."""
        self.tasks = set[str]()
        """The ARNs of the ECS tasks that were started."""
        self.calls_awaited = False
        """True while a source of calls runs."""

    def add(self, arn: ExecutionArn, level: int) -> Target:
        """Have an execution watched that one of the others started."""
        added = Target(arn, self, level)
        self.each = (*self.each, added)
        return added

    @property
    def region(self) -> str:
        return self.roots[0].arn.region

    @property
    def only(self) -> str | None:
        """The ARN of the one execution that was named, where there is but one."""
        return self.roots[0].arn.arn if len(self.roots) == 1 else None

    @property
    def accounts(self) -> frozenset[str]:
        return frozenset(each.arn.account for each in self.each)

    @property
    def started_at(self) -> datetime | None:
        """When the first of them started."""
        starts = (each.started_at for each in self.each)
        return min((at for at in starts if at is not None), default=None)

    @property
    def stopped_at(self) -> datetime | None:
        """When the last of them ended; None while one runs.

        One whose history is refused has no end to wait for.
        """
        if any(each.stopped_at is None and not each.finished for each in self.each):
            return None
        stops = (each.stopped_at for each in self.each)
        return max((at for at in stops if at is not None), default=None)

    @property
    def span(self) -> TimeSpan:
        """The time of the executions, as far as it is known by now."""
        start = self.started_at
        stop = self.stopped_at
        return TimeSpan(start and start - BEFORE_START, stop and stop + AFTER_END)

    @property
    def spans(self) -> list[TimeSpan]:
        """The times when any of them ran, as far as known, apart and in their order.

        Fourteen days of everybody's calls may lie between an end and a redrive.
        """
        found: list[TimeSpan] = []
        runs = (run for each in self.each for run in each.runs)
        for start, stop in sorted(runs, key=itemgetter(0)):
            first = start - BEFORE_START
            last = stop and stop + AFTER_END
            if found and found[-1].has(first):
                before = found.pop()
                last = last and before.last and max(last, before.last)
                first = before.first or first
            found.append(TimeSpan(first, last))
        return found

    def since(self, now: datetime) -> datetime:
        """Tell from when on to look for calls, though no start be known yet."""
        return (self.started_at or now - _NEW) - BEFORE_START

    @property
    def redrives(self) -> int:
        """How often any of them was taken up again after it had ended."""
        return sum(each.redrives for each in self.each)

    @property
    def ready(self) -> bool:
        """True when it is known of every one what it can call, or never will be."""
        return all(each.ready for each in self.each)

    @property
    def finished(self) -> bool:
        """True when the source of every history has ended, for whatever reason."""
        return all(each.finished for each in self.each)

    @property
    def have_ended(self) -> bool:
        """True when every execution has ended, or will never be seen to end.

        Not before it is known what each of them can call: of several that are long
        over, the first one's calls may be read before the last one's definition.
        """
        return self.finished or (self.ready and self.stopped_at is not None)

    @property
    def roots_finished(self) -> bool:
        """True when there is no execution left that could wait for what it started."""
        return all(each.finished for each in self.roots)

    def concerns(self, call: ApiCall) -> bool:
        """True for a call worth keeping: by a role of one of them.

        While no role is known, any call that Step Functions made may be theirs. Where
        one is, an execution whose role is not claims nothing yet: what was passed over
        is looked at again once it is. Our own calls are kept, since they measure how
        late CloudTrail is.
        """
        roles = self.roles
        return call.own or (call.role in roles if roles else call.by_step_functions)
