"""The child executions of a snapshot, from AWS's lists and from their histories."""

from collections.abc import Iterator

from msgspec.structs import replace

from sfnwatch.model.execution_list import ListedExecution
from sfnwatch.model.map_runs import RUNNING_LISTED
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.time_axis import TimeAxis

_ENDED = "ENDED"
"""A status of sfnwatch's own, not of AWS: the child is over, and more is not known
yet."""


def children_of(snapshot: Snapshot) -> list[ListedExecution]:
    """Return the child executions: failures first, then running ones, then by start."""
    by_arn = {child.arn: child for child in _listed(snapshot)}
    for arn, child in snapshot.children.items():
        if child.event_count:
            # A child's own history is more exact than a list, which may be older.
            by_arn[arn] = ListedExecution(
                arn,
                child.state_machine_name or "",
                child.name,
                child.status,
                child.started_at,
                child.stopped_at,
            )
    return sorted(by_arn.values(), key=lambda child: child.failed_first)


def _listed(snapshot: Snapshot) -> Iterator[ListedExecution]:
    """Yield the children that AWS's lists name, as of the snapshot.

    In event time each child's own times decide whether it runs. In arrival time a list
    may be old: a child that ran in an old list and is missing from the newest one is
    over. How it ended is listed at the end, when all children are listed, and for
    failures before. A full list shows nothing about children that it lacks.
    """
    at = snapshot.at
    if at is not None and snapshot.clock is TimeAxis.EVENT:
        for answers in snapshot.trace.children.values():
            listed = answers[-1].listed
            if listed.started_at is None or listed.started_at > at:
                continue
            if listed.stopped_at is not None and listed.stopped_at <= at:
                yield listed
            else:
                yield replace(listed, status="RUNNING", stopped_at=None)
        return
    for children in snapshot.listed_of.values():
        running = [child.seen_at for child in children if child.listed.running]
        times = [seen_at for seen_at in running if seen_at]
        newest = max(times, default=None)
        is_whole = newest is not None and times.count(newest) < RUNNING_LISTED
        for child in children:
            listed = child.listed
            is_old = newest and child.seen_at and child.seen_at < newest
            if is_whole and listed.running and is_old:
                yield replace(listed, status=_ENDED)
            else:
                yield listed
