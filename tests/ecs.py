"""What ECS tells of a task, in the shape of its documented event; synthetic."""

from datetime import timedelta
from typing import Any

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.times import iso
from tests.builders import ACCOUNT, REGION, START, TASK_ARN

LIFE = ("PROVISIONING", "PENDING", "RUNNING", "DEPROVISIONING", "STOPPED")


def task_event(
    version: int,
    status: str,
    seconds: float,
    *,
    task: str = TASK_ARN,
    exit_code: int | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Build the event, `seconds` after the start."""
    at = iso(START + timedelta(seconds=seconds))
    container: dict[str, Any] = {
        "containerArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:container/c0ffee",
        "name": "app",
        "lastStatus": status,
        "taskArn": task,
    }
    if exit_code is not None:
        container["exitCode"] = exit_code
    stopped = {"stoppedAt": at, "stopCode": "EssentialContainerExited"}
    return {
        "version": "0",
        "id": f"event-{version}",
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": ACCOUNT,
        "time": at[:19] + "Z",
        "region": REGION,
        "resources": [task],
        "detail": {
            "taskArn": task,
            "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/my-cluster",
            "group": "family:report",
            "startedBy": "AWS Step Functions",
            "lastStatus": status,
            "desiredStatus": "RUNNING" if status in LIFE[:3] else "STOPPED",
            "containers": [container],
            "version": version,
            "updatedAt": at,
            **(stopped if status == "STOPPED" else {}),
            **more,
        },
    }


def task_state(version: int, status: str, seconds: float, **more: Any) -> Received:
    """Build it as a source hands it over, two seconds later."""
    at = START + timedelta(seconds=seconds + 2)
    return Received(
        at, From.TASK_STATE, None, task_event(version, status, seconds, **more)
    )


def task_life(task: str = TASK_ARN, *, exit_code: int = 0) -> list[Received]:
    """Build a task's whole life: stopped when the seed's run was told so."""
    times = (1.3, 8.0, 31.0, 307.0, 307.1)
    life = zip(LIFE, times, strict=True)
    return [
        task_state(
            number + 1,
            status,
            seconds,
            task=task,
            exit_code=exit_code if status == "STOPPED" else None,
        )
        for number, (status, seconds) in enumerate(life)
    ]
