"""How far a Map Run is at a time, found without a look at each of its children."""

from bisect import bisect
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from sfnwatch.demo.runs import MapRun, Run

Place: TypeAlias = tuple[datetime, str]
"""Where a child stands in a list, and its ARN."""

_LAST = "\U0010ffff"


class Progress:
    """A Map Run with its children in order of time."""

    def __init__(self, map_run: MapRun) -> None:
        self.map_run = map_run
        children = sorted(map_run.children, key=lambda child: child.started_at)
        self._children = children
        self._starts = [(child.started_at, child.arn) for child in children]
        self._ends = sorted((child.ends_at, child.arn) for child in children)
        self._ends_by_status = _by_status(children)

    def children(self, now: datetime) -> list[Run]:
        """Return those started by now, in that order."""
        return self._children[: _count(self._starts, now)]

    def counts(self, now: datetime) -> dict[str, int]:
        """Return how many children have ended how, and how many have not by now."""
        ended = {
            status: _count(ends, now) for status, ends in self._ends_by_status.items()
        }
        started, done = _count(self._starts, now), _count(self._ends, now)
        pending = self.map_run.total - started
        return ended | {"RUNNING": started - done, "PENDING": pending}

    def listed(self, now: datetime, status: str | None) -> list[str]:
        """Return ARNs in ListExecutions' order, newest first.

        What runs stands at its start, the rest at its end.
        """
        places: list[Place] = []
        if status is None:
            places += self._ends[: _count(self._ends, now)]
        elif ends := self._ends_by_status.get(status):
            places += ends[: _count(ends, now)]
        if status in {None, "RUNNING"}:
            places += self._running(now)
        places.sort(reverse=True)
        return [arn for _, arn in places]

    def _running(self, now: datetime) -> list[Place]:
        """Return those that run: the last ones begun, but for a few."""
        left = self.counts(now)["RUNNING"]
        running: list[Place] = []
        number = _count(self._starts, now)
        while len(running) < left:
            number -= 1
            if self._children[number].ends_at > now:
                running.append(self._starts[number])
        return running


def _count(places: Sequence[Place], now: datetime) -> int:
    return bisect(places, (now, _LAST))


def _by_status(children: Sequence[Run]) -> Mapping[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    for child in children:
        ends = found.setdefault(child.status(child.ends_at), [])
        ends.append((child.ends_at, child.arn))
    for ends in found.values():
        ends.sort()
    return found
