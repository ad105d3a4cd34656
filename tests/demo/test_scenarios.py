"""What the simulated executions do, against what is recorded of real ones."""

import json
import re
from collections.abc import Iterator

import pytest
from syrupy.assertion import SnapshotAssertion

from sfnwatch.demo.account import Account
from sfnwatch.demo.execution import DemoExecution
from sfnwatch.demo.scenarios import PLANS
from tests.builders import denial
from tests.demo.conftest import Serve, Served, refusal
from tests.sources.clocks import EPOCH, ManualClock


def story(execution: DemoExecution) -> Iterator[str]:
    """Tell an execution: seconds, ids, types and names; then its calls."""
    start = execution.started_at
    for event in execution.events:
        told = [event.details.get(key) for key in ("name", "resource", "error")]
        words = " ".join([event.kind, *filter(None, told)])
        seconds = (event.at - start).total_seconds()
        yield f"{seconds:7.2f}  {event.event_id} after {event.previous}  {words}"
    for call in execution.calls:
        denied = " denied" if call.error_code else ""
        yield f"{(call.at - start).total_seconds():7.2f}  {call.action}{denied}"
    for child in (*execution.nested, *execution.children):
        seconds = (child.started_at - start).total_seconds()
        yield f"{seconds:7.2f}  {child.scenario.name} {child.last_status}"


@pytest.mark.parametrize("name", PLANS)
def test_a_scenario_goes_as_it_always_did(
    name: str, snapshot: SnapshotAssertion
) -> None:
    """`.sync` polls at recorded seconds, and no poll falls between stop and end."""
    (execution,) = Account([name], clock=ManualClock(), seed=7).watched
    times = [event.at for event in execution.events]
    assert times == sorted(times)
    assert not any(at.microsecond % 1000 for at in times)
    assert "\n".join(story(execution)) == snapshot


async def test_a_denied_poll_says_so_in_the_recorded_words(demo: Served) -> None:
    demo.clock.advance(1500)
    records = await demo.records()
    polls = [each for each in records if each["eventName"] == "DescribeTasks"]
    denied = [poll for poll in polls if "errorCode" in poll]
    for poll in denied:
        assert poll["requestParameters"] is poll["responseElements"] is None
        who, said = poll["userIdentity"]["arn"], poll["errorMessage"]
        assert re.search(r":assumed-role/[\w-]+/[A-Za-z]{32}$", who)
        task = said.partition(" on resource: arn:aws:ecs:")[2].split()[0]
        words = denial(who, "ecs:DescribeTasks", f"arn:aws:ecs:{task}")[1]
        assert said == words
    assert len({poll["userIdentity"]["arn"] for poll in denied}) == 15


async def test_a_nested_execution_is_one_like_any_other(serve: Serve) -> None:
    demo = await serve("pipeline")
    (child,) = demo.account.watched[0].nested
    assert (await refusal(demo.describe(child.arn)))[0] == "ExecutionDoesNotExist"
    demo.clock.advance((child.started_at - EPOCH).total_seconds())
    described = await demo.describe(child.arn)
    assert described["status"] == "RUNNING"
    assert described["stateMachineArn"].endswith(":stateMachine:ship-parcel")
    demo.clock.advance(70)
    entered = [kind for kind in await demo.kinds(child.arn) if "Entered" in kind]
    assert entered == ["PassStateEntered", "WaitStateEntered", "SucceedStateEntered"]
    listed = await demo.executions("ship-parcel")
    assert len(listed) == 3, "with those of the days before"


async def test_a_start_hides_its_input(serve: Serve) -> None:
    demo = await serve("pipeline")
    (child,) = demo.account.watched[0].nested
    demo.clock.advance(1500)
    (event,) = await demo.events("EventName", "StartExecution", StartTime=EPOCH)
    record = json.loads(event["CloudTrailEvent"])
    assert record["readOnly"] is False
    assert record["requestParameters"]["input"] == "HIDDEN_DUE_TO_SECURITY_REASONS"
    assert record["responseElements"]["executionArn"] == child.arn
