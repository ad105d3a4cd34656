"""Whole watches: of each scenario, and with what may not be read, or by nobody.

What passes again, from an outage to a login, is in `tests/reliability`: its storms.
"""

import pytest

from sfnwatch.model.records import HealthState
from tests.sources.conftest import Simulate
from tests.sources.simulation import Simulation

EVENTS = list(range(1, 9))
RUN, POLL = ("RunTask", "request-id"), ("DescribeTasks", "resource-id")
LOOKUP = "LookupEvents"


WATCHES = {
    "sync": ("SUCCEEDED", "succeeded", ["succeeded"], [RUN, *[POLL] * 5]),
    "sync-denied": ("SUCCEEDED", "succeeded", ["succeeded"], [RUN, *[POLL] * 5]),
    "async": ("SUCCEEDED", "succeeded", ["succeeded"], [RUN]),
    "sdk": ("SUCCEEDED", "succeeded", ["succeeded"], [("RunTask", "resource-id")]),
    "failure": ("FAILED", "failed", ["failed"] * 2, [RUN, POLL, RUN, POLL, POLL]),
}


@pytest.mark.parametrize("scenario", WATCHES)
async def test_a_watch_ends_with_every_visit_attempt_call_and_link(
    scenario: str, simulate: Simulate
) -> None:
    simulation = await simulate(scenario)
    watched = await simulation.watch()
    status, visit_status, attempts, matched = WATCHES[scenario]
    (execution,) = watched.trace.as_of().executions.values()
    (visit,) = execution.visits
    assert watched.status == status
    assert (visit.type, visit.status) == ("Task", visit_status)
    assert [attempt.status for attempt in visit.attempts] == attempts
    assert watched.matched() == matched
    assert watched.event_ids() == [event.id for event in execution.events]


# -- credentials ---------------------------------------------------------------------


# -- permissions ---------------------------------------------------------------------


async def test_one_lane_denied_leaves_the_other_alone(sync: Simulation) -> None:
    sync.faults.deny = {LOOKUP}
    watched = await sync.watch()
    assert (watched.status, watched.event_ids()) == ("SUCCEEDED", EVENTS)
    assert watched.messages("history") == []
    assert watched.states("lookup")[1:] == [HealthState.DENIED, HealthState.REFUSED]
    message = watched.messages("lookup")[-1]
    assert message.startswith("LookupEvents on ecs.amazonaws.com: AccessDenied")
    assert message.endswith(
        "Allow cloudtrail:LookupEvents (see sfnwatch iam-policy),"
        " or choose another --profile."
    )
    tries = [request.at for request in sync.asked(LOOKUP)]
    assert len(tries) < 10, "a permission is granted in minutes, if at all"
    last = (tries[-1] - sync.stopped_at).total_seconds()
    assert 0 <= last < 10, "the end of the execution ends the hope"


@pytest.mark.parametrize("operation", ["DescribeExecution", "GetExecutionHistory"])
async def test_a_history_that_may_not_be_read_ends_the_watch_that_nobody_watches(
    sync: Simulation, operation: str
) -> None:
    sync.faults.deny = {operation}
    watched = await sync.watch(tries=3)
    assert watched.states("history")[-1] is HealthState.REFUSED
    assert watched.states("lookup")[-1] in {HealthState.ENDED, HealthState.REFUSED}
    assert f"Allow states:{operation}" in watched.messages("history")[-1]
    assert sync.seconds(sync.clock.now()) < 60


async def test_one_that_is_refused_keeps_no_calls_from_one_long_over(
    sync: Simulation,
) -> None:
    sync.clock.advance(3600)
    watched = await sync.watch(sync.arn, f"{sync.arn}zz", tries=1)
    assert len(watched.matched()) == 6
    assert "Nothing to look up" not in " ".join(watched.messages("lookup"))
    refused, ended = sorted(
        (h for h in watched.trace.as_of().each_health if h.lane == "history"),
        key=lambda health: health.state != HealthState.REFUSED,
    )
    assert (refused.state, ended.state) == (HealthState.REFUSED, HealthState.ENDED)
