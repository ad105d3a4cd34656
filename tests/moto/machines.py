"""State machines' definitions, in ASL; some of them at once, and a watch of those."""

from collections.abc import Callable
from typing import Any

from sfnwatch.clock import SystemClock
from sfnwatch.model.arns import parse_execution_arn
from sfnwatch.model.trace import Trace
from sfnwatch.sources.live import Live
from sfnwatch.sources.live_options import ChildOptions, LiveOptions
from tests.moto.account import CLUSTER, Made, MotoAccount
from tests.moto.trail import BLIND
from tests.program.terminals import eventually
from tests.sources.loopback import settings_at
from tests.sources.simulation import Watched

States = dict[str, Any]


def task(resource: str, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    end = {} if "Next" in more else {"End": True}
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        "Parameters": parameters,
        **end,
        **more,
    }


def run_task(
    resource: str, *, cluster: str = CLUSTER, family: str = "works", **more: Any
) -> dict[str, Any]:
    parameters = {"Cluster": cluster, "TaskDefinition": family, "LaunchType": "FARGATE"}
    return task(resource, parameters, **more)


def rest(seconds: int, **more: Any) -> dict[str, Any]:
    end = {} if more else {"End": True}
    return {"Type": "Wait", "Seconds": seconds, **end, **more}


def nested(machine_arn: str, **more: Any) -> dict[str, Any]:
    """Start an execution that is named like the one that starts it."""
    parameters = {"StateMachineArn": machine_arn, "Input": {"n": 1}}
    named = {"Name.$": "$$.Execution.Name"}
    return task("states:startExecution.sync:2", {**parameters, **named}, **more)


def retry(times: int) -> list[dict[str, Any]]:
    every_second = {"IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": times}
    return [{"ErrorEquals": ["States.ALL"], **every_second}]


def catch(state: str) -> list[dict[str, Any]]:
    return [{"ErrorEquals": ["States.ALL"], "Next": state, "ResultPath": None}]


def branch(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def parallel(*branches: dict[str, Any], **more: Any) -> dict[str, Any]:
    end = {} if "Next" in more else {"End": True}
    return {"Type": "Parallel", "Branches": list(branches), **end, **more}


def each(state: dict[str, Any], at_once: int) -> dict[str, Any]:
    return {
        "Type": "Map",
        "ItemsPath": "$.items",
        "MaxConcurrency": at_once,
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **branch(Work=state)},
        "End": True,
    }


# -- which run at once, and what a watch of them says ---------------------------------

DRAIN = 2
"""Seconds after the end, by which all records have come."""


async def watch(
    account: MotoAccount, *arns: str, watched: Watched | None = None
) -> Watched:
    """Watch executions to their end, or that of what is watched already.

    Whatever else is tested, nothing may be matched that somebody else has made.
    """
    watched = watched or Watched()
    named = [parse_execution_arn(arn) for arn in arns]
    options = LiveOptions(children=ChildOptions(depth=0), drain=DRAIN, tries=3)
    live = Live(named, settings_at(account.url), SystemClock(), options)
    await live.watch(watched)
    told = made_by(watched.trace)
    assert told.items() <= account.made().items(), "each is whose it is said to be"
    assert {made.execution for made in told.values()} <= {*arns}
    return watched


def made_by(trace: Trace) -> dict[str, Made]:
    """Say who made the calls that a trace matches to an attempt, by event id."""
    found = {}
    for event_id, link in trace.links.items():
        if link.key is not None:
            found[event_id] = Made(trace.calls[event_id].event_name, *link.key)
    return found


def each_of_a_map(account: MotoAccount) -> str:
    work = each(run_task("ecs:runTask.sync"), at_once=2)
    machine = account.machine("map", {"Each": work}, "role-map")
    return account.start(machine, given={"items": [1, 2, 3, 4]})


def breaks(account: MotoAccount) -> str:
    """Run a job that fails, twice, and then make calls that fail, twice."""
    sync = run_task("ecs:runTask.sync", family="breaks", Retry=retry(1))
    states = {
        "Work": {**sync, "Catch": catch("Next")},
        "Next": run_task("aws-sdk:ecs:runTask", cluster="no", Retry=retry(1)),
    }
    return account.start(account.machine("breaks", states, "role-breaks"))


def blind(account: MotoAccount) -> str:
    """Run a task that its role may not poll, as in the experiment."""
    states = {"Work": run_task("ecs:runTask.sync")}
    return account.start(account.machine("blind", states, BLIND))


def looked(account: MotoAccount) -> str:
    """Run a task that people look at, too."""
    states = {"Work": run_task("ecs:runTask.sync")}
    arn = account.start(account.machine("looked", states, "role-looked"))

    def tasks() -> list[str]:
        ran = [c for c in account.calls_of(arn) if c["name"] == "RunTask"]
        found: list[str] = account.ecs.list_tasks(cluster=CLUSTER)["taskArns"]
        return found if ran else []

    found = eventually(tasks, "a task")
    account.ecs.describe_tasks(cluster=CLUSTER, tasks=found)
    return arn


STARTS: tuple[Callable[[MotoAccount], str], ...] = (
    looked,
    each_of_a_map,
    breaks,
    blind,
)
