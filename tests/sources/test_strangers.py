"""Who else ran on the machines watched: asked for at the beginning and at the end."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from sfnwatch.demo.scenarios import PLANS
from sfnwatch.model.records import Batch, HealthState, RecordKind
from sfnwatch.model.trace import Trace
from sfnwatch.sources.targets import CallOptions, ChildOptions
from tests.builders import HEAD
from tests.sources.clocks import EPOCH
from tests.sources.conftest import Simulate
from tests.sources.loopback import AskedOf, Refusal, page_of
from tests.sources.simulation import Arrival, Simulation, Watched
from tests.view.redacting import redacted

LIST = "ListExecutions"
DAY = 86_400.0
ENDS = 309
"""Seconds after the epoch at which the execution that is watched has ended."""


def ran(simulation: Simulation, *spans: tuple[float, float | None]) -> None:
    """Have others run on the machine, from when to when, and AWS list them."""
    began = simulation.clock.now().timestamp()

    def item(number: int, start: float, stop: float | None) -> dict[str, Any]:
        now = simulation.clock.now().timestamp() - began
        over = stop is not None and stop <= now
        return {
            "executionArn": f"{HEAD}:execution:nightly-report:stranger-{number}",
            "stateMachineArn": f"{HEAD}:stateMachine:nightly-report",
            "name": f"stranger-{number}",
            "status": "FAILED" if over else "RUNNING",
            "startDate": began + start,
            **({"stopDate": began + (stop or 0.0)} if over else {}),
        }

    def answer(asked: AskedOf, given: dict[str, Any]) -> Any:
        now = simulation.clock.now().timestamp() - began
        status = asked.parameters.get("statusFilter")
        listed = [item(n, *span) for n, span in enumerate(spans) if span[0] <= now]
        fitting = [i for i in listed if status in (None, i["status"])]
        items = [*given["executions"], *fitting]
        items.sort(key=lambda i: i.get("stopDate", i["startDate"]), reverse=True)
        return page_of(items, asked.parameters, "executions", 100)

    simulation.unpaged.add(LIST)
    simulation.changes[LIST] = answer


def others(watched: Watched | Trace, arn: str) -> int | None:
    """Count the others that ran while an execution did."""
    trace = watched if isinstance(watched, Trace) else watched.trace
    execution = trace.as_of().executions[arn]
    assert execution.started_at is not None
    begin, end = execution.started_at, execution.stopped_at
    return trace.strangers.others(arn, begin, end, trace.executions)


def asked_for(asked: Sequence[Arrival]) -> list[str | None]:
    return [each.parameters.get("statusFilter") for each in asked]


def refusal_of(simulation: Simulation, code: str) -> None:
    def change(*_: Any) -> Any:
        raise Refusal(code, "Not you.")

    simulation.changes[LIST] = change


# -- what is asked, and when -------------------------------------------------------


async def test_a_machine_is_asked_for_at_the_beginning_and_after_the_end(
    sync: Simulation,
) -> None:
    watched = await sync.watch()
    asked = sync.asked(LIST)
    assert asked_for(asked) == ["RUNNING", None] * 2
    assert {each.parameters["stateMachineArn"] for each in asked} == {
        f"{HEAD}:stateMachine:nightly-report"
    }
    first, *_, last = (sync.seconds(each.at) for each in asked)
    assert first <= 2
    assert ENDS + 15 <= last <= ENDS + 20
    told = watched.of(RecordKind.MACHINE_EXECUTIONS)
    assert [received.record["running_complete"] for received in told] == [True, True]
    assert [len(received.record["running"]) for received in told] == [1, 0]
    assert [len(received.record["newest"]) for received in told] == [3, 3]
    assert others(watched, sync.arn) == 0, "those of the days before were over"
    assert watched.states("others") == ["connecting", "live", "ended"]
    assert not watched.messages("others")
    notes = {r.note for r in watched.trace.requests if r.operation == LIST}
    assert notes == {"running executions", "newest executions"}


async def test_whoever_ran_at_the_time_is_counted(sync: Simulation) -> None:
    ran(
        sync,
        *((-30 * DAY, 10), (20, 30), (-50, None), (250, ENDS + 90)),
        *((-90, -1), (ENDS + 5, ENDS + 6)),
    )
    watched = await sync.watch(drain=30)
    assert others(watched, sync.arn) == 4


async def test_of_one_that_is_long_over_it_is_asked_once(sync: Simulation) -> None:
    sync.clock.advance(3600)
    watched = await sync.watch(drain=30)
    assert asked_for(sync.asked(LIST)) == ["RUNNING", None]
    assert others(watched, sync.arn) == 0


async def test_the_last_lists_need_only_reach_back_to_the_first(
    sync: Simulation,
) -> None:
    before = [(-500.0 - n, -400.0 - n) for n in range(100)]
    ended = [(n / 2, n / 2 + 1) for n in range(450)]
    ran(sync, *before, *ended)
    watched = await sync.watch(drain=30)
    assert asked_for(sync.asked(LIST)) == ["RUNNING", None, "RUNNING", *[None] * 5]
    assert others(watched, sync.arn) == 450
    (_, told) = watched.of(RecordKind.MACHINE_EXECUTIONS)
    assert not told.record["newest_complete"]


async def test_without_calls_to_look_for_nobody_asks(sync: Simulation) -> None:
    watched = await sync.watch(calls=CallOptions(lookup=False))
    assert not sync.asked(LIST)
    assert not watched.states("others")
    assert others(watched, sync.arn) is None


async def test_the_machines_of_child_executions_are_asked_for_too(
    simulate: Simulate,
) -> None:
    simulation = await simulate("pipeline")
    watched = await simulation.watch(children=ChildOptions(), drain=30)
    machines = {each.parameters["stateMachineArn"] for each in simulation.asked(LIST)}
    assert len(machines) == 2
    for arn in watched.trace.executions:
        assert others(watched, arn) == 0


async def test_what_a_map_run_runs_is_in_no_machine_s_list(simulate: Simulate) -> None:
    simulation = await simulate("distributed")
    watched = await simulation.watch(
        children=ChildOptions(depth=1, children=2), drain=30
    )
    asked = [each.parameters.get("stateMachineArn") for each in simulation.asked(LIST)]
    assert {each for each in asked if each} == {f"{HEAD}:stateMachine:resize-photos"}
    child = next(
        arn for arn in watched.trace.children if arn in watched.trace.as_of().executions
    )
    assert others(watched, child) is None


async def test_executions_of_one_machine_are_asked_for_together(
    simulate: Simulate,
) -> None:
    simulation = await simulate(replace(PLANS["sync"], name="twin"), "sync")
    arns = list(simulation.account.executions.values())
    watched = await simulation.watch(drain=30)
    assert asked_for(simulation.asked(LIST)) == ["RUNNING", None] * 2
    assert [others(watched, arn) for arn in arns] == [0, 0]
    alone = await simulation.watch(arns[0], drain=30)
    assert others(alone, arns[0]) == 1


async def test_of_one_that_is_known_later_to_have_begun_earlier_it_is_asked_anew(
    simulate: Simulate,
) -> None:
    simulation = await simulate(replace(PLANS["sync"], name="twin"), "sync")
    first, second = simulation.account.executions.values()

    def change(asked: AskedOf, given: dict[str, Any]) -> Any:
        if asked.parameters["executionArn"] == first and simulation.clock.now() < late:
            raise Refusal("ThrottlingException", "Rate exceeded")
        return given

    late = EPOCH + timedelta(seconds=30)
    simulation.changes["DescribeExecution"] = change
    watched = await simulation.watch(second, first, drain=30)
    assert asked_for(simulation.asked(LIST)) == ["RUNNING", None] * 3
    assert {others(watched, first), others(watched, second)} == {0}


async def test_whoever_waits_no_longer_asks_at_once(sync: Simulation) -> None:
    def stop(_: Batch) -> None:
        if sync.clock.now() >= sync.stopped_at and sync.watching is not None:
            sync.watching.end_drain()

    await sync.watch(also=stop)
    assert len(sync.asked(LIST)) == 4
    assert sync.seconds(sync.requests[-1].at) <= ENDS + 10


async def test_where_no_more_calls_are_awaited_it_is_asked_at_once(
    sync: Simulation,
) -> None:
    sync.faults.deny.add("LookupEvents")
    watched = await sync.watch()
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    assert len(sync.asked(LIST)) == 4
    assert sync.seconds(sync.requests[-1].at) <= ENDS + 10


# -- what is not known -----------------------------------------------------------------


async def test_what_is_not_permitted_is_said_once_and_all_else_goes_on(
    sync: Simulation,
) -> None:
    sync.faults.deny.add(LIST)
    watched = await sync.watch()
    assert len(sync.asked(LIST)) == 2, "at the beginning, and it may have been granted"
    assert not watched.of(RecordKind.MACHINE_EXECUTIONS)
    assert others(watched, sync.arn) is None
    assert watched.states("others") == ["connecting", "ended"]
    (message,) = watched.messages("others")
    assert message.startswith(
        "Whether others ran at the time is not known. ListExecutions on nightly-report:"
        " AccessDeniedException. Not you. Allow states:ListExecutions (see "
    )
    assert watched.states("lookup")[-1] is HealthState.ENDED
    assert len(watched.matched_calls) == 6
    assert watched.status == "SUCCEEDED"


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalFailure"])
async def test_what_is_not_answered_is_tried_for_as_long_as_calls_are_awaited(
    code: str, sync: Simulation
) -> None:
    refusal_of(sync, code)
    watched = await sync.watch()
    # Botocore itself tries some again, at once.
    asked = sorted({round(sync.seconds(each.at), -1) for each in sync.asked(LIST)})
    before, after = [t for t in asked if t < ENDS], [t for t in asked if t > ENDS]
    assert len(before) == 3
    pauses = [later - at for at, later in pairwise(after)]
    assert max(pauses[:-1]) == 120
    last_call = max(sync.seconds(each.at) for each in sync.asked("LookupEvents"))
    assert abs(after[-1] - last_call) < 10, "nobody waits for it after that"
    assert others(watched, sync.arn) is None
    assert watched.states("others") == ["connecting", "ended"]
    (message,) = watched.messages("others")
    assert code in message
    assert watched.states("lookup")[-1] is HealthState.ENDED


async def test_a_region_that_was_out_at_the_end_is_asked_once_it_is_back(
    sync: Simulation,
) -> None:
    sync.clock.when(60, lambda: refusal_of(sync, "InternalFailure"))
    sync.clock.when(ENDS + 300, sync.changes.clear)
    watched = await sync.watch()
    assert others(watched, sync.arn) == 0
    assert not watched.messages("others")


async def test_no_more_than_five_pages_of_a_list_are_read(sync: Simulation) -> None:
    ran(sync, *((n / 4 - 200, n / 4 - 190) for n in range(2000)))
    watched = await sync.watch(drain=30)
    assert asked_for(sync.asked(LIST))[-6:] == ["RUNNING", *[None] * 5]
    assert others(watched, sync.arn) is None
    told = watched.of(RecordKind.MACHINE_EXECUTIONS)[-1].record
    assert len(told["newest"]) == 500
    execution = watched.trace.as_of().executions[sync.arn]
    assert execution.stopped_at is not None
    strangers = watched.trace.strangers
    end = execution.stopped_at
    assert strangers.others(sync.arn, end, end, [sync.arn]) is not None


async def test_more_that_run_than_are_read_are_not_counted(sync: Simulation) -> None:
    ran(sync, *((-float(n), None) for n in range(600)))
    watched = await sync.watch(drain=30)
    assert asked_for(sync.asked(LIST))[:5] == ["RUNNING"] * 5
    assert others(watched, sync.arn) is None


# -- recorded --------------------------------------------------------------------------


async def test_a_redacted_recording_tells_the_same(sync: Simulation) -> None:
    ran(sync, (20, 30), (-50, None), (-90, -1))
    watched = await sync.watch(drain=30)
    assert others(watched, sync.arn) == 2
    masked = redacted(watched.records)
    assert "stranger" not in str([each.data for each in masked])
    hidden = Trace()
    hidden.add(masked[::-1])
    (arn,) = hidden.as_of().executions
    assert arn != sync.arn
    assert others(hidden, arn) == 2
