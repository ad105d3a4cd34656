"""What a walk through a history builds: open visits, and the scopes they stand in.

Mutable, and alive for one walk only.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct, field

from sfnwatch.trace.tries import Try

ROOT = "Main"
"""What every path begins with."""


class Scope(Struct, eq=False):
    """Where states follow each other: the main line, a branch, an iteration."""

    parent: "Open | None" = None
    index: int | None = None
    depth: int = 0
    path: str = ROOT
    """Of the visits in it, as far as they have it in common."""


def inside(parent: "Open", index: int | None) -> Scope:
    """Give a new branch or iteration of a state."""
    number = "" if index is None else f"[{index}]"
    return Scope(parent, index, parent.scope.depth + 1, parent.path + number)


class Open(Struct, eq=False):
    """A visit being built."""

    id: int
    name: str
    type: str
    scope: Scope
    path: str
    entered_at: datetime
    exited_at: datetime | None = None
    ended_at: datetime | None = None
    status: str = "running"
    trouble: str | None = None
    """How it will have ended if nothing catches what went wrong."""
    started: bool = False
    """A Map or Parallel between its Started and its Succeeded, Failed or Aborted."""
    taken: set[int] = field(default_factory=set)
    """Which of a Parallel's branches have been entered since it started."""
    inside: dict[int, "Open"] = field(default_factory=dict)
    """The open visits directly in it."""
    attempts: list[Try] = field(default_factory=list)
    event_ids: list[int] = field(default_factory=list)
    error: str | None = None
    cause: str | None = None
    pauses: list[tuple[datetime, datetime]] = field(default_factory=list)
    """When it stood still: cut off, until a redrive went on with it."""


class Place(NamedTuple):
    """Where an event stands: in a scope and, mostly, in a visit."""

    scope: Scope
    visit: Open | None
    type: str = ""


def outward(place: Place) -> Iterator[Open]:
    """Yield the visit of a place and all that enclose it, innermost first."""
    visit = place.visit or place.scope.parent
    while visit is not None:
        yield visit
        visit = visit.scope.parent


def at_work(place: Place, kind: str) -> Open | None:
    """Find the nearest Map or Parallel around a place that is still at work."""
    return next((v for v in outward(place) if v.type == kind and v.started), None)


def open_inside(around: Open | Scope) -> tuple[Open, ...]:
    """Find the open visits inside a Map or Parallel, or in one of its branches."""
    if isinstance(around, Open):
        left = list(around.inside.values())
    else:
        siblings = around.parent.inside.values() if around.parent else ()
        left = [visit for visit in siblings if visit.scope is around]
    found: list[Open] = []
    while left:
        found.append(left.pop())
        left.extend(found[-1].inside.values())
    return tuple(found)
