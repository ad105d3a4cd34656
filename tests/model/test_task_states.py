"""What ECS tells of tasks: read, put in order, and told of whoever started them."""

import json
from typing import Any

import pytest

from sfnwatch.model.ecs_task import TaskStage, stretches
from sfnwatch.model.linking.link import LinkRule
from sfnwatch.model.records import Received
from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.visits import Attempt
from tests import builders as aws
from tests.model.answers import trace_of

OTHER = aws.TASK_ARN.replace("9f018ef6", "00000000")


# -- a life --------------------------------------------------------------------------


def test_states_stand_by_their_versions_and_are_of_tasks_that_were_started() -> None:
    trace = trace_of(*reversed(aws.task_life()), *aws.task_life(OTHER))
    assert trace.as_of().task_states == {}
    trace.add(aws.sync_history())
    (states,) = trace.as_of().task_states.values()
    assert [state.last_status for state in states] == list(aws.LIFE)
    assert [state.version for state in states] == [1, 2, 3, 4, 5]
    assert trace.task_state(states[0].key) is states[0]
    assert trace.task_state(f"{states[0].key}0") is None


def test_a_task_is_of_the_attempt_that_started_it_and_not_of_one_that_asks() -> None:
    run = aws.History().start()
    told = {"Tasks": [{"TaskArn": aws.TASK_ARN}]}
    run.task("Ask", aws.DESCRIBE_SDK, output=told).task(
        "Run", aws.REQUEST_RESPONSE, output=told
    )
    now = trace_of(*run.records, *aws.task_life()).as_of()
    assert now.task_starter(aws.TASK_ARN) == (aws.ARN, 8)
    link = now.task_link(aws.TASK_ARN)
    assert link is not None
    assert (link.rule, link.visit_id, link.evidence) == (
        LinkRule.RESOURCE_ID,
        7,
        aws.TASK_ARN,
    )
    assert (now.task_starter(OTHER), now.task_link(OTHER)) == (None, None)


def test_a_life_is_told_as_stretches_up_to_its_end_or_to_now() -> None:
    (states,) = (
        trace_of(*aws.sync_history(), *aws.task_life()).as_of().task_states.values()
    )
    found = list(stretches(states, aws.at(400)))
    assert [state.stage for state, _ in found] == [
        *(TaskStage.STARTING, TaskStage.STARTING, TaskStage.RUNNING),
        *(TaskStage.STOPPING, TaskStage.STOPPED),
    ]
    ends = [round((end - aws.START).total_seconds(), 1) for _, end in found]
    assert ends == [8.0, 31.0, 307.0, 307.1, 307.1]
    assert list(stretches(states[2:3], aws.at(41))) == [(states[2], aws.at(41))]
    backwards = [states[1], states[0]]
    assert all(end > state.at for state, end in stretches(backwards, aws.at(10)))


# -- when a task stopped whose attempt does not tell ---------------------------------


def attempt_of(
    *records: Received, moment: Any = None, clock: Any = TimeAxis.EVENT
) -> Attempt:
    now = trace_of(*records).as_of(moment, clock)
    ((_, attempt),) = now.executions[aws.ARN].attempts
    return attempt


def failed_in_words(kind: str = "TaskFailed") -> list[Received]:
    """Build the experiment's run as one that failed without telling of its task."""
    failed = aws.event(6, kind, 309, error="States.X", cause="no JSON", **aws.SYNC)
    return [*aws.sync_history()[:5], failed]


@pytest.mark.parametrize(
    "records",
    [
        failed_in_words(),
        failed_in_words("TaskTimedOut"),
        aws.sync_history()[:5],
        [*aws.sync_history()[:5], aws.event(6, "ExecutionAborted", 309, previous=0)],
    ],
)
def test_ecs_tells_when_a_task_stopped_whose_attempt_does_not(
    records: list[Received],
) -> None:
    attempt = attempt_of(*records, *aws.task_life())
    assert attempt.stopped_at == aws.at(307.1)
    assert attempt.told_by is not None
    assert attempt.told_by.version == 5
    assert attempt_of(*records).stopped_at is None
    assert attempt_of(*aws.task_life(), *records).stopped_at == aws.at(307.1)


def test_until_it_says_so_ecs_word_stands_as_it_was_at_the_moment() -> None:
    """Its state learns of the stop at 309 and says 307.1; ECS said it twice before."""
    life = [
        *aws.task_life()[:-1],
        aws.task_state(5, "STOPPED", 306.5),
        *aws.sync_history(),
    ]
    records = [*life, aws.task_state(6, "STOPPED", 308)]
    for moment, clock, stopped in (
        (306, TimeAxis.EVENT, None),
        (307, TimeAxis.EVENT, 306.5),
        (308.5, TimeAxis.EVENT, 308),
        (309.01, TimeAxis.EVENT, 307.1),
        (308, TimeAxis.ARRIVAL, None),
        (309, TimeAxis.ARRIVAL, 306.5),
        (310, TimeAxis.ARRIVAL, 307.1),
    ):
        found = attempt_of(*records, moment=aws.at(moment), clock=clock).stopped_at
        assert found == (None if stopped is None else aws.at(stopped)), (moment, clock)
    assert attempt_of(*records).told_by is None


LET_GO = aws.History().start()
LET_GO.task("A", aws.REQUEST_RESPONSE, output=aws.answer("r", aws.TASK_ARN))
"""Nobody waits for its task."""


def test_of_several_tasks_all_must_have_stopped_and_the_last_counts() -> None:
    history = aws.sync_history()[:4]
    both = json.dumps(aws.answer("r", aws.TASK_ARN, OTHER))
    history.append(aws.event(5, "TaskSubmitted", 1.2, output=both, **aws.SYNC))
    assert attempt_of(*history, *aws.task_life()).stopped_at is None
    second = aws.task_state(5, "STOPPED", 308.5, task=OTHER)
    assert attempt_of(*history, *aws.task_life(), second).stopped_at == aws.at(308.5)


@pytest.mark.parametrize(
    "records",
    [
        LET_GO.records,
        # It never says when it stopped.
        [*failed_in_words(), aws.task_state(6, "STOPPED", 307.2, stoppedAt=None)],
    ],
)
def test_nothing_is_told_of_the_end_of_others(records: list[Received]) -> None:
    told = aws.task_life()[:-1] if len(records) == 7 else aws.task_life()
    assert attempt_of(*records, *told).stopped_at is None
