"""Histories in shorthand: one line an event, `Type@previous+seconds details`.

The event before is the previous one, and a second passes, unless a line says
otherwise. Details are a state's name, or JSON.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.visits import Visits, build_visits
from tests.builders import START

ECS = '{"resourceType": "ecs", "resource": "runTask.sync"}'
"""The details of a TaskScheduled."""
FORK = ("ExecutionStarted@0", "ParallelStateEntered@0 P", "ParallelStateStarted")
"""A Parallel that has started, with event 3."""
EACH = ("ExecutionStarted@0", "MapStateEntered@0 M", 'MapStateStarted {"length": 2}')
"""A Map that has started, with event 3."""

_LINE = re.compile(
    r"(?P<type>\w+)(@(?P<before>\d+))?(\+(?P<seconds>\d+))?( (?P<rest>.+))?"
)


@dataclass(frozen=True)
class Script:
    """A history that was written down."""

    events: tuple[HistoryEvent, ...] = ()
    branches: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def then(self, *lines: str) -> "Script":
        events = list(self.events)
        for line in lines:
            events.append(_event(events, line))
        return Script(tuple(events), self.branches)

    @cached_property
    def visits(self) -> Visits:
        return build_visits(self.events, dict(self.branches))

    @property
    def statuses(self) -> dict[str, str]:
        """Each path and how it ended; of equal ones the last."""
        return {visit.path: visit.status for visit in self.visits}

    def at(self, number: int) -> datetime:
        return self.events[number - 1].timestamp


def script(
    *lines: str, branches: Mapping[str, tuple[str, ...]] | None = None
) -> Script:
    return Script(branches=tuple((branches or {}).items())).then(*lines)


def _event(events: list[HistoryEvent], line: str) -> HistoryEvent:
    match = _LINE.fullmatch(line)
    assert match is not None, line
    number = len(events) + 1
    start = events[-1].timestamp if events else START
    return HistoryEvent(
        id=number,
        type=match["type"],
        previous_event_id=int(match["before"] or number - 1),
        timestamp=start + timedelta(seconds=int(match["seconds"] or 1)),
        details=_details(match["rest"]),
    )


def _details(rest: str | None) -> dict[str, Any]:
    if not rest:
        return {}
    if rest.startswith("{"):
        details: dict[str, Any] = json.loads(rest)
        return details
    name, _, index = rest.partition("#")
    return {"name": name, "index": int(index)} if index else {"name": name}
