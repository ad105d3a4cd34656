"""The engine, with machines that no scenario has."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.demo.plans import Invocation, Scenario, Try
from sfnwatch.demo.play import run
from sfnwatch.demo.runs import Run

START = datetime(2023, 11, 15, 0, 28, 24, 250_000, UTC)
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:work"
FINE = Invocation(1.0, {"fine": True})
BROKEN = Invocation(1.0, error=("Broken", "It broke"))


def task(**more: Any) -> dict[str, Any]:
    parameters = {"FunctionName": FUNCTION, "Payload.$": "$"}
    resource = "arn:aws:states:::lambda:invoke"
    return {"Type": "Task", "Resource": resource, "Parameters": parameters} | more


def play(
    states: dict[str, Any],
    *,
    seed: int = 0,
    given: Any = None,
    **tries: tuple[Try, ...],
) -> Run:
    """Play a machine of the states, the first of which it starts with."""
    plan = Scenario("test", "test", next(iter(states)), states, tries, given or {})
    return run(plan, started_at=START, key=str(seed))


def kinds(one: Run) -> list[str]:
    return [event.kind for event in one.events]


def last(one: Run) -> dict[str, Any]:
    return one.events[-1].details


def waits(one: Run) -> list[float]:
    """Return the seconds from each failure to the next try."""
    by_id = {event.event_id: event for event in one.events}
    return [
        (event.at - by_id[event.previous].at).total_seconds()
        for event in one.events
        if event.kind == "TaskScheduled" and by_id[event.previous].kind == "TaskFailed"
    ]


def retry(**more: Any) -> dict[str, Any]:
    return {
        "ErrorEquals": ["Broken"],
        "IntervalSeconds": 3,
        "BackoffRate": 2,
        "MaxAttempts": 3,
    } | more


@given(st.integers(0, 5))
def test_a_retrier_waits_longer_each_time_and_gives_up(failures: int) -> None:
    tries = ((BROKEN,) * failures + (FINE,))[:4]
    one = play({"Work": task(Retry=[retry()], End=True)}, Work=tries)
    assert waits(one) == [3.0, 6.0, 12.0][: len(tries) - 1]
    assert kinds(one).count("TaskFailed") == min(failures, 4)
    succeeded = failures < 4
    assert kinds(one).count("TaskStateExited") == succeeded
    assert one.status(one.ends_at) == ("SUCCEEDED" if succeeded else "FAILED")


@pytest.mark.parametrize("errors", [["Broken"], ["States.ALL"], ["States.TaskFailed"]])
def test_an_error_can_be_caught_by_any_of_its_names(errors: list[str]) -> None:
    catch = [
        {"ErrorEquals": ["Other"], "Next": "End"},
        {"ErrorEquals": errors, "ResultPath": "$.error", "Next": "Mend"},
    ]
    states = {
        "Work": task(Catch=catch, Next="End"),
        "Mend": {"Type": "Pass", "Next": "End"},
        "End": {"Type": "Succeed"},
    }
    one = play(states, given={"kept": 1}, Work=(BROKEN,))
    assert kinds(one)[4:7] == ["TaskFailed", "TaskStateExited", "PassStateEntered"]
    output = json.loads(last(one)["output"])
    assert (output["kept"], output["error"]["Error"]) == (1, "Broken")
    assert json.loads(output["error"]["Cause"])["errorMessage"] == "It broke"


def test_an_error_of_another_name_ends_the_execution() -> None:
    other = {"ErrorEquals": ["Other"], "Next": "End"}
    states = {
        "Work": task(Retry=[retry(ErrorEquals=["Other"])], Catch=[other], End=True),
    }
    one = play(states, Work=(BROKEN,))
    assert kinds(one)[-2:] == ["TaskFailed", "ExecutionFailed"]
    assert last(one)["error"] == "Broken"


def test_a_cause_is_what_lambda_writes_of_an_exception() -> None:
    one = play({"Work": task(End=True)}, Work=(BROKEN,))
    cause = json.loads(last(one)["cause"])
    assert cause["errorType"] == "Broken"
    (frame,) = cause["stackTrace"]
    assert frame.splitlines() == [
        '  File "/var/task/work.py", line 27, in handler',
        '    raise Broken("It broke")',
    ]


def test_a_wait_and_a_pass_call_nothing() -> None:
    states = {
        "Rest": {"Type": "Wait", "Seconds": 30, "Next": "Say"},
        "Say": {"Type": "Pass", "Parameters": {"said.$": "$.word"}, "End": True},
    }
    one = play(states, given={"word": "hello"})
    assert 30 <= (one.ends_at - one.started_at).total_seconds() < 31
    assert json.loads(last(one)["output"]) == {"said": "hello"}
    assert not one.calls


BRANCHES = st.lists(st.integers(0, 3), min_size=1, max_size=5)


@given(BRANCHES, st.integers(0, 10_000))
def test_branches_are_chains_of_their_own_in_the_order_of_time(
    sizes: list[int], seed: int
) -> None:
    """A Parallel whose branches have so many Tasks, the last of them a Wait."""
    branches = [_branch(number, size) for number, size in enumerate(sizes)]
    states = {"All": {"Type": "Parallel", "Branches": branches, "End": True}}
    names = [name for each in branches for name in each["States"] if "Work" in name]
    one = play(states, seed=seed, **dict.fromkeys(names, (FINE,)))
    times = [event.at for event in one.events]
    assert times == sorted(times)
    assert [event.event_id for event in one.events] == list(range(1, len(times) + 1))
    assert all(event.previous < event.event_id for event in one.events)
    (started,) = [e for e in one.events if e.kind == "ParallelStateStarted"]
    first = [e for e in one.events if e.previous == started.event_id]
    assert [event.details["name"] for event in first] == [
        branch["StartAt"] for branch in branches
    ]
    succeeded, exited = one.events[-3:-1]
    assert succeeded.kind == "ParallelStateSucceeded"
    assert succeeded.previous == exited.previous == succeeded.event_id - 1


def _branch(number: int, size: int) -> dict[str, Any]:
    names = [f"{number} Work {step}" for step in range(size)]
    states = {
        name: task(Next=after)
        for name, after in zip(names, [*names[1:], f"{number} Rest"], strict=False)
    }
    rest = {"Type": "Wait", "Seconds": number, "End": True}
    states[f"{number} Rest"] = rest
    return {"StartAt": next(iter(states)), "States": states}


@given(st.integers(0, 6), st.integers(0, 10_000))
def test_iterations_each_begin_at_the_start_and_end_in_a_leaf(
    length: int, seed: int
) -> None:
    processor = {"StartAt": "Work", "States": {"Work": task(End=True)}}
    each = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemProcessor": processor,
        "End": True,
    }
    one = play(
        {"Each": each},
        seed=seed,
        given={"items": [{"n": n} for n in range(length)]},
        Work=tuple(Invocation(1.0 + n, {"did": n}) for n in range(length)),
    )
    (started,) = [e for e in one.events if e.kind == "MapStateStarted"]
    assert started.details == {"length": length}
    begun = [e for e in one.events if e.kind == "MapIterationStarted"]
    assert [e.details for e in begun] == [
        {"name": "Each", "index": n} for n in range(length)
    ]
    assert {e.previous for e in begun} <= {started.event_id}
    succeeded, exited = one.events[-3:-1]
    assert succeeded.kind == "MapStateSucceeded"
    assert exited.previous == succeeded.previous == succeeded.event_id - 1
    output = json.loads(last(one)["output"])
    assert [result["Payload"]["did"] for result in output] == list(range(length))


def test_the_same_key_plays_the_same_and_another_does_not() -> None:
    states = {"Work": task(End=True)}
    one, same, other = (play(states, seed=seed, Work=(FINE,)) for seed in (1, 1, 2))
    assert one == same
    assert one.name != other.name
