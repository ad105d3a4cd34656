"""The interpreter, with machines that no scenario has."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.demo.execution import DemoExecution
from sfnwatch.demo.scenarios import Attempt, Invocation, Scenario
from sfnwatch.demo.state_machine import run_execution
from tests.sources.clocks import EPOCH

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:work"
FINE = Invocation(1.0, {"fine": True})
BROKEN = Invocation(1.0, error=("Broken", "It broke"))
KEYS = st.text("abc", min_size=1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    max_leaves=10,
)


def task(**more: Any) -> dict[str, Any]:
    parameters = {"FunctionName": FUNCTION, "Payload.$": "$"}
    resource = "arn:aws:states:::lambda:invoke"
    return {"Type": "Task", "Resource": resource, "Parameters": parameters} | more


def run(
    states: dict[str, Any],
    *,
    seed: int = 0,
    given: Any = None,
    **attempts: tuple[Attempt, ...],
) -> DemoExecution:
    """Run a machine of the states, the first of which it starts with."""
    scenario = Scenario(
        name="test", machine="test", states=states, attempts=attempts, input=given or {}
    )
    return run_execution(scenario, EPOCH, str(seed))


def kinds(one: DemoExecution) -> list[str]:
    return [event.kind for event in one.events]


def output(one: DemoExecution) -> Any:
    return json.loads(one.events[-1].details["output"])


def passed(given: dict[str, Any], **fields: Any) -> Any:
    """Return the output of a single Pass state."""
    return output(run({"Say": {"Type": "Pass", "End": True} | fields}, given=given))


def retry(**more: Any) -> dict[str, Any]:
    rule = {"ErrorEquals": ["Broken"], "IntervalSeconds": 3, "BackoffRate": 2}
    return rule | {"MaxAttempts": 3} | more


@given(st.integers(0, 5))
def test_a_retrier_waits_longer_each_time_and_gives_up(failures: int) -> None:
    attempts = ((BROKEN,) * failures + (FINE,))[:4]
    one = run({"Work": task(Retry=[retry()], End=True)}, Work=attempts)
    by_id = {event.event_id: event for event in one.events}
    waits = [
        (event.at - by_id[event.previous].at).total_seconds()
        for event in one.events
        if event.kind == "TaskScheduled" and by_id[event.previous].kind == "TaskFailed"
    ]
    assert waits == [3.0, 6.0, 12.0][: len(attempts) - 1]
    assert kinds(one).count("TaskFailed") == min(failures, 4)
    succeeded = failures < 4
    assert kinds(one).count("TaskStateExited") == succeeded
    assert kinds(one)[-1] == f"Execution{'Succeeded' if succeeded else 'Failed'}"


def test_an_error_of_another_name_ends_the_execution() -> None:
    other = {"ErrorEquals": ["Other"], "Next": "End"}
    rules = {"Retry": [retry(ErrorEquals=["Other"])], "Catch": [other]}
    one = run({"Work": task(**rules, End=True)}, Work=(BROKEN,))
    assert kinds(one)[-2:] == ["TaskFailed", "ExecutionFailed"]
    assert one.events[-1].details["error"] == "Broken"
    cause = json.loads(one.events[-1].details["cause"])
    (frame,) = cause["stackTrace"]
    assert frame.splitlines() == [
        '  File "/var/task/work.py", line 27, in handler',
        '    raise Broken("It broke")',
    ]


@settings(max_examples=30)
@given(st.dictionaries(KEYS, JSON, max_size=3), JSON)
def test_what_a_pass_is_given_it_passes_on(given: dict[str, Any], value: Any) -> None:
    assert passed(given) == given
    assert passed(given, Parameters=value) == value
    here = passed(given, Parameters=value, ResultPath="$.here")
    assert here == given | {"here": value}
    assert passed(given, Parameters=value, ResultPath=None) == given


def test_a_path_names_a_part_of_the_data_at_any_depth() -> None:
    given = {"order": {"id": "A-1"}, "list": [1, 2, {"deep": [3]}]}
    template = {
        "id.$": "$.order.id",
        "second.$": "$.list[1]",
        "inner": [{"deep.$": "$.list[2].deep", "text": "$.order"}],
        "name.$": "$$.Execution.Name",
    }
    filled = passed(given, Parameters=template)
    assert filled.pop("name").startswith("test-20231115T002824-")
    inner = [{"deep": [3], "text": "$.order"}]
    assert filled == {"id": "A-1", "second": 2, "inner": inner}
