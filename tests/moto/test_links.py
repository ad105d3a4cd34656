"""Machines that nobody scripted: each call is matched to the attempt that made it.

What a trace says is compared with what the account itself noted of every call that
came in: which execution made it, and with which attempt of which state.
"""

import asyncio

from sfnwatch.clock import SystemClock
from tests.cli.programs import KEYS, Program
from tests.moto import machines as asl
from tests.moto.account import Made, MotoAccount
from tests.moto.machines import DRAIN, STARTS, made_by, watch
from tests.sources.simulation import Watched

EXACT, DENIED = {"request-id", "resource-id"}, "AccessDenied"


def keyed(account: MotoAccount, *arns: str) -> dict[str, Made]:
    """Say who made what some executions called, as far as anything tells it.

    No history has an id of CreateCluster, and the others' calls are the same.
    """
    made = account.made(*arns)
    return {key: made[key] for key in made if made[key].name != "CreateCluster"}


def outer(account: MotoAccount, name: str) -> str:
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
    account: MotoAccount, program: Program
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
    every = [c for c in calls.values() if (c["link"] or {}).get("attempt")]
    made = {
        c["event_id"]: Made(
            c["event_name"], c["link"]["execution"], c["link"]["attempt"]
        )
        for c in every
    }
    owners = {each.execution for each in made.values()}
    assert len(owners) == 2, "what it starts is followed, too"
    assert made == keyed(account, *owners)
    assert calls.keys() & account.made(*account.others[arn]).keys(), "others are seen"
    matched = [c for c in every if c["link"]["execution"] == arn]
    states = {c["event_id"]: c["maker"]["state"] for c in account.calls_of(arn)}
    assert {
        (states[c["event_id"]], c["event_name"], c["link"]["rule"]) for c in matched
    } == {
        ("Sync", "RunTask", "request-id"),
        ("Sync", "DescribeTasks", "resource-id"),
        ("Sdk", "RunTask", "resource-id"),
        ("Nested", "StartExecution", "request-id"),
        ("Nested", "DescribeExecution", "resource-id"),
    }
    failed = [call for call in matched if call["error_code"]]
    assert {call["error_code"] for call in failed} == {"ClusterNotFoundException"}
    assert len({call["link"]["attempt"] for call in failed}) == len(failed) > 0


async def test_several_at_once_have_each_their_own_calls(account: MotoAccount) -> None:
    arns = [start(account) for start in STARTS]
    watched = await watch(account, *arns)
    assert made_by(watched.trace) == account.made(*arns)
    assert {rule for _, rule in watched.matched()} == EXACT
    assert sorted(watched.statuses) == ["FAILED", *["SUCCEEDED"] * 3]
    # Whose polls are denied learns of the end all the same.
    denied = [c.event_name for c in watched.matched_calls if c.error_code == DENIED]
    assert denied == ["DescribeTasks"] * 4
    for arn in arns:
        others = account.made(*account.others[arn])
        assert watched.trace.calls.keys() & others.keys(), "others are seen"
    # People who look at the same task are left out. The watch's own calls are read, to
    # tell how late CloudTrail is, and not shown.
    mine = {
        call["event_id"]: call["name"] for call in account.truth if not call["maker"]
    }
    assert {"DescribeTasks", "LookupEvents"} <= {*mine.values()}
    assert not mine.keys() & watched.trace.calls.keys()


async def test_an_execution_that_is_stopped_ends_the_watch(
    account: MotoAccount,
) -> None:
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
