"""What happens in each scenario: plain data, cheap to import.

Poll times are seconds after RunTask, as recorded: `.sync` polled at +55, +114, +177,
+232 and +293 s, and without permission at +60, +116, +182, +237 and +298 s. When the
task stopped is not in the record; it is set so that no poll lies between the stop and
the end of the state, which is how a completion by event looks.
"""

from collections.abc import Mapping
from typing import Any

from sfnwatch.demo.pipeline import PIPELINE
from sfnwatch.demo.plans import Scenario, TaskRun, on_fargate

SCENARIOS: tuple[str, ...] = (
    *("sync", "sync-denied", "async", "sdk", "pipeline", "failure"),
)


def _one_task(
    name: str,
    machine: str,
    state: str,
    resource: str,
    *tries: TaskRun,
    retry: Mapping[str, Any] | None = None,
    polls_denied: bool = False,
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
    )


PLANS = {
    plan.name: plan
    for plan in (
        _one_task(
            "sync",
            "nightly-report",
            "ECS RunTask",
            "ecs:runTask.sync",
            TaskRun(306.4, 1.9, polls=(55, 114, 177, 232, 293)),
        ),
        _one_task(
            "sync-denied",
            "nightly-report-unpolled",
            "ECS RunTask",
            "ecs:runTask.sync",
            TaskRun(309.1, 1.6, polls=(60, 116, 182, 237, 298)),
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
        PIPELINE,
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
"""By name; one for each of SCENARIOS."""
