"""What stands above an execution's rows, and what tells executions apart."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.events import Received
from sfnwatch.trace.heads import Head, head_of, labels
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, START, event, sync_run
from tests.tui.several import ASYNC, SDK, SYNC, three_runs

NAMES = st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=5)


def heads(records: list[Received]) -> dict[str, Head]:
    timelines = extend(Trace(), records).timelines
    return {arn: head_of(timeline) for arn, timeline in timelines.items()}


def test_a_head_says_who_ran_what_and_how_it_ended() -> None:
    head = heads(sync_run())[ARN]
    assert head.whole_name == "nightly-report › run-7f3a"
    assert (head.status, head.started_at) == ("SUCCEEDED", START)
    assert [attempt.resource for attempt in head.runs] == ["runTask.sync"]


def test_a_job_that_was_not_waited_for_is_left_behind_at_the_end_only() -> None:
    found = heads(three_runs())
    assert found[SYNC].left_behind == ""
    assert found[ASYNC].left_behind == found[SDK].left_behind == "task"
    running = [r for r in three_runs() if r.data.get("type") != "ExecutionSucceeded"]
    known = [r for r in running if r.source != "describe"]
    assert heads(known)[ASYNC].left_behind == ""


def test_what_starts_no_job_leaves_none_behind() -> None:
    task: dict[str, Any] = {"resourceType": "dynamodb", "resource": "putItem"}
    records = [
        event(1, "ExecutionStarted", 0),
        event(2, "TaskStateEntered", 0.1, name="Put"),
        event(3, "TaskScheduled", 0.1, **task),
        event(4, "TaskSucceeded", 0.2, output=json.dumps({}), **task),
        event(5, "ExecutionSucceeded", 0.3),
    ]
    assert heads(records)[ARN].left_behind == ""


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([("sync-3b6", "a"), ("async-ac8", "a"), ("sdk-33a", "a")], "sync async sdk"),
        ([("20-aa", "nightly-x"), ("21-bb", "weekly-x")], "aa bb"),
        ([("2001", "nightly-x"), ("2002", "weekly-x")], "nightly weekly"),
        ([("run-1", "m"), ("run-2", "m")], "1 2"),
        ([("same", "m"), ("same", "m")], "no. 1 no. 2"),
        ([("alphabetical", "m"), ("alphabetic", "m")], "no. 1 no. 2"),
        ([("one", "m")], "no. 1"),
        ([], ""),
    ],
)
def test_executions_are_told_apart_by_the_first_word_that_differs(
    names: list[tuple[str, str]], told: str
) -> None:
    assert " ".join(labels(names, 8)) == told


@given(NAMES, st.integers(5, 12))
def test_labels_are_short_and_no_two_alike(
    names: list[tuple[str, str]], room: int
) -> None:
    told = labels(names, room)
    assert len(told) == len(names) == len(set(told))
    assert all(0 < len(label) <= room for label in told)
