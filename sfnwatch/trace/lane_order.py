"""Where a row goes among the others: by its time and, at one moment, by what it is."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.lane_ranks import causing_phase
from sfnwatch.trace.lane_rows import ANSWERED, Row
from sfnwatch.trace.nests import Nest
from sfnwatch.trace.timeline import Timeline, Trace

Place = tuple[Any, ...]
"""Of no two rows the same, and none of it depends on how many others there are."""
_CALLS, _TASKS = (1,), (2,)
"""They come after the states, whose places have a 0 there."""
_ALWAYS = datetime.max.replace(tzinfo=UTC)


class Spot(NamedTuple):
    """Which of the executions one is: at one moment their rows stand in this order."""

    root: tuple[int, datetime, str]
    level: int
    """What began comes before what was begun."""
    own: tuple[datetime, str]


def spots(trace: Trace, nests: Mapping[str, Nest]) -> dict[str, Spot]:
    """Order the executions that have rows: roots, and those inside of `nests`."""
    return {
        arn: _spot(trace, arn, nests.get(arn))
        for arn, timeline in trace.histories.items()
        if arn in trace.timelines or arn in nests
    }


def _spot(trace: Trace, arn: str, nest: Nest | None) -> Spot:
    root = trace.histories[nest.root if nest else arn]
    level = nest.level if nest else 0
    return Spot((0, *_start(root)), level, _start(trace.histories[arn]))


def _start(timeline: Timeline) -> tuple[datetime, str]:
    return timeline.started_at or _ALWAYS, timeline.execution_arn


def place_of_state(row: Row, spot: Spot) -> Place:
    return row.at, spot.root, spot.level, row.events[0].id, spot.own


def place_of_task(row: Row, number: int) -> Place:
    return row.at, _TASKS, number


def place_of_call(row: Row) -> Place:
    """Put a call among rows with milliseconds, its own time being a second.

    Only a link may order a call against a history event: an action's call goes right
    behind the phase that tells of its answer, which comes a moment later.
    """
    at, attempt, link = row.at, row.attempt, row.link
    if attempt is not None and link is not None and link.role is CallRole.ACTION:
        phase = causing_phase(attempt)
        at = phase if timedelta(0) <= phase - at < ANSWERED else at
    return at, _CALLS, row.at, row.key
