"""Machines that nobody scripted: each call they make is tied to the try that made it.

What a trace says is compared with what the account itself noted of every call that
came in: which execution made it, and with which try of which state.
"""

from collections import Counter
from typing import Any

from sfnwatch.clock import SystemClock
from sfnwatch.trace.findings import all_findings
from sfnwatch.trace.timeline import Trace, extend
from tests.moto import machines as asl
from tests.moto.account import Account, Made
from tests.moto.watching import DRAIN, EXACT, Together, made_by, watch
from tests.program.programs import KEYS, Program
from tests.sources.simulation import Watched

POLLS = 4
"""So many times is a task asked for that is waited for."""


def rules(watched: Watched) -> set[str]:
    return {rule for _, rule in watched.tied()}


def outer(account: Account, name: str, *, inner_role: str) -> str:
    """Make a machine whose one branch fails until another's nested one has worked."""
    late = f"late-{name}"
    make = asl.task("aws-sdk:ecs:createCluster", {"ClusterName": late})
    rest = {"Type": "Wait", "Seconds": 1, "Next": "Make"}
    inner = account.machine(f"{name}-inner", {"Rest": rest, "Make": make}, inner_role)
    sync = asl.run_task("ecs:runTask.sync", cluster=late, Retry=asl.retry(5))
    both = asl.parallel(
        asl.branch(Sync=sync),
        asl.branch(Sdk=asl.run_task("aws-sdk:ecs:runTask")),
        asl.branch(Nested=asl.nested(inner, name="nested")),
    )
    return account.machine(name, {"Both": both}, f"role-{name}")


def test_the_program_ties_every_call_to_the_try_that_made_it(
    account: Account, program: Program
) -> None:
    arn = account.start(outer(account, "told", inner_role="other"))
    ended = program(
        *(arn, "--endpoint-url", account.url, "--json", "--drain", f"{DRAIN}s"), **KEYS
    )
    assert ended.code == 0, ended
    # A call is printed anew when it is tied otherwise.
    calls = {o["event_id"]: o for o in ended.objects if o["kind"] == "call"}
    every = {key: calls[key] for key in calls if _try(calls[key])}
    owners = {call["link"]["execution"] for call in every.values()}
    assert len(owners) == 2, "the one it began is followed, too"
    for owner in owners:
        own = {k: _made(c) for k, c in every.items() if _owner(c) == owner}
        assert own == account.made(owner)
    tied = {key: call for key, call in every.items() if _owner(call) == arn}
    states = {c["event_id"]: c["maker"]["state"] for c in account.calls_of(arn)}
    assert {(states[key], *_rule(tied[key])) for key in tied} == {
        ("Sync", "RunTask", "request-id"),
        ("Sync", "DescribeTasks", "resource-id"),
        ("Sdk", "RunTask", "resource-id"),
        ("Nested", "StartExecution", "request-id"),
        ("Nested", "DescribeExecution", "resource-id"),
    }
    failed = [call for call in tied.values() if call["error_code"]]
    assert {call["error_code"] for call in failed} == {"ClusterNotFoundException"}
    assert len({_try(call) for call in failed}) == len(failed) > 0


def _try(call: dict[str, Any]) -> int | None:
    link = call["link"] or {}
    found: int | None = link.get("attempt")
    return found


def _owner(call: dict[str, Any]) -> str:
    owner: str = call["link"]["execution"]
    return owner


def _rule(call: dict[str, Any]) -> tuple[str, str]:
    return call["event_name"], call["link"]["rule"]


def _made(call: dict[str, Any]) -> Made:
    return Made(call["event_name"], call["link"]["execution"], _try(call) or 0)


def test_several_at_once_have_each_their_own_calls(together: Together) -> None:
    told = made_by(together.watched.trace)
    assert told == together.account.made(*together.arns.values())
    assert rules(together.watched) == EXACT


def test_every_iteration_of_a_map_has_its_own_calls(together: Together) -> None:
    assert together.status("map") == "SUCCEEDED"
    tries = Counter((made.attempt, made.name) for made in together.made("map"))
    works = [visit for visit in together.visits("map") if visit.name == "Work"]
    assert tries == {
        (visit.attempts[0].scheduled_id, name): count
        for visit in works
        for name, count in (("RunTask", 1), ("DescribeTasks", POLLS))
    }
    assert len(works) == 4


def test_tries_that_fail_have_their_calls_too(together: Together) -> None:
    assert together.status("breaks") == "FAILED"
    work, then = together.visits("breaks")
    assert [a.error for a in work.attempts] == ["States.TaskFailed"] * 2
    assert all(attempt.stopped_at for attempt in work.attempts)
    tries = Counter(made.attempt for made in together.made("breaks"))
    assert [tries[a.scheduled_id] for a in work.attempts] == [1 + POLLS] * 2
    assert [tries[a.scheduled_id] for a in then.attempts] == [1, 1]


def test_polls_are_denied_and_the_end_is_noticed_all_the_same(
    together: Together,
) -> None:
    assert together.status("blind") == "SUCCEEDED"
    trace = together.watched.trace
    polls = [
        call
        for call in trace.ordered_calls
        if call.role == "blind" and call.event_name == "DescribeTasks"
    ]
    assert [call.error_code for call in polls] == ["AccessDenied"] * POLLS
    assert {call.raw["requestParameters"] for call in polls} == {None}
    assert {str(trace.links[call.event_id].rule) for call in polls} == {"resource-id"}
    kinds = {
        finding.kind
        for finding in all_findings(trace)
        if finding.execution_arn == together.arns["blind"]
    }
    assert "denied-but-succeeded" in kinds


def test_what_is_no_management_event_is_said_not_to_be_recorded(
    together: Together,
) -> None:
    assert together.status("asks") == "SUCCEEDED"
    assert [made.name for made in together.made("asks")] == ["RunTask"]
    called = together.account.calls_of(together.arns["asks"])
    assert [(call["name"], call["recorded"]) for call in called] == [
        ("SendMessage", False),
        ("Invoke", False),
        ("Invoke", False),
        ("RunTask", True),
    ]
    visits = together.visits("asks")
    assert visits[0].attempts[0].request_id == called[0]["request_id"]
    found = [f for f in all_findings(together.watched.trace) if f.kind == "unseen"]
    unrecorded = [f.text for f in found if f.data["reason"] == "not-recorded"]
    for state in ("Ask", "Invoke", "Old"):
        assert sum(text.startswith(f"{state} calls ") for text in unrecorded) == 1


def test_people_who_look_at_the_same_task_are_left_out(together: Together) -> None:
    mine = {c["event_id"]: c["name"] for c in together.account.truth if not c["maker"]}
    assert "DescribeTasks" in mine.values()
    seen = {call.event_id for call in together.watched.trace.ordered_calls}
    # Its own are there, to tell how late CloudTrail is.
    assert {mine[key] for key in seen & mine.keys()} <= {"LookupEvents"}


async def test_a_nested_execution_with_the_same_role_has_its_own_calls(
    account: Account,
) -> None:
    arn = account.start(outer(account, "shared", inner_role="role-shared"))
    inner = arn.replace(":shared:run", ":shared-inner:nested")
    account.finish(arn)
    await SystemClock().sleep(DRAIN)
    watched = await watch(account, arn, inner, drain=0)
    assert made_by(watched.trace) == account.made(arn, inner)
    guessed = {name for name, rule in watched.tied() if rule not in EXACT}
    assert guessed == {"CreateCluster"}  # no history has an id of it
    # The machine does what it is there for.
    made = Counter((c["maker"]["state"], c["name"]) for c in account.calls_of(arn))
    assert made["Sync", "RunTask"] > 1
    assert made["Sync", "DescribeTasks"] == POLLS
    assert (made["Sdk", "RunTask"], made["Nested", "StartExecution"]) == (1, 1)
    assert made["Nested", "DescribeExecution"] > 1
    assert len(made) == 5


async def test_calls_of_others_in_the_same_role_are_not_taken_for_ones_own(
    account: Account,
) -> None:
    work = asl.run_task("ecs:runTask.sync")
    machine = account.machine("twice", {"Work": work}, "role-twice")
    arn, other = account.start(machine, "one"), account.start(machine, "two")
    watched = await watch(account, arn)
    account.finish(other)
    made = account.made(arn)
    assert made_by(watched.trace) == made
    seen = {call.event_id for call in watched.trace.ordered_calls}
    assert seen & account.made(other).keys()
    # Nor if CloudTrail never tells of one's own.
    for lost in made:
        records = [r for r in watched.records if r.data.get("EventId") != lost]
        left = {key: made[key] for key in made if key != lost}
        assert made_by(extend(Trace(), records)) == left
