"""What a scenario is made of: a state machine, and what comes of its Tasks' tries.

Plain data, cheap to import.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class TaskRun:
    """A run of an ECS task. Seconds count from the RunTask call."""

    stops_after: float = 0.0
    noticed_after: float = 0.0
    """From the stop to TaskSucceeded or TaskFailed."""
    polls: tuple[int, ...] = ()
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Invocation:
    """A run of a Lambda function."""

    seconds: float
    payload: Mapping[str, Any] = field(default_factory=dict)
    """What it returns."""
    error: tuple[str, str] | None = None
    """Type and message of what it raises instead."""


@dataclass(frozen=True, slots=True)
class NestedRun:
    """An execution of another machine, which succeeds."""

    plan: "Scenario"
    noticed_after: float
    polls: tuple[int, ...] = ()
    """Seconds after the StartExecution call."""


Try: TypeAlias = TaskRun | Invocation | NestedRun


@dataclass(frozen=True, slots=True)
class Scenario:
    """A state machine, and what an execution of it meets."""

    name: str
    machine: str
    start_at: str
    states: Mapping[str, Any]
    """In Amazon States Language."""
    tries: Mapping[str, tuple[Try, ...]] = field(default_factory=dict)
    """By the Task's name; a Map's iterations use them up one after the other."""
    given: Mapping[str, Any] | None = None
    """The input; without one, what a schedule would give."""
    polls_denied: bool = False
    redriven_after: tuple[float, ...] = ()
    """Seconds after each failure at which somebody redrives the execution."""
    role: str = ""
    """What its role is named after: machines that share one name the same; by
    default each has one of its own."""
    items: Sequence[Mapping[str, tuple[Try, ...]]] = ()
    """As `tries`, for each child of its Map Run, which is an execution of its own."""
    days_before: tuple[int, ...] = (1, 2)
    """How long ago the machine's earlier executions were."""

    @property
    def definition(self) -> str:
        """Return the machine in Amazon States Language."""
        machine = {
            "Comment": "Synthetic: a machine of the sfnwatch demo",
            "StartAt": self.start_at,
            "States": self.states,
        }
        return json.dumps(machine, indent=2)


def on_fargate(family: str) -> dict[str, Any]:
    """Return what a definition gives RunTask."""
    return {
        "Cluster": "demo-cluster",
        "TaskDefinition": family,
        "LaunchType": "FARGATE",
        "PlatformVersion": "1.4.0",
        "NetworkConfiguration": {
            "AwsvpcConfiguration": {
                "Subnets": ["subnet-0123456789abcdef0"],
                "SecurityGroups": ["sg-0123456789abcdef0"],
            }
        },
    }
