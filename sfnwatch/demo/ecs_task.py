"""An ECS task on Fargate, as ECS describes it in each state of its life.

When a task is pending or running is as recorded of one on Fargate.
"""

from collections.abc import Callable
from datetime import datetime

from sfnwatch.demo.formats import Json, after, arn, epoch_ms
from sfnwatch.demo.seeded_random import SeededRandom

CLUSTER_ARN = arn("ecs", "cluster/demo-cluster")
STARTED_BY = "AWS Step Functions"
"""Who starts the task, as `.sync` tells ECS; the other forms tell it nobody."""

# Seconds after the creation of a Fargate task, and before its stop, as recorded.
_CONNECTED = 3.246
_RUNNING = 20.943
_EXECUTION_STOPPED = 33.036
_STOPPING = 22.953

_ENDING = {"DEPROVISIONING", "STOPPED"}


class EcsTask:
    """A Fargate task with one container.

    It has the fields that differ from task to task; what is the same for all, or empty,
    is left out.
    """

    def __init__(
        self,
        dice: SeededRandom,
        family: str,
        created_at: datetime,
        started_by: str | None,
    ) -> None:
        self.family = family
        self.started_by = started_by
        self.created_at = self.stopped_at = created_at
        self.exit_code = 0
        self.task_id = dice.hex(32)
        self._container_id = dice.uuid()

    @property
    def arn(self) -> str:
        return arn("ecs", f"task/demo-cluster/{self.task_id}")

    def answer(self, stamp: Callable[[datetime], object] = epoch_ms) -> Json:
        """Return RunTask's answer; `stamp` gives its times their form."""
        return {"Tasks": [self.described("PROVISIONING", stamp)], "Failures": []}

    def described(
        self, status: str, stamp: Callable[[datetime], object] = epoch_ms
    ) -> Json:
        """Return the task as ECS describes it in one state of its life."""
        # Only `.sync` gives a StartedBy; elsewhere the key is left out, not null.
        started_by = {"StartedBy": self.started_by} if self.started_by else {}
        path = f"container/demo-cluster/{self.task_id}/{self._container_id}"
        container: Json = {
            "ContainerArn": arn("ecs", path),
            "Image": f"demo/{self.family}:latest",
            "Name": self.family,
            "TaskArn": self.arn,
            "LastStatus": "RUNNING" if status == "RUNNING" else "PENDING",
        }
        stopping: Json = {}
        if status in _ENDING:
            container |= {"ExitCode": self.exit_code, "LastStatus": "STOPPED"}
            stopping |= {
                "DesiredStatus": "STOPPED",
                "StopCode": "EssentialContainerExited",
                "StoppedReason": "Essential container in task exited",
            }
        if status == "STOPPED":
            stopping["StoppedAt"] = stamp(self.stopped_at)
        return {
            "ClusterArn": CLUSTER_ARN,
            "CreatedAt": stamp(self.created_at),
            "Group": f"family:{self.family}",
            "LaunchType": "FARGATE",
            "TaskArn": self.arn,
            "TaskDefinitionArn": arn("ecs", f"task-definition/{self.family}:7"),
            **started_by,
            "Containers": [container],
            "DesiredStatus": "RUNNING",
            "LastStatus": status,
            "Version": [*self.life].index(status) + 1,
            **stopping,
        }

    @property
    def life(self) -> dict[str, datetime]:
        """Return when it comes into each of its states."""
        return {
            "PROVISIONING": self.created_at,
            "PENDING": after(self.created_at, _CONNECTED),
            "RUNNING": after(self.created_at, _RUNNING),
            "DEPROVISIONING": after(self.stopped_at, -_STOPPING),
            "STOPPED": self.stopped_at,
        }

    def stopped(self) -> Json:
        """Return the task as Step Functions passes it on at the end."""
        created = self.created_at
        stopped = self.stopped_at
        return self.described("STOPPED") | {
            "ConnectivityAt": epoch_ms(after(created, _CONNECTED)),
            "StartedAt": epoch_ms(after(created, _RUNNING)),
            "ExecutionStoppedAt": epoch_ms(after(stopped, -_EXECUTION_STOPPED)),
            "StoppingAt": epoch_ms(after(stopped, -_STOPPING)),
        }
