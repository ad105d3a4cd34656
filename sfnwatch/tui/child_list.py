"""The child executions of a snapshot, from AWS's lists and from their histories."""

from collections.abc import Iterator

from msgspec.structs import replace

from sfnwatch.model.execution_list import ListedExecution
from sfnwatch.model.map_runs import RUNNING_LISTED
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.time_axis import TimeAxis

_OVER = "ENDED"
"""A status of sfnwatch's own, not of AWS: the child is over, and more is not known
yet."""


def children_of(snapshot: Snapshot) -> list[ListedExecution]:
    """Return the child executions: failures first, then running ones, then by start."""
    known = {each.arn: each for each in _listed(snapshot)}
    for arn, child in snapshot.children.items():
        if child.event_count:
            # A child's own history is more exact than a list, which may be older.
            machine = child.state_machine_name or ""
            name = child.name
            times = child.started_at, child.stopped_at
            known[arn] = ListedExecution(arn, machine, name, child.status, *times)
    return sorted(known.values(), key=lambda each: each.failed_first)


def _listed(snapshot: Snapshot) -> Iterator[ListedExecution]:
    """Yield the children that AWS's lists name, as of the snapshot.

    In event time each child's own times decide whether it runs. In arrival time a list
    may be old: a child that ran in an old list and is missing from the newest one is
    over. How it ended is listed at the end, when all children are listed, and for
    failures before. A full list shows nothing about children that it lacks.
    """
    if snapshot.at is not None and snapshot.clock is TimeAxis.EVENT:
        for answers in snapshot.trace.children.values():
            listed = answers[-1].listed
            at = snapshot.at
            if listed.started_at is not None and listed.started_at <= at:
                had_ended = listed.stopped_at is not None and listed.stopped_at <= at
                ran = replace(listed, status="RUNNING", stopped_at=None)
                yield listed if had_ended else ran
        return
    for children in snapshot.listed_of.values():
        seen = [c.seen_at for c in children if c.listed.running and c.seen_at]
        newest = max(seen, default=None)
        is_whole = newest is not None and seen.count(newest) < RUNNING_LISTED
        for child in children:
            old = newest and child.seen_at and child.seen_at < newest
            over = is_whole and child.listed.running and old
            yield replace(child.listed, status=_OVER) if over else child.listed
