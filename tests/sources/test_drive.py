"""A source's steps: what they bring, what is said of the lane, and when it ends."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from sfnwatch.sources.drive import (
    Driver,
    Failure,
    Patience,
    Step,
    give_up,
    health_record,
)
from sfnwatch.sources.pacing import Backoff
from sfnwatch.trace.events import Batch, HealthState, SourceHealth
from tests.builders import REGION, START, ManualClock, sync_history

RETRY = Failure(HealthState.RETRYING, "the answer was cut")
THROTTLED = Failure(HealthState.THROTTLED, "Rate exceeded")
DENIED = Failure(HealthState.DENIED, "not allowed", at_least=60)
REFUSED = Failure(HealthState.REFUSED, "no such execution")
DONE = Step(done=True)


def steps(*script: Step | Failure) -> Callable[[], Awaitable[Step]]:
    """Build a source that does what is written, one thing a request."""
    left = list(script)

    async def step() -> Step:
        outcome = left.pop(0)
        if isinstance(outcome, Failure):
            raise outcome
        return outcome

    return step


class Watched:
    """A driver with a clock that costs no time and a back-off without luck."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        backoff = Backoff(1, 60, lambda _, high: high)
        self.driver = Driver("lookup", self.clock, backoff=backoff, **options)

    async def run(self, *script: Step | Failure) -> list[Batch]:
        return [batch async for batch in self.driver.run(steps(*script))]

    async def states(self, *script: Step | Failure) -> list[str]:
        return [data["state"] for data in healths(await self.run(*script))]


def healths(batches: list[Batch]) -> list[dict[str, Any]]:
    return [
        dict(record.data)
        for batch in batches
        for record in batch
        if record.source == "health"
    ]


async def test_it_is_connecting_until_the_first_answer_and_then_live() -> None:
    assert await Watched().states(Step(), Step(), DONE) == ["connecting", "live"]


async def test_records_come_before_what_is_said_of_the_lane() -> None:
    records = tuple(sync_history()[:2])
    batches = await Watched().run(Step(records=records, done=True))
    assert batches[1] == records
    assert batches[2][0].data["state"] == "live"


async def test_it_waits_as_long_as_a_step_says() -> None:
    watched = Watched()
    await watched.run(Step(pause=2.5), Step(), Step(pause=4), DONE)
    assert watched.clock.slept == [2.5, 4]


async def test_a_failure_is_told_with_the_seconds_to_the_next_try() -> None:
    watched = Watched()
    told = healths(await watched.run(RETRY, THROTTLED, DONE))
    assert [data["state"] for data in told] == [
        "connecting",
        "retrying",
        "throttled",
        "live",
    ]
    assert told[1]["message"] == "the answer was cut"
    assert [data.get("retry_in") for data in told] == [None, 1, 2, None]
    assert "message" not in told[3]
    assert watched.clock.slept == [1, 2]


async def test_it_recovers_and_a_later_failure_begins_anew() -> None:
    watched = Watched()
    told = await watched.states(Step(), RETRY, RETRY, Step(), RETRY, Step(), DONE)
    assert told == [
        "connecting",
        "live",
        "retrying",
        "retrying",
        "live",
        "retrying",
        "live",
    ]
    assert watched.clock.slept == [1, 2, 1]


async def test_a_missing_permission_is_tried_again_but_not_soon() -> None:
    watched = Watched()
    assert await watched.states(DENIED, DONE) == ["connecting", "denied", "live"]
    assert watched.clock.slept == [60]


async def test_what_aws_will_never_answer_ends_the_source() -> None:
    watched = Watched()
    told = healths(await watched.run(Step(), REFUSED))
    assert told[-1]["state"] == "refused"
    assert told[-1]["message"] == "no such execution"
    assert "retry_in" not in told[-1]
    assert watched.clock.slept == []


async def test_patience_ends_when_aws_was_never_reached() -> None:
    watched = Watched(patience=Patience(tries=3))
    told = await watched.states(RETRY, THROTTLED, RETRY)
    assert told == ["connecting", "retrying", "throttled", "refused"]
    assert watched.driver.health.message == "the answer was cut"


async def test_patience_has_no_end_once_aws_has_answered() -> None:
    watched = Watched(patience=Patience(tries=2))
    told = await watched.states(Step(), *[RETRY] * 5, DONE)
    assert told[-2:] == ["retrying", "live"]
    assert "refused" not in told


async def test_without_a_limit_it_tries_for_ever() -> None:
    told = await Watched().states(*[RETRY] * 50, DONE)
    assert told[-1] == "live"


async def test_a_step_may_say_itself_how_the_lane_is_doing() -> None:
    draining = SourceHealth(
        "lookup",
        HealthState.DRAINING,
        complete_to=START,
        lag=131.0,
        until=START + timedelta(seconds=900),
    )
    told = healths(await Watched().run(Step(health=draining), DONE))
    assert told[1] == {
        "lane": "lookup",
        "state": "draining",
        "complete_to": "2023-11-15T00:28:24.102Z",
        "lag": 131.0,
        "until": "2023-11-15T00:43:24.102Z",
        "requests": 0,
    }


async def test_what_was_said_of_a_lane_stays_while_it_fails() -> None:
    live = SourceHealth("lookup", HealthState.LIVE, complete_to=START, lag=131.0)
    told = healths(await Watched().run(Step(health=live), RETRY, DONE))
    assert told[2]["state"] == "retrying"
    assert (told[2]["lag"], told[2]["complete_to"]) == (131.0, told[1]["complete_to"])


async def test_every_word_says_how_many_requests_were_made() -> None:
    watched = Watched()

    async def step() -> Step:
        ledger = watched.driver.ledger
        with ledger.asking():
            ledger.sent("states", "DescribeExecution", REGION)
            ledger.answered("ok")
        if ledger.count == 1:
            raise RETRY
        return DONE

    told = healths([batch async for batch in watched.driver.run(step)])
    assert [data["requests"] for data in told] == [0, 1, 2]


async def test_a_bug_is_not_taken_for_trouble() -> None:
    async def step() -> Step:
        msg = "a bug"
        raise RuntimeError(msg)

    batches = Watched().driver.run(step)
    assert healths([await anext(batches)])[0]["state"] == "connecting"
    with pytest.raises(RuntimeError, match="a bug"):
        await anext(batches)


async def test_a_wait_is_cut_short_when_nothing_is_left_to_wait_for() -> None:
    ended: list[bool] = []
    watched = Watched(cut_short=lambda: bool(ended))
    resting = watched.driver.run(steps(Step(pause=100), DONE))
    assert [data["state"] for data in healths([await anext(resting)])] == ["connecting"]
    await anext(resting)
    ended.append(True)
    assert [batch async for batch in resting] == []
    assert watched.clock.slept == []


async def test_a_wait_that_may_be_cut_short_is_as_long_as_any_other() -> None:
    watched = Watched(cut_short=lambda: False)
    await watched.run(Step(pause=2.5), RETRY, DONE)
    assert sum(watched.clock.slept) == pytest.approx(3.5)


def test_a_health_record_is_dated_and_leaves_out_what_is_not_known() -> None:
    record = health_record(SourceHealth("history", HealthState.LIVE), ManualClock())
    assert (record.at, record.source, record.execution_arn) == (START, "health", None)
    assert record.data == {"lane": "history", "state": "live", "requests": 0}


async def test_by_itself_a_driver_waits_about_a_second_after_a_failure() -> None:
    clock = ManualClock()
    async for _ in Driver("history", clock).run(steps(RETRY, DONE)):
        pass
    (slept,) = clock.slept
    assert 0.5 <= slept <= 1


async def unwanted(*script: Step | Failure) -> list[str]:
    """Drive what nothing waits for any more."""
    watched, step = Watched(), steps(*script)

    async def tried() -> Step:
        try:
            return await step()
        except Failure as failure:
            again = Failure(failure.state, failure.message)
            give_up(again, watched.driver)
            raise again from None

    batches = [batch async for batch in watched.driver.run(tried)]
    return [data["state"] for data in healths(batches)]


async def test_what_nothing_waits_for_outlasts_an_outage_of_ten_minutes() -> None:
    # 1, 2, 4, 8, 16, 32 s, and nine times a minute.
    states = await unwanted(*[RETRY] * 15, DONE)
    assert states[-1] == "live"
    assert "refused" not in states


async def test_what_nothing_waits_for_is_given_up_after_a_quarter_of_an_hour() -> None:
    states = await unwanted(*[RETRY] * 30)
    assert states[-1] == "refused"
    assert len(states) < 25


async def test_an_answer_in_between_begins_the_quarter_of_an_hour_anew() -> None:
    states = await unwanted(*[RETRY] * 14, Step(), *[RETRY] * 14, DONE)
    assert "refused" not in states


async def test_a_missing_permission_of_what_nothing_waits_for_is_final() -> None:
    assert await unwanted(DENIED) == ["connecting", "refused"]
