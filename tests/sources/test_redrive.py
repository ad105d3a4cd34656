"""An execution that is redriven while it is watched, and after its end, over HTTP."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from sfnwatch.demo.account import Account
from sfnwatch.sources import drain, redriving
from sfnwatch.sources.again import Again, QueueAgain
from sfnwatch.sources.redriving import is_under_way, redrivable_until, why_not
from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import Batch, From, HealthState, Received
from sfnwatch.trace.times import iso, parse_time
from tests.builders import ARN, START, ManualClock, event
from tests.redriven import failed_history, redriven, redriven_history
from tests.sources.simulation import EPOCH, Simulate, Simulation

DESCRIBE, HISTORY, LOOKUP = "DescribeExecution", "GetExecutionHistory", "LookupEvents"
RUN, POLL = ("RunTask", "request-id"), ("DescribeTasks", "resource-id")


@pytest.fixture
async def redriving_account(simulate: Simulate) -> Simulation:
    simulation = await simulate("redrive")
    simulation.patch.setattr(drain, "_QUIET", timedelta(hours=1))
    return simulation


def moment_of(simulation: Simulation, kind: str) -> datetime:
    (run,) = simulation.account.world.runs
    return next(each.at for each in run.events if each.kind == kind)


def told(
    simulation: Simulation, change: Callable[[datetime], Mapping[str, Any]]
) -> None:
    """Have DescribeExecution say more or otherwise, by the time."""
    usual = simulation.usual(DESCRIBE)

    def answer(account: Account, body: bytes) -> dict[str, Any]:
        return {**usual(account, body), **change(account.now())}

    simulation.operation(DESCRIBE, answer)


# -- the option ----------------------------------------------------------------------


async def test_followed_it_goes_on_to_the_last_outcome(
    redriving_account: Simulation,
) -> None:
    watched = await redriving_account.watch(follow_redrive=True)
    (timeline,) = watched.trace.timelines.values()
    assert (timeline.status, len(timeline.redrives)) == ("SUCCEEDED", 1)
    assert watched.event_ids() == sorted(timeline.events)
    visit = next(visit for visit in timeline.visits if visit.attempts)
    assert [attempt.status for attempt in visit.attempts] == ["failed", "succeeded"]
    assert watched.tied() == [RUN, POLL, RUN, POLL, POLL]


async def test_the_lane_says_what_it_waits_for_and_that_it_goes_on(
    redriving_account: Simulation,
) -> None:
    watched = await redriving_account.watch(follow_redrive=True)
    assert watched.states("history") == [
        HealthState.CONNECTING,
        HealthState.LIVE,
        HealthState.WAITING,
        HealthState.LIVE,
        HealthState.ENDED,
    ]
    waits, goes_on = watched.messages("history")
    assert waits == (
        "It is over, and watched for a redrive once a minute; that may come until"
        " 2023-11-29 00:29 UTC."
    )
    assert goes_on == "Redriven: going on."


async def test_a_wait_costs_one_request_a_minute_and_hands_on_what_changed(
    redriving_account: Simulation,
) -> None:
    watched = await redriving_account.watch(follow_redrive=True)
    failed = moment_of(redriving_account, "ExecutionFailed") + timedelta(seconds=5)
    back = moment_of(redriving_account, "ExecutionRedriven")
    between = [
        r.operation
        for r in redriving_account.requests
        if failed < r.at < back and r.operation != LOOKUP
    ]
    assert between == [DESCRIBE] * 6
    described = [r.data["status"] for r in watched.records if r.source == From.DESCRIBE]
    assert described == ["RUNNING", "FAILED", "RUNNING", "SUCCEEDED"]


async def test_it_is_taken_up_at_the_next_look(redriving_account: Simulation) -> None:
    watched = await redriving_account.watch(follow_redrive=True)
    (seam,) = [r for r in watched.records if r.data.get("type") == "ExecutionRedriven"]
    assert seam.at is not None
    late = seam.at - moment_of(redriving_account, "ExecutionRedriven")
    assert timedelta() < late <= timedelta(seconds=61)


async def test_calls_are_looked_up_again_from_the_redrive_on(
    redriving_account: Simulation,
) -> None:
    watched = await redriving_account.watch(follow_redrive=True, drain=30)
    back = moment_of(redriving_account, "ExecutionRedriven")
    ended = moment_of(redriving_account, "ExecutionFailed") + timedelta(seconds=60)
    asked = redriving_account.asked(LOOKUP)
    assert not [r for r in asked if ended < r.at < back], "nothing in between"
    again = [r for r in asked if r.at > back]
    since = {r.parameters["StartTime"] for r in again if "Source" in str(r.parameters)}
    assert since
    assert min(map(parse_time, since)) >= back - timedelta(seconds=6)
    assert watched.states("lookup")[-1] is HealthState.ENDED


async def test_without_it_a_watch_ends_with_the_failure(
    redriving_account: Simulation,
) -> None:
    watched = await redriving_account.watch(drain=10)
    assert watched.status == "FAILED"
    assert watched.states("history")[-1] is HealthState.ENDED
    assert watched.messages("history") == []


async def test_what_succeeded_is_not_followed(sync: Simulation) -> None:
    watched = await sync.watch(follow_redrive=True)
    assert HealthState.WAITING not in watched.states("history")
    assert len(sync.asked(DESCRIBE)) == 2


async def test_what_can_t_be_redriven_is_not_followed_and_it_says_why(
    simulate: Simulate,
) -> None:
    simulation = await simulate("failure")
    reason = "Execution history event limit exceeded"
    no = {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}
    told(simulation, lambda _: no)
    watched = await simulation.watch(follow_redrive=True)
    assert watched.states("history")[-1] is HealthState.ENDED
    assert watched.messages("history") == [f"It can't be redriven: {reason}."]


async def test_it_is_followed_for_as_long_as_a_redrive_may_come(
    simulate: Simulate,
) -> None:
    simulation = await simulate("failure")
    simulation.patch.setattr(redriving, "REDRIVABLE", timedelta(minutes=9))
    watched = await simulation.watch(follow_redrive=True)
    states = watched.states("history")
    assert states[-2:] == [HealthState.WAITING, HealthState.ENDED]
    late = simulation.asked(DESCRIBE)[-1].at - simulation.stopped_at
    assert timedelta(minutes=9) <= late <= timedelta(minutes=10)


async def test_a_wait_goes_on_through_trouble(redriving_account: Simulation) -> None:
    failed = moment_of(redriving_account, "ExecutionFailed")
    since = (failed - EPOCH).total_seconds()
    faults = redriving_account.account.faults
    for seconds in (100, 200, 300):
        redriving_account.clock.when(
            since + seconds, lambda: setattr(faults, "reset_next", 9)
        )
    watched = await redriving_account.watch(follow_redrive=True)
    assert watched.status == "SUCCEEDED"


# -- without the option --------------------------------------------------------------


async def test_a_redrive_that_waits_for_its_turn_is_awaited(
    redriving_account: Simulation,
) -> None:
    failed = moment_of(redriving_account, "ExecutionFailed")
    back = moment_of(redriving_account, "ExecutionRedriven")
    told(
        redriving_account,
        lambda now: {"status": "PENDING_REDRIVE"} if failed <= now < back else {},
    )
    watched = await redriving_account.watch()
    assert watched.status == "SUCCEEDED"
    assert "A redrive waits for its turn." in watched.messages("history")
    pending = [r.data["status"] for r in watched.records if r.source == From.DESCRIBE]
    assert pending == ["RUNNING", "PENDING_REDRIVE", "SUCCEEDED"]


async def test_a_redrive_that_only_the_outcome_tells_of_is_gone_on_with(
    redriving_account: Simulation,
) -> None:
    """The history may be behind its description."""
    failed = moment_of(redriving_account, "ExecutionFailed")
    back = moment_of(redriving_account, "ExecutionRedriven")
    more = {"status": "RUNNING", "redriveCount": 1}
    told(redriving_account, lambda now: more if failed <= now < back else {})
    watched = await redriving_account.watch()
    assert watched.status == "SUCCEEDED"
    assert "Redriven: going on." in watched.messages("history")


async def test_a_history_behind_an_outcome_that_counts_more_is_read_again(
    simulate: Simulate,
) -> None:
    simulation = await simulate("failure")
    told(simulation, lambda _: {"redriveCount": 3})
    watched = await simulation.watch(drain=10)
    assert watched.states("history")[-1] is HealthState.ENDED
    assert len(simulation.asked(DESCRIBE)) == 6, "but not for ever"


async def test_one_long_over_is_read_with_all_its_redrives(
    redriving_account: Simulation,
) -> None:
    redriving_account.clock.advance(7200)
    watched = await redriving_account.watch(follow_redrive=True)
    (timeline,) = watched.trace.timelines.values()
    assert (timeline.status, len(timeline.redrives)) == ("SUCCEEDED", 1)
    assert watched.tied() == [RUN, POLL, RUN, POLL, POLL]
    assert len(redriving_account.asked(HISTORY)) == 2


# -- what the answers mean -----------------------------------------------------------


def test_an_answer_that_lacks_its_status_of_redrive_is_given_14_days() -> None:
    answer = {"status": "ABORTED", "stopDate": iso(START)}
    until = START + timedelta(days=14)
    assert redrivable_until(answer, START) == until
    assert redrivable_until(answer, until) is None
    assert redrivable_until({"status": "SUCCEEDED"}, START) is None
    assert redrivable_until({"status": "FAILED"}, START) == until


def test_running_alone_proves_no_redrive() -> None:
    assert not is_under_way({"status": "RUNNING"}, 0)
    assert not is_under_way({"status": "RUNNING", "redriveCount": 1}, 1)
    assert is_under_way({"status": "RUNNING", "redriveCount": 2}, 1)
    assert is_under_way({"status": "PENDING_REDRIVE"}, 1)


def test_nothing_is_said_of_what_needs_no_redrive() -> None:
    answer = {"status": "SUCCEEDED", "redriveStatusReason": "Execution is SUCCEEDED"}
    assert why_not(answer) == ""
    assert why_not({"status": "FAILED"}) == ""


# -- ways that begin anew ------------------------------------------------------------


class Ends:
    """A way that ends at once, having noted what it was told."""

    def __init__(self, made: list["Ends"]) -> None:
        self.heeded: list[Batch] = []
        made.append(self)

    def end_drain(self) -> None: ...

    def heed(self, batch: Batch) -> None:
        self.heeded.append(batch)

    async def batches(self) -> AsyncIterator[Batch]:
        yield ()


def observe(subjects: Subjects, *records: Received) -> None:
    for record in records:
        subjects.each[0].observe(record)


async def test_a_queue_hears_what_came_while_it_rested() -> None:
    subjects = Subjects([parse_execution_arn(ARN)])
    clock, made = ManualClock(), list[Any]()
    observe(subjects, *failed_history())
    queue = QueueAgain(lambda: Ends(made), subjects, clock)  # type: ignore[arg-type,return-value]
    first, second = (event(1, "ExecutionStarted", 0),), (redriven(),)
    queue.heed(first)
    slept = clock.sleep

    async def sleep(seconds: float) -> None:
        await slept(seconds)
        queue.heed(second)
        observe(subjects, *redriven_history()[6:])
        subjects.each[0].over = True

    clock.sleep = sleep  # type: ignore[method-assign]
    assert [batch async for batch in queue.batches()] == [(), ()]
    assert [each.heeded for each in made] == [[first], [second]]
    assert subjects.started_at == START + timedelta(seconds=723.02)


async def test_what_was_refused_is_not_asked_again_without_a_redrive() -> None:
    subjects = Subjects([parse_execution_arn(ARN)])
    clock, made = ManualClock(), list[Any]()
    way = Again(lambda: Ends(made), subjects, clock)
    slept = clock.sleep

    async def sleep(seconds: float) -> None:
        await slept(seconds)
        subjects.each[0].over = len(clock.slept) > 3

    clock.sleep = sleep  # type: ignore[method-assign]
    assert [batch async for batch in way.batches()] == [()]
    assert len(made) == 1
