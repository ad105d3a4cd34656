"""Machines that nobody scripted: each call is matched to the attempt that made it.

What a trace says is compared with what the account itself noted of every call that
came in: which execution made it, and with which attempt of which state.
"""

import asyncio
from collections import Counter
from typing import Any

from sfnwatch.analysis.findings import find
from sfnwatch.clock import SystemClock
from tests.analysis.finding_in import by_kind
from tests.cli.programs import KEYS, Program
from tests.moto import machines as asl
from tests.moto.account import Account, Made
from tests.moto.watching import DRAIN, EXACT, Together, made_by, watch
from tests.sources.simulation import Watched

POLLS = 4
"""So many times is a task asked for that is waited for."""


def rules(watched: Watched) -> set[str]:
    return {rule for _, rule in watched.matched()}


def keyed(account: Account, *arns: str) -> dict[str, Made]:
    """Say who made what some executions called, as far as anything tells it.

    No history has an id of CreateCluster, and the others' calls are the same.
    """
    made = account.made(*arns)
    return {key: made[key] for key in made if made[key].name != "CreateCluster"}


def outer(account: Account, name: str) -> str:
    """Make a machine whose one branch fails until another's nested one has worked.

    Both have the same role.
    """
    late = f"late-{name}"
    make = asl.task("aws-sdk:ecs:createCluster", {"ClusterName": late}, Next="Run")
    states = {
        "Rest": asl.rest(1, Next="Make"),
        "Make": {**make, "Catch": asl.catch("Run")},  # it may be there already
        "Run": asl.run_task("ecs:runTask", cluster=late),
    }
    inner = account.machine(f"{name}-inner", states, f"role-{name}")
    sync = asl.run_task("ecs:runTask.sync", cluster=late, Retry=asl.retry(5))
    both = asl.parallel(
        asl.branch(Sync=sync),
        asl.branch(Sdk=asl.run_task("aws-sdk:ecs:runTask")),
        asl.branch(Nested=asl.nested(inner)),
    )
    return account.machine(name, {"Both": both}, f"role-{name}")


def test_the_program_matches_every_call_to_the_attempt_that_made_it(
    account: Account, program: Program
) -> None:
    arn = account.start(outer(account, "told"))
    ended = program(
        *("watch", arn, "--endpoint-url", account.url, "--json", "--no-record"),
        *("--drain", f"{DRAIN}s"),
        **KEYS,
    )
    assert ended.code == 0, ended
    # A call is printed again when it is matched otherwise.
    calls = {o["event_id"]: o for o in ended.objects if o["kind"] == "call"}
    every = {key: call for key, call in calls.items() if _link(call).get("attempt")}
    owners = {call["link"]["execution"] for call in every.values()}
    assert len(owners) == 2, "what it starts is followed, too"
    assert {key: _made(call) for key, call in every.items()} == keyed(account, *owners)
    assert calls.keys() & account.made(*account.others[arn]).keys(), "others are seen"
    matched = {key: call for key, call in every.items() if _is_of(arn, call)}
    states = {c["event_id"]: c["maker"]["state"] for c in account.calls_of(arn)}
    assert {
        (states[key], call["event_name"], call["link"]["rule"])
        for key, call in matched.items()
    } == {
        ("Sync", "RunTask", "request-id"),
        ("Sync", "DescribeTasks", "resource-id"),
        ("Sdk", "RunTask", "resource-id"),
        ("Nested", "StartExecution", "request-id"),
        ("Nested", "DescribeExecution", "resource-id"),
    }
    failed = [call for call in matched.values() if call["error_code"]]
    assert {call["error_code"] for call in failed} == {"ClusterNotFoundException"}
    assert len({call["link"]["attempt"] for call in failed}) == len(failed) > 0


def _link(call: dict[str, Any]) -> dict[str, Any]:
    return call["link"] or {}


def _is_of(execution: str, call: dict[str, Any]) -> bool:
    return bool(_link(call)["execution"] == execution)


def _made(call: dict[str, Any]) -> Made:
    link = _link(call)
    return Made(call["event_name"], link["execution"], link["attempt"])


def test_several_at_once_have_each_their_own_calls(together: Together) -> None:
    told = made_by(together.watched.trace)
    assert told == together.account.made(*together.arns.values())
    assert rules(together.watched) == EXACT
    for arn in together.arns.values():
        others = together.account.made(*together.account.others[arn])
        assert together.watched.trace.calls.keys() & others.keys(), "others are seen"


def test_every_iteration_of_a_map_has_its_own_calls(together: Together) -> None:
    execution = together.execution("map")
    assert execution.status == "SUCCEEDED"
    found = Counter((made.attempt, made.name) for made in together.made("map"))
    works = [visit for visit in execution.visits if visit.name == "Work"]
    assert found == {
        (visit.attempts[0].scheduled_id, name): count
        for visit in works
        for name, count in (("RunTask", 1), ("DescribeTasks", POLLS))
    }
    assert len(works) == 4


def test_attempts_that_fail_have_their_calls_too(together: Together) -> None:
    execution = together.execution("breaks")
    assert execution.status == "FAILED"
    work, then = execution.visits
    assert [a.error for a in work.attempts] == ["States.TaskFailed"] * 2
    assert all(attempt.stopped_at for attempt in work.attempts)
    count = Counter(made.attempt for made in together.made("breaks"))
    assert [count[a.scheduled_id] for a in work.attempts] == [1 + POLLS] * 2
    assert [count[a.scheduled_id] for a in then.attempts] == [1, 1]


def test_polls_are_denied_and_the_end_is_learned_of_all_the_same(
    together: Together,
) -> None:
    assert together.execution("blind").status == "SUCCEEDED"
    trace, own = together.watched.trace, together.account.made(together.arns["blind"])
    denied_polls = [
        call
        for call in trace.ordered_calls
        if call.role == "blind" and call.event_name == "DescribeTasks"
    ]
    polls = [call for call in denied_polls if call.event_id in own]
    assert len(denied_polls) > len(polls), "those of the others were denied as well"
    assert [call.error_code for call in polls] == ["AccessDenied"] * POLLS
    asked = [trace.cloudtrail_record(call)["requestParameters"] for call in polls]
    assert asked == [None] * POLLS
    assert {str(trace.links[call.event_id].rule) for call in polls} == {"resource-id"}
    (denied,) = by_kind(find(trace.as_of()))["denied-but-succeeded"]
    assert denied.execution_arn == together.arns["blind"]


def test_people_who_look_at_the_same_task_are_left_out(together: Together) -> None:
    mine = {c["event_id"]: c["name"] for c in together.account.truth if not c["maker"]}
    assert "DescribeTasks" in mine.values()
    assert not mine.keys() & together.watched.trace.calls.keys()
    # The watch's own are read, to tell how late CloudTrail is, and not shown.
    assert "LookupEvents" in mine.values()


async def test_an_execution_that_is_stopped_ends_the_watch(account: Account) -> None:
    machine = account.machine("stop", {"Rest": asl.rest(60)}, "role-stop")
    arn, watched = account.start(machine), Watched()

    async def stop() -> None:
        clock = SystemClock()
        while 2 not in watched.event_ids():
            await clock.sleep(0.05)
        account.states.stop_execution(executionArn=arn, error="Enough", cause="test")

    async with asyncio.TaskGroup() as group:
        group.create_task(stop())
        group.create_task(watch(account, arn, watched=watched))
    assert watched.status == "ABORTED"
    (execution,) = watched.trace.as_of().executions.values()
    (visit,) = execution.visits
    assert (visit.name, visit.status) == ("Rest", "aborted")
