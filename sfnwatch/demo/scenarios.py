"""What happens in each scenario: plain data, cheap to import.

`three-ways` is the published experiment: the three forms of `ecs:runTask` at once, on
one role, and beside them `.sync` again on a role that may not poll.

Poll times are seconds after RunTask, as recorded: `.sync` polled at +55, +114, +177,
+232 and +293 s, and without permission at +60, +116, +182, +237 and +298 s. When the
task stopped is not in the record; it is set so that no poll lies between the stop and
the end of the state, which is how a completion by event looks.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sfnwatch.demo.distributed import DISTRIBUTED
from sfnwatch.demo.pipeline import PIPELINE
from sfnwatch.demo.plans import Scenario, TaskRun, on_fargate
from sfnwatch.demo.redrive import REDRIVE

THREE_WAYS = "three-ways"
SCENARIOS: tuple[str, ...] = (
    *("sync", "sync-denied", "async", "sdk", "pipeline", "distributed"),
    *("redrive", "failure"),
)
"""Those of one execution each."""
TOGETHER = {
    THREE_WAYS: tuple(
        f"{THREE_WAYS}-{way}" for way in ("sync", "async", "sdk", "denied")
    )
}
"""Those of several executions, to the names of their plans."""


def plans_of(scenario: str) -> tuple[str, ...]:
    """Return the names of the plans of a scenario's executions."""
    return TOGETHER.get(scenario, (scenario,))


def chosen(scenarios: Sequence[str | Scenario]) -> list[Scenario]:
    """Return the plans that are named or given; raises ValueError."""
    names = [each for each in scenarios if isinstance(each, str)]
    unknown = [name for name in names if name not in PLANS]
    if unknown or not scenarios:
        known = ", ".join(PLANS)
        found = ", ".join(unknown) or "none"
        raise ValueError(f"unknown scenario {found}: choose from {known}")
    return [PLANS[each] if isinstance(each, str) else each for each in scenarios]


def _one_task(
    name: str,
    machine: str,
    state: str,
    resource: str,
    *tries: TaskRun,
    retry: Mapping[str, Any] | None = None,
    polls_denied: bool = False,
    role: str = "",
) -> Scenario:
    """Return a machine with one ECS state."""
    task: dict[str, Any] = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        "Parameters": on_fargate(machine),
    }
    if retry:
        task["Retry"] = [retry]
    return Scenario(
        name=name,
        machine=machine,
        start_at=state,
        states={state: task | {"End": True}},
        tries={state: tries},
        polls_denied=polls_denied,
        role=role,
    )


def _three_ways() -> Iterator[Scenario]:
    """Yield machines of the three forms, in the order they are started."""
    runs = (
        ("ecs:runTask.sync", _POLLED, False),
        ("ecs:runTask", TaskRun(), False),
        ("aws-sdk:ecs:runTask", TaskRun(), False),
        ("ecs:runTask.sync", _UNPOLLED, True),
    )
    for name, (resource, task, denied) in zip(plans_of(THREE_WAYS), runs, strict=True):
        way = name.removeprefix(f"{THREE_WAYS}-")
        yield _one_task(
            name,
            f"run-task-{way}",
            "ECS RunTask",
            resource,
            task,
            polls_denied=denied,
            role="" if denied else "run-task",
        )


_POLLED = TaskRun(306.4, 1.9, polls=(55, 114, 177, 232, 293))
_UNPOLLED = TaskRun(309.1, 1.6, polls=(60, 116, 182, 237, 298))
PLANS = {
    plan.name: plan
    for plan in (
        _one_task(
            "sync",
            "nightly-report",
            "ECS RunTask",
            "ecs:runTask.sync",
            _POLLED,
        ),
        _one_task(
            "sync-denied",
            "nightly-report-unpolled",
            "ECS RunTask",
            "ecs:runTask.sync",
            _UNPOLLED,
            polls_denied=True,
        ),
        _one_task(
            "async",
            "send-newsletter",
            "ECS RunTask",
            "ecs:runTask",
            TaskRun(),
        ),
        _one_task(
            "sdk",
            "warm-cache",
            "RunTask",
            "aws-sdk:ecs:runTask",
            TaskRun(),
        ),
        *_three_ways(),
        PIPELINE,
        DISTRIBUTED,
        REDRIVE,
        _one_task(
            "failure",
            "import-orders",
            "Import",
            "ecs:runTask.sync",
            TaskRun(74.3, 1.4, polls=(57,), exit_code=1),
            TaskRun(131.8, 1.7, polls=(58, 117), exit_code=1),
            retry={
                "ErrorEquals": ["States.TaskFailed"],
                "IntervalSeconds": 20,
                "MaxAttempts": 1,
                "BackoffRate": 2,
            },
        ),
    )
}
"""By name: each of SCENARIOS, and all that TOGETHER has."""
