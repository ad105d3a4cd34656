"""ECS tasks, as RunTask answers them and as they look once stopped."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sfnwatch.demo.ids import REGION, Dice, arn
from sfnwatch.demo.times import after, epoch_ms

Stamp = Callable[[datetime], object]

CLUSTER_ARN = arn("ecs", "cluster/demo-cluster")

# Seconds after the creation of a Fargate task at which it went on, as recorded.
CONNECTED = 3.246
RUNNING = 20.943
# Seconds before its stop at which its earlier ends lay, as recorded.
_EXECUTION_STOPPED = 33.036
STOPPING = 22.953


@dataclass(frozen=True, slots=True)
class Task:
    """A Fargate task with one container."""

    family: str
    created_at: datetime
    started_by: str | None
    task_id: str
    container_id: str
    attachment_id: str
    interface_id: str
    address: str

    @classmethod
    def drawn(
        cls, dice: Dice, *, family: str, created_at: datetime, started_by: str | None
    ) -> Self:
        """Return a task whose ids come from the dice."""
        return cls(
            family=family,
            created_at=created_at,
            started_by=started_by,
            task_id=dice.hex(32),
            container_id=dice.uuid(),
            attachment_id=dice.uuid(),
            interface_id=f"eni-0{dice.hex(16)}",
            address=f"10.0.{int(dice.hex(1), 16)}.{16 + int(dice.hex(2), 16) // 2}",
        )

    @property
    def arn(self) -> str:
        return arn("ecs", f"task/demo-cluster/{self.task_id}")

    def provisioning(self, stamp: Stamp = epoch_ms) -> dict[str, Any]:
        """Return the task as RunTask answers it."""
        container = self._container(LastStatus="PENDING", NetworkInterfaces=[])
        attachment = {"Status": "PRECREATED", "Type": "ElasticNetworkInterface"}
        return self._task(
            stamp,
            Attachments=[self._attachment(self._subnet()) | attachment],
            Containers=[container],
            DesiredStatus="RUNNING",
            LastStatus="PROVISIONING",
            PlatformFamily="Linux",
            Version=1,
        )

    def stopped(self, at: datetime, exit_code: int) -> dict[str, Any]:
        """Return the task as Step Functions passes it on at the end."""
        interface = {
            "AttachmentId": self.attachment_id,
            "PrivateIpv4Address": self.address,
        }
        container = self._container(
            ExitCode=exit_code,
            ImageDigest=f"sha256:{'0' * 64}",
            LastStatus="STOPPED",
            NetworkInterfaces=[interface],
            RuntimeId=f"{self.task_id}-0527074092",
        )
        attachment = self._attachment(*self._network())
        return self._task(
            epoch_ms,
            Attachments=[attachment | {"Status": "DELETED", "Type": "eni"}],
            Connectivity="CONNECTED",
            Containers=[container],
            DesiredStatus="STOPPED",
            LastStatus="STOPPED",
            StopCode="EssentialContainerExited",
            StoppedReason="Essential container in task exited",
            Version=5,
            **self._life(at),
        )

    def _life(self, stopped_at: datetime) -> dict[str, int]:
        created = self.created_at
        return {
            "ConnectivityAt": epoch_ms(after(created, CONNECTED)),
            "PullStartedAt": epoch_ms(after(created, 18.768)),
            "PullStoppedAt": epoch_ms(after(created, 20.402)),
            "StartedAt": epoch_ms(after(created, RUNNING)),
            "ExecutionStoppedAt": epoch_ms(after(stopped_at, -_EXECUTION_STOPPED)),
            "StoppingAt": epoch_ms(after(stopped_at, -STOPPING)),
            "StoppedAt": epoch_ms(stopped_at),
        }

    def _task(self, stamp: Stamp, **more: object) -> dict[str, Any]:
        task = {
            "Attributes": [{"Name": "ecs.cpu-architecture", "Value": "x86_64"}],
            "AvailabilityZone": f"{REGION}a",
            "ClusterArn": CLUSTER_ARN,
            "Cpu": "256",
            "CreatedAt": stamp(self.created_at),
            "EnableExecuteCommand": False,
            "EphemeralStorage": {"SizeInGiB": 20},
            "Group": f"family:{self.family}",
            "InferenceAccelerators": [],
            "LaunchType": "FARGATE",
            "Memory": "512",
            "Overrides": self._overrides(),
            "PlatformVersion": "1.4.0",
            "Tags": [],
            "TaskArn": self.arn,
            "TaskDefinitionArn": arn("ecs", f"task-definition/{self.family}:7"),
        }
        # Only `.sync` gives a StartedBy; elsewhere the key is left out, not null.
        started_by = {"StartedBy": self.started_by} if self.started_by else {}
        return task | started_by | more

    def _container(self, **more: object) -> dict[str, Any]:
        path = f"container/demo-cluster/{self.task_id}/{self.container_id}"
        return {
            "ContainerArn": arn("ecs", path),
            "Cpu": "0",
            "GpuIds": [],
            "Image": f"demo/{self.family}:latest",
            "ManagedAgents": [],
            "Name": self.family,
            "NetworkBindings": [],
            "TaskArn": self.arn,
        } | more

    def _overrides(self) -> dict[str, Any]:
        container = {
            "Command": [],
            "Environment": [],
            "EnvironmentFiles": [],
            "Name": self.family,
            "ResourceRequirements": [],
        }
        return {
            "ContainerOverrides": [container],
            "InferenceAcceleratorOverrides": [],
        }

    def _attachment(self, *details: tuple[str, str]) -> dict[str, Any]:
        pairs = [{"Name": name, "Value": value} for name, value in details]
        return {"Id": self.attachment_id, "Details": pairs}

    def _subnet(self) -> tuple[str, str]:
        return ("subnetId", "subnet-0123456789abcdef0")

    def _network(self) -> tuple[tuple[str, str], ...]:
        host = self.address.replace(".", "-")
        return (
            self._subnet(),
            ("networkInterfaceId", self.interface_id),
            ("macAddress", "06:00:5e:00:53:01"),
            ("privateDnsName", f"ip-{host}.{REGION}.compute.internal"),
            ("privateIPv4Address", self.address),
        )


def camel(value: Any) -> Any:
    """Return the value with the keys as ECS and CloudTrail write them."""
    match value:
        case dict():
            return {
                key[:1].lower() + key[1:]: camel(item) for key, item in value.items()
            }
        case list():
            return [camel(item) for item in value]
        case _:
            return value
