"""What happens in each scenario: plain data, cheap to import.

Poll times are seconds after RunTask, as recorded: `.sync` polled at +55, +114, +177,
+232 and +293 s, and without permission at +60, +116, +182, +237 and +298 s. When the
task stopped is not in the record; it is set so that no poll lies between the stop and
the end of the state, which is how a completion by event looks.
"""

import json
from dataclasses import dataclass
from typing import Any

SCENARIOS: tuple[str, ...] = ("sync", "sync-denied", "async", "sdk", "failure")


@dataclass(frozen=True, slots=True)
class Try:
    """One run of the ECS task. Seconds count from the RunTask call."""

    stops_after: float = 0.0
    noticed_after: float = 0.0
    """From the stop to TaskSucceeded or TaskFailed."""
    polls: tuple[int, ...] = ()
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A state machine with one ECS state, and what an execution of it meets."""

    name: str
    machine: str
    state: str
    resource_type: str
    resource: str
    tries: tuple[Try, ...]
    retry_after: int = 0
    polls_denied: bool = False

    @property
    def waits(self) -> bool:
        """Whether the state is over only when the task is."""
        return self.resource.endswith(".sync")

    @property
    def parameters(self) -> dict[str, Any]:
        """Return what the definition gives RunTask."""
        return {
            "Cluster": "demo-cluster",
            "TaskDefinition": self.machine,
            "LaunchType": "FARGATE",
            "PlatformVersion": "1.4.0",
            "NetworkConfiguration": {
                "AwsvpcConfiguration": {
                    "Subnets": ["subnet-0123456789abcdef0"],
                    "SecurityGroups": ["sg-0123456789abcdef0"],
                }
            },
        }

    @property
    def definition(self) -> str:
        """Return the machine in Amazon States Language."""
        task: dict[str, Any] = {
            "Type": "Task",
            "Resource": f"arn:aws:states:::{self.resource_type}:{self.resource}",
            "Parameters": self.parameters,
        }
        if self.retry_after:
            task["Retry"] = [self._retrier()]
        machine = {
            "Comment": "Synthetic: a machine of the sfnwatch demo",
            "StartAt": self.state,
            "States": {self.state: task | {"End": True}},
        }
        return json.dumps(machine, indent=2)

    def _retrier(self) -> dict[str, Any]:
        return {
            "ErrorEquals": ["States.TaskFailed"],
            "IntervalSeconds": self.retry_after,
            "MaxAttempts": len(self.tries) - 1,
            "BackoffRate": 2,
        }


PLANS = {
    plan.name: plan
    for plan in (
        Scenario(
            name="sync",
            machine="nightly-report",
            state="ECS RunTask",
            resource_type="ecs",
            resource="runTask.sync",
            tries=(Try(306.4, 1.9, polls=(55, 114, 177, 232, 293)),),
        ),
        Scenario(
            name="sync-denied",
            machine="nightly-report-unpolled",
            state="ECS RunTask",
            resource_type="ecs",
            resource="runTask.sync",
            tries=(Try(309.1, 1.6, polls=(60, 116, 182, 237, 298)),),
            polls_denied=True,
        ),
        Scenario(
            name="async",
            machine="send-newsletter",
            state="ECS RunTask",
            resource_type="ecs",
            resource="runTask",
            tries=(Try(),),
        ),
        Scenario(
            name="sdk",
            machine="warm-cache",
            state="RunTask",
            resource_type="aws-sdk:ecs",
            resource="runTask",
            tries=(Try(),),
        ),
        Scenario(
            name="failure",
            machine="import-orders",
            state="Import",
            resource_type="ecs",
            resource="runTask.sync",
            tries=(
                Try(74.3, 1.4, polls=(57,), exit_code=1),
                Try(131.8, 1.7, polls=(58, 117), exit_code=1),
            ),
            retry_after=20,
        ),
    )
}
"""By name; one for each of SCENARIOS."""
