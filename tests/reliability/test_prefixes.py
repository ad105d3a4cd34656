"""What is known in the middle of a watch is handed on as well as what is known last.

CloudTrail is minutes late, so in the middle calls are there that nothing is known about
yet: whether more polls come, in what state they belong, if an end was noticed.
"""

import pytest

from sfnwatch.sources.wanted import Following
from sfnwatch.trace.events import Batch, Received
from sfnwatch.trace.timeline import Trace, extend
from tests.reliability.outlets import every, leaks
from tests.sources.simulation import Simulate


def prefixes(records: list[Received], cuts: int) -> list[Batch]:
    """Give what was there at so many points, once there was an execution at all."""
    first = next(n for n, r in enumerate(records, 1) if extend(Trace(), [r]).timelines)
    ends = {first + (len(records) - first) * n // cuts for n in range(cuts + 1)}
    return [tuple(records[:end]) for end in sorted(ends)]


def behind(batch: Batch) -> Batch:
    """Have CloudTrail known to be complete up to the first moment it ever was."""
    told = [record for record in batch if "complete_to" in record.data]
    return tuple(record for record in batch if record not in told[1:])


@pytest.mark.parametrize(
    ("scenarios", "cuts"),
    [
        (("sync", "async", "sdk", "sync-denied"), 12),
        (("failure",), 12),
        (("pipeline",), 12),
        (("distributed",), 3),
        (("redrive",), 12),
    ],
    ids=str,
)
async def test_no_outlet_fails_in_the_middle_of_a_watch(
    simulate: Simulate, scenarios: tuple[str, ...], cuts: int
) -> None:
    simulation = await simulate(*scenarios)
    watched = await simulation.watch(
        following=Following(), follow_redrive="redrive" in scenarios, drain=300
    )
    for batch in prefixes(watched.records, cuts):
        for known in (batch, behind(batch)):
            for name, text in every(known):
                assert leaks(name, text) == [], name
