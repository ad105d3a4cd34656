"""What is being watched, as far as the records tell: the look-up's brief.

The history source notes here what it reads; the look-up source reads whom to look
for, where, and since when. It is the one thing two sources share.
"""

import asyncio
from datetime import datetime

from sfnwatch.sources.bell import Bell
from sfnwatch.trace.arns import ExecutionArn, last_segment, role_name
from sfnwatch.trace.asl import parse_definition
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.history import DecodeError, HistoryEvent, decode_history
from sfnwatch.trace.integration_homes import home_region
from sfnwatch.trace.integrations import Integration
from sfnwatch.trace.payload import mapping_of, text_of
from sfnwatch.trace.redrives import REDRIVEN
from sfnwatch.trace.timeline import RUNNING, TERMINAL
from sfnwatch.trace.times import maybe_time
from sfnwatch.trace.tries import integration_of
from sfnwatch.trace.values import replace

_HISTORY = From.HISTORY
Query = tuple[str, str]
"""A Region and an event source to ask for."""


class Subject:
    """One execution and what there is to look up for it."""

    def __init__(
        self,
        arn: ExecutionArn,
        known: asyncio.Event | None = None,
        bell: Bell | None = None,
    ) -> None:
        self.arn = arn
        self.plan: dict[Query, None] = {}
        """What to ask LookupEvents for, in the order it was found out."""
        self.trail_plan: dict[Query, None] = {}
        """The same for a trail, which may have data events: an Invoke, an item got."""
        self.roles: set[str] = set()
        """Names of the roles its calls are made with."""
        self.started_at: datetime | None = None
        self.stopped_at: datetime | None = None
        self._bell = bell or Bell()
        self.known = known or asyncio.Event()
        """Set when enough is known to look up, or when nothing more will be."""
        self.ready = False
        """True when its definition has been read, or all there is instead of it."""
        self.over = False
        """True when the history source has ended, for whatever reason."""
        self._tasks: set[tuple[str | None, ...]] = set()
        """What was read of tasks: they come again and again."""
        self.redrives = 0
        """How often it was taken up again after it had ended."""
        self.redriven_at: datetime | None = None
        """When it last was."""

    def learned(self) -> None:
        """Note that what it can call, by which role and since when, is known by now."""
        self.ready = True
        self.known.set()
        self._bell.ring()

    def observe(self, received: Received) -> Received:
        """Take in one record of the execution; what can't be decoded is marked so."""
        try:
            if received.source == _HISTORY:
                self._observe_event(received)
            else:
                self._observe(received)
        except DecodeError:
            return replace(received, source=From.UNREAD)
        return received

    def _observe(self, received: Received) -> None:
        match received.source:
            case From.DESCRIBE:
                self._observe_answer(received)
            case From.DEFINITION:
                self._observe_definition(received)
            case _:
                pass

    def _observe_event(self, received: Received) -> None:
        event = decode_history(received.data, received.at)
        if event.type == "ExecutionStarted":
            self.started_at = event.timestamp
            self._add_role(event.detail("roleArn"))
        elif event.type in TERMINAL:
            self.stopped_at = event.timestamp
            self._bell.ring()
        elif event.type == REDRIVEN:
            self.stopped_at, self.redriven_at = None, event.timestamp
            self.redrives += 1
        elif event.type.endswith("Scheduled"):
            self._observe_task(event)

    def _observe_task(self, event: HistoryEvent) -> None:
        credentials = mapping_of(event.details.get("taskCredentials"))
        role, region = text_of(credentials.get("roleArn")), event.detail("region")
        resource = event.detail("resourceType"), event.detail("resource")
        if (key := (event.type, *resource, role, region)) in self._tasks:
            return
        self._tasks.add(key)
        self._add_role(role)
        row = integration_of(event)
        if row is not None:
            self._add_query(row, region)

    def _observe_answer(self, received: Received) -> None:
        self.started_at = self.started_at or maybe_time(received.data.get("startDate"))
        if received.data.get("status") not in RUNNING:
            self.stopped_at = self.stopped_at or maybe_time(
                received.data.get("stopDate")
            )
            self._bell.ring()

    def _observe_definition(self, received: Received) -> None:
        self._add_role(text_of(received.data.get("roleArn")))
        for task in parse_definition(received.data.get("definition")).tasks:
            self._add_role(task.role_arn)
            if task.integration is not None:
                self._add_query(task.integration, None)

    def _add_role(self, role_arn: str | None) -> None:
        name = role_name(role_arn)
        if name:
            self.roles.add(name)

    def _add_query(self, row: Integration, region: str | None) -> None:
        """Ask where the task calls; a global service's calls are where it lives."""
        home = home_region(row.resource_type, self.arn.partition)
        where = home or region or self.arn.region
        self.plan |= dict.fromkeys((where, each) for each in row.event_sources)
        self.trail_plan |= dict.fromkeys((where, each) for each in row.trail_sources)

    def concerns(self, call: ApiCall) -> bool:
        """True for a call worth keeping: by a role of the execution's.

        While no role is known, any call that Step Functions made may be it.
        """
        if call.own:
            return True
        if not self.roles:
            return call.by_step_functions
        return call.role in self.roles

    @property
    def label(self) -> str:
        return f"{self.arn.state_machine_name}:{last_segment(self.arn.name)}"
